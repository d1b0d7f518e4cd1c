"""A person is erased: no trace of them is left, and every count is as it was."""

import io
import json
import zipfile

import pytest
from sqlalchemy import delete, func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.conftest import on_sqlite
from tests.factories import a_submission, an_account, contact_of, count, messages, submitted
from tests.rooms.came import a_mail, came
from tests.rooms.commented import commented
from tests.rooms.histories import History, every_row
from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import Consent, ConsentChange, Contact, ZoneSource
from tpminstitute.contacts.service import add_address, by_public_id, locked
from tpminstitute.core.db import Base
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import opt_out
from tpminstitute.inbox.addresses import close_by_hand
from tpminstitute.inbox.decisions import is_somebody_else, locked_mail, set_aside
from tpminstitute.inbox.models import AttachmentBody, Inquiry, InquiryState, ReceivedMail, Standing
from tpminstitute.inbox.submit import submit_inquiry
from tpminstitute.lists.search_upkeep import settle
from tpminstitute.mail.models import Message, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import suppression_of
from tpminstitute.merging.choices import Choices
from tpminstitute.merging.models import Merge
from tpminstitute.merging.service import merge
from tpminstitute.merging.undoing import why_not
from tpminstitute.pipeline.models import Lead
from tpminstitute.privacy.erasing import counts_of, erase
from tpminstitute.privacy.export import write
from tpminstitute.privacy.models import ErasedAddress, Erasure
from tpminstitute.privacy.personal import BLANKED, BY_ADDRESS, GONE, KEPT, OF_THE_CONTACT, can_hold_words, of_contacts
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.timeline.queries import timeline_of

ADA, HOME = "ada.xoqu@example.org", "xoqu@home.example"
TRACES = ("xoqu", "430 2201", "12154302201", "quokka", "Europe/Berlin")
"""What nobody but Ada has: her addresses, her name, her phone, what she and staff wrote, where she lives.

Each has a letter that no public id has, which may hold any others by chance.
"""


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def ada(db, settings, alice):
    """Ada Xoqu wrote by the form and by mail with a file, got mails, and Alice knows things about her."""
    submitted(
        db, settings, email=ADA, name="Ada Xoqu", consents=True, phone=("+1 215 430 2201", "+12154302201"),
        message="My quokka wants to know.", source_referrer="https://guide.example.net/ada-xoqu",
    )  # fmt: skip
    commented(db, settings, email=ADA, name="Ada Xoqu", body="What is a quokka to do?", wants_answers=True)
    history = History(db, settings, alice, 1)
    mail = a_mail(sender=f"Ada Xoqu <{ADA}>", subject="About my quokka", text="The quokka says hello.")
    mail.add_attachment(b"quokka " * 100, maintype="text", subtype="x-quokka", filename="quokka.txt")
    came(db, settings, mail)
    came(db, settings, a_mail(sender="Stranger <stranger@xoqu.example>", answers=messages(db)[0], text="For quokka."))
    for happening in (
        history.answer,
        history.call,
        history.note,
        history.tag,
        history.send,
        history.answer,
        history.tick,
    ):
        happening(ADA)
    with db.write() as session:
        session.execute(text("UPDATE notes SET body = 'Loves her quokka'"))
        contact = locked(session, contact_of(db, ADA).id)
        contact.time_zone, contact.time_zone_source = "Europe/Berlin", ZoneSource.STAFF
        add_address(session, contact, read_email(HOME), alice.id)
        close_by_hand(session, read_email(HOME), "The quokka moved.", alice.id)
        record_audit(session, "address_closed", "x…@home.example", account_id=alice.id, contact_id=contact.id)
        record_audit(session, "address_closed", f"{ADA}: as an earlier release wrote it", account_id=alice.id)
    return contact_of(db, ADA)


def erased(db, contact, account=None):
    with db.write() as session:
        erase(session, contact.id, account.id if account else None)


def traces(db):
    """Look for Ada in every column of every table that can hold words or bytes, whatever the schema has by now."""
    found = []
    for table, rows in every_row(db).items():
        for row in rows.values():
            for name, value in row.items():
                said = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                found += [f"{table}.{name}: {trace}" for trace in TRACES if trace.lower() in said.lower()]
    return sorted(set(found))


# --- what is personal --------------------------------------------------------------------------------------


def test_every_column_that_can_hold_words_is_known_as_personal_or_not():
    unknown = []
    for one in of_contacts():
        table = one.table.name
        if table not in GONE:
            said = {*BLANKED.get(table, ()), *KEPT.get(table, ())} | (
                set(OF_THE_CONTACT) if table == "contacts" else set()
            )
            unknown += [
                f"{table}.{column.name}"
                for column in one.table.columns
                if can_hold_words(column) and column.name not in said
            ]
    assert not unknown, "say in privacy/personal.py what becomes of these when somebody is erased"


def test_every_table_that_knows_people_by_an_address_alone_forgets_them():
    by_address = {table.name for table in Base.metadata.tables.values() if "email_key" in table.c}
    assert by_address - {"contacts", "contact_addresses"} <= set(BY_ADDRESS)


@on_sqlite
def test_what_belongs_to_a_contact_in_the_database_is_what_the_models_say(db):
    schema = inspect(db.engine)
    known = {one.table.name for one in of_contacts()}
    referring = {
        table
        for table in schema.get_table_names()
        for key in schema.get_foreign_keys(table)
        if key["referred_table"] in known
    }
    assert referring <= known


# --- erasing -----------------------------------------------------------------------------------------------


def test_no_trace_of_an_erased_person_is_left(db, ada, alice):
    settle(db)
    in_index = {one.partition(".")[0] for one in traces(db) if one.startswith("search_")}
    assert in_index == {"search_people", "search_texts", "search_words", "search_nears"}
    assert len(traces(db)) > 20
    erased(db, ada, alice)
    assert traces(db) == []
    assert count(db, AttachmentBody) == 0


def test_the_counts_stay_as_they_were(db, ada, alice):
    counted = (
        "inquiries",
        "messages",
        "received_mails",
        "leads",
        "enrollments",
        "consents",
        "step_records",
        "contacts",
    )
    before = every_row(db)
    erased(db, ada, alice)
    after = every_row(db)
    assert {table: len(after[table]) for table in counted} == {table: len(before[table]) for table in counted}
    kinds = [row["kind"] for row in before["activities"].values()]
    assert [row["kind"] for row in after["activities"].values()][: len(kinds)] == kinds
    for key, inquiry in before["inquiries"].items():
        for name in ("topic", "received_at", "source_page"):
            assert after["inquiries"][key][name] == inquiry[name]


@on_sqlite
def test_who_else_is_there_is_not_touched(db, settings, ada, alice):
    submitted(db, settings, email="bob@example.org", name="Bob", message="Mine.")
    bob = contact_of(db, "bob@example.org").id
    before = every_row(db)
    erased(db, ada, alice)
    after = every_row(db)
    for table, rows in before.items():
        theirs = {key: row for key, row in rows.items() if row.get("contact_id") == bob}
        assert {key: after[table][key] for key in theirs} == theirs, table


def a_mail_elsewhere(db, settings):
    """Let Ada, from an address that nobody knew yet, answer a mail to Bob; returns the mail's public id."""
    submitted(db, settings, email="bob@example.org", name="Bob", message="Mine.")
    to_bob = messages(db, recipient="bob@example.org")[0]
    return came(db, settings, a_mail(sender="Ada <ada@late.xoqu>", answers=to_bob, text="My quokka too.")).public_id


def known_late(db, contact, alice):
    with db.write() as session:
        add_address(session, locked(session, contact.id), read_email("ada@late.xoqu"), alice.id)


def test_a_mail_of_theirs_that_waits_for_a_look_on_another_page_goes_with_them(db, settings, ada, alice):
    a_mail_elsewhere(db, settings)
    known_late(db, ada, alice)
    erased(db, ada, alice)
    assert traces(db) == []
    with db.read() as session:
        assert not session.scalars(select(ReceivedMail).where(ReceivedMail.standing == Standing.DOUBTFUL)).all()


@pytest.mark.parametrize("decide", ["is_somebody_else", "set_aside"])
def test_what_another_timeline_says_of_a_mail_of_theirs_names_nobody(db, settings, ada, alice, decide):
    public_id = a_mail_elsewhere(db, settings)
    with db.write() as session:
        mail = locked_mail(session, public_id)
        assert mail is not None
        if decide == "set_aside":
            set_aside(session, mail, alice.id)
        else:
            is_somebody_else(session, settings, mail, alice.id)
    with db.read() as session:
        bob = contact_of(db, "bob@example.org").id
        said = [fact.sentence for fact in timeline_of(session, bob)]
    assert not [sentence for sentence in said if "xoqu" in sentence]
    assert any("waits for a look" in sentence for sentence in said)


@on_sqlite
def test_a_file_that_somebody_else_sent_as_well_stays(db, settings, ada, alice):
    mail = a_mail(sender="bob@example.org", text="The same file.")
    mail.add_attachment(b"quokka " * 100, maintype="text", subtype="x-quokka", filename="file.txt")
    came(db, settings, mail)
    bodies = count(db, AttachmentBody)
    erased(db, ada, alice)
    assert count(db, AttachmentBody) == bodies


@on_sqlite
def test_nothing_goes_out_and_nobody_waits_any_more(db, ada, alice):
    erased(db, ada, alice)
    assert not messages(db, status=MessageStatus.QUEUED)
    with db.read() as session:
        assert session.scalars(select(Message.id).where(Message.status == MessageStatus.CANCELLED)).all()
        assert not session.scalars(select(Enrollment).where(Enrollment.status == EnrollmentStatus.ACTIVE)).all()
        assert not session.scalars(select(Inquiry).where(Inquiry.state == InquiryState.OPEN)).all()
        assert not session.scalars(select(Lead).where(Lead.closed_at.is_(None))).all()


@on_sqlite
def test_it_is_on_the_record_without_anything_personal(db, ada, alice):
    erased(db, ada, alice)
    with db.read() as session:
        kept = session.scalars(select(Erasure)).one()
        assert (kept.contact_id, kept.account_id, kept.counts["inquiries"]) == (ada.id, alice.id, 1)
        newest = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert newest is not None
    assert (newest.action, newest.subject) == ("contact_erased", f"contact {ada.public_id}")


@on_sqlite
def test_nobody_is_erased_twice(db, ada, alice):
    erased(db, ada, alice)
    with pytest.raises(Refusal, match="erased already"):
        erased(db, ada, alice)


def test_nobody_is_erased_while_a_mail_to_them_is_being_sent(db, ada, alice):
    with db.write() as session:
        sending = {
            "status": MessageStatus.SENDING,
            "lease_token": "t",
            "lease_until": ada.first_seen_at,
            "sent_at": None,
        }
        session.execute(update(Message).where(Message.id == 1).values(sending))
    with pytest.raises(Refusal, match="being sent"):
        erased(db, ada, alice)


NO_ERASURE = (
    "UPDATE activities SET sentence = 'Erased.'",
    "UPDATE received_mails SET words = ''",
    "UPDATE consents SET source = 'Erased.'",
    "UPDATE step_records SET sentence = 'Erased.'",
    "UPDATE audit_entries SET subject = 'contact x, erased'",
)
OTHER_WORDS = (
    "UPDATE activities SET sentence = 'Something else.'",
    "UPDATE activities SET sentence = 'Erased.', kind = 'mail_sent'",
    "UPDATE received_mails SET words = 'Other words.'",
    "UPDATE audit_entries SET subject = 'nothing'",
)


def not_refused(db, statements):
    """Try each of the statements; return those that the database took."""
    taken = []
    for statement in statements:
        try:
            with db.write() as session:
                session.execute(text(statement))
        except DBAPIError:
            continue
        taken.append(statement)
    return taken


def test_facts_never_change_and_those_about_an_erased_person_only_lose_their_words(db, ada, alice):
    assert not_refused(db, (*NO_ERASURE, *OTHER_WORDS)) == []
    erased(db, ada, alice)
    assert not_refused(db, OTHER_WORDS) == []


@on_sqlite
def test_who_was_merged_into_them_is_erased_with_them(db, settings, ada, alice):
    submitted(db, settings, email="other@xoqu.example", name="Ada X.", message="Another quokka.")
    with db.write() as session:
        found = merge(session, ada.id, contact_of(db, "other@xoqu.example").id, Choices(), alice.id)
    erased(db, ada, alice)
    assert traces(db) == []
    with db.read() as session:
        assert "erased" in why_not(session, session.get_one(Merge, found))


# --- coming again ------------------------------------------------------------------------------------------


def test_an_opt_out_outlives_its_address(db, settings, ada, alice):
    with db.write() as session:
        opt_out.opt_out(session, locked(session, ada.id))
    erased(db, ada, alice)
    assert traces(db) == []
    submitted(db, settings, email=ADA, consents=True)
    again = contact_of(db, ADA)
    assert again.id != ada.id
    with db.read() as session:
        closed = suppression_of(session, ADA)
        assert closed is not None
        assert closed.reason is SuppressionReason.OPT_OUT
        assert opt_out.unsubscribed(session, again)
        assert not session.scalars(select(Enrollment).where(Enrollment.contact_id == again.id)).all()
        assert not session.scalars(select(ErasedAddress).where(ErasedAddress.withdrew.is_(False))).all()


def test_an_address_that_was_closed_is_closed_again_as_a_further_one(db, settings, ada, alice):
    erased(db, ada, alice)
    submitted(db, settings, email="bob@example.org")
    with db.write() as session:
        add_address(session, locked(session, contact_of(db, "bob@example.org").id), read_email(HOME), alice.id)
    with db.read() as session:
        closed = suppression_of(session, HOME)
    assert closed is not None
    assert closed.reason is SuppressionReason.BY_HAND


@on_sqlite
def test_who_had_agreed_and_writes_again_begins_anew(db, settings, ada, alice):
    erased(db, ada, alice)
    submitted(db, settings, email=ADA, consents=True)
    with db.read() as session:
        consents = session.scalars(select(Consent.change).where(Consent.contact_id == contact_of(db, ADA).id)).all()
    assert consents == [ConsentChange.GRANTED]


@on_sqlite
def test_an_old_form_that_is_sent_once_more_makes_nobody(db, settings, alice):
    form = a_submission(email=ADA)
    with db.write() as session:
        submit_inquiry(session, settings, form)
    erased(db, contact_of(db, ADA), alice)
    with db.write() as session:
        submit_inquiry(session, settings, form)
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Contact)) == 1


@on_sqlite
def test_an_answer_to_an_old_mail_of_ours_begins_a_new_conversation(db, settings, ada, alice):
    ours = messages(db)[1]
    erased(db, ada, alice)
    came(db, settings, a_mail(sender=ADA, answers=ours, text="I am back."))
    again = contact_of(db, ADA)
    with db.read() as session:
        shell = by_public_id(session, ada.public_id)
        assert shell is not None
        assert shell.erased_at is not None
        assert session.scalars(select(Inquiry.contact_id).order_by(Inquiry.id.desc())).first() == again.id


# --- all that is held --------------------------------------------------------------------------------------


def exported(db, contact, **choice):
    out = io.BytesIO()
    with db.read() as session:
        write(session, "TPM Institute", contact.id, out, **choice)
    return zipfile.ZipFile(out)


def test_all_that_is_held_is_exported(db, ada):
    archive = exported(db, ada)
    data = json.loads(archive.read("data.json"))
    with db.read() as session:
        held = counts_of(session, [ada.id])
    left_out = {
        "contact_cards",
        "lead_cards",
        "likeness_keys",
        "uncompared_contacts",
        "duplicate_pairs",
        "received_contents",
    }
    assert {name: len(rows) for name, rows in data.items() if name in held} == {
        name: number for name, number in held.items() if name not in left_out
    } | {"received_contents": held["received_contents"]}
    assert data["closed_addresses"][0]["email_key"] == HOME
    assert data["audit_log"]
    mails = [name for name in archive.namelist() if name.startswith("mails/")]
    assert len(mails) == held["messages"] + held["received_mails"]
    assert b"quokka.txt" in archive.read(next(name for name in mails if "received" in name))


@on_sqlite
def test_the_export_can_be_read_by_a_person_and_no_word_in_it_acts(db, settings):
    submitted(db, settings, email=ADA, name="<b>Ada</b>", message="<script>alert(1)</script>")
    page = exported(db, contact_of(db, ADA)).read("index.html").decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page
    assert "<b>" not in page


@on_sqlite
def test_what_staff_wrote_for_themselves_can_be_left_out(db, ada):
    archive = exported(db, ada, notes=False)
    assert "notes" not in json.loads(archive.read("data.json"))
    everything = exported(db, ada)
    assert b"Loves her quokka" in everything.read("data.json")
    assert b"Loves her quokka" not in archive.read("data.json") + archive.read("index.html")


@on_sqlite
def test_a_person_is_deleted_by_no_shorter_way(db, ada):
    with pytest.raises(DBAPIError), db.write() as session:
        session.execute(delete(Contact))

"""Two contacts become one, and two again: nothing is lost in either direction."""

import threading

import pytest
from sqlalchemy import inspect, select, text, update

from tests.conftest import on_postgresql, on_sqlite
from tests.factories import an_account, contact_of, messages, submitted
from tests.rooms.came import a_mail, came, conversation_of
from tests.rooms.histories import History, every_row
from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.contacts.service import by_public_id, locked, locked_by_address
from tpminstitute.contacts.tags import add_tag, tags_of
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import opt_out
from tpminstitute.inbox.models import Inquiry, InquiryState, Topic, Turn
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.merging.choices import FIELDS, OWN, Choices, Side
from tpminstitute.merging.models import Merge, MergedRow, RowChange
from tpminstitute.merging.service import merge
from tpminstitute.merging.since import gather_strays
from tpminstitute.merging.undoing import unmerge, why_not
from tpminstitute.merging.ways import WAYS
from tpminstitute.pipeline.models import Lead
from tpminstitute.pipeline.service import move_lead, stages
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.timeline.models import Activity, ActivityKind
from tpminstitute.timeline.service import record

ADA, HOME = "ada@example.org", "lovelace@home.example"

OF_THE_MERGE = {
    "merges", "merged_rows", "duplicate_pairs", "likeness_keys", "uncompared_contacts", "audit_entries",
}  # fmt: skip
"""Tables that speak of merges and likeness, and of no contact's own things."""


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def two(db, settings, alice):
    """Ada wrote from two addresses, first from the one at example.org."""
    submitted(db, settings, email=ADA, consents=True)
    submitted(db, settings, email=HOME, consents=True, name="Ada King")
    return contact_of(db, ADA), contact_of(db, HOME)


def merged(db, two, alice, **choices):
    with db.write() as session:
        return merge(session, two[0].id, two[1].id, Choices(**choices), alice.id)


def closed_for(session, key):
    found = suppression_of(session, key)
    return found.reason if found else None


def undone(db, found, alice):
    with db.write() as session:
        unmerge(session, found, alice.id)


def is_of_the_merge(table):
    return table in OF_THE_MERGE or table.startswith("search_")  # the search reads what changed in its own time


def told(rows):
    """Every row of every contact's own, but for what merging itself adds: facts, and the number of a contact."""
    kept = {table: dict(found) for table, found in rows.items() if not is_of_the_merge(table)}
    for row in kept["contacts"].values():
        row.pop("number")
    return kept


# --- merging -----------------------------------------------------------------------------------------------


@on_sqlite
def test_every_table_that_speaks_of_a_contact_has_its_way(db):
    schema = inspect(db.engine)
    speaks = {
        table
        for table in schema.get_table_names()
        for key in schema.get_foreign_keys(table)
        if key["referred_table"] == "contacts"
    }
    assert speaks <= WAYS.keys(), "say in merging/ways.py what a merge does with this table's rows"


def test_every_column_of_a_contact_is_chosen_or_its_own():
    chosen = [column for field in FIELDS for column in field.columns]
    assert sorted([*chosen, *OWN]) == sorted(column.name for column in Contact.__table__.columns)


def test_what_both_said_and_got_is_with_the_one_who_was_here_first(db, settings, two, alice):
    came(db, settings, a_mail(sender=HOME, text="From home."))
    merged(db, two, alice)
    rows = every_row(db)
    for table in ("inquiries", "messages", "activities", "enrollments", "received_mails", "consents", "leads"):
        assert {row["contact_id"] for row in rows[table].values()} == {two[0].id}, table
    assert len(rows["inquiries"]) == 2


@on_sqlite
def test_the_other_address_is_a_further_one_and_still_finds_them(db, settings, two, alice):
    merged(db, two, alice)
    with db.write() as session:
        found = locked_by_address(session, HOME)
        assert found is not None
        assert found.id == two[0].id
    submitted(db, settings, email=HOME)
    with db.read() as session:
        assert session.scalars(select(Inquiry.contact_id)).all() == [two[0].id] * 3


@on_sqlite
def test_the_other_address_becomes_the_main_one_by_choice(db, two, alice):
    merged(db, two, alice, fields={"email": Side.SECOND})
    with db.read() as session:
        assert session.get_one(Contact, two[0].id).email_key == HOME
        assert session.scalars(select(ContactAddress.email_key)).all() == [ADA]


@on_sqlite
def test_a_name_is_chosen_and_a_gap_is_filled(db, two, alice):
    with db.write() as session:
        session.execute(update(Contact).where(Contact.id == two[1].id).values(phone_typed="215 430 2201"))
    merged(db, two, alice, fields={"name": Side.SECOND})
    with db.read() as session:
        one = session.get_one(Contact, two[0].id)
    assert (one.name, one.phone_typed) == ("Ada King", "215 430 2201")


@on_sqlite
def test_the_old_public_id_leads_to_who_remains(db, two, alice):
    merged(db, two, alice)
    with db.read() as session:
        found = by_public_id(session, two[1].public_id)
        assert found is not None
        assert found.id == two[0].id
    with db.write() as session:
        assert locked(session, two[1].id).id == two[0].id


def test_of_two_open_leads_one_goes_on(db, two, alice):
    with db.write() as session:
        lead = session.scalars(select(Lead).where(Lead.contact_id == two[1].id)).one()
        move_lead(session, lead.id, stages(session)[1].id, alice.id)
    merged(db, two, alice, lead=Side.SECOND)
    with db.read() as session:
        left = session.scalars(select(Lead)).one()
    assert (left.id, left.contact_id, left.closed_at) == (lead.id, two[0].id, None)


def test_of_two_runs_through_one_sequence_one_goes_on(db, settings, two, alice):
    merged(db, two, alice)
    with db.read() as session:
        runs = session.scalars(select(Enrollment).order_by(Enrollment.id)).all()
    assert [run.status for run in runs] == [EnrollmentStatus.ACTIVE, EnrollmentStatus.STOPPED]
    assert "merged" in runs[1].reason


@on_sqlite
def test_the_same_tag_on_both_stays_once(db, two, alice):
    with db.write() as session:
        for contact, tag in ((two[0], "pmp"), (two[1], "pmp"), (two[1], "spring")):
            add_tag(session, contact.id, tag, alice.id)
    merged(db, two, alice)
    with db.read() as session:
        assert tags_of(session, two[0].id) == ["pmp", "spring"]
        assert not tags_of(session, two[1].id)


@pytest.mark.parametrize("who", [0, 1])
def test_an_unsubscription_of_either_holds_for_both_addresses(db, two, alice, who):
    with db.write() as session:
        opt_out.opt_out(session, session.get_one(Contact, two[who].id))
    merged(db, two, alice)
    with db.read() as session:
        one = session.get_one(Contact, two[0].id)
        assert opt_out.opted_out(session, one)
        assert opt_out.unsubscribed(session, one)
        assert {closed_for(session, key) for key in (ADA, HOME)} == {SuppressionReason.OPT_OUT}
        assert not [run for run in session.scalars(select(Enrollment)) if run.status is EnrollmentStatus.ACTIVE]


@on_sqlite
def test_a_complaint_about_one_address_closes_the_other(db, two, alice):
    with db.write() as session:
        suppress(session, HOME, SuppressionReason.COMPLAINT)
    merged(db, two, alice)
    with db.read() as session:
        assert closed_for(session, ADA) is SuppressionReason.COMPLAINT


@on_sqlite
def test_an_address_whose_mail_came_back_closes_only_itself_and_is_not_the_main_one(db, two, alice):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    merged(db, two, alice)
    with db.read() as session:
        assert session.get_one(Contact, two[0].id).email_key == HOME
        assert suppression_of(session, HOME) is None


@on_sqlite
def test_the_older_promise_of_two_is_kept(db, two, alice):
    since = conversation_of(db, ADA).since
    merged(db, two, alice)
    assert (conversation_of(db, ADA).turn, conversation_of(db, ADA).since) == (Turn.INSTITUTE, since)


@on_sqlite
def test_waiting_mails_of_both_still_wait(db, two, alice):
    before = {one.id for one in messages(db, status=MessageStatus.QUEUED)}
    merged(db, two, alice)
    assert {one.id for one in messages(db, status=MessageStatus.QUEUED)} == before


def test_no_merge_while_a_mail_is_being_sent(db, two, alice):
    held = {"status": MessageStatus.SENDING, "lease_token": "t", "lease_until": two[0].first_seen_at}
    with db.write() as session:
        session.execute(update(messages(db)[0].__class__).where(messages(db)[0].__class__.id == 1).values(**held))
    with pytest.raises(Refusal, match="being sent at this moment"):
        merged(db, two, alice)


@on_sqlite
def test_a_shell_is_not_merged_again(db, two, alice):
    merged(db, two, alice)
    with pytest.raises(Refusal, match="not two contacts any more"):
        merged(db, two, alice)


def test_what_is_written_to_the_shell_meanwhile_comes_after(db, two, alice):
    found = merged(db, two, alice)
    with db.write() as session:
        record(session, two[1].id, ActivityKind.MAIL_SENT, "Written by whoever looked them up before.")
    assert gather_strays(db) == 1
    with db.read() as session:
        assert not session.scalars(select(Activity).where(Activity.contact_id == two[1].id)).all()
    undone(db, found, alice)
    with db.read() as session:
        stray = select(Activity.contact_id).where(Activity.sentence.startswith("Written by whoever"))
        assert session.scalar(stray) == two[1].id


@on_postgresql
def test_who_writes_while_a_merge_is_under_way_is_found_with_who_remains(db, settings, two, alice):
    writer = threading.Thread(target=submitted, args=(db, settings), kwargs={"email": HOME, "message": "Meanwhile."})
    with db.write() as session:
        merge(session, two[0].id, two[1].id, Choices(), alice.id)
        writer.start()
        while not session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert writer.is_alive()
    writer.join()
    with db.read() as session:
        assert session.scalars(select(Inquiry.contact_id)).all() == [two[0].id] * 3


# --- undoing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_merge_that_is_undone_leaves_everything_as_it_was(db, settings, alice, seed):
    history = History(db, settings, alice, seed)
    for address in (ADA, HOME):
        history.live(address, 10)
    before = told(every_row(db))
    sides = {field.name: history.dice.choice(list(Side)) for field in FIELDS}
    ids = contact_of(db, ADA), contact_of(db, HOME)
    found = merged(db, ids, alice, fields=sides, lead=history.dice.choice(list(Side)))
    undone(db, found, alice)
    after = told(every_row(db))
    for table, rows in before.items():
        assert {key: after[table].get(key) for key in rows} == rows, table
    added = {table: [row for key, row in rows.items() if key not in before[table]] for table, rows in after.items()}
    assert {table for table, rows in added.items() if rows} == {"activities"}


@pytest.mark.parametrize("seed", range(2))
def test_nothing_that_came_in_since_is_lost_when_a_merge_is_undone(db, settings, alice, seed):
    history = History(db, settings, alice, 100 + seed)
    for address in (ADA, HOME):
        history.live(address, 5)
    found = merged(db, (contact_of(db, ADA), contact_of(db, HOME)), alice)
    for address in (ADA, HOME):
        history.live(address, 5)
    before = every_row(db)
    undone(db, found, alice)
    after = every_row(db)
    taken_away = {"contact_addresses", "conversations", "follow_up_wishes", "contact_tags", "suppressions", "consents"}
    for table in {table for table in before if not is_of_the_merge(table)} - taken_away:
        assert before[table].keys() - _added_by(found, db, table) <= after[table].keys(), table
    for table in ("inquiries", "received_mails", "messages"):
        for key, row in before[table].items():
            address = row.get("email") or row.get("sender_email") or row["recipient"]
            same = {name for name in row if name not in ("contact_id", "status", "reason")}
            assert {name: after[table][key][name] for name in same} == {name: row[name] for name in same}
            if table == "inquiries":
                assert after[table][key]["contact_id"] == contact_of(db, address).id


def _added_by(found, db, table):
    with db.read() as session:
        rows = session.scalars(
            select(MergedRow.row_key).where(
                MergedRow.merge_id == found, MergedRow.table_name == table, MergedRow.change == RowChange.ADDED
            )
        )
        return {tuple(key) for key in rows}


def test_what_they_write_from_their_own_address_since_goes_back_with_them(db, settings, two, alice):
    found = merged(db, two, alice)
    late = submitted(db, settings, email=HOME, message="One more thing.", topic=Topic.PMP, consents=True)
    undone(db, found, alice)
    with db.read() as session:
        inquiry = session.get_one(Inquiry, late.id)
        assert inquiry.contact_id == two[1].id
        assert inquiry.state is InquiryState.OPEN
        mails = [one.contact_id for one in messages(db, cause=f"inquiry:{late.id}")]
    assert mails == [two[1].id, two[1].id]
    assert conversation_of(db, HOME).turn is Turn.INSTITUTE


@on_sqlite
def test_a_name_that_staff_changed_since_stays_with_who_remained(db, two, alice):
    found = merged(db, two, alice, fields={"name": Side.SECOND})
    with db.write() as session:
        session.execute(update(Contact).where(Contact.id == two[0].id).values(name="Ada Byron"))
    undone(db, found, alice)
    assert (contact_of(db, ADA).name, contact_of(db, HOME).name) == ("Ada Byron", "Ada King")


@on_sqlite
def test_an_unsubscription_since_stands_for_both(db, two, alice):
    found = merged(db, two, alice)
    with db.write() as session:
        opt_out.opt_out(session, session.get_one(Contact, two[0].id))
    undone(db, found, alice)
    with db.read() as session:
        for contact in two:
            assert opt_out.opted_out(session, session.get_one(Contact, contact.id))
            assert closed_for(session, contact.email_key) is SuppressionReason.OPT_OUT


@on_sqlite
def test_a_follow_up_that_the_merge_cancelled_waits_again(db, settings, two, alice):
    with db.write() as session:
        run = session.scalars(select(Enrollment).where(Enrollment.contact_id == two[1].id)).one()
        mail = messages(db, contact_id=two[1].id)[0]
        session.execute(
            update(mail.__class__)
            .where(mail.__class__.id == mail.id)
            .values(cause=f"enrollment:{run.id}", dedupe_key=f"enrollment:{run.id}:step:1", kind=MessageKind.FOLLOW_UP)
        )
    found = merged(db, two, alice)
    assert messages(db, id=mail.id)[0].status is MessageStatus.CANCELLED
    undone(db, found, alice)
    assert messages(db, id=mail.id)[0].status is MessageStatus.QUEUED


@on_sqlite
def test_merges_of_a_chain_are_undone_from_the_last_one_back(db, settings, two, alice):
    submitted(db, settings, email="third@example.net")
    third = contact_of(db, "third@example.net")
    first = merged(db, two, alice)
    second = merged(db, (two[0], third), alice)
    with pytest.raises(Refusal, match="Undo that merge first"):
        undone(db, first, alice)
    undone(db, second, alice)
    undone(db, first, alice)
    assert {contact_of(db, email).id for email in (ADA, HOME, "third@example.net")} == {
        two[0].id, two[1].id, third.id,
    }  # fmt: skip


@on_sqlite
def test_who_was_merged_further_is_found_by_every_old_id_and_comes_back_in_order(db, settings, alice):
    for address in (ADA, HOME, "third@example.net"):
        submitted(db, settings, email=address)
    oldest, middle, newest = (contact_of(db, address) for address in (ADA, HOME, "third@example.net"))
    inner = merged(db, (middle, newest), alice)
    merged(db, (oldest, middle), alice)
    with db.read() as session:
        found = by_public_id(session, newest.public_id)
        assert found is not None
        assert found.id == oldest.id
        assert "merged into another one later" in why_not(session, session.get_one(Merge, inner))


@on_sqlite
def test_a_merge_is_undone_once(db, two, alice):
    found = merged(db, two, alice)
    undone(db, found, alice)
    with pytest.raises(Refusal, match="undone already"):
        undone(db, found, alice)

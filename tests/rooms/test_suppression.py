"""Addresses that must not be mailed: how they get on the list, what it keeps back, and the way off it."""

import csv
import io
import threading

import pytest
from sqlalchemy import select, update

from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.rooms.post import Post
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.contacts.identity import read_email
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.sheets import csv_lines, inert_cell, plain_cell
from tpminstitute.inbox import opt_out
from tpminstitute.inbox.addresses import Reopening, close_by_hand, reopen
from tpminstitute.mail.closed_addresses import CHUNK, PAGE, closed_page, every_closed_address
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, Suppression, SuppressionReason
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.runner import run_due
from tpminstitute.timeline.models import Activity, ActivityKind

TO_EVERYTHING = [SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT, SuppressionReason.BY_HAND]


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


def put_on_list(db, reason, address=ADA, note=""):
    with db.write() as session:
        suppress(session, address, reason, note)


def closed(db, alice, address=ADA, note="Asked us on the phone."):
    with db.write() as session:
        close_by_hand(session, read_email(address), note, alice)


def opened(db, alice, address=ADA, **said):
    with db.write() as session:
        row = suppression_of(session, address)
        assert row is not None
        return reopen(session, row, Reopening(**({"reason": "It works again."} | said)), alice)


def entry(db, address=ADA):
    with db.read() as session:
        return suppression_of(session, address)


def happened(db, kind):
    with db.read() as session:
        return [(a.sentence, a.account_id) for a in session.scalars(select(Activity).where(Activity.kind == kind))]


def audit(db):
    with db.read() as session:
        return [(e.action, e.subject) for e in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def with_a_follow_up_queued(db, settings):
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)


def found(db, search):
    with db.read() as session:
        return [row.email_key for row in closed_page(session, search).rows]


# --- what the list keeps back ------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_no_follow_up_goes_to_an_address_on_the_list(db, settings, reason):
    with_a_follow_up_queued(db, settings)
    put_on_list(db, reason)
    deliver(db, Post(), settings)
    (follow_up,) = messages(db, kind=MessageKind.FOLLOW_UP)
    assert follow_up.status is MessageStatus.SUPPRESSED
    assert follow_up.reason


@pytest.mark.parametrize("kind", [MessageKind.NOTICE, MessageKind.TEST])
@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_what_goes_to_the_institutes_own_people_is_sent_all_the_same(db, settings, kind, reason):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Message).values(kind=kind))
    for address in ("info@tpminstitute.org", ADA):
        put_on_list(db, reason, address)
    deliver(db, Post(), settings)
    assert {message.status for message in messages(db)} == {MessageStatus.SENT}


@pytest.mark.parametrize("reason", TO_EVERYTHING)
def test_a_reason_that_closes_an_address_to_everything_takes_the_place_of_an_opt_out(db, reason):
    put_on_list(db, SuppressionReason.OPT_OUT)
    put_on_list(db, reason, note="Later.")
    assert (entry(db).reason, entry(db).note) == (reason, "Later.")


@pytest.mark.parametrize("first", TO_EVERYTHING)
@pytest.mark.parametrize("later", list(SuppressionReason))
def test_otherwise_the_first_reason_stays(db, first, later):
    put_on_list(db, first, note="First.")
    put_on_list(db, later, note="Later.")
    assert (entry(db).reason, entry(db).note) == (first, "First.")


# --- closing by hand ---------------------------------------------------------------------------------------


def test_closing_by_hand_stops_what_runs_and_cancels_what_is_queued(db, settings, alice):
    with_a_follow_up_queued(db, settings)
    closed(db, alice)
    with db.read() as session:
        run = session.scalars(select(Enrollment)).one()
    (follow_up,) = messages(db, kind=MessageKind.FOLLOW_UP)
    assert (run.status, run.next_due_at) == (EnrollmentStatus.STOPPED, None)
    assert (follow_up.status, follow_up.reason) == (MessageStatus.CANCELLED, "The address was closed by hand.")


def test_closing_by_hand_says_who_and_why(db, settings, alice):
    submitted(db, settings)
    closed(db, alice, note="Asked us on the phone.")
    assert (entry(db).reason, entry(db).note, entry(db).account_id) == (
        SuppressionReason.BY_HAND,
        "Asked us on the phone.",
        alice,
    )
    assert happened(db, ActivityKind.ADDRESS_CLOSED) == [
        ("The address was closed to mail. Asked us on the phone.", alice)
    ]
    assert audit(db) == [("address_closed", "a…@example.org")]


def test_an_address_that_nobody_wrote_from_can_be_closed(db, alice):
    closed(db, alice, "Nobody@BÜCHER.example")
    assert entry(db, "nobody@xn--bcher-kva.example") is not None


@pytest.mark.parametrize("note", ["", "  \n ", "x" * 501])
def test_closing_needs_a_note_of_a_readable_length(db, alice, note):
    with pytest.raises(Refusal):
        closed(db, alice, note=note)
    assert entry(db) is None


def test_closing_twice_is_refused_with_the_first_reason(db, alice):
    put_on_list(db, SuppressionReason.COMPLAINT)
    with pytest.raises(Refusal, match="reported a mail as spam"):
        closed(db, alice)
    assert entry(db).reason is SuppressionReason.COMPLAINT


def test_a_race_of_closing_against_a_tick_leaves_no_mail_queued(db, settings, alice):
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    start = threading.Barrier(2)

    def tick():
        start.wait()
        run_due(db, settings)

    def close():
        start.wait()
        closed(db, alice)

    both = [threading.Thread(target=tick), threading.Thread(target=close)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [m.status for m in messages(db, kind=MessageKind.FOLLOW_UP)] in ([], [MessageStatus.CANCELLED])


# --- the way off the list ----------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [SuppressionReason.HARD_BOUNCE, SuppressionReason.BY_HAND])
def test_an_address_is_opened_with_a_reason_that_is_kept(db, settings, alice, reason):
    submitted(db, settings)
    put_on_list(db, reason)
    opened(db, alice, reason="Wrote from it on Monday.")
    assert entry(db) is None
    ((sentence, account_id),) = happened(db, ActivityKind.ADDRESS_REOPENED)
    assert sentence.endswith("Wrote from it on Monday.")
    assert account_id == alice
    ((action, subject),) = audit(db)
    assert action == "address_reopened"
    assert subject.startswith("a…@example.org (")


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_no_address_is_opened_without_a_reason(db, alice, reason):
    put_on_list(db, reason)
    with pytest.raises(Refusal, match="Write why"):
        opened(db, alice, reason=" ", typed=ADA, asked=True)
    assert entry(db) is not None


@pytest.mark.parametrize("typed", ["", "ada@example.com", "ada"])
def test_a_complaint_is_not_lifted_without_typing_the_address(db, alice, typed):
    put_on_list(db, SuppressionReason.COMPLAINT)
    with pytest.raises(Refusal, match="Type the address"):
        opened(db, alice, typed=typed, asked=True)
    assert entry(db) is not None
    opened(db, alice, typed=" Ada@Example.org ")
    assert entry(db) is None


def test_an_opt_out_is_lifted_only_where_the_person_asked(db, alice):
    put_on_list(db, SuppressionReason.OPT_OUT)
    with pytest.raises(Refusal, match="Only the person"):
        opened(db, alice, typed=ADA)
    assert entry(db) is not None
    opened(db, alice, asked=True)
    assert entry(db) is None


@pytest.mark.parametrize("reason", TO_EVERYTHING)
def test_who_unsubscribed_gets_no_follow_ups_when_another_reason_is_lifted(db, settings, alice, reason):
    submitted(db, settings, consents=True)
    with db.write() as session:
        opt_out.opt_out(session, contact_of(db))
    put_on_list(db, reason)
    submitted(db, settings, consents=True)  # anybody can fill in a form
    outcome = opened(db, alice, typed=ADA)
    assert entry(db).reason is SuppressionReason.OPT_OUT
    assert "unsubscribed" in outcome


def test_opening_starts_nothing_again(db, settings, alice):
    with_a_follow_up_queued(db, settings)
    closed(db, alice)
    opened(db, alice)
    with db.read() as session:
        assert session.scalars(select(Enrollment.status)).one() is EnrollmentStatus.STOPPED
    assert {m.status for m in messages(db, kind=MessageKind.FOLLOW_UP)} == {MessageStatus.CANCELLED}


def test_a_row_that_changed_meanwhile_is_not_lifted(db, alice):
    put_on_list(db, SuppressionReason.OPT_OUT)
    with db.read() as session:
        seen = suppression_of(session, ADA)
        assert seen is not None
    put_on_list(db, SuppressionReason.COMPLAINT)
    with pytest.raises(Refusal, match="Nothing was changed"), db.write() as session:
        reopen(session, seen, Reopening("They wrote.", asked=True), alice)
    assert entry(db).reason is SuppressionReason.COMPLAINT


# --- reading the list --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", ["a_b@other.test", "bob@example.org", "ada@sub.example.org", "ada@example.org"]),
        ("ada", ["ada@sub.example.org", "ada@example.org"]),
        ("ADA@example", ["ada@example.org"]),
        ("@example.org", ["bob@example.org", "ada@example.org"]),
        ("other", ["a_b@other.test"]),
        ("example", ["bob@example.org", "ada@example.org"]),
        ("a%", []),
        ("a_", ["a_b@other.test"]),
        ("@", ["a_b@other.test", "bob@example.org", "ada@sub.example.org", "ada@example.org"]),
        ("nobody", []),
        ("ada\x00", ["ada@sub.example.org", "ada@example.org"]),
    ],
)
def test_the_list_is_searched_by_the_beginning_of_an_address_or_a_domain(db, search, expected):
    for address in ("ada@example.org", "ada@sub.example.org", "bob@example.org", "a_b@other.test"):
        put_on_list(db, SuppressionReason.HARD_BOUNCE, address)
    assert found(db, search) == expected


@pytest.mark.parametrize("search", ["@bücher.example", "Ada@BÜCHER.example", "bücher.example", "@xn--bcher"])
def test_a_domain_in_its_own_script_is_found(db, search):
    put_on_list(db, SuppressionReason.HARD_BOUNCE, "ada@xn--bcher-kva.example")
    assert found(db, search) == ["ada@xn--bcher-kva.example"]


def many(db, number):
    with db.write() as session:
        session.add_all(
            Suppression(email_key=f"p{n}@example.org", reason=SuppressionReason.HARD_BOUNCE, note="", at=clock.now())
            for n in range(number)
        )


def test_the_list_is_turned_page_by_page_without_loss_or_repetition(db):
    many(db, 2 * PAGE + 3)
    expected = [f"p{n}@example.org" for n in reversed(range(2 * PAGE + 3))]
    with db.read() as session:
        page = closed_page(session)
        there = [row.email_key for row in page.rows]
        while page.older:
            page = closed_page(session, before=page.older)
            there += [row.email_key for row in page.rows]
        assert there == expected
        back = [row.email_key for row in page.rows]
        while page.newer:
            page = closed_page(session, after=page.newer)
            back = [row.email_key for row in page.rows] + back
        assert back == expected


def test_an_export_holds_every_row_once(db):
    many(db, 2 * CHUNK)
    addresses = [row.email_key for row in every_closed_address(db)]
    assert addresses == [f"p{n}@example.org" for n in range(2 * CHUNK)]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "+ada@example.org"])
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    (heading, line) = csv_lines(["cell"], [[text]])
    assert heading == "\ufeffcell\r\n"
    assert next(csv.reader(io.StringIO(line, newline=""))) == [f"'{text}"]


@pytest.mark.parametrize("text", ["Ada;=1+1", 'Ada;"=1+1;x', "Ada;'=1+1", "a;b;-1", ';"+1'])
def test_a_cell_stays_text_where_a_spreadsheet_divides_cells_at_semicolons(text):
    (_, line) = csv_lines(["cell"], [["Bob", text]])
    begins = [piece.strip('"')[:1] for piece in line.rstrip().split(";")]
    assert not set(begins) & set("=+-@")
    assert [plain_cell(cell) for cell in next(csv.reader([line]))] == ["Bob", text]
    assert line.startswith('Bob,"')


@pytest.mark.parametrize("text", ["", "ada@example.org", "a=b", 'say "no", then\nleave', "é"])
def test_any_other_cell_stays_as_it_is(text):
    assert inert_cell(text) == text
    (_, line) = csv_lines(["cell"], [[text, "x"]])
    assert next(csv.reader(io.StringIO(line, newline=""))) == [text, "x"]

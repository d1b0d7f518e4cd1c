"""Reminders: set, changed by one hand at a time, put off, done and undone, and told on the contact's timeline."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from tests.conftest import on_sqlite
from tests.factories import an_account, contact_of, count, submitted
from tpminstitute.accounts.models import Account, Role
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.pipeline import reminder_lists, reminders
from tpminstitute.pipeline.models import Reminder
from tpminstitute.pipeline.reminders import ReminderError, StaleReminder, Wanted
from tpminstitute.pipeline.snoozing import Snooze, morning_of, until
from tpminstitute.timeline.models import Activity, ActivityKind

NEW_YORK = ZoneInfo("America/New_York")
TOMORROW = datetime(2026, 11, 24, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel("2026-11-23 15:00Z", tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def ada(db, settings):
    submitted(db, settings)
    return contact_of(db)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def bob(db):
    with db.write() as session:
        return an_account(session, "Bob").id


@pytest.fixture
def call_ada(db, settings, ada, alice):
    """Alice's reminder to call Ada tomorrow at nine in New York; its public id."""
    with db.write() as session:
        return reminders.remind(session, settings, ada.id, Wanted(alice, TOMORROW, "Call her"), alice).public_id


def shown(*reading):
    """The moment at which a clock in New York shows this."""
    return datetime(*reading).replace(tzinfo=NEW_YORK).astimezone(UTC)


def kept(db, public_id):
    with db.read() as session:
        return session.scalars(select(Reminder).where(Reminder.public_id == public_id)).one()


def told(db, kind):
    with db.read() as session:
        return session.scalars(select(Activity.sentence).where(Activity.kind == kind)).all()


def test_a_reminder_is_kept_and_told_on_the_timeline_by_the_institutes_clock(db, call_ada):
    assert kept(db, call_ada).due_at == TOMORROW
    assert told(db, ActivityKind.REMINDER_SET) == [
        "Set a reminder, due Tue 24 Nov 2026 09:00 (America/New_York): “Call her”."
    ]


@on_sqlite
def test_a_reminder_for_a_colleague_says_for_whom(db, settings, ada, alice, bob):
    with db.write() as session:
        reminders.remind(session, settings, ada.id, Wanted(bob, TOMORROW, "Call her"), alice)
    assert told(db, ActivityKind.REMINDER_SET)[0].startswith("Set a reminder for Bob, due")


def test_it_is_changed_as_it_was_seen(db, settings, alice, bob, call_ada):
    later = TOMORROW + timedelta(days=1)
    with db.write() as session:
        assert reminders.change(session, settings, call_ada, Wanted(bob, later, "Write to her"), alice, number=1)
    reminder = kept(db, call_ada)
    assert (reminder.for_id, reminder.due_at, reminder.text, reminder.number) == (bob, later, "Write to her", 2)


def test_who_saves_a_stale_page_finds_out_and_changes_nothing(db, settings, alice, bob, call_ada):
    with db.write() as session:
        reminders.change(session, settings, call_ada, Wanted(alice, TOMORROW, "Ask about June"), bob, number=1)
    with pytest.raises(StaleReminder) as refusal, db.write() as session:
        reminders.change(session, settings, call_ada, Wanted(alice, TOMORROW, "Ask about May"), alice, number=1)
    assert refusal.value.kept.text == "Ask about June"
    assert kept(db, call_ada).text == "Ask about June"


@on_sqlite
def test_saving_what_is_so_already_changes_nothing(db, settings, alice, call_ada):
    with db.write() as session:
        assert not reminders.change(session, settings, call_ada, Wanted(alice, TOMORROW, "Call her"), alice, number=1)
    assert kept(db, call_ada).number == 1


@on_sqlite
@pytest.mark.parametrize(
    ("text", "due_at", "field"),
    [
        ("  \n", TOMORROW, "text"),
        ("x" * 501, TOMORROW, "text"),
        ("Call her", TOMORROW - timedelta(days=2), "due"),
        ("Call her", TOMORROW + timedelta(days=3000), "due"),
    ],
)
def test_what_can_not_be_kept_says_what_to_mend(db, settings, ada, alice, text, due_at, field):
    with pytest.raises(ReminderError) as refusal, db.write() as session:
        reminders.remind(session, settings, ada.id, Wanted(alice, due_at, text), alice)
    assert refusal.value.field == field
    assert count(db, Reminder) == 0


@on_sqlite
def test_a_reader_can_not_be_given_a_reminder(db, settings, ada, alice):
    with db.write() as session:
        charlie = an_account(session, "Charlie", Role.READER).id
    with pytest.raises(ReminderError, match="only reads"), db.write() as session:
        reminders.remind(session, settings, ada.id, Wanted(charlie, TOMORROW, "Call her"), alice)


@on_sqlite
def test_one_that_is_overdue_keeps_its_time_while_its_words_are_mended(db, settings, alice, call_ada, clockwork):
    clockwork.move_to(TOMORROW + timedelta(days=3))
    with db.write() as session:
        assert reminders.change(session, settings, call_ada, Wanted(alice, TOMORROW, "Call Ada"), alice, number=1)


@on_sqlite
def test_one_of_an_account_that_was_closed_can_still_be_mended(db, settings, alice, bob, call_ada):
    with db.write() as session:
        session.get_one(Account, alice).active = False
    with db.write() as session:
        assert reminders.change(session, settings, call_ada, Wanted(alice, TOMORROW, "Call Ada"), bob, number=1)


# --- putting off, doing, undoing ----------------------------------------------------------------------------


def test_it_is_put_off_and_put_back(db, settings, alice, call_ada):
    with db.write() as session:
        reminders.snooze(session, settings, call_ada, TOMORROW + timedelta(hours=1), alice)
    assert kept(db, call_ada).due_at == TOMORROW + timedelta(hours=1)
    with db.write() as session:
        reminders.put_back(session, settings, call_ada, TOMORROW, alice, number=2)
    assert kept(db, call_ada).due_at == TOMORROW
    assert len(told(db, ActivityKind.UNDONE)) == 1


@on_sqlite
def test_a_putting_off_is_not_undone_over_a_later_change(db, settings, alice, bob, call_ada):
    with db.write() as session:
        reminders.snooze(session, settings, call_ada, TOMORROW + timedelta(hours=1), alice)
        reminders.snooze(session, settings, call_ada, TOMORROW + timedelta(hours=2), bob)
    with pytest.raises(Refusal, match="nothing was undone"), db.write() as session:
        reminders.put_back(session, settings, call_ada, TOMORROW, alice, number=2)


def test_it_is_done_once_and_undone(db, alice, call_ada):
    with db.write() as session:
        assert reminders.finish(session, call_ada, alice)
        assert not reminders.finish(session, call_ada, alice)
    assert kept(db, call_ada).done_by_id == alice
    with db.write() as session:
        assert reminders.reopen(session, call_ada, alice)
        assert not reminders.reopen(session, call_ada, alice)
    assert kept(db, call_ada).done_at is None
    assert told(db, ActivityKind.REMINDER_DONE) == ["Did what the reminder asked for: “Call her”."]


@on_sqlite
def test_what_is_done_is_not_put_off_and_says_by_whom(db, settings, alice, bob, call_ada):
    with db.write() as session:
        reminders.finish(session, call_ada, bob)
    with pytest.raises(Refusal, match="Bob did this already"), db.write() as session:
        reminders.snooze(session, settings, call_ada, TOMORROW + timedelta(hours=1), alice)


def test_setting_one_is_taken_back_as_long_as_nobody_touched_it(db, alice, call_ada):
    with db.write() as session:
        reminders.take_back(session, call_ada, alice)
    assert count(db, Reminder) == 0
    with pytest.raises(Refusal, match="no such reminder"), db.write() as session:
        reminders.finish(session, call_ada, alice)


@on_sqlite
def test_setting_one_is_not_taken_back_over_a_change(db, settings, alice, call_ada):
    with db.write() as session:
        reminders.snooze(session, settings, call_ada, TOMORROW + timedelta(hours=1), alice)
    with pytest.raises(Refusal, match="it stays"), db.write() as session:
        reminders.take_back(session, call_ada, alice)


def test_the_database_refuses_one_that_is_done_by_nobody(db, ada, alice):
    now = clock.now()
    values = {"contact_id": ada.id, "account_id": alice, "for_id": alice, "text": "x", "due_at": now, "set_at": now}
    with pytest.raises(DBAPIError), db.write() as session:
        session.execute(insert(Reminder).values(public_id="r", changed_at=now, done_at=now, number=1, **values))


# --- until when ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "snooze", "expected"),
    [
        ((2026, 11, 23, 16, 50), Snooze.HOUR, (2026, 11, 23, 17, 50)),
        ((2026, 11, 23, 23, 59), Snooze.TOMORROW, (2026, 11, 24, 9, 0)),
        ((2026, 11, 20, 10, 0), Snooze.MONDAY, (2026, 11, 23, 9, 0)),
        ((2026, 11, 23, 8, 0), Snooze.MONDAY, (2026, 11, 30, 9, 0)),
        ((2026, 11, 22, 8, 0), Snooze.MONDAY, (2026, 11, 23, 9, 0)),
        ((2026, 10, 31, 12, 0), Snooze.TOMORROW, (2026, 11, 1, 9, 0)),
    ],
)
def test_a_thing_is_put_off_by_the_institutes_clock(now, snooze, expected):
    assert until(snooze, shown(*now), NEW_YORK) == shown(*expected)


def test_a_day_that_somebody_chooses_begins_at_nine():
    assert morning_of(date(2026, 12, 1), NEW_YORK) == datetime(2026, 12, 1, 9, tzinfo=NEW_YORK)


# --- lists --------------------------------------------------------------------------------------------------


@pytest.fixture
def sixty(db, settings, ada, alice, bob):
    """Sixty reminders, due minute by minute and every other pair at the same one; each tenth is Bob's."""
    with db.write() as session:
        for number in range(60):
            wanted = Wanted(alice if number % 10 else bob, TOMORROW + timedelta(minutes=number // 2), f"{number}")
            reminders.remind(session, settings, ada.id, wanted, alice)


def test_the_list_turns_its_pages_without_a_gap_or_a_repetition(db, sixty):
    with db.read() as session:
        first = reminder_lists.open_page(session)
        second = reminder_lists.open_page(session, after=first.next)
    assert [line.text for line in [*first.lines, *second.lines]] == [f"{number}" for number in range(60)]
    assert second.next is None


@on_sqlite
def test_the_list_can_be_one_persons(db, sixty, bob):
    with db.read() as session:
        page = reminder_lists.open_page(session, for_id=bob)
    assert [line.text for line in page.lines] == ["0", "10", "20", "30", "40", "50"]


def test_what_is_done_is_listed_newest_first_with_who_did_it(db, sixty, bob, clockwork):
    with db.write() as session:
        for line in reminder_lists.open_page(session).lines:
            reminders.finish(session, line.public_id, bob)
        for line in reminder_lists.open_page(session).lines:
            clockwork.shift(1)
            reminders.finish(session, line.public_id, bob)
    with db.read() as session:
        first = reminder_lists.done_page(session)
        second = reminder_lists.done_page(session, before=first.next)
    assert [line.text for line in first.lines[:11]] == [f"{number}" for number in (*range(59, 49, -1), 49)]
    assert len(second.lines) == 10
    assert {line.done_by for line in first.lines} == {"Bob"}

"""What visitors are told of when an answer comes is true: the usual time, the promise, and when the office opens."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import event, update

from tests.conftest import on_sqlite
from tests.factories import an_account, contact_of, submitted
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.institute.office_hours import Hours, OfficeHours
from tpminstitute.institute.promise import Promise, promise_of
from tpminstitute.institute.reply_words import closed_in_words, due_in_words, promise_in_words
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.reports.usual_wait import FEWEST, usual_wait

NEW_YORK = ZoneInfo("America/New_York")
OFFICE = OfficeHours(NEW_YORK, dict.fromkeys(range(1, 6), Hours(540, 1020)))
WEDNESDAY = datetime(2027, 3, 10, 12, tzinfo=NEW_YORK)


def at(day, hour=12, minute=0):
    """A moment of the week before by New York's clock."""
    return datetime(2027, 3, day, hour, minute, tzinfo=NEW_YORK)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def wrote(db, settings):
    """`wrote(number, moment)`: that many people, each of an address of their own, wrote then; returns these."""
    numbers = iter(range(1000))

    def write(number, moment):
        with time_machine.travel(moment, tick=False):
            emails = [f"ada{next(numbers)}@example.org" for _ in range(number)]
            for email in emails:
                submitted(db, settings, email=email, message=email)
        return emails

    return write


@pytest.fixture
def answered(db, settings, alice):
    """`answered(emails, moment)`: Alice's reply to each went then."""

    def answer(emails, moment):
        with time_machine.travel(moment, tick=False), db.write() as session:
            for email in emails:
                contact = session.get_one(Contact, contact_of(db, email).id, with_for_update=True)
                reply(session, settings, contact, Answer(email, "Come on Monday.", session.get_one(Account, alice)))
            session.execute(
                update(Message)
                .where(Message.kind == MessageKind.REPLY, Message.status == MessageStatus.QUEUED)
                .values(status=MessageStatus.SENT, sent_at=clock.now())
            )

    return answer


@pytest.fixture
def usual(db, settings):
    def tell():
        with time_machine.travel(WEDNESDAY, tick=False), db.read() as session:
            return usual_wait(session, promise_of(settings, frozenset()))

    return tell


def test_the_usual_time_is_the_median_of_working_hours_rounded_up(wrote, answered, usual):
    answered(wrote(4, at(5, 16)), at(5, 16, 30))
    answered(wrote(3, at(5, 16)), at(8, 10, 1))
    answered(wrote(3, at(5, 16)), at(9, 9))
    assert usual() == 3


def test_of_fewer_than_ten_answers_nothing_is_said(wrote, answered, usual):
    answered(wrote(FEWEST - 1, at(4)), at(4, 13))
    assert usual() is None


@on_sqlite
def test_who_still_waits_beyond_the_promise_counts_as_longer_than_any(wrote, answered, usual):
    answered(wrote(FEWEST, at(4)), at(4, 13))
    wrote(FEWEST - 1, at(4))
    assert usual() == 1
    wrote(2, at(4))
    assert usual() is None


@on_sqlite
def test_who_wrote_within_the_promised_time_or_before_the_last_90_days_counts_nothing(wrote, answered, usual):
    answered(wrote(FEWEST, at(4)), at(4, 13))
    wrote(FEWEST + 1, WEDNESDAY - timedelta(hours=1))
    wrote(FEWEST + 1, WEDNESDAY - timedelta(days=91))
    assert usual() == 1


@on_sqlite
def test_what_was_closed_without_an_answer_counts_nothing(db, wrote, answered, usual):
    answered(wrote(FEWEST, at(4)), at(4, 13))
    closed = wrote(FEWEST + 1, at(4))
    with db.write() as session:
        session.execute(update(Inquiry).where(Inquiry.email.in_(closed)).values(state=InquiryState.HANDLED))
    assert usual() == 1


def test_only_the_newest_letters_are_read_by_the_index_of_when_they_came(db, wrote, usual):
    """The plan, not the time: a sort or a scan would be slow with a million letters only."""
    seen = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append((args[2], args[3])))
    usual()
    statement, values = next(pair for pair in seen if "inquiries.received_at" in pair[0])
    assert "LIMIT" in statement
    with db.engine.connect() as connection:
        explain = "EXPLAIN " if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        if db.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
        plan = " ".join(str(row) for row in connection.exec_driver_sql(explain + statement, values))
    assert "ix_inquiries_received_at" in plan
    assert "TEMP B-TREE" not in plan


# --- in words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "usual", "told"),
    [
        (8, None, "We answer within one working day."),
        (16, None, "We answer within two working days."),
        (3, None, "We answer within three working hours."),
        (8, 1, "Letters are usually answered within one working hour."),
        (8, 16, "Letters are usually answered within 16 working hours."),
        (8, 26, "Letters are usually answered within four working days."),
    ],
)
def test_the_promise_is_a_sentence(hours, usual, told):
    promise = Promise(timedelta(hours=hours), timedelta(hours=1), OFFICE)
    assert promise_in_words(promise, usual) == told


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (at(5, 16, 59), ""),
        (at(5, 17), "The office is closed now and opens on Monday at 9:00 (New York time)."),
        (at(8, 3), "The office is closed now and opens today at 9:00 (New York time)."),
        (at(8, 18), "The office is closed now and opens on Wednesday at 9:00 (New York time)."),
    ],
)
def test_a_closed_office_says_when_it_opens(moment, told):
    hours = OfficeHours(NEW_YORK, OFFICE.week, frozenset({date(2027, 3, 9)}))
    assert closed_in_words(moment, hours) == told


def test_an_opening_beyond_a_week_has_its_date():
    away = OfficeHours(NEW_YORK, OFFICE.week, frozenset(date(2026, 12, 24) + timedelta(days=n) for n in range(11)))
    told = closed_in_words(datetime(2026, 12, 24, 12, tzinfo=NEW_YORK), away)
    assert told == "The office is closed now and opens on Monday 4 January at 9:00 (New York time)."


def test_what_is_due_has_day_time_and_clock():
    assert due_in_words(datetime(2026, 11, 24, 22, tzinfo=UTC), NEW_YORK) == "Tuesday 24 November, 17:00, New York time"

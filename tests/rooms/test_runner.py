"""The runner on real rows: what a tick writes, moves, holds back and explains."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, a_sequence, an_account, contact_of, messages, plan_steps, store_letter, submitted
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences.enrolling import begin_by_hand
from tpminstitute.sequences.models import CourseDate, Enrollment, EnrollmentStatus, Sequence, StepRecord
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.stopping import stop_for_contact

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORKDAYS = {"days": "12345", "opens_minute": 9 * 60, "closes_minute": 17 * 60}


@pytest.fixture
def monday():
    """A Monday, 15:00 where the institute is; the clock stands still but for what a test shifts."""
    with time_machine.travel("2026-03-02 20:00Z", tick=False) as clockwork:
        yield clockwork


def begin(db, settings, *steps):
    plan_steps(db, 1, steps)
    submitted(db, settings, consents=True)


def run(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def follow_ups(db):
    return messages(db, kind=MessageKind.FOLLOW_UP)


def records(db):
    with db.read() as session:
        found = session.scalars(select(StepRecord).order_by(StepRecord.id))
        return [(record.number, record.outcome, record.sentence) for record in found]


def outcomes(db):
    return [(number, outcome.value) for number, outcome, _ in records(db)]


@on_sqlite
def test_a_first_mail_is_planned_into_its_window(db, settings, monday):
    begin(db, settings, {"wait_amount": 3, **WORKDAYS})
    assert run(db).next_due_at == clock.now() + timedelta(hours=18)  # Tuesday, 09:00


@on_sqlite
def test_a_late_scheduler_sends_nothing_at_night(db, settings, monday):
    begin(db, settings, {"wait_amount": 3, **WORKDAYS})
    monday.shift(DAY + 6 * HOUR)
    run_due(db, settings)
    assert follow_ups(db) == []
    assert outcomes(db) == [(1, "moved")]
    assert run(db).next_due_at == clock.now() + 12 * HOUR


def test_every_mail_has_one_record_that_says_why(db, settings, monday):
    begin(db, settings, {"wait_amount": 24}, {"wait_amount": 48})
    for _ in range(4):
        monday.shift(DAY)
        run_due(db, settings)
    assert outcomes(db) == [(1, "queued"), (2, "queued")]
    sentence = records(db)[1][2]
    assert sentence.startswith("Written because its time had come: mail 2 of “")
    assert sentence.endswith("It was Thu 5 Mar 2026 15:00 (America/New_York) at the institute.")


@on_sqlite
def test_a_scheduler_that_was_off_for_weeks_writes_one_mail_a_tick(db, settings, monday):
    begin(db, settings, {"wait_amount": 24}, {"wait_amount": 0}, {"wait_amount": 24})
    monday.shift(30 * DAY)
    written = []
    for _ in range(3):
        run_due(db, settings)
        written.append(len(follow_ups(db)))
        monday.shift(timedelta(seconds=1))
    assert written == [1, 2, 2]
    assert run(db).next_due_at == clock.now() + DAY - 2 * timedelta(seconds=1)


def test_a_reader_of_two_sequences_gets_no_more_than_the_most_in_one_tick(db, settings, monday):
    begin(db, settings, {"wait_amount": 24}, {"wait_amount": 1000})
    others = [a_sequence(db, key, waits=(24,)) for key in ("one", "two", "three")]
    with db.write() as session:
        account_id, ada = an_account(session).id, contact_of(db)
        for sequence_id in others:
            sequence = session.get_one(Sequence, sequence_id)
            begin_by_hand(session, settings, ada.id, "Courses", sequence, account_id)
    monday.shift(DAY)
    run_due(db, settings)
    assert len(follow_ups(db)) == 2  # the acknowledgement was the third
    assert sorted(outcomes(db)) == [(1, "held"), (1, "held"), (1, "queued"), (1, "queued")]


@on_sqlite
def test_a_mail_that_is_held_for_room_says_so_once_and_goes_when_there_is(db, settings, monday):
    begin(db, settings, *[{"wait_amount": 1}] * 3)
    for _ in range(16):
        monday.shift(DAY / 2)
        run_due(db, settings)
    assert outcomes(db) == [(1, "queued"), (2, "queued"), (3, "held"), (3, "queued")]
    (acknowledgement,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert follow_ups(db)[2].created_at == acknowledgement.created_at + 7 * DAY


@on_sqlite
def test_a_letter_that_cannot_be_made_holds_its_reader_and_says_so_once(db, settings, monday):
    begin(db, settings, {"wait_amount": 1})
    with db.write() as session:
        account_id = an_account(session).id
    store_letter(db, account_id, "follow-up-experience", body="Hello {nobody}")
    for _ in range(5):
        monday.shift(HOUR)
        run_due(db, settings)
    assert outcomes(db) == [(1, "held")]
    assert "/staff/templates/follow-up-experience" in records(db)[0][2]
    store_letter(db, account_id, "follow-up-experience", number=2, subject="s", body="Hello {first_name}")
    monday.shift(HOUR)
    run_due(db, settings)
    assert outcomes(db) == [(1, "held"), (1, "queued")]


@on_sqlite
def test_what_is_switched_off_waits_and_goes_on_without_a_burst(db, settings, monday):
    begin(db, settings, {"wait_amount": 48}, {"wait_amount": 48})
    with db.write() as session:
        session.execute(update(Sequence).values(active=False))
    for _ in range(9):
        monday.shift(DAY)
        run_due(db, settings)
    assert outcomes(db) == [(1, "held")]
    with db.write() as session:
        session.execute(update(Sequence).values(active=True))
    run_due(db, settings)
    assert follow_ups(db) == []
    monday.shift(2 * DAY)
    run_due(db, settings)
    assert len(follow_ups(db)) == 1


def test_a_closed_address_ends_its_run_when_its_mail_is_due(db, settings, monday):
    begin(db, settings, {"wait_amount": 24})
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    monday.shift(DAY)
    run_due(db, settings)
    assert (run(db).status, run(db).reason) == (
        EnrollmentStatus.STOPPED,
        "Mail to this address came back for good.",
    )
    assert outcomes(db) == [(1, "stopped")]


@on_sqlite
def test_a_course_that_has_begun_ends_what_leads_up_to_it(db, settings, monday):
    with db.write() as session:
        course = CourseDate(name="Spring", begins_at=clock.now() + 2 * DAY)
        session.add(course)
        session.flush()
        session.execute(update(Sequence).where(Sequence.key == "pathway").values(course_date_id=course.id))
    begin(db, settings, {"wait_amount": 24}, {"wait_amount": 48})
    for _ in range(4):
        monday.shift(DAY)
        run_due(db, settings)
        deliver(db, Post(), settings)
    assert outcomes(db) == [(1, "queued"), (2, "stopped")]
    assert run(db).reason == "The course “Spring” has begun."


@on_sqlite
def test_conditions_are_looked_at_when_the_mail_is_due(db, settings, monday):
    condition = {"kind": "stage", "one_of": ["Won"]}
    begin(db, settings, {"wait_amount": 24, "conditions": [condition]}, {"wait_amount": 24})
    for _ in range(3):
        monday.shift(DAY)
        run_due(db, settings)
    assert outcomes(db) == [(1, "skipped"), (2, "queued")]


def test_a_race_of_a_reply_against_tick_and_delivery_sends_nothing_after_it(db, settings):
    plan_steps(db, 1, [{}, {"wait_amount": 0}, {"wait_amount": 0}])
    for number in range(6):
        submitted(db, settings, consents=True, email=f"reader{number}@example.org")
    deliver(db, Post(), settings)
    post, start, gone = Post(), threading.Barrier(3), {}

    def out(contact_id):
        """How many mails a server has been offered."""
        statuses = [mail.status for mail in messages(db, contact_id=contact_id)]
        return sum(status in (MessageStatus.SENDING, MessageStatus.SENT) for status in statuses)

    def tick():
        start.wait()
        for _ in range(3):
            run_due(db, settings)

    def send():
        start.wait()
        for _ in range(3):
            deliver(db, post, settings)

    def reply():
        start.wait()
        for number in range(6):
            contact = contact_of(db, f"reader{number}@example.org")
            with db.write() as session:
                stop_for_contact(session, contact.id, "They answered.")
            gone[contact.id] = out(contact.id)

    together = [threading.Thread(target=one) for one in (tick, send, reply)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    written = len(follow_ups(db))
    with time_machine.travel(clock.now() + 30 * DAY, tick=False):
        run_due(db, settings)
        deliver(db, post, settings)
    assert len(follow_ups(db)) == written
    assert {contact_id: out(contact_id) for contact_id in gone} == gone
    assert {mail.status for mail in follow_ups(db)} <= {MessageStatus.SENT, MessageStatus.CANCELLED}
    with db.read() as session:
        assert {one.status for one in session.scalars(select(Enrollment))} == {EnrollmentStatus.STOPPED}

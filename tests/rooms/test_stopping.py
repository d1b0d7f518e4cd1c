"""Stops: every run that ends before its time says why, and so does the step that would have come."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import a_sequence, an_account, contact_of, messages, plan_pathway, submitted
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.models import Topic
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind, MessageStatus
from tpminstitute.sequences.models import (
    CourseDate,
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    StepOutcome,
    StepRecord,
)
from tpminstitute.sequences.pauses import pause_for_contact
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.stopping import stop_by_hand, stop_for_cause, stop_for_contact, stop_for_course_date
from tpminstitute.timeline.models import Activity, ActivityKind

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FULL = "The course “Spring” is full."


@pytest.fixture
def begun(db, settings):
    """Ada agreed to follow-ups just now; the clock stands still but for what a test shifts."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as clockwork:
        submitted(db, settings, consents=True)
        deliver(db, Post(), settings)
        yield clockwork


def stop(db, reason="They answered."):
    with db.write() as session:
        return stop_for_contact(session, contact_of(db).id, reason)


def runs(db):
    with db.read() as session:
        return list(session.scalars(select(Enrollment).order_by(Enrollment.id)))


def stopped_steps(db):
    with db.read() as session:
        found = select(StepRecord).where(StepRecord.outcome == StepOutcome.STOPPED).order_by(StepRecord.id)
        return [(record.number, record.sentence) for record in session.scalars(found)]


def follow_ups(db):
    return messages(db, kind=MessageKind.FOLLOW_UP)


def a_course(db, name="Spring"):
    with db.write() as session:
        course = CourseDate(name=name, begins_at=clock.now() + timedelta(days=90))
        session.add(course)
        session.flush()
        return course.id


def test_a_stop_keeps_its_reason_on_the_run_and_on_the_step_that_would_have_come(db, begun):
    assert stop(db) == 1
    (run,) = runs(db)
    assert (run.status, run.reason, run.next_due_at) == (EnrollmentStatus.STOPPED, "They answered.", None)
    assert stopped_steps(db) == [(1, "It was not written: the follow-ups were stopped. They answered.")]


def test_a_stop_says_of_an_unsent_mail_that_it_was_cancelled(db, settings, begun):
    begun.shift(timedelta(days=3))
    run_due(db, settings)
    stop(db)
    assert [mail.status for mail in follow_ups(db)] == [MessageStatus.CANCELLED]
    assert (1, "It was written, and cancelled unsent. They answered.") in stopped_steps(db)


def test_a_stop_cancels_the_last_mail_of_a_run_that_is_through(db, settings, begun):
    plan_pathway(db, waits=[72])
    begun.shift(timedelta(days=3))
    run_due(db, settings)
    assert stop(db) == 0
    assert [mail.status for mail in follow_ups(db)] == [MessageStatus.CANCELLED]
    assert runs(db)[0].status is EnrollmentStatus.FINISHED


@on_sqlite
def test_a_stop_leaves_the_answers_to_what_they_asked(db, settings):
    submitted(db, settings, consents=True)
    stop(db)
    assert {mail.status for mail in messages(db)} == {MessageStatus.QUEUED}


@on_sqlite
def test_a_stop_of_a_waiting_run_ends_its_pause(db, begun):
    with db.write() as session:
        pause_for_contact(session, contact_of(db).id, "They are away.", clock.now() + timedelta(days=9))
    stop(db)
    with db.read() as session:
        assert session.scalars(select(EnrollmentPause)).all() == []


@on_sqlite
def test_old_pauses_of_stopped_runs_keep_nobody_from_going_on(db, settings, begun, monkeypatch):
    monkeypatch.setattr("tpminstitute.sequences.runner.BATCH", 1)
    submitted(db, settings, consents=True, email="grace@example.org")
    for email in (None, "grace@example.org"):
        with db.write() as session:
            contact = contact_of(db, email) if email else contact_of(db)
            pause_for_contact(session, contact.id, "They are away.", clock.now() + timedelta(days=1))
    with db.write() as session:
        session.execute(
            update(Enrollment)
            .where(Enrollment.contact_id == contact_of(db).id)
            .values(status=EnrollmentStatus.STOPPED, reason="By an older release.")
        )
    begun.shift(timedelta(days=1))
    run_due(db, settings)
    assert [run.status for run in runs(db)] == [EnrollmentStatus.STOPPED, EnrollmentStatus.ACTIVE]


def test_a_full_course_stops_what_leads_up_to_it_and_nothing_else(db, settings, begun):
    course_id = a_course(db)
    a_sequence(db, "spring", starts_for=["csm"], course_date_id=course_id)
    for name in ("grace", "mary"):
        submitted(db, settings, consents=True, topic=Topic.CSM, email=f"{name}@example.org")
    with db.write() as session:
        assert stop_for_course_date(session, course_id, FULL) == 2
    assert [run.status.value for run in runs(db)] == ["active", "stopped", "stopped"]
    assert {run.reason for run in runs(db)[1:]} == {FULL}


@on_sqlite
def test_more_runs_than_one_statement_takes_are_stopped_whole(db, settings, begun, monkeypatch):
    monkeypatch.setattr("tpminstitute.sequences.stopping.AT_ONCE", 2)
    course_id = a_course(db)
    a_sequence(db, "spring", starts_for=["csm"], course_date_id=course_id)
    for number in range(5):
        submitted(db, settings, consents=True, topic=Topic.CSM, email=f"reader{number}@example.org")
    with db.write() as session:
        assert stop_for_course_date(session, course_id, FULL) == 5
    assert len(stopped_steps(db)) == 5


@on_sqlite
def test_a_stop_by_hand_says_by_whom(db, begun):
    with db.write() as session:
        stop_by_hand(session, runs(db)[0].id, an_account(session).id)
    assert runs(db)[0].reason == "Alice stopped them by hand."
    with db.read() as session:
        fact = session.scalars(select(Activity).where(Activity.kind == ActivityKind.ENROLLMENT_STOPPED)).one()
        assert fact.account_id is not None


@on_sqlite
def test_what_does_not_run_cannot_be_stopped_by_hand(db, begun):
    stop(db)
    with db.write() as session, pytest.raises(Refusal, match="don't run any more"):
        stop_by_hand(session, runs(db)[0].id, an_account(session).id)
    assert runs(db)[0].reason == "They answered."


@on_sqlite
def test_a_stop_for_a_cause_stops_what_it_started(db, begun):
    with db.write() as session:
        assert stop_for_cause(session, runs(db)[0].cause, "It was spam.") == 1
    assert stopped_steps(db)[0][1].endswith("It was spam.")

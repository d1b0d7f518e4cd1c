"""Running follow-ups finish on their version or come to a newer one, nobody getting a step twice."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, contact_of, messages, submitted
from tests.rooms.plans import CERTIFICATIONS, EXPERIENCE, SKILLS, Writer, a_step
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind
from tpminstitute.sequences import editing, switching
from tpminstitute.sequences.models import (
    DraftStatus,
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    FollowUpDraft,
    StepOutcome,
    StepRecord,
)
from tpminstitute.sequences.moving import Moved, move_over
from tpminstitute.sequences.pauses import pause_for_contact, resume_for_contact
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.standing import concerned, next_place
from tpminstitute.timeline.queries import timeline_of

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
A, B, C = a_step(EXPERIENCE), a_step(CERTIFICATIONS), a_step(SKILLS)


@pytest.fixture
def alice(db):
    return Writer(db)


@pytest.fixture
def sequence_id(db, alice):
    """A sequence of three mails, three days apart, that inquiries about CSM begin."""
    sequence_id = alice.sequence(A, B, C)
    with db.write() as session:
        switching.switch_on(session, sequence_id, alice.id)
        editing.set_start_rule(session, sequence_id, ["csm"], alice.id)
    return sequence_id


@pytest.fixture
def clockwork():
    """The time, which stands still unless a test shifts it."""
    with time_machine.travel("2026-05-04 14:00Z", tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def come_to(db, settings, clockwork):
    """`come_to(mails)`: Ada begins, and gets so many mails three days apart."""

    def come_to(mails, email=ADA):
        submitted(db, settings, consents=True, topic="csm", email=email)
        deliver(db, Post(), settings)
        for _ in range(mails):
            clockwork.shift(timedelta(days=3))
            run_due(db, settings)
            deliver(db, Post(), settings)

    return come_to


@pytest.fixture
def move(db, settings, alice, sequence_id):
    """`move(version)`: let those who run go on in a version."""

    def move(version, **which):
        with db.write() as session:
            return move_over(session, settings, sequence_id, version, alice.id, **which)

    return move


def run_of(db, email=ADA):
    with db.read() as session:
        contact = contact_of(db, email)
        return session.scalars(select(Enrollment).where(Enrollment.contact_id == contact.id)).one()


def groups(db, sequence_id, **besides):
    with db.read() as session:
        return concerned(session, sequence_id, **besides)


def told(db):
    with db.read() as session:
        return timeline_of(session, contact_of(db).id)[0].sentence


def letters_sent(db, settings, clockwork, email=ADA):
    """The letters of all the mails that somebody has got when all is through, by their subjects' order."""
    for _ in range(20):
        clockwork.shift(timedelta(days=3))
        run_due(db, settings)
    return [m.dedupe_key.rpartition(":")[2] for m in messages(db, kind=MessageKind.FOLLOW_UP, recipient=email)]


# --- where a run goes on -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "behind", "place"),
    [
        ([1, 2, 3], [], 1),
        ([1, 2, 3], [1], 2),
        ([1, 3], [1, 2], 2),  # its last one was taken out
        ([3, 1, 2, 4], [1, 2], 4),  # what moved before it is past
        ([4, 1, 2], [1], 3),  # what is new and before it as well
        ([1, 4, 2], [1], 2),  # what is new and after it comes next
        ([2, 1, 3], [1, 2], 3),
        ([1, 2], [1, 2, 3], None),
        ([1, 2, 3], [1, 3], None),
        ([5, 6], [1, 2], 1),  # a plan that has nothing in common
    ],
)
def test_a_run_goes_on_right_after_the_last_step_that_lies_behind_it(numbers, behind, place):
    assert next_place(numbers, behind) == place


# --- who is concerned --------------------------------------------------------------------------------------


def test_staff_see_who_is_in_the_middle_of_which_version_and_at_which_step(db, settings, sequence_id, alice, come_to):
    come_to(1)
    come_to(0, "grace@example.org")
    alice.save(sequence_id, A, C)
    come_to(0, "new@example.org")
    newest, further, begun = groups(db, sequence_id)
    assert [(g.version, g.position, g.letter_key, g.runs) for g in (newest, further, begun)] == [
        (2, 1, EXPERIENCE, 1),
        (1, 2, CERTIFICATIONS, 1),
        (1, 1, EXPERIENCE, 1),
    ]
    assert [person.public_id for person in further.people] == [contact_of(db).public_id]
    assert further.goes_on_at([1, 3]) == 2


def test_who_is_through_or_has_stopped_is_not_concerned(db, sequence_id, come_to):
    come_to(3)
    assert groups(db, sequence_id) == []


def test_those_of_one_version_can_be_left_out(db, sequence_id, alice, come_to):
    come_to(1)
    newest = run_of(db).version_id
    assert groups(db, sequence_id, besides=newest) == []


# --- finishing, moving -------------------------------------------------------------------------------------


def test_a_run_finishes_on_its_own_version_unless_it_is_moved(db, settings, sequence_id, alice, come_to, clockwork):
    come_to(1)
    alice.save(sequence_id, A)
    assert letters_sent(db, settings, clockwork) == ["1", "2", "3"]


def test_a_moved_run_gets_what_is_new_to_it_once_and_in_order(
    db, settings, sequence_id, alice, come_to, clockwork, move
):
    come_to(2)
    fresh = a_step(alice.letter("Fresh"), 2)
    alice.save(sequence_id, B, A, fresh, C)
    assert move(2) == Moved(going_on=1, through=0, in_decision=0)
    run = run_of(db)
    assert (run.next_position, run.next_due_at) == (3, clock.now() + timedelta(days=2))
    assert told(db) == "The follow-ups “After the fair” were brought to version 2. They go on with mail 3, “Fresh”."
    assert letters_sent(db, settings, clockwork) == ["1", "2", "4", "3"]
    assert run_of(db).status is EnrollmentStatus.FINISHED


def test_the_next_mail_is_counted_from_the_last_one_and_never_lies_behind(
    db, sequence_id, alice, come_to, clockwork, move
):
    come_to(1)
    clockwork.shift(timedelta(days=2))
    alice.save(sequence_id, A, a_step(CERTIFICATIONS, 10))
    move(2)
    assert run_of(db).next_due_at == clock.now() + timedelta(days=8)
    alice.save(sequence_id, A, a_step(CERTIFICATIONS, 1))
    move(3)
    assert run_of(db).next_due_at == clock.now()


def test_who_has_had_all_of_the_new_version_is_through(db, sequence_id, alice, come_to, move):
    come_to(2)
    alice.save(sequence_id, B, A)
    assert move(2) == Moved(going_on=0, through=1, in_decision=0)
    run = run_of(db)
    assert (run.status, run.next_due_at, run.ended_at) == (EnrollmentStatus.FINISHED, None, clock.now())
    assert told(db).endswith("Nothing in it is left for them, and they are through.")


def test_a_run_that_waits_goes_on_waiting_in_the_new_version(db, sequence_id, alice, come_to, move):
    come_to(1)
    with db.write() as session:
        pause_for_contact(session, contact_of(db).id, "They are away.")
    alice.save(sequence_id, A, a_step(SKILLS, 9))
    assert move(2).going_on == 1
    assert run_of(db).status is EnrollmentStatus.PAUSED
    with db.write() as session:
        assert session.scalars(select(EnrollmentPause.due_at)).one() == clock.now() + timedelta(days=9)
        resume_for_contact(session, contact_of(db).id, alice.id)
    assert run_of(db).next_due_at == clock.now() + timedelta(days=9)


def test_a_run_that_waits_and_has_had_all_is_through(db, sequence_id, alice, come_to, move):
    come_to(1)
    with db.write() as session:
        pause_for_contact(session, contact_of(db).id, "They are away.")
    alice.save(sequence_id, A)
    assert move(2).through == 1
    with db.read() as session:
        assert session.scalars(select(EnrollmentPause)).all() == []


@ON_SQLITE
def test_a_mail_that_was_had_does_not_come_again_when_it_is_put_back(db, sequence_id, alice, come_to, move):
    come_to(2)
    alice.save(sequence_id, A, C)
    move(2)
    alice.save(sequence_id, A, B, C)
    move(3)
    assert run_of(db).next_position == 3


@ON_SQLITE
def test_a_step_that_was_passed_without_a_mail_is_not_caught_up_on(db, sequence_id, alice, come_to, move):
    come_to(0)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_position=2))
    alice.save(sequence_id, A, C)
    move(2)
    assert run_of(db).next_position == 2


@ON_SQLITE
def test_a_mail_that_somebody_dropped_does_not_come_again(db, sequence_id, alice, come_to, move):
    come_to(1)
    with db.write() as session:
        run = session.scalars(select(Enrollment)).one()
        record = {"outcome": StepOutcome.DROPPED, "sentence": "Alice dropped it.", "at": clock.now(), "due_at": None}
        session.add(StepRecord(enrollment_id=run.id, version_id=run.version_id, number=2, **record))
        run.next_position = 3
    alice.save(sequence_id, A, C)
    move(2)
    alice.save(sequence_id, A, B, C)
    move(3)
    assert run_of(db).next_position == 3


@ON_SQLITE
def test_a_run_whose_draft_lies_before_somebody_stays_until_it_is_decided(db, sequence_id, alice, come_to, move):
    come_to(1)
    with db.write() as session:
        run = session.scalars(select(Enrollment)).one()
        texts = {"subject": "s", "preheader": "p", "body": "b", "reason": "Alice replied."}
        session.add(
            FollowUpDraft(
                enrollment_id=run.id,
                version_id=run.version_id,
                number=2,
                status=DraftStatus.WAITING,
                made_at=clock.now(),
                **texts,
            )
        )
    alice.save(sequence_id, A, C)
    assert move(2) == Moved(going_on=0, through=0, in_decision=1)
    assert run_of(db).version_id == run.version_id


def test_only_those_who_are_chosen_are_moved(db, sequence_id, alice, come_to, move):
    come_to(1)
    come_to(0, "grace@example.org")
    alice.save(sequence_id, A, C)
    assert move(2, only=[run_of(db).id]).going_on == 1
    assert [(g.version, g.runs) for g in groups(db, sequence_id)] == [(2, 1), (1, 1)]
    assert move(2, only=[]) == Moved(0, 0, 0)


@ON_SQLITE
def test_nobody_is_moved_to_a_version_that_is_not_there(sequence_id, move):
    with pytest.raises(Refusal, match=r"There is no version 7 of “After the fair”\. Nobody was moved"):
        move(7)


@ON_SQLITE
def test_nobody_is_moved_twice(db, sequence_id, alice, come_to, move):
    come_to(1)
    alice.save(sequence_id, A, C)
    assert [move(2).going_on, move(2).going_on] == [1, 0]


def test_moving_waits_for_a_tick_that_holds_the_run_and_sees_what_it_did(db, sequence_id, alice, come_to, move):
    come_to(1)
    alice.save(sequence_id, a_step(alice.letter("Fresh")), A, B, C)
    mover = threading.Thread(target=move, args=(2,))
    with db.write() as tick:
        run = tick.scalars(select(Enrollment).with_for_update()).one()
        run.next_position = 3
        tick.flush()
        mover.start()
        mover.join(0.3)
        assert mover.is_alive()
    mover.join()
    assert run_of(db).next_position == 4

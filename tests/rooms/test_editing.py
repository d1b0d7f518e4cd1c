"""Sequences that staff write: checked, kept as versions that never change, their steps numbered for good."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.factories import an_account, store_letter, submitted
from tests.rooms.plans import CERTIFICATIONS, EXPERIENCE, SKILLS, Writer, a_step
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences import editing, switching
from tpminstitute.sequences.course_dates import CourseFacts, add_course_date
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence
from tpminstitute.sequences.plan_checks import PlanError
from tpminstitute.sequences.queries import uses_of_letters

THREE = (a_step(EXPERIENCE), a_step(CERTIFICATIONS), a_step(SKILLS))
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what says nothing about the database."""


@pytest.fixture
def alice(db):
    return Writer(db)


def sequence_of(db, sequence_id):
    with db.read() as session:
        return session.get_one(Sequence, sequence_id)


def audited(db, action):
    with db.read() as session:
        return session.scalars(select(AuditEntry.subject).where(AuditEntry.action == action)).all()


# --- saving ------------------------------------------------------------------------------------------------


def test_a_new_sequence_is_off_and_has_its_first_version(db, alice):
    sequence_id = alice.sequence(*THREE, name=" After\nthe fair ")
    sequence = sequence_of(db, sequence_id)
    assert (sequence.name, sequence.key, sequence.active) == ("After the fair", "own-after-the-fair", False)
    assert list(sequence.starts_for) == []
    assert alice.numbers(sequence_id) == [(EXPERIENCE, 1), (CERTIFICATIONS, 2), (SKILLS, 3)]


@ON_SQLITE
def test_a_saved_version_says_who_and_when_and_the_earlier_ones_stay(db, alice):
    sequence_id = alice.sequence()
    with time_machine.travel("2026-03-01 10:00Z", tick=False):
        assert alice.save(sequence_id, a_step(wait=5)) == 2
    with db.read() as session:
        newest, first = editing.versions_of(session, sequence_id)
    assert (newest.number, newest.author, f"{newest.at:%Y-%m-%d %H:%M}") == (2, "Alice", "2026-03-01 10:00")
    assert [version.steps[0].wait_amount for version in (newest, first)] == [5, 3]


@ON_SQLITE
def test_the_version_that_was_shipped_says_so(db):
    with db.read() as session:
        shipped = session.scalars(select(Sequence.id).order_by(Sequence.id).limit(1)).one()
        assert editing.versions_of(session, shipped)[-1].author == "Came with the service"


@ON_SQLITE
def test_a_plan_that_cannot_be_saved_changes_nothing(db, alice):
    sequence_id = alice.sequence()
    with pytest.raises(PlanError) as refused:
        alice.save(sequence_id, a_step(wait=-1))
    assert [problem.field for problem in refused.value.problems] == ["wait"]
    with db.read() as session:
        assert len(editing.versions_of(session, sequence_id)) == 1


@ON_SQLITE
def test_saving_what_is_there_already_makes_no_version(alice):
    sequence_id = alice.sequence(a_step(topics=("csm",), conditions=()))
    with pytest.raises(Refusal, match="version 1 says the same already"):
        alice.save(sequence_id, a_step(topics=("csm",)))


def test_saving_on_an_outdated_version_is_refused_and_names_who_was_first(db, alice):
    sequence_id = alice.sequence()
    alice.save(sequence_id, a_step(wait=5), base=1)
    with db.write() as session:
        bob = an_account(session, "Bob").id
    with db.write() as session, pytest.raises(editing.StaleVersion, match="Alice saved version 2 while") as refused:
        editing.save_version(session, sequence_id, 1, [a_step(wait=9)], bob)
    assert refused.value.newest.steps[0].wait_amount == 5


def test_two_who_save_at_once_make_one_version(db, alice):
    sequence_id = alice.sequence()
    start = threading.Barrier(2)
    refused = []

    def write(wait):
        start.wait()
        try:
            alice.save(sequence_id, a_step(wait=wait), base=1)
        except editing.StaleVersion as stale:
            refused.append(stale)

    both = [threading.Thread(target=write, args=(wait,)) for wait in (7, 8)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with db.read() as session:
        assert (len(refused), len(editing.versions_of(session, sequence_id))) == (1, 2)


@ON_SQLITE
def test_follow_ups_that_are_not_there_cannot_be_saved(alice):
    with pytest.raises(Refusal, match="There are no such follow-ups"):
        alice.save(77, a_step(), base=1)


@ON_SQLITE
def test_a_switched_on_sequence_takes_no_letter_without_a_text(db, alice):
    sequence_id = alice.sequence()
    key = alice.letter("Later", text="")
    with db.write() as session:
        switching.switch_on(session, sequence_id, alice.id)
    with pytest.raises(PlanError, match="no text yet"):
        alice.save(sequence_id, a_step(), a_step(key))


# --- names, copies, what starts them -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "Write a name"),
        (" \u200b ", "Write a name"),
        ("n" * 81, "it has 81 characters"),
        ("AFTER THE FAIR", "There are follow-ups “AFTER THE FAIR” already"),
    ],
)
@ON_SQLITE
def test_a_name_that_is_empty_too_long_or_taken_is_refused(alice, name, says):
    alice.sequence()
    with pytest.raises(Refusal, match=says):
        alice.sequence(name=name)


@ON_SQLITE
def test_a_sequence_is_renamed_and_may_keep_its_name(db, alice):
    sequence_id = alice.sequence()
    with db.write() as session:
        editing.rename(session, sequence_id, "After the fair", alice.id)
        editing.rename(session, sequence_id, "After the Fair", alice.id)
    assert sequence_of(db, sequence_id).name == "After the Fair"
    assert audited(db, "sequence_renamed") == ["own-after-the-fair, “After the fair” to “After the Fair”"]


def test_a_copy_says_the_same_is_off_and_starts_for_nobody(db, alice):
    sequence_id = alice.sequence(*THREE)
    with db.write() as session:
        switching.switch_on(session, sequence_id, alice.id)
        editing.set_start_rule(session, sequence_id, ["csm"], alice.id)
        copies = [editing.copy(session, sequence_id, alice.id) for _ in range(2)]
    assert [copy.name for copy in copies] == ["Copy of After the fair", "Copy of After the fair (2)"]
    assert not any(copy.active or copy.starts_for for copy in copies)
    assert alice.steps(copies[0].id) == alice.steps(sequence_id)


@ON_SQLITE
def test_a_copy_of_a_long_name_has_a_name_that_fits(db, alice):
    sequence_id = alice.sequence(name="n" * 80)
    with db.write() as session:
        assert len(editing.copy(session, sequence_id, alice.id).name) == 80


def test_topics_that_start_a_sequence_are_kept_in_the_order_of_the_form(db, alice):
    sequence_id = alice.sequence()
    with db.write() as session:
        editing.set_start_rule(session, sequence_id, ["spc", "csm", "csm"], alice.id)
    assert sequence_of(db, sequence_id).starts_for == ["csm", "spc"]
    with db.write() as session, pytest.raises(Refusal, match="no topic “gardening”"):
        editing.set_start_rule(session, sequence_id, ["gardening"], alice.id)


# --- on, off, archive --------------------------------------------------------------------------------------


def enrolled(db, settings, sequence_id, alice, topic="csm"):
    """Ada, in the middle of a sequence that is switched on."""
    with db.write() as session:
        switching.switch_on(session, sequence_id, alice.id)
        editing.set_start_rule(session, sequence_id, [topic], alice.id)
    submitted(db, settings, consents=True, topic=topic)
    return run_of(db, sequence_id)


def run_of(db, sequence_id):
    with db.read() as session:
        return session.scalars(select(Enrollment).where(Enrollment.sequence_id == sequence_id)).one()


@ON_SQLITE
def test_a_sequence_with_a_broken_letter_is_not_switched_on(db, alice):
    sequence_id = alice.sequence(a_step(EXPERIENCE), a_step(SKILLS))
    store_letter(db, alice.id, SKILLS, body="Dear {frist_name}")
    with db.write() as session, pytest.raises(switching.NotReady, match=r"Mail 2: Mend the letter.*\{frist_name\}"):
        switching.switch_on(session, sequence_id, alice.id)
    assert not sequence_of(db, sequence_id).active


def test_a_sequence_whose_course_has_begun_is_not_switched_on(db, settings, alice):
    sequence_id = alice.sequence()
    with db.write() as session:
        facts = CourseFacts("CSM in May", clock.now() + timedelta(days=20))
        course = add_course_date(session, facts, alice.id)
        switching.set_course_date(session, settings, sequence_id, course.id, alice.id)
    told = pytest.raises(switching.NotReady, match="The course “CSM in May” has begun")
    with time_machine.travel(clock.now() + timedelta(days=21)), db.write() as session, told:
        switching.switch_on(session, sequence_id, alice.id)


@ON_SQLITE
def test_a_sequence_is_switched_off_and_on_with_those_who_are_in_it(db, settings, alice):
    sequence_id = alice.sequence()
    enrolled(db, settings, sequence_id, alice)
    with db.write() as session:
        switching.switch_off(session, sequence_id, alice.id)
        switching.switch_off(session, sequence_id, alice.id)
    assert not sequence_of(db, sequence_id).active
    with db.write() as session:
        switching.switch_on(session, sequence_id, alice.id)
    assert sequence_of(db, sequence_id).active
    assert run_of(db, sequence_id).status is EnrollmentStatus.ACTIVE
    assert audited(db, "sequence_switched_off") == ["own-after-the-fair"]


def test_an_archived_sequence_is_off_stops_who_is_in_it_and_cannot_be_touched(db, settings, alice):
    sequence_id = alice.sequence()
    enrolled(db, settings, sequence_id, alice)
    with db.write() as session:
        assert switching.archive(session, sequence_id, alice.id) == 1
    assert not sequence_of(db, sequence_id).active
    stopped = run_of(db, sequence_id)
    assert (stopped.status, stopped.reason) == (
        EnrollmentStatus.STOPPED,
        "These follow-ups were put into the archive.",
    )
    for change in (
        lambda session: switching.switch_on(session, sequence_id, alice.id),
        lambda session: editing.save_version(session, sequence_id, 1, [a_step(wait=9)], alice.id),
    ):
        with db.write() as session, pytest.raises(Refusal, match="is archived"):
            change(session)
    with db.write() as session:
        switching.unarchive(session, sequence_id, alice.id)
        switching.switch_on(session, sequence_id, alice.id)
    with db.read() as session:
        assert any("After the fair" in sentence for uses in uses_of_letters(session).values() for sentence in uses)


@ON_SQLITE
def test_every_change_is_in_the_audit_log(db, alice):
    sequence_id = alice.sequence()
    alice.save(sequence_id, a_step(wait=5))
    with db.write() as session:
        editing.copy(session, sequence_id, alice.id)
        editing.set_start_rule(session, sequence_id, ["csm"], alice.id)
        switching.switch_on(session, sequence_id, alice.id)
        switching.switch_off(session, sequence_id, alice.id)
        switching.archive(session, sequence_id, alice.id)
        switching.unarchive(session, sequence_id, alice.id)
    with db.read() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert {entry.account_id for entry in entries} == {alice.id}
    assert [entry.action for entry in entries] == [
        "sequence_added",
        "sequence_saved",
        "sequence_added",
        "sequence_start_changed",
        "sequence_switched_on",
        "sequence_switched_off",
        "sequence_archived",
        "sequence_unarchived",
    ]

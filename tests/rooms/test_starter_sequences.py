"""Three sequences come with the house, whole and switched off: staff read them before anybody gets one."""

import itertools
import re
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import func, select

from tests.factories import a_sequence, an_account, contact_of, messages, submitted
from tests.parts import lint
from tpminstitute.contacts.topics import Topic
from tpminstitute.mail.letters import letter_sources
from tpminstitute.mail.models import MessageKind
from tpminstitute.sequences.enrolling import begin_by_hand
from tpminstitute.sequences.models import Enrollment, Sequence, WaitUnit
from tpminstitute.sequences.queries import uses_of_letters
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.versions import newest_version, steps_of

NAMES = {
    "new-to-the-field": ("New to the field", "new"),
    "from-engineering": ("From engineering", "engineer"),
    "from-project-management": ("From project management", "manager"),
}


@pytest.fixture
def starters(db):
    """The three sequences by their keys, each with its steps."""
    with db.read() as session:
        found = session.scalars(select(Sequence).where(Sequence.key.in_(NAMES)).order_by(Sequence.id)).all()
        return {sequence.key: (sequence, steps_of(session, newest_version(session, sequence.id))) for sequence in found}


def test_three_sequences_wait_switched_off_with_five_mails_each(starters):
    assert [(sequence.key, sequence.name) for sequence, _ in starters.values()] == [
        (key, name) for key, (name, _) in NAMES.items()
    ]
    for sequence, steps in starters.values():
        assert (sequence.active, sequence.archived_at, sequence.starts_for) == (False, None, [])
        assert [(step.position, step.number) for step in steps] == [(place, place) for place in range(1, 6)]


def test_each_of_their_letters_goes_out_once_and_in_its_order(starters):
    for key, (_, prefix) in NAMES.items():
        letters = [step.letter_key for step in starters[key][1]]
        assert letters == sorted(letter for letter in letter_sources() if letter.startswith(f"{prefix}-"))


def test_their_first_mail_leaves_room_for_a_persons_answer_and_the_others_for_the_exercise(starters):
    for _, (first, *others) in starters.values():
        assert (first.wait_amount, first.wait_unit) == (2, WaitUnit.WORKING_DAYS)
        assert all(3 <= step.wait_amount <= 7 and step.wait_unit is WaitUnit.DAYS for step in others)


def test_their_mails_go_out_on_weekdays_from_nine_to_five(starters):
    for step in itertools.chain.from_iterable(steps for _, steps in starters.values()):
        assert (step.days, step.opens_minute, step.closes_minute, step.conditions) == ("12345", 9 * 60, 17 * 60, [])
        assert set(step.topics) <= set(Topic)


def test_no_inquiry_begins_one_of_them(db, settings):
    for number, topic in enumerate(Topic):
        submitted(db, settings, consents=True, topic=topic, email=f"ada{number}@example.org")
    with db.read() as session:
        begun = session.scalars(select(Sequence.key).join(Enrollment, Enrollment.sequence_id == Sequence.id)).all()
    assert begun == ["pathway"] * len(Topic)


def test_what_is_added_after_them_gets_a_number_of_its_own(db):
    assert a_sequence(db, "written-by-alice") > 4


def test_the_list_of_letters_says_when_each_would_go_out_and_that_it_does_not_yet(db):
    with db.read() as session:
        uses = uses_of_letters(session)
    for letter in letter_sources():
        if re.match("new|engineer|manager", letter):
            (said,) = uses[letter]
            assert said.endswith(" These follow-ups are switched off.")
    assert uses["engineer-2-say-it-without-the-how"] == [
        "Mail 2 of “From engineering”, 4 days after the mail before it. These follow-ups are switched off."
    ]


@pytest.mark.parametrize("key", NAMES)
def test_once_it_is_switched_on_its_mails_come_in_order_on_working_days(db, settings, key):
    prefix = NAMES[key][1]
    with time_machine.travel("2026-11-20 21:30Z", tick=False) as clockwork:
        submitted(db, settings, consents=True)
        with db.write() as session:
            session.query(Enrollment).delete()
            chosen = session.scalars(select(Sequence).where(Sequence.key == key)).one()
            chosen.active = True
            begin_by_hand(session, settings, contact_of(db).id, "Courses", chosen, an_account(session).id)
        went = []
        while (due := next_due(db)) is not None:
            clockwork.move_to(due)
            run_due(db, settings)
            went.append(due.astimezone(ZoneInfo(settings.institute_time_zone)))
        mails = messages(db, kind=MessageKind.FOLLOW_UP)
        assert [fault for mail in mails for fault in lint.faults(mail.content, [mail.recipient])] == []
    subjects = [source.subject for letter, source in letter_sources().items() if letter.startswith(f"{prefix}-")]
    assert [mail.subject for mail in mails] == subjects
    assert all(at.isoweekday() <= 5 and 9 <= at.hour < 17 for at in went)
    assert f"{went[0]:%A %H:%M}" == "Tuesday 16:30"


def next_due(db):
    with db.read() as session:
        return session.scalar(select(func.min(Enrollment.next_due_at)))

"""What becomes of a step whose time has come: each rule, its sentence, and which rule comes first."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.factories import TOPICS, make_settings
from tpminstitute.contacts.models import Background, Contact
from tpminstitute.contacts.topics import Topic
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.sequences.conditions import Facts
from tpminstitute.sequences.decisions import Case, decide
from tpminstitute.sequences.models import (
    CourseDate,
    Enrollment,
    EnrollmentStatus,
    Sequence,
    SequenceStep,
    StepOutcome,
    WaitUnit,
)
from tpminstitute.sequences.planning import Reader

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
"""A Tuesday, 09:00 in Berlin."""

DAY = timedelta(days=1)
ADA = Facts(TOPICS, "Ada", Topic.COURSES, "New", frozenset({"met"}), Background.NEW, None)


@pytest.fixture
def settings(tmp_path):
    return make_settings(tmp_path)


def a_step(**fields: Any) -> SequenceStep:
    usual = {
        "position": 2,
        "number": 2,
        "letter_key": "follow-up-skills",
        "wait_amount": 3,
        "wait_unit": WaitUnit.DAYS,
        "days": "12345",
        "opens_minute": 540,
        "closes_minute": 1020,
        "conditions": [],
        "topics": [],
    }
    return SequenceStep(**(usual | fields))


def a_reader(**fields: Any) -> Reader:
    usual: dict[str, Any] = {
        "topics": TOPICS,
        "zone": ZoneInfo("Europe/Berlin"),
        "where": "where they live",
        "holidays": frozenset(),
        "slower": False,
        "only_topic": False,
        "paused_until": None,
        "course": None,
    }
    return Reader(**(usual | fields))


def a_case(step: SequenceStep | None = None, reader: Reader | None = None, **fields: Any) -> Case:
    run = Enrollment(id=1, contact_id=1, topic="Courses", status=EnrollmentStatus.ACTIVE, reason="")
    usual: dict[str, Any] = {
        "run": run,
        "contact": Contact(id=1, name="Ada Lovelace"),
        "sequence": Sequence(name="Pathway", active=True),
        "steps": [step or a_step()],
        "reader": reader or a_reader(),
        "mails": [],
        "facts": ADA,
    }
    return Case(**(usual | fields))


def a_course(begins_at: datetime = NOW + 40 * DAY, full: bool = False) -> CourseDate:
    return CourseDate(name="Spring", begins_at=begins_at, full_at=NOW - DAY if full else None)


def decided(settings, case, now=NOW):
    verdict = decide(case, settings, now)
    return verdict.outcome, verdict.sentence


def test_a_mail_whose_time_has_come_is_written_and_says_why(settings):
    assert decided(settings, a_case()) == (
        StepOutcome.QUEUED,
        "Written because its time had come: mail 2 of “Pathway”, 3 days after the one before it. "
        "It was Tue 3 Mar 2026 09:00 (Europe/Berlin) where they live.",
    )


def test_a_first_mail_says_that_it_follows_the_start(settings):
    assert "3 days after the start." in decided(settings, a_case(a_step(position=1)))[1]


def test_who_asked_for_fewer_reads_why_it_took_twice_as_long(settings):
    assert "twice as long since they asked for fewer" in decided(settings, a_case(reader=a_reader(slower=True)))[1]


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_a_closed_address_ends_the_run(settings, reason):
    outcome, sentence = decided(settings, a_case(closed=reason))
    assert outcome is StepOutcome.STOPPED
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("course", "says"),
    [
        (a_course(begins_at=NOW), "The course “Spring” has begun."),
        (a_course(full=True), "The course “Spring” is full."),
    ],
)
def test_a_course_that_is_full_or_has_begun_ends_what_leads_up_to_it(settings, course, says):
    assert decided(settings, a_case(reader=a_reader(course=course))) == (StepOutcome.STOPPED, says)


def test_what_is_switched_off_waits_its_steps_time_again(settings):
    verdict = decide(a_case(sequence=Sequence(name="Pathway", active=False)), settings, NOW)
    assert (verdict.outcome, verdict.sentence) == (
        StepOutcome.HELD,
        "Held: the follow-ups “Pathway” are switched off.",
    )
    assert verdict.at == NOW + 3 * DAY


def test_what_is_switched_off_and_waits_for_nothing_is_looked_at_once_a_day(settings):
    case = a_case(a_step(wait_amount=0), sequence=Sequence(name="Pathway", active=False))
    assert decide(case, settings, NOW).at == NOW + DAY


def test_who_asked_for_a_pause_gets_it_at_the_next_open_hour_after_it(settings):
    verdict = decide(a_case(reader=a_reader(paused_until=NOW + 4 * DAY)), settings, NOW)
    assert verdict.outcome is StepOutcome.MOVED
    assert verdict.at == NOW + 6 * DAY
    assert "until 7 Mar 2026" in verdict.sentence


def test_a_course_that_begins_later_takes_its_mail_along(settings):
    step = a_step(wait_amount=10, wait_unit=WaitUnit.BEFORE_COURSE)
    verdict = decide(a_case(step, a_reader(course=a_course(NOW + 20 * DAY))), settings, NOW)
    assert (verdict.outcome, verdict.at) == (StepOutcome.MOVED, NOW + 10 * DAY)
    assert verdict.sentence == "Moved: the course “Spring” begins on Mon 23 Mar 2026 09:00 (Europe/Berlin) now."


@pytest.mark.parametrize(("late", "outcome"), [(DAY / 2, StepOutcome.QUEUED), (DAY, StepOutcome.SKIPPED)])
def test_a_mail_before_a_course_is_not_sent_a_day_too_late(settings, late, outcome):
    step = a_step(wait_amount=10, wait_unit=WaitUnit.BEFORE_COURSE, days="1234567", opens_minute=0, closes_minute=1440)
    case = a_case(step, a_reader(course=a_course(NOW + 10 * DAY - late)))
    assert decided(settings, case)[0] is outcome


def test_a_mail_before_a_course_that_is_no_more_is_skipped(settings):
    step = a_step(wait_amount=10, wait_unit=WaitUnit.BEFORE_COURSE)
    assert decided(settings, a_case(step))[0] is StepOutcome.SKIPPED


def test_what_was_written_before_is_not_written_again(settings):
    assert decided(settings, a_case(written=True)) == (
        StepOutcome.SKIPPED,
        "Skipped: this mail was written to them before.",
    )


def test_who_wants_their_own_topic_only_is_spared_the_others(settings):
    verdict = decide(a_case(a_step(topics=["pmp"]), a_reader(only_topic=True)), settings, NOW)
    assert verdict.outcome is StepOutcome.SKIPPED
    assert verdict.told.startswith("Follow-up 2 was left out. The person asked for mails about “Courses” only")


def test_a_condition_that_is_not_met_skips_the_mail(settings):
    case = a_case(a_step(conditions=[{"kind": "replied"}]))
    assert decided(settings, case) == (
        StepOutcome.SKIPPED,
        "Skipped: it is for people who have replied, and Ada hasn't.",
    )


def test_a_run_that_waits_for_a_person_gets_a_draft_at_whatever_hour(settings):
    case = a_case(a_step(days="7"))
    case.run.status, case.run.reason = EnrollmentStatus.PAUSED, "Bob wrote to them."
    assert decided(settings, case)[0] is StepOutcome.DRAFTED


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (NOW + timedelta(hours=8), NOW + DAY),
        (NOW - timedelta(hours=3), NOW),
        (NOW + 4 * DAY, NOW + 6 * DAY),
    ],
)
def test_a_closed_window_moves_the_mail_to_its_next_opening(settings, now, opens):
    verdict = decide(a_case(), settings, now)
    assert (verdict.outcome, verdict.at) == (StepOutcome.MOVED, opens)
    assert verdict.sentence.startswith("Moved to the next time at which it may go. ")


def test_a_holiday_is_no_day_for_a_mail(settings):
    case = a_case(reader=a_reader(holidays=frozenset({date(2026, 3, 3)})))
    assert decide(case, settings, NOW).at == NOW + DAY


def test_too_much_mail_holds_the_next_until_there_is_room(settings):
    mails = [NOW - 6 * DAY, NOW - 2 * DAY, NOW - DAY]
    verdict = decide(a_case(mails=mails), settings, NOW)
    assert (verdict.outcome, verdict.at) == (StepOutcome.HELD, NOW + DAY)
    assert verdict.sentence == (
        "Held until there is room: 3 automatic mails went to them within 7 days, and 3 is the most."
    )


def test_where_more_than_the_most_went_out_room_is_counted_from_the_newest(settings):
    mails = [NOW - 6 * DAY, NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY]
    assert decide(a_case(mails=mails), settings, NOW).at == NOW + 6 * DAY  # four days on it is a Saturday


def test_the_most_may_be_no_limit(tmp_path):
    settings = make_settings(tmp_path, follow_up_most=0)
    assert decided(settings, a_case(mails=[NOW] * 9))[0] is StepOutcome.QUEUED


@pytest.mark.parametrize(
    "fields",
    [
        {"closed": SuppressionReason.OPT_OUT},
        {"sequence": Sequence(name="Pathway", active=False)},
        {"written": True},
        {"mails": [NOW] * 3},
    ],
)
def test_nothing_is_written_at_night_whatever_else_holds(settings, fields):
    night = NOW + timedelta(hours=14)
    assert decided(settings, a_case(**fields), night)[0] is not StepOutcome.QUEUED

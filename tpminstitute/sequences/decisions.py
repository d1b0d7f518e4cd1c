"""What becomes of a run's step whose time has come: the rules, without a database.

The order is the order of the rules: what ends a run comes before what skips a mail, and that before what lets it wait.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tpminstitute.contacts.models import Contact
from tpminstitute.core import zones
from tpminstitute.core.config import Settings
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.mail.suppression import SENTENCES
from tpminstitute.sequences import planning
from tpminstitute.sequences.conditions import Facts, parse, unmet
from tpminstitute.sequences.frequency import room_at
from tpminstitute.sequences.models import (
    Enrollment,
    EnrollmentStatus,
    Sequence,
    SequenceStep,
    StepOutcome,
    WaitUnit,
)
from tpminstitute.sequences.planning import Reader
from tpminstitute.sequences.queries import wait_in_words
from tpminstitute.sequences.wishes import left_out, off_topic

TOO_LATE = timedelta(days=1)
"""A mail that leads up to a course is not sent any more when it comes so much after its moment."""

LOOK_AGAIN = timedelta(days=1)
"""Follow-ups that are switched off are looked at no more often."""


@dataclass
class Case:
    """A run whose next step's time has come, and all that is known of it; `mails` are those that its reader got lately.

    `steps` are the next step and those after it, and `written` says that the next one's mail stands in the outbox.
    """

    run: Enrollment
    contact: Contact
    sequence: Sequence
    steps: list[SequenceStep]
    reader: Reader
    mails: list[datetime]
    closed: SuppressionReason | None = None
    facts: Facts | None = None
    written: bool = False

    @property
    def step(self) -> SequenceStep:
        """The next step."""
        return self.steps[0]


@dataclass(frozen=True)
class Verdict:
    """What becomes of a step and why; until when, for one that waits; what the timeline is `told`, if it is."""

    outcome: StepOutcome
    sentence: str
    at: datetime | None = None
    told: str = ""


def decide(case: Case, settings: Settings, now: datetime) -> Verdict:
    """Return what becomes of the next step of a run, whose time has come."""
    return (
        _over(case, now)
        or _switched_off(case, now)
        or _paused(case, now)
        or _before_course(case, now)
        or _not_for_them(case)
        or _drafted(case)
        or _window_closed(case, now)
        or _too_much(case, settings)
        or Verdict(StepOutcome.QUEUED, _why_written(case, now))
    )


def _over(case: Case, now: datetime) -> Verdict | None:
    course = case.reader.course
    if case.closed is not None:
        return Verdict(StepOutcome.STOPPED, SENTENCES[case.closed])
    if course is not None and course.begins_at <= now:
        return Verdict(StepOutcome.STOPPED, f"The course “{course.name}” has begun.")
    if course is not None and course.full_at is not None:
        return Verdict(StepOutcome.STOPPED, f"The course “{course.name}” is full.")
    return None


def _switched_off(case: Case, now: datetime) -> Verdict | None:
    """A run whose sequence is off waits as long as its step does, again and again, so that nothing bursts out later."""
    if case.sequence.active:
        return None
    planned = planning.plan(case.step, now, case.reader).at
    at = planning.opening(case.step, max(planned, now + LOOK_AGAIN), case.reader).at
    return Verdict(StepOutcome.HELD, f"Held: the follow-ups “{case.sequence.name}” are switched off.", at)


def _paused(case: Case, now: datetime) -> Verdict | None:
    end = case.reader.paused_until
    if end is None or end <= now:
        return None
    at = planning.opening(case.step, end, case.reader).at
    return Verdict(StepOutcome.MOVED, f"Moved: the person asked for no follow-ups until {end:%-d %b %Y}.", at)


def _before_course(case: Case, now: datetime) -> Verdict | None:
    if case.step.wait_unit is not WaitUnit.BEFORE_COURSE:
        return None
    course, moment = case.reader.course, planning.moment_before_course(case.step, case.reader)
    if course is None or moment is None:
        return Verdict(
            StepOutcome.SKIPPED, "Skipped: it leads up to a course, and these follow-ups have none any more."
        )
    opened = planning.opening(case.step, moment, case.reader).at
    begins = zones.written(course.begins_at, case.reader.zone)
    if moment > now:
        return Verdict(StepOutcome.MOVED, f"Moved: the course “{course.name}” begins on {begins} now.", opened)
    if opened + TOO_LATE <= now:
        days = wait_in_words(case.step)
        return Verdict(StepOutcome.SKIPPED, f"Skipped: it was for {days} before the course “{course.name}”, {begins}.")
    return None


def _not_for_them(case: Case) -> Verdict | None:
    if case.written:
        return Verdict(StepOutcome.SKIPPED, "Skipped: this mail was written to them before.")
    if left_out(case.reader, case.run.topic, case.step):
        why = off_topic(case.run)
        told = f"Follow-up {case.step.position} was left out. {why}"
        return Verdict(StepOutcome.SKIPPED, f"Skipped. {why}", told=told)
    for condition in parse(case.step.conditions):
        assert case.facts is not None  # read wherever a step has conditions
        why_not = unmet(condition, case.facts)
        if why_not:
            return Verdict(StepOutcome.SKIPPED, why_not)
    return None


def _drafted(case: Case) -> Verdict | None:
    if case.run.status is not EnrollmentStatus.PAUSED:
        return None
    return Verdict(StepOutcome.DRAFTED, f"It waits as a draft for a person's word. {case.run.reason}")


def _window_closed(case: Case, now: datetime) -> Verdict | None:
    if planning.is_open(case.step, now, case.reader):
        return None
    opening = planning.opening(case.step, now, case.reader)
    return Verdict(StepOutcome.MOVED, f"Moved to the next time at which it may go. {opening.why}".rstrip(), opening.at)


def _too_much(case: Case, settings: Settings) -> Verdict | None:
    room = room_at(settings, case.mails)
    if room is None:
        return None
    days = "a day" if settings.follow_up_days == 1 else f"{settings.follow_up_days} days"
    lately = f"{len(case.mails)} automatic mail{'' if len(case.mails) == 1 else 's'} went to them within {days}"
    at = planning.opening(case.step, room, case.reader).at
    return Verdict(
        StepOutcome.HELD, f"Held until there is room: {lately}, and {settings.follow_up_most} is the most.", at
    )


def _why_written(case: Case, now: datetime) -> str:
    step, reader = case.step, case.reader
    if step.wait_unit is WaitUnit.BEFORE_COURSE and reader.course is not None:
        after = f"{wait_in_words(step)} before the course “{reader.course.name}”"
    else:
        after = f"{wait_in_words(step)} after {'the start' if step.position == 1 else 'the one before it'}"
    if reader.slower and step.wait_unit is not WaitUnit.BEFORE_COURSE:
        after += ", twice as long since they asked for fewer"
    when = f"{zones.written(now, reader.zone)} {reader.where}"
    return f"Written because its time had come: mail {step.position} of “{case.sequence.name}”, {after}. It was {when}."

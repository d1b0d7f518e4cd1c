"""Switch sequences on and off, put them into the archive and take them out again."""

from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences.editing import locked, versions_of
from tpminstitute.sequences.models import CourseDate, Sequence, WaitUnit
from tpminstitute.sequences.plan_checks import Problem, problems_of
from tpminstitute.sequences.replanning import replan_for_course
from tpminstitute.sequences.stopping import stop_for_sequence

ARCHIVED = "These follow-ups were put into the archive."


class NotReady(Refusal):
    """A sequence can't be switched on yet; `problems` says what has to be mended in its plan."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        """Say each problem with the mail that it is about."""
        told = " ".join(f"Mail {p.position}: {p.sentence}" if p.position else p.sentence for p in problems)
        super().__init__(f"“{name}” was not switched on. {told}")
        self.problems = problems


def why_not_ready(session: Session, sequence: Sequence) -> list[Problem]:
    """Return what keeps a sequence from being switched on, by the rules and the letters of today."""
    course = session.get(CourseDate, sequence.course_date_id) if sequence.course_date_id else None
    steps = versions_of(session, sequence.id)[0].steps
    found = problems_of(session, steps, has_course=course is not None, sends=True)
    if course is not None and course.begins_at <= clock.now():
        found.append(Problem(0, "", f"The course “{course.name}” has begun: choose another under Settings."))
    return found


def switch_on(session: Session, sequence_id: int, account_id: int) -> None:
    """Let a sequence begin for whoever fits; who is in the middle of it goes on.

    Raises `NotReady` when its plan or a letter of it has to be mended first, and `Refusal` when it is archived.
    """
    sequence = locked(session, sequence_id)
    if sequence.archived_at is not None:
        raise Refusal(f"“{sequence.name}” is archived. Nothing was changed. Take it out of the archive first.")
    if sequence.active:
        return
    problems = why_not_ready(session, sequence)
    if problems:
        raise NotReady(sequence.name, problems)
    sequence.active = True
    session.flush()
    record_audit(session, "sequence_switched_on", sequence.key, account_id=account_id)


def switch_off(session: Session, sequence_id: int, account_id: int) -> None:
    """Let nobody begin a sequence any more; who is in the middle waits until it is switched on again (the runner)."""
    sequence = locked(session, sequence_id)
    if sequence.active:
        sequence.active = False
        session.flush()
        record_audit(session, "sequence_switched_off", sequence.key, account_id=account_id)


def archive(session: Session, sequence_id: int, account_id: int) -> int:
    """Put a sequence away: it is switched off, and whoever is in the middle gets no more of its mails.

    Returns how many runs were stopped.
    """
    sequence = locked(session, sequence_id)
    if sequence.archived_at is not None:
        return 0
    sequence.active, sequence.archived_at = False, clock.now()
    session.flush()
    record_audit(session, "sequence_archived", sequence.key, account_id=account_id)
    return stop_for_sequence(session, sequence_id, ARCHIVED)


def unarchive(session: Session, sequence_id: int, account_id: int) -> None:
    """Take a sequence out of the archive; it stays switched off."""
    sequence = locked(session, sequence_id)
    if sequence.archived_at is None:
        return
    sequence.archived_at = None
    session.flush()
    record_audit(session, "sequence_unarchived", sequence.key, account_id=account_id)


def set_course_date(
    session: Session, settings: Settings, sequence_id: int, course_date_id: int | None, account_id: int
) -> None:
    """Let a sequence lead up to a course's date, or to none.

    Raises `Refusal` for a course that is over or not there, and for none while a mail is counted back from one.
    """
    sequence = locked(session, sequence_id)
    if course_date_id == sequence.course_date_id:
        return
    course = session.get(CourseDate, course_date_id) if course_date_id else None
    if course_date_id is not None and (course is None or course.begins_at <= clock.now()):
        raise Refusal("Nothing was changed. Choose a course that is still to come: this one has begun, or was removed.")
    steps = versions_of(session, sequence_id)[0].steps
    if course is None and any(step.wait_unit is WaitUnit.BEFORE_COURSE for step in steps):
        raise Refusal(
            "A mail of these follow-ups is counted back from the course's beginning. Nothing was changed. Give that "
            "mail another wait first."
        )
    sequence.course_date_id = course_date_id
    session.flush()
    told = f"“{course.name}”" if course else "no course"
    record_audit(session, "sequence_course_changed", f"{sequence.key}: {told}", account_id=account_id)
    if course is not None:
        replan_for_course(session, settings, course.id, f"These follow-ups lead up to the course “{course.name}” now.")

"""The mails to come, as things stand now: for a run, and for somebody who might begin one."""

from collections.abc import Mapping
from collections.abc import Sequence as Row
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.mail.templates import current_subjects
from tpminstitute.sequences.conditions import describe, parse
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus, Sequence, SequenceStep
from tpminstitute.sequences.planning import Reader, opening, plan, reader_of, readers_of
from tpminstitute.sequences.versions import newest_version, steps_of
from tpminstitute.sequences.wishes import left_out


@dataclass(frozen=True)
class Expected:
    """A mail to come: which, when and by which clock, why not earlier (or ""), and what it still depends on, in words.

    `draft` says that it will wait for a person's word.
    """

    subject: str
    at: datetime
    zone: ZoneInfo
    why: str
    depends_on: tuple[str, ...] = ()
    draft: bool = False


def expected_of_run(
    session: Session, settings: Settings, run: Enrollment, subjects: Mapping[str, str]
) -> list[Expected]:
    """Return the mails to come of a run, none for one that is over or waits for a person's word.

    What happens meanwhile may change them: a reply, a wish, a course's date, too many mails at once.
    Parameters: `subjects`, those of the letters as they go out now (`current_subjects`).
    """
    begins, drafts = _next_moment(session, run)
    if begins is None:
        return []
    steps = steps_of(session, run.version_id, run.next_position)
    if not steps:
        return []
    reader = reader_of(session, settings, run.contact_id, run.sequence_id)
    expected = _following(steps, run.topic, reader, subjects, begins)
    return [replace(mail, draft=True, depends_on=()) for mail in expected[:1]] if drafts else expected


def expected_for(
    session: Session, settings: Settings, sequence: Sequence, topics: dict[int, str]
) -> dict[int, list[Expected]]:
    """Return the mails that contacts would get who began `sequence` now, by the contact's id.

    Parameters: `topics`, what each of them wrote about, in words, by the contact's id.
    """
    steps = steps_of(session, newest_version(session, sequence.id))
    subjects = current_subjects(session)
    readers = readers_of(session, settings, [(contact_id, sequence.id) for contact_id in topics])
    return {
        contact_id: _following(steps, topics[contact_id], reader, subjects, None)
        for (contact_id, _), reader in readers.items()
    }


def _next_moment(session: Session, run: Enrollment) -> tuple[datetime | None, bool]:
    """Return when a run's next mail has its turn, if that is known, and whether it will be a draft."""
    now = clock.now()
    if run.status is EnrollmentStatus.ACTIVE:
        assert run.next_due_at is not None  # ck_enrollments_active_has_a_time
        return max(run.next_due_at, now), False
    if run.status is EnrollmentStatus.PAUSED:
        pause = session.get_one(EnrollmentPause, run.id)
        if pause.drafts:
            return max(pause.due_at, now), True
        return (max(pause.until, pause.due_at, now) if pause.until else None), False
    return None, False


def _following(
    steps: Row[SequenceStep], topic: str, reader: Reader, subjects: Mapping[str, str], begins: datetime | None
) -> list[Expected]:
    """Go through `steps` as the runner does, each after the one before it; `begins` is when the first has its turn."""
    to_come = []
    since = clock.now()
    for step in steps:
        planned = plan(step, since, reader) if begins is None else opening(step, begins, reader)
        begins, since = None, planned.at
        if not left_out(reader, topic, step):
            depends_on = tuple(describe(condition, reader.topics) for condition in parse(step.conditions))
            to_come.append(Expected(subjects[step.letter_key], since, reader.zone, planned.why, depends_on))
    return to_come

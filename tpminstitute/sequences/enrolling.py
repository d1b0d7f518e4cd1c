"""Begin a contact's run through a sequence: by a new inquiry's rule, or by hand; and say why not."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Consent, ConsentChange, Contact
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import Suppression
from tpminstitute.mail.suppression import SENTENCES
from tpminstitute.sequences.models import CourseDate, Enrollment, EnrollmentStatus, Sequence
from tpminstitute.sequences.planning import plan, reader_of
from tpminstitute.sequences.stopping import stop_for_cause
from tpminstitute.sequences.versions import newest_version, steps_of
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

RUNNING = (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)


@dataclass(frozen=True)
class EnrollmentOrder:
    """Who is to run through a sequence, because of what (such as ``inquiry:17``), and about which topic, in words."""

    contact_id: int
    cause: str
    topic: str


def begin_for_inquiry(session: Session, settings: Settings, order: EnrollmentOrder) -> int | None:
    """Begin the sequence that fits a new inquiry; the caller holds the contact's row.

    Of those that start for its topic, the one for the fewest topics comes first, the older one before the newer.
    Nobody gets the same mails twice: what the contact began before is passed over. Where another sequence fits what
    they write about now, the run that an earlier inquiry began ends, so that one inquiry's mails come at a time.
    Returns the enrollment's id, or None when none was begun; the timeline says why.
    """
    fitting = _fitting(session, order.topic)
    if not fitting:
        _skip(session, order, "None starts for this topic.")
        return None
    begun_before = set(session.scalars(select(Enrollment.sequence_id).where(Enrollment.contact_id == order.contact_id)))
    new = next((sequence for sequence in fitting if sequence.id not in begun_before), None)
    if new is None:
        _skip(session, order, f"The follow-ups “{fitting[0].name}” were started for this contact before.")
        return None
    _end_earlier(session, order)
    return _begin(session, settings, order, new)


def begin_by_hand(
    session: Session, settings: Settings, contact_id: int, topic: str, sequence: Sequence, account_id: int
) -> int:
    """Begin a sequence for a contact by a staff member's word; the caller holds the contact's row.

    Parameters: `topic`, what the contact wrote about, in words.
    Returns the enrollment's id. Raises `Refusal` with the sentence of `obstacles` when something stands against it.
    """
    against = obstacles(session, sequence, [contact_id]).get(contact_id)
    if against is not None:
        raise Refusal(f"{against} Nothing was started.")
    order = EnrollmentOrder(contact_id, f"account:{account_id}", topic)
    return _begin(session, settings, order, sequence, account_id)


def obstacles(session: Session, sequence: Sequence, contact_ids: Collection[int]) -> dict[int, str]:
    """Return what stands against beginning `sequence`, a sentence by contact; who isn't in it may begin."""
    for_all = _closed(session, sequence)
    if for_all is not None:
        return dict.fromkeys(contact_ids, for_all)
    found: dict[int, str] = {}
    for contact_id in _without_consent(session, contact_ids):
        found[contact_id] = "They have not agreed to follow-ups, or took it back."
    for contact_id, reason in _suppressed(session, contact_ids):
        found[contact_id] = f"The address is closed. {reason}"
    for contact_id, status in _earlier_runs(session, sequence.id, contact_ids):
        running = status in RUNNING
        found[contact_id] = "They are in these follow-ups now." if running else "They had mails of these follow-ups."
    return found


def _begin(
    session: Session, settings: Settings, order: EnrollmentOrder, sequence: Sequence, account_id: int | None = None
) -> int:
    version_id = newest_version(session, sequence.id)
    first = steps_of(session, version_id)[0]
    reader = reader_of(session, settings, order.contact_id, sequence.id)
    enrollment = Enrollment(
        contact_id=order.contact_id,
        sequence_id=sequence.id,
        version_id=version_id,
        cause=order.cause,
        status=EnrollmentStatus.ACTIVE,
        reason="",
        topic=order.topic,
        next_position=first.position,
        next_due_at=plan(first, clock.now(), reader).at,
        started_at=clock.now(),
        ended_at=None,
    )
    session.add(enrollment)
    session.flush()
    by_hand = "" if account_id is None else " by hand"
    sentence = f"The follow-ups “{sequence.name}” started{by_hand}."
    record(session, order.contact_id, ActivityKind.ENROLLED, sentence, account_id=account_id)
    return enrollment.id


def _skip(session: Session, order: EnrollmentOrder, why: str) -> None:
    record(session, order.contact_id, ActivityKind.ENROLLMENT_SKIPPED, f"No follow-ups were started. {why}")


def _fitting(session: Session, topic: str) -> list[Sequence]:
    on = session.scalars(select(Sequence).where(Sequence.active).order_by(Sequence.id)).all()
    key = topics_of(session).key_of(topic)
    starting = [sequence for sequence in on if key in sequence.starts_for and _closed(session, sequence) is None]
    return sorted(starting, key=lambda sequence: len(sequence.starts_for))


def _closed(session: Session, sequence: Sequence) -> str | None:
    """Return why nobody can begin `sequence` now, or None."""
    if not sequence.active:
        return f"The follow-ups “{sequence.name}” are switched off."
    if not steps_of(session, newest_version(session, sequence.id)):
        return f"The follow-ups “{sequence.name}” have no mails yet."
    course = session.get(CourseDate, sequence.course_date_id) if sequence.course_date_id else None
    if course is not None and course.begins_at <= clock.now():
        return f"The course “{course.name}” has begun."
    if course is not None and course.full_at is not None:
        return f"The course “{course.name}” is full."
    return None


def _end_earlier(session: Session, order: EnrollmentOrder) -> None:
    running = select(Enrollment.cause).where(
        Enrollment.contact_id == order.contact_id,
        Enrollment.status.in_(RUNNING),
        Enrollment.cause.startswith("inquiry:"),
    )
    for cause in session.scalars(running).all():
        stop_for_cause(session, cause, f"They wrote again, about “{order.topic}”; other follow-ups fit that.")


def _without_consent(session: Session, contact_ids: Collection[int]) -> set[int]:
    newest = select(func.max(Consent.id)).where(Consent.contact_id.in_(contact_ids)).group_by(Consent.contact_id)
    agreed = select(Consent.contact_id).where(Consent.id.in_(newest), Consent.change == ConsentChange.GRANTED)
    return set(contact_ids) - set(session.scalars(agreed))


def _suppressed(session: Session, contact_ids: Collection[int]) -> list[tuple[int, str]]:
    closed = session.execute(
        select(Contact.id, Suppression.reason)
        .join(Suppression, Suppression.email_key == Contact.email_key)
        .where(Contact.id.in_(contact_ids))
    )
    return [(contact_id, SENTENCES[reason]) for contact_id, reason in closed]


def _earlier_runs(
    session: Session, sequence_id: int, contact_ids: Collection[int]
) -> list[tuple[int, EnrollmentStatus]]:
    """Return the runs that stand against another: one that runs, and one that came past its first mail."""
    runs = session.execute(
        select(Enrollment.contact_id, Enrollment.status)
        .where(
            Enrollment.sequence_id == sequence_id,
            Enrollment.contact_id.in_(contact_ids),
            or_(
                Enrollment.status.in_((*RUNNING, EnrollmentStatus.FINISHED)),
                Enrollment.next_position > 1,
            ),
        )
        .order_by(Enrollment.contact_id, Enrollment.id)
    )
    return [(contact_id, status) for contact_id, status in runs]

"""Stop runs for good, each with its reason: on the run, on its unsent mails, on the step that would have come."""

from collections.abc import Sequence as Row
from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, bindparam, cast, delete, insert, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import WHOSE, Message, MessageStatus
from tpminstitute.mail.outbox import UNSENT
from tpminstitute.sequences import drafts
from tpminstitute.sequences.models import (
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    Sequence,
    SequenceStep,
    StepOutcome,
    StepRecord,
)
from tpminstitute.sequences.records import note_step
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record, record_each

AT_ONCE = 500
"""Runs whose waiting is ended by one statement: a course's may be more than a statement takes."""


def stop_for_contact(session: Session, contact_id: int, reason: str) -> int:
    """Stop every run of a contact and cancel its unsent mails; returns how many runs were stopped."""
    return len(_stop(session, _OF_CONTACT, contact_id, reason))


def stop_for_cause(session: Session, cause: str, reason: str) -> int:
    """Stop the runs that `cause` (such as ``inquiry:17``) started; returns how many were stopped."""
    return len(_stop(session, _OF_CAUSE, cause, reason))


def stop_for_course_date(session: Session, course_date_id: int, reason: str) -> int:
    """Stop the runs that lead up to a course, because it is full or has begun (`reason`); returns how many."""
    return len(_stop(session, _OF_COURSE, course_date_id, reason))


def stop_run(session: Session, run_id: int, reason: str) -> None:
    """Stop one run; the caller holds its row."""
    _stop(session, _OF_RUN, run_id, reason)


def stop_for_sequence(session: Session, sequence_id: int, reason: str) -> int:
    """Stop every run of a sequence; returns how many were stopped."""
    return len(_stop(session, _OF_SEQUENCE, sequence_id, reason))


def stop_by_hand(session: Session, run_id: int, account_id: int) -> None:
    """Stop one run by a person's word. Raises `Refusal` when it doesn't run any more."""
    contact_id = session.scalar(select(Enrollment.contact_id).where(Enrollment.id == run_id))
    if contact_id is not None:
        locked(session, contact_id)
    name = session.get_one(Account, account_id).name
    if not _stop(session, _OF_RUN, run_id, f"{name} stopped them by hand.", account_id):
        raise Refusal("These follow-ups don't run any more. Nothing was changed.")


@dataclass(frozen=True)
class _Whose:
    """Which runs: the statements that stop them and that cancel their unsent mails, made once.

    Every mail that somebody writes stops what runs for them. Of a run that is through the last mail may be unsent.
    """

    stop: ReturningUpdate[int, int]
    cancel: ReturningUpdate[str, int]


def _stop(
    session: Session, whose: _Whose, who: int | str, reason: str, account_id: int | None = None
) -> Row[tuple[int, int]]:
    """First the runs, then, in the next statements, their mails: the other way round, a race leaves a mail queued."""
    session.flush()
    connection = session.connection()
    stopped = connection.execute(whose.stop, {"who": who, "why": reason, "now": clock.now()}).all()
    cancelled = connection.execute(whose.cancel, {"who": who, "why": reason}).all()
    for start in range(0, len(stopped), AT_ONCE):
        _end_waiting(session, [run_id for run_id, _ in stopped[start : start + AT_ONCE]], reason)
    sentence = f"The follow-ups were stopped. {reason}"
    if account_id is None:
        record_each(session, ActivityKind.ENROLLMENT_STOPPED, [(contact_id, sentence) for _, contact_id in stopped])
    else:
        for _, contact_id in stopped:
            record(session, contact_id, ActivityKind.ENROLLMENT_STOPPED, sentence, account_id=account_id)
    for key, contact_id in cancelled:
        _note_cancelled(session, key, contact_id, reason)
    return stopped


def _end_waiting(session: Session, run_ids: Row[int], reason: str) -> None:
    """Nothing waits for a stopped run: no draft, no pause, and its next step is recorded as one that won't come."""
    drafts.end_waiting(session, run_ids)
    session.execute(
        delete(EnrollmentPause)
        .where(EnrollmentPause.enrollment_id.in_(run_ids))
        .execution_options(synchronize_session=False)
    )
    next_steps = (
        select(
            Enrollment.id,
            Enrollment.version_id,
            SequenceStep.number,
            literal(StepOutcome.STOPPED, StepRecord.outcome.type),
            literal(f"It was not written: the follow-ups were stopped. {reason}"),
            literal(clock.now(), StepRecord.at.type),
        )
        .join(
            SequenceStep,
            (SequenceStep.version_id == Enrollment.version_id) & (SequenceStep.position == Enrollment.next_position),
        )
        .where(Enrollment.id.in_(run_ids))
    )
    columns = ["enrollment_id", "version_id", "number", "outcome", "sentence", "at"]
    session.execute(insert(StepRecord).from_select(columns, next_steps))


def _note_cancelled(session: Session, key: str, contact_id: int, reason: str) -> None:
    _, run_id, _, number = key.split(":")
    run = session.get_one(Enrollment, int(run_id), populate_existing=True)
    note_step(session, run, int(number), StepOutcome.STOPPED, f"It was written, and cancelled unsent. {reason}")
    if run.status is EnrollmentStatus.FINISHED:
        sentence = f"The last follow-up was cancelled before it went out. {reason}"
        record(session, contact_id, ActivityKind.MAIL_NOT_SENT, sentence)


def _whose(runs: ColumnElement[bool]) -> _Whose:
    table = Enrollment.__table__
    stop = (
        update(table)  # type: ignore[arg-type]
        .where(runs, Enrollment.status.in_((EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)))
        .values(status=EnrollmentStatus.STOPPED, reason=bindparam("why"), next_due_at=None, ended_at=bindparam("now"))
        .returning(Enrollment.id, Enrollment.contact_id)
    )
    causes = select(literal("enrollment:").concat(cast(Enrollment.id, String))).where(runs)
    cancel = (
        update(Message.__table__)  # type: ignore[arg-type]
        .where(Message.cause.in_(causes), Message.status.in_(UNSENT))
        .values(status=MessageStatus.CANCELLED, reason=bindparam("why"), lease_token=None, lease_until=None)
        .returning(Message.dedupe_key, WHOSE)
    )
    return _Whose(stop, cancel)


_OF_CONTACT = _whose(Enrollment.contact_id == bindparam("who"))
_OF_CAUSE = _whose(Enrollment.cause == bindparam("who"))
_OF_RUN = _whose(Enrollment.id == bindparam("who"))
_OF_SEQUENCE = _whose(Enrollment.sequence_id == bindparam("who"))
_OF_COURSE = _whose(Enrollment.sequence_id.in_(select(Sequence.id).where(Sequence.course_date_id == bindparam("who"))))

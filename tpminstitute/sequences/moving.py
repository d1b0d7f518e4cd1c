"""Bring running follow-ups to another version of their sequence, when staff choose so."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import Message
from tpminstitute.mail.templates import current_subjects
from tpminstitute.sequences.editing import locked
from tpminstitute.sequences.models import (
    DraftStatus,
    Enrollment,
    FollowUpDraft,
    SequenceStep,
    SequenceVersion,
    StepOutcome,
    StepRecord,
)
from tpminstitute.sequences.planning import Reader, opening, plan, readers_of
from tpminstitute.sequences.progress import due_at, go_on
from tpminstitute.sequences.standing import RUNNING, next_place
from tpminstitute.sequences.versions import steps_of
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

BATCH = 500
"""Runs whose past is read at once."""

_STEP_KEY = re.compile(r"enrollment:(?P<run>\d+):step:(?P<number>\d+)")
"""As `versions.step_key` makes them."""


@dataclass(frozen=True)
class Moved:
    """What became of the runs: how many go on, how many are through, and how many wait for a draft's decision."""

    going_on: int
    through: int
    in_decision: int


@dataclass(frozen=True)
class _Target:
    """The version that runs move to, and by whom."""

    name: str
    version_id: int
    number: int
    steps: Row[SequenceStep]
    subjects: dict[str, str]
    account_id: int


@dataclass
class _Past:
    """The numbers of the steps that lie behind a run, and when its last mail was written."""

    behind: set[int] = field(default_factory=set)
    last: datetime | None = None


def move_over(
    session: Session,
    settings: Settings,
    sequence_id: int,
    to_version: int,
    account_id: int,
    only: Collection[int] | None = None,
) -> Moved:
    """Let running follow-ups go on in the version of number `to_version`, nobody getting a step twice.

    A run goes on right after the last step that lies behind it; one that has nothing left is through.
    Its next mail is planned anew, counted from its last one. A run whose next mail lies before somebody as a draft
    stays where it is until that is decided.

    Parameters: `only`, the ids of the enrollments that are meant; all that run by default.
    Returns what became of them. Raises `Refusal` when there is no such version.
    """
    target = _target(session, sequence_id, to_version, account_id)
    runs = _running(session, sequence_id, target.version_id, only)
    in_decision = set(
        session.scalars(
            select(FollowUpDraft.enrollment_id)
            .join(Enrollment, Enrollment.id == FollowUpDraft.enrollment_id)
            .where(Enrollment.sequence_id == sequence_id, FollowUpDraft.status == DraftStatus.WAITING)
        )
    )
    moving = [run for run in runs if run.id not in in_decision]
    through = Counter[bool]()
    for start in range(0, len(moving), BATCH):
        some = moving[start : start + BATCH]
        pasts = _pasts(session, some)
        readers = readers_of(session, settings, [(run.contact_id, sequence_id) for run in some])
        for run in some:
            going_on = _move(session, run, target, pasts[run.id], readers[run.contact_id, sequence_id])
            through[not going_on] += 1
        session.flush()
    return Moved(through[False], through[True], len(runs) - len(moving))


def _target(session: Session, sequence_id: int, to_version: int, account_id: int) -> _Target:
    name = locked(session, sequence_id).name
    version_id = session.scalar(
        select(SequenceVersion.id).where(
            SequenceVersion.sequence_id == sequence_id, SequenceVersion.number == to_version
        )
    )
    if version_id is None:
        raise Refusal(f"There is no version {to_version} of “{name}”. Nobody was moved.")
    steps = steps_of(session, version_id)
    return _Target(name, version_id, to_version, steps, current_subjects(session), account_id)


def _running(session: Session, sequence_id: int, version_id: int, only: Collection[int] | None) -> Row[Enrollment]:
    return session.scalars(
        select(Enrollment)
        .where(
            Enrollment.sequence_id == sequence_id,
            Enrollment.status.in_(RUNNING),
            Enrollment.version_id != version_id,
            true() if only is None else Enrollment.id.in_(only),
        )
        .order_by(Enrollment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _pasts(session: Session, runs: Row[Enrollment]) -> dict[int, _Past]:
    """What lies behind each run: by where it stands, by its mails, and by what was decided against."""
    pasts: dict[int, _Past] = defaultdict(_Past)
    numbers: dict[int, Row[SequenceStep]] = {}
    for run in runs:
        if run.version_id not in numbers:
            numbers[run.version_id] = steps_of(session, run.version_id)
        passed = (step.number for step in numbers[run.version_id] if step.position < run.next_position)
        pasts[run.id].behind.update(passed)
    causes = [f"enrollment:{run.id}" for run in runs]
    mails = select(Message.dedupe_key, Message.created_at).where(Message.cause.in_(causes))
    for key, at in session.execute(mails):
        step = _STEP_KEY.fullmatch(key)
        if step is not None:
            past = pasts[int(step["run"])]
            past.behind.add(int(step["number"]))
            past.last = max(at, past.last or at)
    dropped = select(StepRecord.enrollment_id, StepRecord.number).where(
        StepRecord.enrollment_id.in_([run.id for run in runs]), StepRecord.outcome == StepOutcome.DROPPED
    )
    for run_id, number in session.execute(dropped):
        pasts[run_id].behind.add(number)
    return pasts


def _move(session: Session, run: Enrollment, target: _Target, past: _Past, reader: Reader) -> bool:
    """Move one run; returns whether it goes on."""
    now = clock.now()
    place = next_place([step.number for step in target.steps], past.behind)
    run.version_id = target.version_id
    if place is None:
        go_on(session, run, None, reader, now)
        what = "Nothing in it is left for them, and they are through."
    else:
        step = target.steps[place - 1]
        run.next_position = step.position
        planned = plan(step, past.last or run.started_at, reader).at
        due_at(session, run, planned if planned >= now else opening(step, now, reader).at)
        what = f"They go on with mail {step.position}, “{target.subjects[step.letter_key]}”."
    sentence = f"The follow-ups “{target.name}” were brought to version {target.number}. {what}"
    record(session, run.contact_id, ActivityKind.ENROLLMENT_MOVED, sentence, account_id=target.account_id)
    return place is not None

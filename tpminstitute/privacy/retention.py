"""Rules by which things go by themselves after a while: off until an administrator says so, shown before they bite."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.privacy.models import RetentionRule, RetentionRun, RuleKind
from tpminstitute.privacy.rules import RULES, Sample, sample_of

log = structlog.get_logger(__name__)

BATCH = 500
"""Things that are looked up at once; each goes in a transaction of its own."""

SECONDS = 3.0
"""How long one look may take, since mails wait meanwhile; the next look goes on."""

COUNTED = 10_000
"""A preview counts so far and then says "more than"."""

SAMPLE = 20

AGAIN_AFTER = timedelta(hours=20)
"""Once everything has gone that a rule means, it rests so long."""

_DAYS_OF_A_MONTH = 30.4375


@dataclass(frozen=True)
class Preview:
    """What a rule of that length would take now: how many (`more` than that), and the oldest of them."""

    count: int
    more: bool
    sample: Sequence[Sample]


def rules_of(session: Session) -> Mapping[RuleKind, RetentionRule]:
    """Return the rules that are on."""
    return {rule.kind: rule for rule in session.scalars(select(RetentionRule))}


def set_rule(session: Session, kind: RuleKind, length: int | None, account_id: int) -> None:
    """Let things of a kind go after `length` (in the kind's unit), or never (None).

    Raises `Refusal` for a length that is none.
    """
    if length is not None and not 1 <= length <= 3650:
        raise Refusal(f"Write a whole number of {RULES[kind].unit} from 1 to 3650, or leave it empty for never.")
    session.execute(delete(RetentionRule).where(RetentionRule.kind == kind))
    if length is not None:
        session.add(RetentionRule(kind=kind, length=length, account_id=account_id, at=clock.now()))
    until = f"after {length} {RULES[kind].unit}" if length else "never"
    record_audit(session, "retention_changed", f"{kind.value}: {until}", account_id=account_id)


def preview(session: Session, kind: RuleKind, length: int) -> Preview:
    """Return exactly what a rule would take if it ran now."""
    due = RULES[kind].due(before(kind, length))
    counted = session.scalar(select(func.count()).select_from(due.limit(COUNTED + 1).subquery())) or 0
    sample = sample_of(session, kind, session.scalars(due.limit(SAMPLE)).all())
    return Preview(min(counted, COUNTED), counted > COUNTED, sample)


def newest_runs(session: Session) -> Sequence[RetentionRun]:
    """Return the newest runs that took something, newest first."""
    took = select(RetentionRun).where(RetentionRun.gone > 0).order_by(RetentionRun.id.desc())
    return session.scalars(took.limit(SAMPLE)).all()


def before(kind: RuleKind, length: int) -> datetime:
    """Return the moment that things must be older than."""
    days = length * _DAYS_OF_A_MONTH if RULES[kind].unit == "months" else length
    return clock.now() - timedelta(days=days)


def run_rules(db: Database) -> int:
    """Carry out, for a few seconds, every rule that is on and isn't done for today; returns how many things went."""
    with db.read() as session:
        lengths = {kind: rule.length for kind, rule in rules_of(session).items()}
        done = select(RetentionRun.kind).where(RetentionRun.at > clock.now() - AGAIN_AFTER, RetentionRun.finished)
        over = set(session.scalars(done))
    return sum(_run(db, kind, before(kind, length)) for kind, length in lengths.items() if kind not in over)


def _run(db: Database, kind: RuleKind, cutoff: datetime) -> int:
    gone, last, left = 0, 0, True
    until = monotonic() + SECONDS
    while left and monotonic() < until:
        ids = _next(db, kind, cutoff, last)
        left = bool(ids)
        for one in itertools.takewhile(lambda _: monotonic() < until, ids):
            gone, last = gone + _goes(db, kind, cutoff, one), one
    with db.write() as session:
        session.add(RetentionRun(kind=kind, at=clock.now(), gone=gone, finished=not left))
        if gone:
            record_audit(session, "retention_run", f"{kind.value}: {gone}", account_id=None)
    return gone


def _next(db: Database, kind: RuleKind, cutoff: datetime, last: int) -> Sequence[int]:
    due = RULES[kind].due(cutoff)
    with db.read() as session:
        return session.scalars(due.where(due.selected_columns[0] > last).limit(BATCH)).all()


def _goes(db: Database, kind: RuleKind, cutoff: datetime, one: int) -> bool:
    """Let one thing go, if the rule still means it; what can't go now must not hold up what is behind it."""
    rule = RULES[kind]
    try:
        with db.write() as session:
            due = rule.due(cutoff)
            still = session.scalar(due.where(due.selected_columns[0] == one))
            return still is not None and rule.go(session, [one]) > 0
    except Refusal as refusal:
        log.info("retention_waits", rule=kind.value, why=str(refusal))
        return False

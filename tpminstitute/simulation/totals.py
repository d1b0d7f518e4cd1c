"""What a simulation came to, in numbers that can be added up."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, StepOutcome, StepRecord
from tpminstitute.simulation.audit import SENT_AT

_QUOTED = re.compile("“[^”]*”")

SHOWN_RULES = 20
"""Broken rules that are told of one part; they are counted in any case."""


@dataclass
class Totals:
    """Mails sent by kind and by day (where the institute is), runs by how they stand, stops by reason, steps by what
    became of them, and broken rules: how many, and the first of them.
    """

    mails: Counter[MessageKind] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)
    runs: Counter[EnrollmentStatus] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    steps: Counter[StepOutcome] = field(default_factory=Counter)
    broken: int = 0
    rules: list[str] = field(default_factory=list)

    def add(self, other: "Totals") -> None:
        """Add what another part of the same simulation came to."""
        for name in ("mails", "days", "runs", "stops", "steps"):
            getattr(self, name).update(getattr(other, name))
        self.broken += other.broken
        self.rules = (self.rules + other.rules)[:SHOWN_RULES]

    def load(self, begins: date, days: int) -> list[int]:
        """Return how many mails went out on each day, from `begins` on."""
        return [self.days[begins + timedelta(days=day)] for day in range(days)]


def counted(session: Session, zone: ZoneInfo, broken: Iterable[str]) -> Totals:
    """Return what a simulation's database holds; `broken` are the rules that it breaks."""
    totals = Totals()
    sent = select(Message.kind, SENT_AT).where(Message.status == MessageStatus.SENT, Message.kind != MessageKind.NOTICE)
    for kind, at in session.execute(sent):
        totals.mails[kind] += 1
        totals.days[at.astimezone(zone).date()] += 1
    by_status = select(Enrollment.status, func.count()).group_by(Enrollment.status)
    totals.runs.update({status: number for status, number in session.execute(by_status)})  # noqa: C416
    reasons = select(Enrollment.reason).where(Enrollment.status == EnrollmentStatus.STOPPED)
    totals.stops.update(_QUOTED.sub("“…”", reason) for reason in session.scalars(reasons))
    outcomes = select(StepRecord.outcome, func.count()).group_by(StepRecord.outcome)
    totals.steps.update({outcome: number for outcome, number in session.execute(outcomes)})  # noqa: C416
    for rule in broken:
        totals.broken += 1
        totals.rules += [rule] if len(totals.rules) < SHOWN_RULES else []
    return totals

"""What became of leads: for those opened in each piece of a period (a cohort), where they stand now."""

from collections import Counter
from dataclasses import dataclass
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.reports.periods import Bucket, Period
from tpminstitute.reports.spoken import was_answered


@dataclass(frozen=True)
class Cohort:
    """The leads opened in one piece of a period: how many, how many a person answered, and how many stand where."""

    opened: int
    answered: int
    in_stages: dict[int, int]


@dataclass(frozen=True)
class FunnelReport:
    """The stages in their order, the cohorts oldest first, and how many days it took until leads were won."""

    stages: list[Stage]
    cohorts: list[Cohort]
    days_to_win: float | None

    def total(self, stage: Stage | None = None) -> int:
        """Return how many leads of all cohorts stand in `stage`; without one, how many were opened."""
        if stage is None:
            return sum(cohort.opened for cohort in self.cohorts)
        return sum(cohort.in_stages.get(stage.id, 0) for cohort in self.cohorts)

    @property
    def answered(self) -> int:
        """How many leads of all cohorts a person answered."""
        return sum(cohort.answered for cohort in self.cohorts)


def funnel_report(session: Session, chosen: Period) -> FunnelReport:
    """Return what became of the leads that were opened in a period."""
    stages = list(session.scalars(select(Stage).order_by(Stage.position)))
    won = [stage.id for stage in stages if stage.outcome is Outcome.WON]
    return FunnelReport(
        stages, [_cohort(session, bucket) for bucket in chosen.buckets], _days_to_win(session, chosen, won)
    )


def _cohort(session: Session, bucket: Bucket) -> Cohort:
    opened = (Lead.opened_at >= bucket.begins, Lead.opened_at < bucket.ends)
    spoken = was_answered(Lead.contact_id, Lead.opened_at)
    rows = session.execute(select(Lead.stage_id, func.count()).where(*opened).group_by(Lead.stage_id))
    in_stages = Counter(dict(rows.all()))
    answered = session.scalar(select(func.count()).select_from(Lead).where(*opened, spoken)) or 0
    return Cohort(in_stages.total(), answered, dict(in_stages))


def _days_to_win(session: Session, chosen: Period, won: list[int]) -> float | None:
    rows = session.execute(
        select(Lead.opened_at, Lead.closed_at).where(
            Lead.opened_at >= chosen.begins,
            Lead.opened_at < chosen.ends,
            Lead.stage_id.in_(won),
        )
    ).all()
    days = [(closed - opened).total_seconds() / 86_400 for opened, closed in rows if closed]
    return median(days) if days else None

"""Plans of follow-ups, written in a line: waits, windows and conditions as a test chooses them."""

import itertools
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tests.factories import a_sequence
from tpminstitute.core.db import Database
from tpminstitute.sequences.models import SequenceStep, SequenceVersion, WaitUnit

LETTERS = ("follow-up-experience", "follow-up-certifications", "follow-up-skills")
_keys = itertools.count(1)


@dataclass(frozen=True)
class Step:
    """One step of a plan, as a test chooses it."""

    amount: int
    unit: WaitUnit = WaitUnit.DAYS
    days: str = "12345"
    hours: tuple[int, int] = (9, 17)
    conditions: tuple[str | dict[str, Any], ...] = ()


def planned(db: Database, *steps: Step, active: bool = False) -> int:
    """Add a sequence that says `steps`, switched off; returns its id."""
    sequence_id = a_sequence(db, f"tried-{next(_keys)}", waits=(), active=active)
    with db.write() as session:
        version_id = session.scalars(select(SequenceVersion.id).where(SequenceVersion.sequence_id == sequence_id)).one()
        for position, (step, letter) in enumerate(zip(steps, LETTERS, strict=False), start=1):
            session.add(
                SequenceStep(
                    version_id=version_id,
                    position=position,
                    number=position,
                    letter_key=letter,
                    wait_amount=step.amount,
                    wait_unit=step.unit,
                    days=step.days,
                    opens_minute=step.hours[0] * 60,
                    closes_minute=step.hours[1] * 60,
                    conditions=[{"kind": one} if isinstance(one, str) else one for one in step.conditions],
                    topics=[],
                )
            )
    return sequence_id

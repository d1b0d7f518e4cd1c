"""Who is in the middle of a sequence: on which version, at which step."""

from collections.abc import Collection
from collections.abc import Sequence as Row
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, SequenceVersion
from tpminstitute.sequences.versions import steps_of

RUNNING = (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)

SHOWN = 20
"""People named of each group."""


@dataclass(frozen=True)
class Person:
    """Somebody in the middle of a sequence."""

    public_id: str
    name: str


@dataclass(frozen=True)
class Group:
    """Runs that stand at the same place: on which version, before the mail of which letter at which position.

    `runs` says how many; `people` are `SHOWN` of them at most, who began last first. `passed` are the numbers of the
    steps that lie behind them.
    """

    version: int
    position: int
    letter_key: str
    runs: int
    people: Row[Person]
    passed: frozenset[int]

    def goes_on_at(self, numbers: Row[int]) -> int | None:
        """Return the place, from 1, at which they go on among steps of those numbers, None when all lie behind."""
        return next_place(numbers, self.passed)


def next_place(numbers: Row[int], behind: Collection[int]) -> int | None:
    """Return the place, from 1, at which a run goes on among steps of those numbers, None when it is through.

    That is right after the last of them that lies `behind` it, so that nothing comes twice and nothing out of order.
    """
    stands = max((place for place, number in enumerate(numbers, 1) if number in behind), default=0)
    return stands + 1 if stands < len(numbers) else None


def concerned(session: Session, sequence_id: int, besides: int | None = None) -> list[Group]:
    """Return who is in the middle of a sequence, those of the newest version first, then as far as they have come.

    Parameters: `besides`, the id of a version whose runs are left out.
    """
    counted = session.execute(
        select(Enrollment.version_id, SequenceVersion.number, Enrollment.next_position, func.count())
        .join(SequenceVersion, SequenceVersion.id == Enrollment.version_id)
        .where(
            Enrollment.sequence_id == sequence_id,
            Enrollment.status.in_(RUNNING),
            Enrollment.version_id.is_distinct_from(besides),
        )
        .group_by(Enrollment.version_id, SequenceVersion.number, Enrollment.next_position)
        .order_by(SequenceVersion.number.desc(), Enrollment.next_position.desc())
    ).all()
    return [_group(session, sequence_id, *row) for row in counted]


def _group(session: Session, sequence_id: int, version_id: int, version: int, position: int, runs: int) -> Group:
    steps = steps_of(session, version_id)
    ahead = next((step for step in steps if step.position >= position), None)
    return Group(
        version=version,
        position=position,
        letter_key=ahead.letter_key if ahead else "",
        runs=runs,
        people=_people(session, sequence_id, version_id, position),
        passed=frozenset(step.number for step in steps if step.position < position),
    )


def _people(session: Session, sequence_id: int, version_id: int, position: int) -> Row[Person]:
    rows = session.execute(
        select(Contact.public_id, Contact.name)
        .join(Enrollment, Enrollment.contact_id == Contact.id)
        .where(
            Enrollment.sequence_id == sequence_id,
            Enrollment.version_id == version_id,
            Enrollment.next_position == position,
            Enrollment.status.in_(RUNNING),
        )
        .order_by(Enrollment.id.desc())
        .limit(SHOWN)
    )
    return [Person(*row) for row in rows]

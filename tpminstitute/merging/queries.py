"""Read pairs that may be one person, and merges, by pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.merging.likeness import WORDS
from tpminstitute.merging.models import DuplicatePair, Merge, MergedRow, PairState, RowChange

PAGE = 50
COUNTED = 10_000

OF_CONTACT = 3
"""Open pairs that a contact's page shows."""

_LOW, _HIGH = aliased(Contact), aliased(Contact)


@dataclass(frozen=True)
class Somebody:
    """One of two contacts as a list tells of them."""

    public_id: str
    name: str
    email: str
    first_seen_at: datetime


@dataclass(frozen=True)
class Pair:
    """Two contacts that may be one, and why, in words."""

    id: int
    one: Somebody
    other: Somebody
    why: Sequence[str]
    strength: int


@dataclass(frozen=True)
class PairsPage:
    """A page of pairs, the likeliest first; `older` is the place to go on from, if there is more."""

    pairs: Sequence[Pair]
    count: int
    more: bool
    older: str


@dataclass(frozen=True)
class MergeRow:
    """One merge as a list tells of it; `merged_id` is the public id of the shell."""

    id: int
    contact_public_id: str
    contact_name: str
    merged_public_id: str
    by: str
    at: datetime
    undone_at: datetime | None


@dataclass(frozen=True)
class MergesPage:
    """A page of merges, newest first; `older` is the place to go on from, if there is more."""

    merges: Sequence[MergeRow]
    older: int | None


def pairs_page(session: Session, state: PairState, place: str = "") -> PairsPage:
    """Return a page of pairs, the likeliest first. Parameters: `place`, where a page before ended, '' for the first."""
    counted = select(DuplicatePair.id).where(DuplicatePair.state == state).limit(COUNTED + 1).subquery()
    count = session.scalar(select(func.count()).select_from(counted)) or 0
    query = _pairs(DuplicatePair.state == state).order_by(DuplicatePair.strength.desc(), DuplicatePair.id.desc())
    after = _place(place)
    if after is not None:
        strength, pair_id = after
        behind = and_(DuplicatePair.strength == strength, DuplicatePair.id < pair_id)
        query = query.where(or_(DuplicatePair.strength < strength, behind))
    found = [_pair(*row) for row in session.execute(query.limit(PAGE + 1)).all()]
    shown = found[:PAGE]
    older = f"{shown[-1].strength}.{shown[-1].id}" if len(found) > PAGE else ""
    return PairsPage(shown, min(count, COUNTED), count > COUNTED, older)


def may_be(session: Session, contact_id: int) -> Sequence[Pair]:
    """Return the open pairs of a contact, the likeliest first, at most `OF_CONTACT`."""
    return [_pair(*row) for row in session.execute(_of_one_contact(), {"contact": contact_id}).all()]


@cache
def _of_one_contact() -> Select[*tuple[Any, ...]]:
    mine = or_(DuplicatePair.low_id == bindparam("contact"), DuplicatePair.high_id == bindparam("contact"))
    theirs = _pairs(and_(DuplicatePair.state == PairState.OPEN, mine))
    return theirs.order_by(DuplicatePair.strength.desc()).limit(OF_CONTACT)


def pair_of(session: Session, one_id: int, other_id: int) -> DuplicatePair | None:
    """Return the pair that two contacts are, or None."""
    low, high = sorted((one_id, other_id))
    return session.scalar(select(DuplicatePair).where(DuplicatePair.low_id == low, DuplicatePair.high_id == high))


def merges_page(session: Session, before: int | None = None, contact_id: int | None = None) -> MergesPage:
    """Return a page of merges, newest first; only those into one contact, if it is given."""
    query = _newest_merges(of_one=contact_id is not None, from_somewhere=before is not None)
    rows = session.execute(query, {"contact": contact_id, "before": before}).all()
    found = [MergeRow(*row) for row in rows]
    return MergesPage(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


@cache
def _newest_merges(*, of_one: bool, from_somewhere: bool) -> Select[int, str, str, str, str, datetime, datetime | None]:
    query = _merges().order_by(Merge.id.desc()).limit(PAGE + 1)
    if from_somewhere:
        query = query.where(Merge.id < bindparam("before"))
    return query.where(Merge.contact_id == bindparam("contact")) if of_one else query


def merge_row(session: Session, merge_id: int) -> MergeRow | None:
    """Return one merge, or None when there is none with that id."""
    row = session.execute(_merges().where(Merge.id == merge_id)).one_or_none()
    return None if row is None else MergeRow(*row)


def known_as(session: Session, merge_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return under which name and address each of these merges' merged contact was known; not of who was erased."""
    changed = (
        select(MergedRow.merge_id, MergedRow.before, MergedRow.row_key, Merge.merged_id)
        .join(Merge, Merge.id == MergedRow.merge_id)
        .where(MergedRow.merge_id.in_(merge_ids), MergedRow.table_name == Contact.__tablename__)
    )
    return {
        merge_id: (before["name"], before["email"])
        for merge_id, before, key, merged_id in session.execute(changed).all()
        if before and key == [merged_id]
    }


def changed_rows(session: Session, merge_id: int) -> Sequence[tuple[str, RowChange, int]]:
    """Return how many rows of each table a merge changed, added and took away."""
    rows = session.execute(
        select(MergedRow.table_name, MergedRow.change, func.count())
        .where(MergedRow.merge_id == merge_id)
        .group_by(MergedRow.table_name, MergedRow.change)
        .order_by(MergedRow.table_name, MergedRow.change)
    ).all()
    return [(table, change, number) for table, change, number in rows]


def _merges() -> Select[int, str, str, str, str, datetime, datetime | None]:
    return (
        select(Merge.id, _LOW.public_id, _LOW.name, _HIGH.public_id, Account.name, Merge.at, Merge.undone_at)
        .join(_LOW, _LOW.id == Merge.contact_id)
        .join(_HIGH, _HIGH.id == Merge.merged_id)
        .join(Account, Account.id == Merge.account_id)
    )


def _pairs(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    two = [column for who in (_LOW, _HIGH) for column in (who.public_id, who.name, who.email, who.first_seen_at)]
    return (
        select(DuplicatePair.id, DuplicatePair.why, DuplicatePair.strength, *two)
        .join(_LOW, _LOW.id == DuplicatePair.low_id)
        .join(_HIGH, _HIGH.id == DuplicatePair.high_id)
        .where(which, *(who.merged_into_id.is_(None) & who.erased_at.is_(None) for who in (_LOW, _HIGH)))
    )


def _pair(pair_id: int, why: Sequence[str], strength: int, *two: Any) -> Pair:
    hints = [WORDS[hint] for hint in why if hint in WORDS]
    return Pair(pair_id, Somebody(*two[:4]), Somebody(*two[4:]), hints, strength)


def _place(text: str) -> tuple[int, int] | None:
    strength, dot, pair_id = text.partition(".")
    numbers = [part for part in (strength, pair_id) if part.isascii() and part.isdigit() and len(part) < 10]
    return (int(numbers[0]), int(numbers[1])) if dot and len(numbers) == 2 else None

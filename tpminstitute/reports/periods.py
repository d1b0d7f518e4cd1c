"""The time that a report looks at, cut into days, weeks or months by the institute's clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from tpminstitute.core.errors import Refusal


class Piece(StrEnum):
    """How a period is cut: into days, weeks from Monday on (ISO 8601), or months."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


MOST_PIECES = 120
"""Pieces of one report; more would be neither a plot nor a table that anybody reads."""


@dataclass(frozen=True)
class Bucket:
    """One piece of a period: the day it begins, and the moments between which it lies, the second not in it."""

    first: date
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, both in it, cut into pieces; the outer ones may be shorter than the others."""

    first: date
    last: date
    piece: Piece
    zone: ZoneInfo

    @property
    def begins(self) -> datetime:
        """The moment at which the first day begins, in UTC."""
        return _midnight(self.first, self.zone)

    @property
    def ends(self) -> datetime:
        """The moment at which the last day is over, in UTC."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @property
    def buckets(self) -> list[Bucket]:
        """The pieces, oldest first."""
        edges = [self.first]
        while (following := _following(edges[-1], self.piece)) <= self.last:
            edges.append(following)
        edges.append(self.last + timedelta(days=1))
        return [Bucket(a, _midnight(a, self.zone), _midnight(b, self.zone)) for a, b in pairwise(edges)]

    def name_of(self, bucket: Bucket) -> str:
        """Return what a piece is called on a plot, such as ``9 Mar`` or ``Mar 2026``."""
        if self.piece is Piece.MONTH:
            return f"{bucket.first:%b %Y}"
        return f"{bucket.first.day} {bucket.first:%b}"


def period(first: date, last: date, piece: Piece, zone: ZoneInfo) -> Period:
    """Return the period of those days. Raises `Refusal` when it ends before it begins or has too many pieces."""
    if last < first:
        raise Refusal("The last day lies before the first. Choose a later one.")
    chosen = Period(first, last, piece, zone)
    days = (last - first).days + 1
    if days / {Piece.DAY: 1, Piece.WEEK: 7, Piece.MONTH: 28}[piece] > MOST_PIECES:
        raise Refusal(f"That would be more than {MOST_PIECES} {piece}s. Choose a shorter time, or longer pieces.")
    return chosen


def weeks_until(today: date, zone: ZoneInfo, count: int = 12) -> Period:
    """Return the last `count` weeks, this one with them, up to `today`."""
    monday = today - timedelta(days=today.weekday())
    return Period(monday - timedelta(weeks=count - 1), today, Piece.WEEK, zone)


def _following(day: date, piece: Piece) -> date:
    if piece is Piece.DAY:
        return day + timedelta(days=1)
    if piece is Piece.WEEK:
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)

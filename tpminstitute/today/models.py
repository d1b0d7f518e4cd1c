"""Warnings of promises at risk, what each staff member wants to be told by mail, and their calendar feeds."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type


class PromiseWarning(Base):
    """The wait of a conversation, by when it began, that somebody was warned of; another wait is warned of anew."""

    __tablename__ = "promise_warnings"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, autoincrement=False)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Digest(StrEnum):
    """When a staff member gets the morning digest: on days with something of their own, with anything, or never."""

    OWN = "own"
    EVERYTHING = "everything"
    NEVER = "never"


class StaffNews(Base):
    """What a staff member wants to be told by mail, and the last day for which their morning digest was decided."""

    __tablename__ = "staff_news"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    digest: Mapped[Digest] = mapped_column(enum_type(Digest), default=Digest.OWN)
    digested_on: Mapped[date | None] = mapped_column(Date)


class CalendarFeed(Base):
    """The secret address of a staff member's calendar, kept as a digest only, and what it shows beside reminders."""

    __tablename__ = "calendar_feeds"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    secret_digest: Mapped[str] = mapped_column(String(64), unique=True)
    courses: Mapped[bool]
    holidays: Mapped[bool]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)

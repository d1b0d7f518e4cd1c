"""What screening remembers: how often somebody wrote, which texts came, and what staff decided. No text, no name, no
address: everything is known by a digest that only this service's secret can make (`digests.py`)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class Arrival(Base):
    """One letter that came: from an address, a network, or an opened page, each a row."""

    __tablename__ = "screening_arrivals"
    __table_args__ = (Index("ix_screening_arrivals_key_at", "key", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class SeenText(Base):
    """A text, or a part of one, that an address sent; texts with a key in common are nearly the same."""

    __tablename__ = "screening_texts"

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sender: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class LearnedWord(Base):
    """In how many letters that staff judged a word stood; the key `EVERY_LETTER` counts the letters themselves."""

    __tablename__ = "screening_words"
    __table_args__ = (CheckConstraint("spam >= 0 AND honest >= 0", name="counts_not_negative"),)

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    spam: Mapped[int]
    honest: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


EVERY_LETTER = 0


class Judgement(StrEnum):
    """What a person said of a letter."""

    SPAM = "spam"
    HONEST = "honest"


class Lesson(Base):
    """A letter that was learned from, such as ``inquiry:17``, and as what: judged otherwise, it is unlearned first."""

    __tablename__ = "screening_lessons"
    __table_args__ = (non_empty("subject"),)

    subject: Mapped[str] = mapped_column(String(60), primary_key=True)
    judgement: Mapped[Judgement] = mapped_column(enum_type(Judgement))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

"""What administrators save at the desk instead of the operator's settings, and how staff sign."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, non_empty


class SavedSetting(Base):
    """One setting as it was saved last; without a value it is the operator's again."""

    __tablename__ = "saved_settings"
    __table_args__ = (non_empty("name"), CheckConstraint("number >= 1", name="number_from_one"))

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    number: Mapped[int] = mapped_column(default=1)
    """How often it was saved: who saves a stale page finds out."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))


class DeskVersion(Base):
    """One row that counts each change of what pages and mails are made from: a process keeps what it read so long."""

    __tablename__ = "desk_versions"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]


class Signature(Base):
    """What stands under the mails that a staff member writes, instead of their name and the institute's."""

    __tablename__ = "signatures"
    __table_args__ = (non_empty("text"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)

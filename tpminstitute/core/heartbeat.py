"""Signs of life: each background process writes down when it last did its work."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from tpminstitute.core import clock
from tpminstitute.core.db import Base, UtcDateTime, enum_type


class Pulse(StrEnum):
    """Whose sign of life it is."""

    DELIVERY = "delivery"
    FOLLOW_UPS = "follow_ups"


class Heartbeat(Base):
    """The newest sign of life of one kind of work."""

    __tablename__ = "heartbeats"

    pulse: Mapped[Pulse] = mapped_column(enum_type(Pulse), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def beat(session: Session, pulse: Pulse) -> None:
    """Write down that the work of `pulse` was looked at now."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"pulse": pulse, "at": clock.now()}
    session.execute(
        insert(Heartbeat).values(values).on_conflict_do_update(index_elements=["pulse"], set_={"at": values["at"]})
    )


def last_beats(session: Session) -> dict[Pulse, datetime]:
    """Return when each kind of work was last looked at; one that never was is missing."""
    return {row.pulse: row.at for row in session.scalars(select(Heartbeat))}

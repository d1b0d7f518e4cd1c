"""Forms that act once: whoever comes second with the same key is led where the first was led."""

from datetime import datetime, timedelta

from sqlalchemy import String, Text, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from tpminstitute.core import clock
from tpminstitute.core.db import Base, UtcDateTime

KEPT_FOR = timedelta(days=3)
"""How long a form is known: a page that stays open over a weekend is still the same page on Monday."""


class TakenForm(Base):
    """A form that was taken. Its key is a digest with a random part, so that nothing of what it said can be read."""

    __tablename__ = "taken_forms"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    led_to: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def take(session: Session, key: str) -> str:
    """Take the form of `key` in the caller's transaction; a second one waits here until the first is decided.

    Returns '' when it is the first, and where the first was led (`lead_to`) when it was taken before.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = insert(TakenForm).values(key=key, led_to="", at=clock.now())
    kept = made.on_conflict_do_update(index_elements=["key"], set_={"key": made.excluded.key})
    return session.scalars(kept.returning(TakenForm.led_to)).one()


def lead_to(session: Session, key: str, address: str) -> None:
    """Say where the form that was just taken led, as whoever sends it again is told."""
    session.execute(
        update(TakenForm)
        .where(TakenForm.key == key)
        .values(led_to=address)
        .execution_options(synchronize_session=False)
    )


def tidy_forms(session: Session) -> None:
    """Forget the forms that nobody has open any more."""
    session.execute(delete(TakenForm).where(TakenForm.at < clock.now() - KEPT_FOR))

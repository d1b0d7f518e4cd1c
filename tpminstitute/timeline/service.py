"""Record facts about contacts."""

from collections.abc import Iterable

from sqlalchemy import insert
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

_FACT = insert(Activity.__table__).inline()  # type: ignore[arg-type]
"""Made once, on the table: facts are written with every mail, and the ORM's way costs four times as much."""


def record(
    session: Session,
    contact_id: int,
    kind: ActivityKind,
    sentence: str,
    *,
    actor: Actor = Actor.SYSTEM,
    account_id: int | None = None,
) -> None:
    """Add one fact to a contact's timeline.

    Parameters: `sentence`, what happened as staff read it; `account_id`, who did it, which makes the actor staff.
    """
    fact = {
        "contact_id": contact_id,
        "at": clock.now(),
        "kind": kind,
        "actor": Actor.STAFF if account_id is not None else actor,
        "account_id": account_id,
        "sentence": sentence,
    }
    session.connection().execute(_FACT, fact)


def record_each(session: Session, kind: ActivityKind, sentences: Iterable[tuple[int, str]]) -> None:
    """Add the same kind of fact, done by the system, to several timelines at once: pairs of a contact's id and what
    happened.
    """
    now = clock.now()
    facts = [
        {
            "contact_id": contact_id,
            "at": now,
            "kind": kind,
            "actor": Actor.SYSTEM,
            "account_id": None,
            "sentence": sentence,
        }
        for contact_id, sentence in sentences
    ]
    if facts:
        session.connection().execute(_FACT, facts)

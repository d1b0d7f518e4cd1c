"""Record facts about contacts."""

from collections.abc import Sequence

from sqlalchemy import Integer, String, bindparam, insert, literal, null, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.bulk import ForEach
from tpminstitute.core.db import UtcDateTime
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

_FACT = insert(Activity.__table__).inline()  # type: ignore[arg-type]
"""Made once, on the table: facts are written with every mail, and the ORM's way costs four times as much."""

_SAME_FACT = ForEach(
    lambda told: insert(Activity.__table__).from_select(  # type: ignore[arg-type]
        ["contact_id", "at", "kind", "actor", "account_id", "sentence"],
        select(
            told["contact_id"],
            bindparam("now", type_=UtcDateTime()),
            bindparam("what", type_=Activity.kind.type),
            literal(Actor.SYSTEM, Activity.actor.type),
            null(),
            told["sentence"],
        ),
    ),
    contact_id=Integer,
    sentence=String,
)


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


def record_each(session: Session, kind: ActivityKind, sentences: Sequence[tuple[int, str]]) -> None:
    """Add the same kind of fact, done by the system, to several timelines at once: pairs of a contact's id and what
    happened.
    """
    if sentences:
        _SAME_FACT.run(session.connection(), sentences, what=kind, now=clock.now())

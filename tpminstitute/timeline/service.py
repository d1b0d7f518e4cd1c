"""Record facts about contacts."""

from sqlalchemy import insert
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.timeline.models import Activity, ActivityKind, Actor


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
    session.execute(
        insert(Activity).values(
            contact_id=contact_id,
            at=clock.now(),
            kind=kind,
            actor=Actor.STAFF if account_id is not None else actor,
            account_id=account_id,
            sentence=sentence,
        )
    )

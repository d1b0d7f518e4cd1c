"""What an import writes for each of many rows: statements made once, in arrays where the database takes them so."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, String, bindparam, insert, literal, null, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import Text

from tpminstitute.contacts.models import Contact, ContactTag, Note
from tpminstitute.core.bulk import ForEach, Given
from tpminstitute.core.db import UtcDateTime
from tpminstitute.exchange.models import ImportRow
from tpminstitute.pipeline.models import Lead
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

_NOW = bindparam("now", type_=UtcDateTime())
_BY = bindparam("account", type_=Integer)


def _inserted(model: Any, given: Given, **same: Any) -> Any:
    """Return an insertion of what each row gives and what is the same for all."""
    values = dict(given) | same
    return insert(model.__table__).from_select(list(values), select(*values.values()))


TAGS = ForEach(
    lambda given: _inserted(ContactTag, given, account_id=_BY, at=_NOW),
    contact_id=Integer,
    tag=String,
)
"""Parameters for all rows alike: `account`, `now`."""

NOTES = ForEach(
    lambda given: _inserted(Note, given, account_id=_BY, at=_NOW, changed_at=null(), number=literal(1)),
    contact_id=Integer,
    body=Text,
)
"""For all rows alike: `account`, `now`."""

FACTS = ForEach(
    lambda given: _inserted(
        Activity,
        given,
        at=_NOW,
        kind=literal(ActivityKind.CONTACT_IMPORTED, Activity.kind.type),
        actor=literal(Actor.STAFF, Activity.actor.type),
        account_id=_BY,
    ),
    contact_id=Integer,
    sentence=Text,
)
"""For all rows alike: `account`, `now`."""

LEADS = ForEach(
    lambda given: _inserted(Lead, given, opened_at=_NOW),
    contact_id=Integer,
    stage_id=Integer,
    closed_at=UtcDateTime,
)
"""For all rows alike: `now`."""

OUTCOMES = ForEach(
    lambda given: (
        update(ImportRow.__table__)  # type: ignore[arg-type]
        .where(ImportRow.import_id == bindparam("import"), ImportRow.line == given["line"])
        .values(outcome=given["outcome"], contact_id=given["contact_id"])
    ),
    line=Integer,
    outcome=String,
    contact_id=Integer,
)
"""For all rows alike: `import`."""

CONTACT_COLUMNS = {
    "public_id": String,
    "email": String,
    "email_key": String,
    "name": String,
    "phone_typed": String,
    "phone_e164": String,
    "topic": String,
    "owner_id": Integer,
    "first_seen_at": UtcDateTime,
    "time_zone": String,
    "time_zone_source": String,
    "background": String,
    "background_source": String,
}


def contact_values(values: dict[str, Any]) -> tuple[Any, ...]:
    """Return the values of a new contact in the order of `CONTACT_COLUMNS`."""
    return tuple(values.get(name) for name in CONTACT_COLUMNS)


def _added(given: Given) -> Any:
    values = dict(given) | {"number": literal(1)}
    chosen = select(*values.values()).where(literal(True))  # else SQLite reads ON CONFLICT as a join's
    table: Any = Contact.__table__
    # SQLite writes it in the same words.
    return (
        postgresql.insert(table).from_select(list(values), chosen).on_conflict_do_nothing(index_elements=["email_key"])
    )


CONTACTS = ForEach(_added, **CONTACT_COLUMNS)
"""Passes over rows whose address is there already."""


def pairs(rows: Sequence[Any], of: str) -> list[tuple[int, Any]]:
    """Return each row's contact with each of what its change adds."""
    return [(row.contact_id, one) for row in rows for one in getattr(row.change, of)]

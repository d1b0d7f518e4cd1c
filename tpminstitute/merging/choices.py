"""What a person chooses when two contacts become one, and what is chosen if they say nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tpminstitute.contacts.models import Contact, ZoneSource

LEAD = "lead"


class Side(StrEnum):
    """Which of the two: the one that remains (it was here first) or the one that is merged into it."""

    FIRST = "first"
    SECOND = "second"

    @property
    def other(self) -> "Side":
        """The other one."""
        return Side.SECOND if self is Side.FIRST else Side.FIRST


@dataclass(frozen=True)
class Field:
    """One thing that is chosen as a whole, and the columns that say it."""

    name: str
    label: str
    columns: tuple[str, ...]


FIELDS = (
    Field("name", "Name", ("name",)),
    Field("email", "Main address", ("email", "email_key")),
    Field("phone", "Phone", ("phone_typed", "phone_e164")),
    Field("time_zone", "Time zone", ("time_zone", "time_zone_source")),
    Field("background", "Where they stand", ("background", "background_source")),
    Field("topic", "Interested in", ("topic",)),
    Field("owner", "Looked after by", ("owner_id",)),
)

OWN = ("id", "public_id", "first_seen_at", "number", "merged_into_id", "erased_at")
"""Columns of a contact that nobody chooses: the row's own, or reckoned from both."""

_ZONES = (None, ZoneSource.PHONE, ZoneSource.BROWSER, ZoneSource.STAFF, ZoneSource.PERSON)


@dataclass(frozen=True)
class Choices:
    """Which side each field comes from (by the field's name), whose open lead goes on (`lead`), whose run of a
    sequence (by its id). What isn't said is chosen by `usual_side` and for the side that remains.
    """

    fields: Mapping[str, Side] = field(default_factory=dict)
    lead: Side = Side.FIRST
    runs: Mapping[int, Side] = field(default_factory=dict)


def usual_side(chosen: Field, first: Contact, second: Contact, closed: Mapping[str, bool]) -> Side:
    """Return where a field comes from if nobody says: from who remains, unless the other one knows (better).

    Parameters: `closed`, which of their addresses (by key) takes no mail.
    """
    if chosen.name == "time_zone":
        better = _ZONES.index(second.time_zone_source) > _ZONES.index(first.time_zone_source)
        return Side.SECOND if better else Side.FIRST
    if chosen.name == "email":
        better = closed.get(first.email_key, False) and not closed.get(second.email_key, False)
        return Side.SECOND if better else Side.FIRST
    return Side.FIRST if _values(first, chosen)[0] or not _values(second, chosen)[0] else Side.SECOND


def chosen_values(choices: Choices, first: Contact, second: Contact, closed: Mapping[str, bool]) -> dict[str, Any]:
    """Return the columns of the contact that remains, as they are chosen."""
    values: dict[str, Any] = {}
    for one in FIELDS:
        side = choices.fields.get(one.name) or usual_side(one, first, second, closed)
        source = first if side is Side.FIRST else second
        values.update(zip(one.columns, _values(source, one), strict=True))
    return values


def differ(chosen: Field, first: Contact, second: Contact) -> bool:
    """Return whether there is anything to choose."""
    return _values(first, chosen) != _values(second, chosen)


def _values(contact: Contact, chosen: Field) -> tuple[Any, ...]:
    return tuple(getattr(contact, column) for column in chosen.columns)

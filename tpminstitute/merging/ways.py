"""What a merge does with the rows of each table that speaks of a contact.

The tables are found by the schema's foreign keys; a test fails for one whose way is not said here. What belongs to a
row that moves goes with it, and needs no way of its own unless it is made anew.
"""

from collections.abc import Iterator
from enum import StrEnum

from sqlalchemy import Column, Delete, Table, UniqueConstraint, and_, delete, exists, select, update
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core.belonging import referring


class Way(StrEnum):
    """Where a table's rows go.

    `moves`: to the contact that remains, but for a row that the remaining contact has already (a tag, a whose-turn).
    `made anew`: they are drawn from other rows, and go with the shell. `stays`: they speak of the shell itself.
    """

    MOVES = "moves"
    MADE_ANEW = "made anew"
    STAYS = "stays"


WAYS = {
    "activities": Way.MOVES,
    "address_wishes": Way.MOVES,
    "bulk_changes": Way.MOVES,
    "consents": Way.MOVES,
    "contact_addresses": Way.MOVES,
    "contact_cards": Way.MADE_ANEW,
    "contact_tags": Way.MOVES,
    "contacts": Way.STAYS,
    "conversations": Way.MOVES,
    "course_waits": Way.MOVES,
    "duplicate_pairs": Way.MADE_ANEW,
    "enrollments": Way.MOVES,
    "erasure_wishes": Way.STAYS,
    "erasures": Way.STAYS,
    "follow_up_wishes": Way.MOVES,
    "import_rows": Way.MOVES,
    "inquiries": Way.MOVES,
    "lead_cards": Way.MADE_ANEW,
    "leads": Way.MOVES,
    "likeness_keys": Way.MADE_ANEW,
    "merges": Way.STAYS,
    "messages": Way.MOVES,
    "notes": Way.MOVES,
    "presences": Way.MADE_ANEW,
    "promise_warnings": Way.MOVES,
    "published_answers": Way.MOVES,
    "received_mails": Way.MOVES,
    "reminders": Way.MOVES,
    "removed_notes": Way.MOVES,
    "reply_drafts": Way.MOVES,
    "uncompared_contacts": Way.MADE_ANEW,
    "voided_links": Way.STAYS,
}


def contact_columns(way: Way) -> Iterator[Column[int]]:
    """Yield the columns that name a contact, of the tables whose rows go this way."""
    contacts = Contact.__table__
    assert isinstance(contacts, Table)
    return (column for column in referring(contacts) if WAYS[column.table.name] is way)


def move_rows(session: Session, from_id: int, to_id: int) -> None:
    """Give every row that moves to another contact; what the other has already is deleted."""
    connection = session.connection()
    for column in contact_columns(Way.MOVES):
        for unique in _unique_with(column):
            connection.execute(_delete_doubles(column, unique, from_id, to_id))
        connection.execute(update(column.table).where(column == from_id).values({column: to_id}))


def _unique_with(column: Column[int]) -> Iterator[list[Column[int]]]:
    """Yield the other columns of each group that is unique together with `column` for all rows."""
    table = column.table
    groups = [list(table.primary_key)]
    groups += [list(found.columns) for found in table.constraints if isinstance(found, UniqueConstraint)]
    groups += [
        list(index.columns) for index in table.indexes if index.unique and not _is_partial(index.dialect_options)
    ]
    for group in groups:
        if column in group:
            yield [other for other in group if other is not column]


def _is_partial(options: object) -> bool:
    return any(options[name]["where"] is not None for name in ("sqlite", "postgresql"))  # type: ignore[index]


def _delete_doubles(column: Column[int], others: list[Column[int]], from_id: int, to_id: int) -> Delete:
    theirs = column.table.alias()
    same = and_(theirs.c[column.name] == to_id, *(theirs.c[other.name] == other for other in others))
    return delete(column.table).where(column == from_id, exists(select(1).select_from(theirs).where(same)))

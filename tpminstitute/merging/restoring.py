"""Put rows back as they were before a merge, each unless it was changed since."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.db import Base
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.merging.choices import FIELDS
from tpminstitute.merging.images import Values, as_kept, as_stored, table_named
from tpminstitute.merging.models import MergedRow, RowChange
from tpminstitute.pipeline.service import lost_stage

STALE_MAIL = timedelta(days=7)
"""A follow-up that a merge cancelled isn't sent any more after this: it was written for another week."""

TOO_OLD = "It was cancelled when two contacts were merged, and too old to go once they were two again."


def remove_added(session: Session, rows: Sequence[MergedRow], *, but: str = "") -> None:
    """Take away what the merge added, unless somebody changed it since; nothing of the table `but`."""
    for row in rows:
        if row.change is RowChange.ADDED and row.table_name != but and _is_as(session, row, row.after or {}):
            table = table_named(row.table_name)
            session.connection().execute(delete(table).where(_key(table, row.row_key)))


def put_contact_back(session: Session, rows: Sequence[MergedRow], contact: Contact) -> None:
    """Give a contact what they were known by; a field that staff changed since stays.

    Raises `Refusal` when their address is somebody else's by now.
    """
    row = next(row for row in rows if row.table_name == "contacts" and row.row_key == [contact.id])
    before, after = row.before or {}, row.after or {}
    unchanged = {name for name in before if as_kept(getattr(contact, name)) == after[name]}
    for group in FIELDS:
        if not set(group.columns) & before.keys() <= unchanged:
            unchanged -= set(group.columns)
    values = as_stored(table_named("contacts"), {name: before[name] for name in unchanged})
    if not _changed(session, row, values | {"number": contact.number + 1}):
        raise Refusal(
            "The address of the merged contact is somebody else's by now. Nothing was changed: merge those two first."
        )


def put_rows_back(session: Session, rows: Sequence[MergedRow], *, but: str = "") -> None:
    """Give changed rows their values back, and write those anew that the merge took away; nothing of table `but`."""
    for row in rows:
        if row.change is RowChange.CHANGED and row.table_name not in ("contacts", but):
            _put_back(session, row)
    order = [table.name for table in Base.metadata.sorted_tables]
    ids: dict[tuple[str, Any], int] = {}
    removed = [row for row in rows if row.change is RowChange.REMOVED and row.table_name != but]
    for row in sorted(removed, key=lambda row: order.index(row.table_name)):
        _bring_back(session, row, ids)


def _put_back(session: Session, row: MergedRow) -> None:
    """Of a row that was changed since, or that can't be as it was any more, only whose it is goes back."""
    before, after = row.before or {}, row.after or {}
    table = table_named(row.table_name)
    whose = {
        name: value
        for name, value in before.items()
        if table.c[name].foreign_keys and _is_as(session, row, {name: after[name]})
    }
    if _is_as(session, row, after):
        values = _mail_values(session, row, before) if row.table_name == "messages" else before
        if _changed(session, row, as_stored(table, values)):
            return
    if whose:
        _changed(session, row, as_stored(table, whose))


def _mail_values(session: Session, row: MergedRow, before: Values) -> Values:
    """Return what a mail becomes that the merge cancelled: it waits again, unless it is too old by now.

    Nobody holds it: a worker's lease on it ended with the merge.
    """
    if "status" not in before:
        return before
    written = session.scalars(select(Message.created_at).where(Message.id == row.row_key[0])).one()
    if clock.now() - written > STALE_MAIL:
        return {name: value for name, value in before.items() if name == "contact_id"} | {"reason": TOO_OLD}
    waits = MessageStatus.QUEUED if before["status"] == MessageStatus.CLAIMED else before["status"]
    return before | {name: None for name in ("lease_token", "lease_until") if name in before} | {"status": waits}


def _bring_back(session: Session, row: MergedRow, ids: dict[tuple[str, Any], int]) -> None:
    """Write a row anew; one whose id was given away since gets another, which `ids` remembers.

    Of two leads that would be open, the one that comes back is lost: the other was opened since.
    """
    table = table_named(row.table_name)
    values = dict(row.before or {})
    for name in values:
        for key in table.c[name].foreign_keys:
            values[name] = ids.get((key.column.table.name, values[name]), values[name])
    if row.table_name == "leads" and _count(session, table, _open_lead(table, values["contact_id"])):
        lost = lost_stage(session)
        if lost is None:
            return
        values |= {"stage_id": lost, "closed_at": as_kept(clock.now()), "moved_at": as_kept(clock.now())}
    if _count(session, table, _key(table, row.row_key)):
        if [column.name for column in table.primary_key] != ["id"]:
            return
        old = values.pop("id")
        new = insert(table).values(as_stored(table, values)).returning(table.c.id)
        ids[table.name, old] = session.connection().execute(new).scalar_one()
        return
    session.connection().execute(insert(table).values(as_stored(table, values)))


def _open_lead(leads: Table, contact_id: int) -> ColumnElement[bool]:
    return and_(leads.c.contact_id == contact_id, leads.c.closed_at.is_(None))


def _count(session: Session, table: Table, which: ColumnElement[bool]) -> int:
    return session.connection().scalar(select(func.count()).select_from(table).where(which)) or 0


def _changed(session: Session, row: MergedRow, values: Values) -> bool:
    """Change a row; returns False, and changes nothing, when the database forbids it now."""
    table = table_named(row.table_name)
    try:
        with session.begin_nested():
            session.connection().execute(update(table).where(_key(table, row.row_key)).values(values))
    except IntegrityError:
        return False
    return True


def _is_as(session: Session, row: MergedRow, values: Values) -> bool:
    table = table_named(row.table_name)
    columns = [table.c[name] for name in values]
    now = session.connection().execute(select(*columns).where(_key(table, row.row_key))).mappings().one_or_none()
    return now is not None and {name: as_kept(value) for name, value in now.items()} == values


def _key(table: Table, key: Sequence[Any]) -> ColumnElement[bool]:
    return and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))

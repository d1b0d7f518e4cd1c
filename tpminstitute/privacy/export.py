"""All that is held about a person, in one ZIP: found by the schema's foreign keys, so that nothing can be forgotten."""

import html
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import IO, Any

from sqlalchemy import LargeBinary, func, or_, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, AuditEntry
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.belonging import Belonging
from tpminstitute.inbox.contents import content_of
from tpminstitute.inbox.models import ReceivedMail
from tpminstitute.mail.models import Message, MessageKind, Suppression
from tpminstitute.merging.service import address_keys
from tpminstitute.merging.ways import WAYS, Way
from tpminstitute.privacy.erasing import shells_of
from tpminstitute.privacy.forgetting_comments import comments_of
from tpminstitute.privacy.personal import of_contacts
from tpminstitute.timeline.models import ActivityKind

PRIVATE = frozenset(("notes",))
"""Tables that hold what staff wrote for themselves."""

PRIVATE_KINDS = (
    ActivityKind.NOTE_ADDED,
    ActivityKind.NOTE_CHANGED,
    ActivityKind.NOTE_REMOVED,
    ActivityKind.CALL_NOTED,
)
"""Facts of the timeline that say what staff wrote for themselves."""

_AT_ONCE = 500

ABOUT = """\
All that {institute} holds about {name}, written on {at:%-d %B %Y, %H:%M} UTC.

index.html      the same to be read
data.json       every row of every table that belongs to them
mails/sent      the mails to them and about them, as they were sent (open them with a mail program)
mails/received  the mails from them, as they came, with their files
{private}
Not in here are numbers that are reckoned from the above, such as those by which doubles are found.
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>What is held about {title}</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1d2126 }}
h2 {{ margin-top: 2.5rem; border-bottom: 1px solid #e2dfd8 }}
dl {{ display: grid; grid-template-columns: 11rem 1fr; gap: .25rem 1rem; margin: 1rem 0; padding-bottom: 1rem }}
dt {{ color: #59616b }} dd {{ margin: 0; overflow-wrap: anywhere; white-space: pre-wrap }}
</style></head><body><h1>What is held about <bdi>{title}</bdi></h1>
<p>Written on {at:%-d %B %Y, %H:%M} UTC.</p>
"""


def write(session: Session, institute: str, contact_id: int, out: IO[bytes], *, notes: bool = True) -> None:
    """Write all that is held about a contact as a ZIP to `out`, row by row, so that it may be as long as it is.

    Parameters: `institute`, who holds it; `notes`, whether what staff wrote for themselves is in it.
    """
    contact = session.get_one(Contact, contact_id)
    ids = [contact_id, *shells_of(session, contact_id)]
    keys = address_keys(session, ids)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        private = "" if notes else "\nWhat staff wrote for themselves is left out.\n"
        about = ABOUT.format(institute=institute, name=contact.name, at=clock.now(), private=private)
        archive.writestr("README.txt", about)
        _write_data(session, archive, contact, ids, keys, notes)
        _write_page(session, archive, contact, ids, keys, notes)
        _write_mails(session, archive, ids)


def write_comments(session: Session, institute: str, keys: Sequence[str]) -> bytes:
    """Return as JSON what is held of the comments that were written with one of these addresses."""
    told = {"held_by": institute, "written_at": clock.now().isoformat()}
    comments = [_plain(row) for row in comments_of(session, keys)]
    return json.dumps({**told, "comments": comments}, ensure_ascii=False, indent=1).encode()


def _tables(notes: bool) -> list[Belonging]:
    """Return the tables that are written; what is made anew from others is left out."""
    return [
        one
        for one in of_contacts()
        if WAYS.get(one.table.name) is not Way.MADE_ANEW and (notes or one.table.name not in PRIVATE)
    ]


def _sections(
    session: Session, ids: Sequence[int], keys: Sequence[str], notes: bool
) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """Yield each part of what is held: its name, and its rows as JSON takes them."""
    names = dict(session.execute(select(Account.id, Account.name)).all())
    for one in _tables(notes):
        yield one.table.name, _rows(session, one, ids, names, notes)
    closed = select(Suppression.email_key, Suppression.reason, Suppression.note, Suppression.at)
    found = session.execute(closed.where(Suppression.email_key.in_(keys))).mappings().all()
    yield "closed_addresses", (_plain(row) for row in found)
    yield "comments", (_plain(row) for row in comments_of(session, keys))
    public_ids = session.scalars(select(Contact.public_id).where(Contact.id.in_(ids))).all()
    words = [func.lower(AuditEntry.subject).contains(word, autoescape=True) for word in (*keys, *public_ids)]
    lines = select(AuditEntry.at, Account.name.label("who"), AuditEntry.action, AuditEntry.subject).outerjoin(
        Account, Account.id == AuditEntry.account_id
    )
    words.append(AuditEntry.contact_id.in_(ids))
    found_lines = session.execute(lines.where(or_(*words)).order_by(AuditEntry.id)).mappings()
    yield "audit_log", (_plain(row) for row in found_lines)


def _rows(
    session: Session, one: Belonging, ids: Sequence[int], names: dict[int, str], notes: bool
) -> Iterator[dict[str, Any]]:
    columns = [column for column in one.table.columns if not isinstance(column.type, LargeBinary)]
    query = select(*columns).where(one.of(ids)).order_by(*one.table.primary_key)
    if one.table.name == "activities" and not notes:
        query = query.where(one.table.c.kind.not_in(PRIVATE_KINDS))
    found = session.connection().execute(query, execution_options={"yield_per": _AT_ONCE})
    for row in found.mappings():
        values = _plain(row)
        if "account_id" in values:
            values["account"] = names.get(values["account_id"])
        yield values


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _as_json(value) for name, value in row.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date | datetime) else value


def _write_data(
    session: Session, archive: zipfile.ZipFile, contact: Contact, ids: Sequence[int], keys: Sequence[str], notes: bool
) -> None:
    with archive.open("data.json", "w", force_zip64=True) as file:
        head = {"contact": contact.public_id, "written_at": clock.now().isoformat()}
        file.write(json.dumps(head)[:-1].encode())
        for name, rows in _sections(session, ids, keys, notes):
            file.write(f", {json.dumps(name)}: [".encode())
            for number, row in enumerate(rows):
                file.write((b",\n" if number else b"\n") + json.dumps(row, ensure_ascii=False).encode())
            file.write(b"]")
        file.write(b"}\n")


def _write_page(
    session: Session, archive: zipfile.ZipFile, contact: Contact, ids: Sequence[int], keys: Sequence[str], notes: bool
) -> None:
    """The same to be read: empty values and the numbers of rows are left out."""
    with archive.open("index.html", "w", force_zip64=True) as file:
        file.write(_PAGE.format(title=html.escape(contact.name), at=clock.now()).encode())
        for name, rows in _sections(session, ids, keys, notes):
            headed = False
            for row in rows:
                if not headed:
                    file.write(f"<h2>{html.escape(name.replace('_', ' ').capitalize())}</h2>\n".encode())
                    headed = True
                file.write(_as_list(row).encode())
        file.write(b"</body></html>\n")


def _as_list(row: dict[str, Any]) -> str:
    shown = (
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in row.items()
        if value not in (None, "", [], {}) and name != "id" and not name.endswith("_id")
    )
    lines = (f"<dt>{html.escape(name.replace('_', ' '))}</dt><dd>{html.escape(value)}</dd>" for name, value in shown)
    return f"<dl>{''.join(lines)}</dl>\n"


def _write_mails(session: Session, archive: zipfile.ZipFile, ids: Sequence[int]) -> None:
    """What carries a link for its reader alone is left out: whoever exports would hold it as well."""
    theirs = (Message.contact_id.in_(ids), Message.kind != MessageKind.OWN_DATA)
    sent = session.scalars(select(Message.id).where(*theirs).order_by(Message.id)).all()
    for message_id in sent:
        content = session.scalars(select(Message.content).where(Message.id == message_id)).one()
        if content:
            archive.writestr(f"mails/sent/{message_id}.eml", content)
    heard = select(ReceivedMail).where(ReceivedMail.contact_id.in_(ids)).order_by(ReceivedMail.id)
    for mail in session.scalars(heard).all():
        content = content_of(session, mail)
        if content:
            archive.writestr(f"mails/received/{mail.id}.eml", content)

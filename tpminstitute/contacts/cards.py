"""The facts that a contact's card holds, as SQL, and the making of cards from them.

The rooms above own most of these facts, so their tables are read here by their names, as `sequences/facts.py` does; the
triggers and whoever loads rows in bulk then go by the same words.
"""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, text
from sqlalchemy.orm import Session

from tpminstitute.contacts.marks import SEQUENCE_BIT, marks_sql, tag_bit_sql
from tpminstitute.contacts.models import ContactCard
from tpminstitute.contacts.name_keys import name_key_sql
from tpminstitute.core.bulk import one_of
from tpminstitute.timeline.models import ActivityKind

TOUCHES = (
    ActivityKind.REPLY_RECEIVED,
    ActivityKind.STRANGER_WROTE,
    ActivityKind.STAFF_REPLIED,
    ActivityKind.STAFF_MAIL_FILED,
    ActivityKind.REPLY_SCHEDULED,
    ActivityKind.CALL_NOTED,
    ActivityKind.NOTE_ADDED,
    ActivityKind.LEAD_MOVED,
    ActivityKind.CONVERSATION_CLOSED,
    ActivityKind.FOLLOW_UP_DECIDED,
    ActivityKind.REMINDER_SET,
    ActivityKind.REMINDER_DONE,
    ActivityKind.CONTACT_ADDED,
)
"""What counts as a touch beside an inquiry: something between them and us, and no automatic mail or bookkeeping."""

ORIGINS = (ActivityKind.CONTACT_ADDED, ActivityKind.CONTACT_IMPORTED)
"""How somebody came who didn't write first."""

KNOWN_BY = (*ORIGINS, ActivityKind.REPLY_RECEIVED, ActivityKind.STAFF_REPLIED, ActivityKind.STAFF_MAIL_FILED)
"""What makes somebody a contact of ours whatever screening thinks of their inquiries."""

BY_MAIL = "mail"
"""What stands as the source page of an inquiry that came as a mail."""

PRESENT = "contacts.merged_into_id IS NULL AND contacts.erased_at IS NULL"
"""Who is still a person: a shell that was merged or erased stands in no list."""

AT_ONCE = 500


def named(kinds: Sequence[ActivityKind]) -> str:
    """Return kinds of facts as an SQL list."""
    return "(" + ", ".join(f"'{kind.value}'" for kind in kinds) + ")"


_REAL = "state NOT IN ('suspected', 'spam')"

STAGE = "(SELECT stage_id FROM leads WHERE leads.contact_id = {id} ORDER BY leads.id DESC LIMIT 1)"

TOPIC = (
    "coalesce((SELECT topic FROM inquiries WHERE inquiries.contact_id = {id} "
    f"ORDER BY CASE WHEN {_REAL} THEN 0 ELSE 1 END, inquiries.id DESC LIMIT 1), "
    "(SELECT interested.topic FROM contacts AS interested WHERE interested.id = {id}))"
)
"""The newest inquiry's, or else what staff say who imported them."""

SOURCE = (
    "coalesce((SELECT CASE kind WHEN 'contact_imported' THEN 'import' ELSE 'by_hand' END FROM activities "
    f"WHERE activities.contact_id = {{id}} AND kind IN {named(ORIGINS)} AND NOT EXISTS (SELECT 1 FROM inquiries "
    "WHERE inquiries.contact_id = {id} AND received_at < activities.at) ORDER BY activities.id LIMIT 1), "
    f"(SELECT CASE source_page WHEN '{BY_MAIL}' THEN 'mail' ELSE 'form' END FROM inquiries "
    "WHERE inquiries.contact_id = {id} ORDER BY inquiries.id LIMIT 1), 'by_hand')"
)

CONSENT = (
    "coalesce((SELECT change FROM consents WHERE consents.contact_id = {id} ORDER BY consents.id DESC LIMIT 1), 'none')"
)

TURN = "coalesce((SELECT turn FROM conversations WHERE conversations.contact_id = {id}), 'nobody')"

FOLLOW_UPS = (
    "CASE WHEN EXISTS (SELECT 1 FROM enrollments WHERE enrollments.contact_id = {id} "
    "AND status IN ('active', 'paused')) THEN 'running' "
    "WHEN EXISTS (SELECT 1 FROM enrollments WHERE enrollments.contact_id = {id}) THEN 'ended' ELSE 'never' END"
)

APART = (
    "(EXISTS (SELECT 1 FROM inquiries WHERE inquiries.contact_id = {id}) "
    f"AND NOT EXISTS (SELECT 1 FROM inquiries WHERE inquiries.contact_id = {{id}} AND {_REAL}) "
    f"AND NOT EXISTS (SELECT 1 FROM activities WHERE activities.contact_id = {{id}} AND kind IN {named(KNOWN_BY)}))"
)


RUNNING_MARKS = marks_sql(
    SEQUENCE_BIT, "FROM enrollments WHERE enrollments.contact_id = {id} AND status IN ('active', 'paused')"
)
BEGAN_MARKS = marks_sql(SEQUENCE_BIT, "FROM enrollments WHERE enrollments.contact_id = {id}")


def tag_marks(dialect: str) -> str:
    """Return the SQL of the marks of a contact's tags."""
    return marks_sql(tag_bit_sql(dialect), "FROM contact_tags WHERE contact_tags.contact_id = {id}")


def last_touch(dialect: str, first_seen: str) -> str:
    """Return the SQL of the last touch, which is never before `first_seen`, an SQL expression."""
    latest = "greatest" if dialect == "postgresql" else "max"
    inquiries = f"(SELECT max(received_at) FROM inquiries WHERE inquiries.contact_id = {{id}} AND {_REAL})"
    others = (
        f"(SELECT max(at) FROM activities WHERE activities.contact_id = {{id}} AND activities.kind IN {named(TOUCHES)})"
    )
    return f"{latest}({first_seen}, coalesce({inquiries}, {first_seen}), coalesce({others}, {first_seen}))"


def facts(dialect: str) -> dict[str, str]:
    """Return the SQL of each column of a card, for the contact with the id `{id}`, whose row is called `contacts`."""
    return {
        "name_key": name_key_sql("contacts.name", dialect),
        "first_seen_at": "contacts.first_seen_at",
        "last_touch_at": last_touch(dialect, "contacts.first_seen_at"),
        "stage_id": STAGE,
        "owner_id": "contacts.owner_id",
        "topic": TOPIC,
        "source": SOURCE,
        "consent": CONSENT,
        "turn": TURN,
        "follow_ups": FOLLOW_UPS,
        "tag_marks": tag_marks(dialect),
        "running_marks": RUNNING_MARKS,
        "began_marks": BEGAN_MARKS,
        "apart": APART,
    }


def drop_cards(session: Session, contact_ids: Sequence[int]) -> None:
    """Take the cards of these contacts away until `rebuild` makes them: for whoever is about to write much about them
    in this transaction, since the triggers then have nothing to keep.
    """
    table = ContactCard.__table__
    session.connection().execute(delete(table).where(one_of(session, table.c.contact_id, contact_ids)))  # type: ignore[arg-type]


def rebuild(session: Session, contact_ids: Sequence[int] | None = None) -> None:
    """Make the cards of these contacts, or of all, anew from the facts; a shell gets none.

    For whoever moves rows between contacts, or loads them past the triggers.
    """
    dialect = session.get_bind().dialect.name
    if contact_ids is None:
        session.execute(text(making(dialect, PRESENT)))
        return
    which = f"{PRESENT} AND contacts.id IN :ids"
    some = text(making(dialect, which)).bindparams(bindparam("ids", expanding=True))
    for start in range(0, len(contact_ids), AT_ONCE):
        session.execute(some, {"ids": list(contact_ids[start : start + AT_ONCE])})


def making(dialect: str, which: str) -> str:
    """Return the statement that makes the cards of the contacts that `which`, an SQL condition, means."""
    columns = facts(dialect)
    values = ", ".join(sql.format(id="contacts.id") for sql in columns.values())
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return (
        f"INSERT INTO contact_cards (contact_id, {', '.join(columns)}) SELECT contacts.id, {values} "
        f"FROM contacts WHERE {which} ON CONFLICT (contact_id) DO UPDATE SET {changes}"
    )

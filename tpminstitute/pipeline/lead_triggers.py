"""The triggers that keep the leads' rules and their cards, in both dialects."""

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

_CARD = {
    "contact_id": "{lead}.contact_id",
    "stage_id": "{lead}.stage_id",
    "since": "coalesce({lead}.moved_at, {lead}.closed_at, {lead}.opened_at)",
    "owner_id": "(SELECT owner_id FROM contact_cards WHERE contact_cards.contact_id = {lead}.contact_id)",
    "topic": "(SELECT topic FROM contact_cards WHERE contact_cards.contact_id = {lead}.contact_id)",
}
_OUTCOME = "(SELECT outcome FROM stages WHERE stages.id = {row}.stage_id)"
_NEW, _OLD = _OUTCOME.format(row="NEW"), _OUTCOME.format(row="OLD")
_ENDED_AS = "(SELECT outcome FROM stages JOIN leads ON leads.stage_id = stages.id WHERE leads.id = NEW.lead_id)"

REFUSALS = (
    (
        "leads_fit_their_stage",
        "leads",
        ("INSERT", "UPDATE OF stage_id, closed_at"),
        f"({_NEW} = 'open') <> (NEW.closed_at IS NULL)",
        "a lead is closed exactly while its stage is won or lost",
    ),
    (
        "endings_fit_their_stage",
        "lead_endings",
        ("INSERT", "UPDATE"),
        f"{_ENDED_AS} <> CASE WHEN NEW.lost_reason_id IS NULL THEN 'won' ELSE 'lost' END",
        "a lost lead names a reason and a won one a course",
    ),
    (
        "outcomes_stay",
        "stages",
        ("UPDATE OF outcome",),
        "OLD.outcome <> NEW.outcome",
        "the outcome of a stage never changes",
    ),
)
"""What the database refuses: a name, the table, on which changes, when, and why."""


def rebuild(session: Session) -> None:
    """Make every lead's card anew from the facts, for whoever loaded leads past the triggers."""
    session.execute(text(_all_cards()))


def create(connection: Connection) -> None:
    """Make the cards of all leads and the triggers."""
    dialect = connection.dialect.name
    connection.execute(text(_all_cards()))
    columns, values = ", ".join(_CARD), ", ".join(sql.format(lead="NEW") for sql in _CARD.values())
    changes = ", ".join(f"{column} = {sql.format(lead='NEW')}" for column, sql in _CARD.items())
    body = f"INSERT INTO lead_cards (lead_id, {columns}) VALUES (NEW.id, {values});"
    _after(connection, "card_new_leads", "INSERT ON leads", "", body)
    body = f"UPDATE lead_cards SET {changes} WHERE lead_id = NEW.id;"
    watched = "contact_id, stage_id, moved_at, closed_at, opened_at"
    _after(connection, "card_changed_leads", f"UPDATE OF {watched} ON leads", "", body)
    body = "UPDATE lead_cards SET owner_id = NEW.owner_id, topic = NEW.topic WHERE contact_id = NEW.contact_id;"
    differs = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    when = f"OLD.owner_id {differs} NEW.owner_id OR OLD.topic {differs} NEW.topic"
    _after(connection, "card_owners_and_topics", "UPDATE OF owner_id, topic ON contact_cards", when, body)
    body = f"DELETE FROM lead_endings WHERE lead_id = NEW.id AND {_OLD} <> {_NEW};"
    when = "OLD.stage_id <> NEW.stage_id"
    _after(connection, "end_endings", "UPDATE OF stage_id ON leads", when, body)
    for name, table, changes_of, when, why in REFUSALS:
        _refuse(connection, name, table, changes_of, when, why)


def _all_cards() -> str:
    values = ", ".join(sql.format(lead="leads") for sql in _CARD.values())
    changes = ", ".join(f"{column} = excluded.{column}" for column in _CARD)
    return (
        f"INSERT INTO lead_cards (lead_id, {', '.join(_CARD)}) SELECT leads.id, {values} FROM leads WHERE true "
        f"ON CONFLICT (lead_id) DO UPDATE SET {changes}"
    )


def _after(connection: Connection, name: str, what: str, when: str, body: str) -> None:
    head = f"CREATE TRIGGER {name} AFTER {what} FOR EACH ROW" + (f" WHEN ({when})" if when else "")
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"{head} BEGIN {body} END"))
        return
    function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
    connection.execute(text(function))
    connection.execute(text(f"{head} EXECUTE FUNCTION {name}()"))


def _refuse(connection: Connection, name: str, table: str, changes: tuple[str, ...], when: str, why: str) -> None:
    if connection.dialect.name == "sqlite":
        for change in changes:
            head = f"CREATE TRIGGER {name}_{change.partition(' ')[0].lower()} BEFORE {change} ON {table} FOR EACH ROW"
            connection.execute(text(f"{head} WHEN ({when}) BEGIN SELECT RAISE(ABORT, '{why}'); END"))
        return
    connection.execute(
        text(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF ({when}) THEN RAISE EXCEPTION '{why}'; END IF; RETURN NEW; END $$"
        )
    )
    connection.execute(
        text(f"CREATE TRIGGER {name} BEFORE {' OR '.join(changes)} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    )

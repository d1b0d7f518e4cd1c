"""The triggers that keep contact cards true, in both dialects.

A new inquiry, a mail or a tick goes through here, so each trigger changes only the columns that its table says
something about, and most facts of the timeline pass by its condition.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from tpminstitute.contacts import cards
from tpminstitute.contacts.name_keys import name_key_sql

_NAME = "keep_cards_of_"


@dataclass(frozen=True)
class _Rule:
    """What a table's rows say about cards.

    `watched` are the columns whose change matters; `says` gives the columns of the card that follow from the facts,
    with `{id}` for the contact. `on_insert` is quicker and does the same for a new row; `when` is its condition.
    """

    table: str
    watched: tuple[str, ...]
    says: dict[str, str]
    on_insert: dict[str, str] | None = None
    when: str = ""


def _rules(dialect: str) -> tuple[_Rule, ...]:
    touch = cards.last_touch(dialect, "first_seen_at")
    latest = "greatest" if dialect == "postgresql" else "max"
    of_inquiries = {"topic": cards.TOPIC, "source": cards.SOURCE, "apart": cards.APART}
    of_runs = {
        "follow_ups": cards.FOLLOW_UPS,
        "running_marks": cards.RUNNING_MARKS,
        "began_marks": cards.BEGAN_MARKS,
    }
    newer = f"CASE WHEN NEW.state IN ('suspected', 'spam') THEN last_touch_at ELSE {latest}(last_touch_at, %s) END"
    known = cards.named(cards.KNOWN_BY)
    touching = cards.named(cards.TOUCHES)
    counting = cards.named(tuple(dict.fromkeys((*cards.TOUCHES, *cards.KNOWN_BY))))
    return (
        _Rule("leads", ("stage_id",), {"stage_id": cards.STAGE}),
        _Rule("consents", (), {"consent": cards.CONSENT}, {"consent": "NEW.change"}),
        _Rule("conversations", ("turn",), {"turn": cards.TURN}, {"turn": "NEW.turn"}),
        _Rule("contact_tags", ("tag",), {"tag_marks": cards.tag_marks(dialect)}),
        _Rule("enrollments", ("status", "sequence_id"), of_runs),
        _Rule(
            "inquiries",
            ("state",),
            of_inquiries | {"last_touch_at": touch},
            of_inquiries | {"last_touch_at": newer % "NEW.received_at"},
        ),
        _Rule(
            "activities",
            (),
            {"last_touch_at": touch, "source": cards.SOURCE, "apart": cards.APART},
            {
                "last_touch_at": f"CASE WHEN NEW.kind IN {touching} THEN {latest}(last_touch_at, NEW.at) "
                "ELSE last_touch_at END",
                "source": f"CASE WHEN NEW.kind IN {cards.named(cards.ORIGINS)} THEN {cards.SOURCE} ELSE source END",
                "apart": f"(apart AND NEW.kind NOT IN {known})",
            },
            f"NEW.kind IN {counting}",
        ),
    )


def create(connection: Connection) -> None:
    """Make the triggers."""
    dialect = connection.dialect.name
    for statement in [*_of_contacts(dialect), *(made for rule in _rules(dialect) for made in _made(rule, dialect))]:
        connection.execute(text(statement))


def _update(columns: dict[str, str], row: str) -> str:
    values = ", ".join(f"{column} = {sql.format(id=f'{row}.contact_id')}" for column, sql in columns.items())
    return f"UPDATE contact_cards SET {values} WHERE contact_id = {row}.contact_id;"


def _made(rule: _Rule, dialect: str) -> list[str]:
    """Return the statements that make a table's triggers: on a new row, on a changed one, on one that goes."""
    watched = ("contact_id", *rule.watched)
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in watched)
    if dialect == "sqlite":
        changed = changed.replace("IS DISTINCT FROM", "IS NOT")
    before, after = _update(rule.says, "OLD"), _update(rule.says, "NEW")
    return [
        *_trigger(rule.table, "INSERT", _update(rule.on_insert or rule.says, "NEW"), dialect, rule.when),
        *_trigger(rule.table, f"UPDATE OF {', '.join(watched)}", before + " " + after, dialect, changed),
        *_trigger(rule.table, "DELETE", before, dialect),
    ]


def _trigger(table: str, what: str, body: str, dialect: str, when: str = "") -> list[str]:
    name = f"{_NAME}{table}_{what.partition(' ')[0].lower()}"
    head = f"CREATE TRIGGER {name} AFTER {what} ON {table} FOR EACH ROW" + (f" WHEN ({when})" if when else "")
    if dialect == "sqlite":
        return [f"{head} BEGIN {body} END"]
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$",
        f"{head} EXECUTE FUNCTION {name}()",
    ]


def _of_contacts(dialect: str) -> list[str]:
    """Return the statements for the contacts themselves: a new one gets a card, which goes with them by its key."""
    key = name_key_sql("NEW.name", dialect)
    touch = cards.last_touch(dialect, "NEW.first_seen_at").format(id="NEW.id")
    topic = cards.TOPIC.format(id="NEW.id")
    new = (
        "INSERT INTO contact_cards (contact_id, name_key, first_seen_at, last_touch_at, owner_id, topic, source, "
        "consent, turn, follow_ups, tag_marks, running_marks, began_marks, apart) "
        f"VALUES (NEW.id, {key}, NEW.first_seen_at, NEW.first_seen_at, NEW.owner_id, NEW.topic, 'by_hand', 'none', "
        "'nobody', 'never', 0, 0, 0, false);"
    )
    changed = (
        f"UPDATE contact_cards SET name_key = {key}, owner_id = NEW.owner_id, first_seen_at = NEW.first_seen_at, "
        f"last_touch_at = {touch}, topic = {topic} WHERE contact_id = NEW.id;"
    )
    return [
        *_trigger("contacts", "INSERT", new, dialect),
        *_trigger("contacts", "UPDATE OF name, owner_id, first_seen_at, topic", changed, dialect),
    ]

"""Writing what a batch of rows changes, in as few statements as there are tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Integer, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.contacts.cards import drop_cards, rebuild
from tpminstitute.contacts.models import Consent, ConsentChange, Contact, ContactAddress
from tpminstitute.core import clock, tokens
from tpminstitute.core.bulk import ForEach, one_of
from tpminstitute.exchange.changes import UNSUBSCRIBED_HERE, Change
from tpminstitute.exchange.models import Import, ImportRow, RowOutcome
from tpminstitute.exchange.standing import COLUMNS, moment
from tpminstitute.exchange.statements import (
    CONTACTS,
    FACTS,
    LEADS,
    NOTES,
    OUTCOMES,
    TAGS,
    contact_values,
    pairs,
)
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.pipeline.service import stopped_because
from tpminstitute.pipeline.standing import Standing, put, standing_of_leads
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.stopping import stop_for_contact

_EMPTY: dict[str, Any] = dict.fromkeys(COLUMNS) | {"phone_typed": ""}


@dataclass
class Row:
    """One row of the batch: what it says, what becomes of it, and the contact once it is there."""

    line: int
    key: str
    told: Mapping[str, Any]
    cells: list[str]
    change: Change
    contact_id: int | None = None
    lead_was: Standing | None = None
    """How a lead stood before it is moved."""


class Applying:
    """Writes a batch of an import in the caller's transaction, all with one time."""

    def __init__(self, session: Session, of: Import) -> None:
        """Take note of the import and the time."""
        self._session, self._of, self._now = session, of, clock.now()
        self._outcomes = dict(session.execute(select(Stage.id, Stage.outcome)).all())

    def write(self, rows: Sequence[Row]) -> list[Row]:
        """Write what `rows` change. Returns the rows whose address somebody else added meanwhile: decide anew."""
        lost = self._add_contacts([row for row in rows if row.change.was is None])
        written = [row for row in rows if row not in lost]
        for row in written:
            if row.change.was is not None:
                row.contact_id = row.change.was.id
        touched = [row for row in written if row.change.outcome in (RowOutcome.ADDED, RowOutcome.CHANGED)]
        self._change_contacts([row for row in touched if row.change.was is not None])
        self._add_what_hangs_on_them(touched)
        self._set_stages([row for row in touched if row.change.stage_id is not None])
        self._unsubscribe([row for row in touched if row.change.unsubscribes])
        self._record(touched)
        rebuild(
            self._session, [row.contact_id for row in touched if row.contact_id is not None and row.change.was is None]
        )
        self._settle(written)
        return lost

    def _add_contacts(self, rows: Sequence[Row]) -> list[Row]:
        if not rows:
            return []
        given = [
            _EMPTY
            | {"first_seen_at": self._now}
            | row.change.columns
            | {"public_id": tokens.public_id(), "email": row.told["email"], "email_key": row.key}
            for row in rows
        ]
        connection = self._session.connection()
        CONTACTS.run(connection, [contact_values(values) for values in given])
        keys = [row.key for row in rows]
        there = select(Contact.email_key, Contact.id, Contact.public_id).where(
            one_of(self._session, Contact.email_key, keys)
        )
        found = {key: (contact_id, public_id) for key, contact_id, public_id in connection.execute(there)}
        for row, values in zip(rows, given, strict=True):
            contact_id, public_id = found[row.key]
            row.contact_id = contact_id if public_id == values["public_id"] else None
        # Without a card there is nothing for the triggers to keep: it is made once, when all is written.
        drop_cards(self._session, [row.contact_id for row in rows if row.contact_id is not None])
        return [row for row in rows if row.contact_id is None]

    def _change_contacts(self, rows: Sequence[Row]) -> None:
        """Set the columns; those that stay are set to what they are, so that one statement does for all rows."""
        changed = [row for row in rows if row.change.columns]
        if not changed:
            return
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in COLUMNS}
        values["number"] = Contact.__table__.c.number + 1
        self._session.connection().execute(
            update(Contact.__table__).where(Contact.__table__.c.id == bindparam("of_id")).values(values),  # type: ignore[arg-type]
            [
                {f"new_{name}": value for name, value in ({**_was(row), **row.change.columns}).items()}
                | {"of_id": row.contact_id}
                for row in changed
            ],
        )

    def _add_what_hangs_on_them(self, rows: Sequence[Row]) -> None:
        self._run(TAGS, pairs(rows, "tags"), account=self._of.account_id, now=self._now)
        self._run(NOTES, pairs(rows, "notes"), account=self._of.account_id, now=self._now)
        by = {"account_id": self._of.account_id, "at": self._now}
        self._insert(
            ContactAddress,
            [
                {"contact_id": row.contact_id, "email_key": key, "email": address} | by
                for row in rows
                for key, address in row.change.addresses
            ],
        )
        self._insert(
            Consent,
            [
                {
                    "contact_id": row.contact_id,
                    "change": ConsentChange.GRANTED,
                    "wording_version": "",
                    "wording": row.change.consent[1],
                    "source": row.change.consent[2],
                    "at": moment(row.change.consent[0]),
                }
                for row in self._without_who_left([row for row in rows if row.change.consent])
                if row.change.consent
            ],
        )

    def _without_who_left(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows whose consent stands; the address of somebody who left and was erased is closed again."""
        if not rows:
            return []
        left = select(Consent.contact_id).where(
            one_of(self._session, Consent.contact_id, [row.contact_id for row in rows]),
            Consent.change == ConsentChange.WITHDRAWN,
        )
        gone = set(self._session.scalars(left))
        for row in rows:
            if row.contact_id in gone:
                row.change.consent = None
                row.change.remarks.append(UNSUBSCRIBED_HERE)
        return [row for row in rows if row.contact_id not in gone]

    def _set_stages(self, rows: Sequence[Row]) -> None:
        """Open leads where there is none, move the others; won and lost ones stop the follow-ups."""
        new = [row for row in rows if _lead(row) is None]
        self._run(LEADS, [(row.contact_id, row.change.stage_id, self._closed_at(row)) for row in new], now=self._now)
        standing = standing_of_leads(self._session, [lead for row in rows if (lead := _lead(row)) is not None])
        for row in rows:
            lead = _lead(row)
            if lead is not None and row.change.stage_id is not None:
                row.lead_was = standing[lead.id]
                put(lead, row.change.stage_id, opens=self._is_open(row), now=self._now)
        self._session.flush()
        for outcome in (Outcome.WON, Outcome.LOST):
            over = [row.contact_id for row in rows if row.change.was and self._outcome(row) is outcome]
            self._stop_follow_ups(over, stopped_because(outcome))

    def _unsubscribe(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        source = f"import of {self._of.file_name}"[:200]
        self._session.connection().execute(
            self._insert_if_new(Suppression),
            [
                {
                    "email_key": row.change.was.email_key if row.change.was else row.key,
                    "reason": SuppressionReason.OPT_OUT,
                    "note": source,
                    "at": self._now,
                    "account_id": self._of.account_id,
                }
                for row in rows
            ],
        )
        withdrawn = {"change": ConsentChange.WITHDRAWN, "wording_version": "", "wording": "", "source": source}
        newly = [row for row in rows if not (row.change.was and row.change.was.consent is ConsentChange.WITHDRAWN)]
        self._insert(Consent, [{"contact_id": row.contact_id, "at": self._now} | withdrawn for row in newly])
        self._stop_follow_ups([row.contact_id for row in rows if row.change.was], "The person had unsubscribed.")

    def _stop_follow_ups(self, contact_ids: Sequence[int | None], reason: str) -> None:
        running = (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)
        if not contact_ids:
            return
        followed = select(Enrollment.contact_id).where(
            one_of(self._session, Enrollment.contact_id, contact_ids), Enrollment.status.in_(running)
        )
        for contact_id in self._session.scalars(followed.distinct().order_by(Enrollment.contact_id)).all():
            stop_for_contact(self._session, contact_id, reason)

    def _record(self, rows: Sequence[Row]) -> None:
        facts = [(row.contact_id, self._sentence(row)) for row in rows]
        self._run(FACTS, facts, account=self._of.account_id, now=self._now)

    def _sentence(self, row: Row) -> str:
        if row.change.was is None:
            return f"Imported from “{self._of.file_name}”, line {row.line:,}."
        what = ", ".join(row.change.what)
        return f"The import of “{self._of.file_name}” (line {row.line:,}) changed: {what}."

    def _settle(self, rows: Sequence[Row]) -> None:
        # What undoing needs comes first: a row that changed something has it.
        changed = [{"of_line": row.line, "was": before} for row in rows if (before := self._before(row))]
        if changed:
            table = ImportRow.__table__
            where = (table.c.import_id == self._of.id, table.c.line == bindparam("of_line", type_=Integer))
            statement = update(table).where(*where).values(before=bindparam("was", type_=JSON))  # type: ignore[arg-type]
            self._session.connection().execute(statement, changed)
        outcomes = [(row.line, row.change.outcome.value, row.contact_id) for row in rows]
        self._run(OUTCOMES, outcomes, **{"import": self._of.id})

    def _before(self, row: Row) -> dict[str, Any] | None:
        """Return what undoing the row needs, for a contact that was there."""
        change, was = row.change, row.change.was
        if was is None or change.outcome is not RowOutcome.CHANGED:
            return None
        columns = {name: [stored(was.columns[name]), stored(new)] for name, new in change.columns.items()}
        found: dict[str, Any] = {"columns": columns, "at": stored(self._now)}
        found |= {"tags": change.tags, "addresses": [key for key, _ in change.addresses], "notes": len(change.notes)}
        if change.stage_id is not None:
            found["stage"] = [row.lead_was, change.stage_id]
        if change.consent:
            found["consent"] = list(change.consent)
        return found

    def _outcome(self, row: Row) -> Outcome:
        return self._outcomes[row.change.stage_id or 0]

    def _is_open(self, row: Row) -> bool:
        return self._outcome(row) is Outcome.OPEN

    def _closed_at(self, row: Row) -> datetime | None:
        return None if self._is_open(row) else self._now

    def _run(self, statement: ForEach, rows: Sequence[tuple[Any, ...]], **same: object) -> None:
        if rows:
            statement.run(self._session.connection(), rows, **same)

    def _insert(self, model: Any, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            self._session.connection().execute(insert(model.__table__), list(rows))

    def _insert_if_new(self, model: Any) -> Any:
        """Return an insertion that passes over rows whose address is there already."""
        on_postgresql = self._session.get_bind().dialect.name == "postgresql"
        insert_new: Any = postgresql.insert if on_postgresql else sqlite.insert
        return insert_new(model.__table__).on_conflict_do_nothing(index_elements=["email_key"])


def _lead(row: Row) -> Lead | None:
    return row.change.was.lead if row.change.was else None


def _was(row: Row) -> dict[str, Any]:
    return row.change.was.columns if row.change.was else {}


def stored(value: Any) -> Any:
    """Return a value of a column as JSON keeps it."""
    return value.isoformat() if isinstance(value, datetime) else value

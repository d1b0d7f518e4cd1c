"""Taking an import back: who was added goes, unless something happened since; what was changed becomes what it was,
unless somebody changed it since. What stays is said, with its reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.contacts.models import Contact, ContactAddress, ContactTag, Note
from tpminstitute.core import clock
from tpminstitute.core.bulk import one_of
from tpminstitute.core.db import Database
from tpminstitute.exchange.applying import stored
from tpminstitute.exchange.batches import next_batch
from tpminstitute.exchange.changes import COLUMNS_OF, words_for
from tpminstitute.exchange.checking import Problem, keep_problems
from tpminstitute.exchange.fields import LABELS, Field
from tpminstitute.exchange.history import remove, with_history
from tpminstitute.exchange.leases import Lease
from tpminstitute.exchange.models import Import, ImportRow, ImportState, Phase, ProblemKind, RowOutcome
from tpminstitute.exchange.standing import COLUMNS, moment
from tpminstitute.exchange.taking_back import take_back_consent, take_back_stage
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

STAYS = "They stay: something happened with them since the import."
CHANGED_SINCE = "{} stayed, since it was changed after the import."


def go_on(db: Database, lease: Lease) -> bool:
    """Take the next batch back. Returns whether there is more to do."""
    did_something = ImportRow.outcome.in_((RowOutcome.ADDED, RowOutcome.CHANGED))
    return next_batch(db, lease, _revert, _finish, did_something, ImportRow.contact_id.is_not(None))


def _revert(session: Session, job: Import, rows: Sequence[ImportRow]) -> None:
    ids = [row.contact_id for row in rows if row.contact_id is not None]
    # Held against everything, so that nobody writes to or about somebody who is about to be removed.
    held = select(Contact.id).where(one_of(session, Contact.id, ids)).order_by(Contact.id).with_for_update()
    there = set(session.scalars(held))
    added = [row for row in rows if row.outcome is RowOutcome.ADDED and row.contact_id in there]
    changed = [row for row in rows if row.outcome is RowOutcome.CHANGED and row.contact_id in there]
    staying = with_history(session, job.id, [row.contact_id for row in added if row.contact_id is not None])
    stays = [(row, STAYS) for row in added if row.contact_id in staying]
    kept = stays + _restore(session, job, changed)
    keep_problems(
        session,
        job.id,
        [
            Problem(Phase.REVERT, ProblemKind.SKIPPED, row.line, row.email_key, sentence, row.cells)
            for row, sentence in kept
        ],
    )
    _record(session, job, [(row, f"The import of “{job.file_name}” was reverted. {STAYS}") for row, _ in stays])
    leaving = [row.contact_id for row in added if row.contact_id not in staying and row.contact_id is not None]
    remove(session, leaving)
    job.undone = dict(Counter(job.undone) + Counter(removed=len(leaving), restored=len(changed), kept=len(kept)))


def _restore(session: Session, job: Import, rows: Sequence[ImportRow]) -> list[tuple[ImportRow, str]]:
    """Make changed contacts what they were. Returns the rows of which something stays as it is, and what."""
    if not rows:
        return []
    kept: dict[int, list[str]] = {row.line: [] for row in rows}
    _restore_columns(session, rows, kept)
    _take_off(session, job, rows)
    for row in rows:
        before: Mapping[str, Any] = row.before or {}
        if "stage" in before and not take_back_stage(session, row.contact_id or 0, before):
            kept[row.line].append(LABELS[Field.STAGE])
        if "consent" in before and not take_back_consent(session, row.contact_id or 0, before):
            kept[row.line].append("The consent")
    sentences = {line: CHANGED_SINCE.format(words_for(words)) for line, words in kept.items() if words}
    opening = f"The import of “{job.file_name}” was reverted."
    _record(
        session, job, [(row, f"{opening} {sentences.get(row.line, 'What it changed is as it was.')}") for row in rows]
    )
    return [(row, sentences[row.line]) for row in rows if row.line in sentences]


def _restore_columns(session: Session, rows: Sequence[ImportRow], kept: dict[int, list[str]]) -> None:
    columns = [getattr(Contact, name) for name in COLUMNS]
    ids = [row.contact_id for row in rows]
    there = {
        found.id: found
        for found in session.execute(select(Contact.id, *columns).where(one_of(session, Contact.id, ids)))
    }
    values = []
    for row in rows:
        now = {name: getattr(there[row.contact_id], name) for name in COLUMNS}
        was = dict(now)
        for one, names in COLUMNS_OF.items():
            changed = (row.before or {})["columns"]
            changes = {name: changed[name] for name in names if name in changed}
            if any(stored(now[name]) != new for name, (_, new) in changes.items()):
                kept[row.line].append(LABELS[one])
            else:
                was |= {name: _loaded(name, old) for name, (old, _) in changes.items()}
        if was != now:
            values.append({f"was_{name}": value for name, value in was.items()} | {"of_id": row.contact_id})
    if values:
        table = Contact.__table__
        setting: dict[str, Any] = {name: bindparam(f"was_{name}") for name in COLUMNS}
        statement = update(table).where(table.c.id == bindparam("of_id"))  # type: ignore[arg-type]
        session.connection().execute(statement.values(setting | {"number": table.c.number + 1}), values)


def _loaded(name: str, old: Any) -> Any:
    return moment(old) if name == "first_seen_at" and old is not None else old


def _take_off(session: Session, job: Import, rows: Sequence[ImportRow]) -> None:
    """Take off the tags, further addresses and notes that the import put on, as far as they are still its own."""
    tags, addresses, notes = ContactTag.__table__, ContactAddress.__table__, Note.__table__
    for table, column, name in ((tags, tags.c.tag, "tags"), (addresses, addresses.c.email_key, "addresses")):
        given = [
            {"of_id": row.contact_id, "of_value": value, "of_time": moment(row.before["at"])}
            for row in rows
            if row.before
            for value in row.before[name]
        ]
        if given:
            statement = delete(table).where(  # type: ignore[arg-type]
                table.c.contact_id == bindparam("of_id"),
                column == bindparam("of_value"),
                table.c.at == bindparam("of_time"),
            )
            session.connection().execute(statement, given)
    written = [
        {"of_id": row.contact_id, "of_time": moment(row.before["at"])}
        for row in rows
        if row.before and row.before["notes"]
    ]
    if written:
        unchanged = (notes.c.account_id == job.account_id, notes.c.number == 1, notes.c.at == bindparam("of_time"))
        statement = delete(notes).where(notes.c.contact_id == bindparam("of_id"), *unchanged)  # type: ignore[arg-type]
        session.connection().execute(statement, written)


def _record(session: Session, job: Import, sentences: Sequence[tuple[ImportRow, str]]) -> None:
    if not sentences:
        return
    by = {"kind": ActivityKind.IMPORT_REVERTED, "actor": Actor.STAFF, "account_id": job.account_id, "at": clock.now()}
    facts = [by | {"contact_id": row.contact_id, "sentence": sentence} for row, sentence in sentences]
    session.connection().execute(insert(Activity.__table__), facts)  # type: ignore[arg-type]


def _finish(session: Session, job: Import) -> None:
    job.state, job.reverted_at = ImportState.REVERTED, clock.now()
    counts = ", ".join(f"{number:,} {word}" for word, number in sorted(job.undone.items()) if number)
    what = f"import {job.public_id} of {job.file_name}: {counts or 'nothing to take back'}"
    record_audit(session, "import_reverted", what, account_id=job.account_id)

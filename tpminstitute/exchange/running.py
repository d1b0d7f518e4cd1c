"""Importing the rows that the dry run kept."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.exchange.applying import Applying, Row
from tpminstitute.exchange.batches import next_batch
from tpminstitute.exchange.changes import decide
from tpminstitute.exchange.checking import Problem, keep_problems
from tpminstitute.exchange.choices import Choices, from_json
from tpminstitute.exchange.leases import Lease
from tpminstitute.exchange.models import Import, ImportRow, ImportState, Phase
from tpminstitute.exchange.standing import standings


def go_on(db: Database, lease: Lease) -> bool:
    """Import the next batch. Returns whether there is more to do."""
    return next_batch(db, lease, _import, _finish)


def _import(session: Session, job: Import, stored: Sequence[ImportRow]) -> None:
    choices, applying = from_json(job.choices), Applying(session, job)
    rows = _decided(session, job, stored, choices)
    lost = applying.write(rows)
    if lost:  # a visitor wrote with that address since the contacts were looked up: they are known now
        gone = {row.line for row in lost}
        again = _decided(session, job, [row for row in stored if row.line in gone], choices)
        applying.write(again)
        rows = [row for row in rows if row.line not in gone] + again
    job.done = dict(Counter(job.done) + Counter(row.change.outcome.value for row in rows))
    problems = [
        Problem(Phase.RUN, row.change.kind, row.line, row.key, " ".join(row.change.remarks), row.cells)
        for row in rows
        if row.change.remarks
    ]
    keep_problems(session, job.id, problems)


def _decided(session: Session, job: Import, stored: Sequence[ImportRow], choices: Choices) -> list[Row]:
    there = standings(session, job.id, [row.told for row in stored], [row.email_key for row in stored], lock=True)
    return [
        Row(
            row.line,
            row.email_key,
            row.told,
            row.cells,
            decide(row.email_key, row.told, there, choices.existing, choices.tag),
        )
        for row in stored
    ]


def _finish(session: Session, job: Import) -> None:
    job.state, job.done_at = ImportState.DONE, clock.now()
    counts = ", ".join(f"{number:,} {word.replace('_', ' ')}" for word, number in sorted(job.done.items()))
    record_audit(
        session, "contacts_imported", f"import {job.public_id} of {job.file_name}: {counts}", account_id=job.account_id
    )

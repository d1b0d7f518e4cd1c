"""The dry run: every row is read and looked at, and kept as it was read; nothing else is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.bulk import one_of
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.exchange import source
from tpminstitute.exchange.changes import Change, decide
from tpminstitute.exchange.choices import from_json
from tpminstitute.exchange.known import known_names
from tpminstitute.exchange.leases import Lease
from tpminstitute.exchange.models import Import, ImportProblem, ImportRow, ImportState, Phase, ProblemKind
from tpminstitute.exchange.records import Place, Record
from tpminstitute.exchange.standing import standings
from tpminstitute.exchange.values import RowReader, Told

BATCH = 1000
"""Rows that are looked at, or imported, in one transaction."""


@dataclass(frozen=True)
class _Read:
    """A row of the batch and what it tells."""

    record: Record
    told: Told


class Checking:
    """Looks at the rows of one import, batch by batch; made once for a worker's turn."""

    def __init__(self, db: Database, settings: Settings, lease: Lease, file: Path) -> None:
        """Parameters: `file`, as it was brought; what is written anew to be read lies beside it."""
        self._db, self._lease, self._file = db, lease, file
        self._readable = file.with_suffix(".readable")
        with db.read() as session:
            job = session.get_one(Import, lease.import_id)
            self._choices = from_json(job.choices)
            self._reader = RowReader(self._choices, known_names(session), settings.institute_zone, clock.now())
            self._place = Place(job.read_bytes, job.read_line)
            self._begun = job.readable_bytes is not None and self._readable.exists()

    def go_on(self) -> bool:
        """Look at the next batch. Returns whether there is more to do."""
        if not self._begun:
            self._begin()
            return True
        with self._readable.open("rb") as readable:
            records = list(islice(source.rows(readable, self._choices.layout, self._place), BATCH))
        batch = [_Read(record, self._read(record)) for record in records]
        with self._db.write() as session:
            job = self._lease.hold(session)
            self._keep(session, job, batch)
            if len(records) < BATCH:
                job.state, job.done_line = ImportState.CHECKED, 0
        self._place = records[-1].after if records else self._place
        if len(records) < BATCH:
            self._readable.unlink(missing_ok=True)
        return len(records) == BATCH

    def _begin(self) -> None:
        """Write the file anew, and forget an earlier dry run."""
        size = source.write_readable(self._file, self._choices.layout, self._readable)
        self._place = self._choices.layout.begins
        with self._db.write() as session:
            job = self._lease.hold(session)
            session.execute(delete(ImportRow).where(ImportRow.import_id == job.id))
            session.execute(delete(ImportProblem).where(ImportProblem.import_id == job.id))
            job.readable_bytes, job.rows, job.checked = size, 0, {}
            job.read_bytes, job.read_line = self._place.offset, self._place.line
        self._begun = True

    def _read(self, record: Record) -> Told:
        if record.fault:
            return Told(fault=record.fault)
        told = self._reader.read(record.cells)
        if record.remark:
            told.remarks.insert(0, record.remark)
        return told

    def _keep(self, session: Session, job: Import, batch: Sequence[_Read]) -> None:
        _find_doubles(session, job.id, batch)
        taken = [row for row in batch if not row.told.fault]
        keys, values = [row.told.key for row in taken], [row.told.values for row in taken]
        there = standings(session, job.id, values, keys, lock=False)
        existing, tag = self._choices.existing, self._choices.tag
        changes = [decide(row.told.key, row.told.values, there, existing, tag) for row in taken]
        counts = Counter(job.checked) + Counter(change.outcome.value for change in changes)
        counts["left_out"] += len(batch) - len(taken)
        rows = [
            {
                "import_id": job.id,
                "line": row.record.line,
                "email_key": row.told.key,
                "cells": list(row.record.cells),
                "told": row.told.values,
                "outcome": None,
                "contact_id": None,
                "before": None,
            }
            for row in taken
        ]
        if rows:
            session.connection().execute(insert(ImportRow.__table__), rows)  # type: ignore[arg-type]
        problems = [_problem_of(row) for row in batch if row.told.fault or row.told.remarks]
        problems += [_found_out(row, change) for row, change in zip(taken, changes, strict=True) if change.remarks]
        keep_problems(session, job.id, problems)
        job.checked, job.rows = dict(counts), job.rows + len(batch)
        if batch:
            job.read_bytes, job.read_line = batch[-1].record.after.offset, batch[-1].record.after.line


@dataclass(frozen=True)
class Problem:
    """Something to be kept about a row."""

    phase: Phase
    kind: ProblemKind
    line: int
    email_key: str | None
    sentence: str
    cells: Sequence[str]


def keep_problems(session: Session, import_id: int, problems: Sequence[Problem]) -> None:
    """Store problems, in the order of their lines."""
    if problems:
        rows = [{"import_id": import_id} | vars(problem) for problem in sorted(problems, key=lambda one: one.line)]
        session.connection().execute(insert(ImportProblem.__table__), rows)  # type: ignore[arg-type]


def _problem_of(row: _Read) -> Problem:
    kind = ProblemKind.LEFT_OUT if row.told.fault else ProblemKind.IN_PART
    sentence = row.told.fault or " ".join(row.told.remarks)
    return Problem(Phase.READ, kind, row.record.line, row.told.key or None, sentence, list(row.record.cells))


def _found_out(row: _Read, change: Change) -> Problem:
    sentence = " ".join(change.remarks)
    return Problem(Phase.CHECK, change.kind, row.record.line, row.told.key, sentence, list(row.record.cells))


def _find_doubles(session: Session, import_id: int, batch: Sequence[_Read]) -> None:
    """Let a row whose address stands in an earlier one be left out, and say in which."""
    keys = [row.told.key for row in batch if not row.told.fault]
    earlier = select(ImportRow.email_key, ImportRow.line).where(
        ImportRow.import_id == import_id, one_of(session, ImportRow.email_key, keys)
    )
    lines = dict(session.execute(earlier).all())
    for row in batch:
        if row.told.fault:
            continue
        first = lines.setdefault(row.told.key, row.record.line)
        if first != row.record.line:
            row.told.fault = f"Line {first:,} has the same address already, and the first counts."

"""Reading imports: the list of them, and the problems of one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.core.db import Database
from tpminstitute.exchange.choices import from_json
from tpminstitute.exchange.models import Import, ImportProblem, ImportState, Phase
from tpminstitute.exchange.records import shown

PAGE = 50
"""Imports, or problems, on one page."""

CHUNK = 1000
"""Problems that are read at once for a download."""


@dataclass(frozen=True)
class Listed:
    """An import in the list, and whose it is."""

    job: Import
    by: str


@dataclass(frozen=True)
class Listing:
    """A page of the imports, newest first; `older` is the id to go on from, if there is more."""

    rows: Sequence[Listed]
    older: int | None


@dataclass(frozen=True)
class Problems:
    """A page of problems in the order of the lines; `after` is where the next one goes on, if there is more."""

    rows: Sequence[ImportProblem]
    after: tuple[int, int] | None


def imports_page(session: Session, before: int | None = None) -> Listing:
    """Return a page of the imports, newest first; those before an id."""
    query = select(Import, Account.name).join(Account, Account.id == Import.account_id)
    if before is not None:
        query = query.where(Import.id < before)
    found = session.execute(query.order_by(Import.id.desc()).limit(PAGE + 1)).all()
    rows = [Listed(job, name) for job, name in found[:PAGE]]
    return Listing(rows, rows[-1].job.id if len(found) > PAGE else None)


def import_by_public_id(session: Session, public_id: str) -> Import | None:
    """Return an import, or None when there is none (any more)."""
    return session.scalar(select(Import).where(Import.public_id == public_id))


def phases_shown(job: Import) -> tuple[Phase, ...]:
    """Return which problems count now: those of reading and of the dry run, then those of the run, or of the revert."""
    if job.state in (ImportState.REVERTING, ImportState.REVERTED):
        return (Phase.REVERT,)
    if job.state in (ImportState.RUNNING, ImportState.DONE):
        return (Phase.READ, Phase.RUN)
    return (Phase.READ, Phase.CHECK)


def problems_page(session: Session, job: Import, after: tuple[int, int] | None = None, most: int = PAGE) -> Problems:
    """Return a page of an import's problems; those after a line and an id."""
    query = select(ImportProblem).where(ImportProblem.import_id == job.id, ImportProblem.phase.in_(phases_shown(job)))
    if after is not None:
        query = query.where(tuple_(ImportProblem.line, ImportProblem.id) > after)
    found = session.scalars(query.order_by(ImportProblem.line, ImportProblem.id).limit(most + 1)).all()
    rows = found[:most]
    return Problems(rows, (rows[-1].line, rows[-1].id) if len(found) > most else None)


def problem_sheet(db: Database, public_id: str) -> tuple[Sequence[str], Iterator[Sequence[str]]]:
    """Return the rows with problems as they stand in the file, each followed by its line and what is wrong: a sheet
    that can be mended and brought again. A row comes once.
    """
    with db.read() as session:
        job = import_by_public_id(session, public_id)
        headings = from_json(job.choices).layout.headings if job else ()
    return (*headings, "Line", "Problem"), _problem_rows(db, public_id, len(headings))


def _problem_rows(db: Database, public_id: str, width: int) -> Iterator[Sequence[str]]:
    waiting: tuple[int, list[str], str] | None = None
    after: tuple[int, int] | None = None
    while True:
        with db.read() as session:
            job = import_by_public_id(session, public_id)
            if job is None:
                return
            page = problems_page(session, job, after, CHUNK)
        for problem in page.rows:
            if waiting and waiting[0] == problem.line:
                waiting = (*waiting[:2], f"{waiting[2]} {problem.sentence}")
                continue
            if waiting:
                yield _sheet_row(*waiting, width)
            waiting = problem.line, problem.cells, problem.sentence
        after = page.after
        if after is None:
            break
    if waiting:
        yield _sheet_row(*waiting, width)


def _sheet_row(line: int, cells: Sequence[str], sentence: str, width: int) -> Sequence[str]:
    plain = [shown(cell) for cell in cells]
    return (*plain, *("" for _ in range(width - len(plain))), str(line), sentence)

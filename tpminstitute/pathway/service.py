"""The table that holds: the newest version that staff saved, over the one that is shipped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.guide.chapters import Guide
from tpminstitute.institute.service import touch
from tpminstitute.pathway.checks import problems_of, reassigned
from tpminstitute.pathway.models import PathwayVersion
from tpminstitute.pathway.reading import TableProblem, read_table, shipped_text, tidy
from tpminstitute.pathway.table import Table

log = structlog.get_logger(__name__)

AS_SHIPPED = "As shipped"


@dataclass(frozen=True)
class Version:
    """One version: number 0, without a time, is the shipped one; `shipped` says that its text is the shipped one."""

    number: int
    text: str
    author: str
    at: datetime | None
    shipped: bool


@dataclass(frozen=True)
class Current:
    """The table that the check goes by, and why it isn't the newest version, '' when it is."""

    table: Table
    problem: str = ""


class StaleTable(Refusal):
    """Somebody saved a newer version in the meantime; `newest` is it."""

    def __init__(self, newest: Version) -> None:
        """Name the author and the version that came in between."""
        super().__init__(
            f"{newest.author} saved version {newest.number} while you were writing. Nothing was saved, and what you "
            "typed is still here. Look at what changed, then save again to put yours on top."
        )
        self.newest = newest


def shipped(guide: Guide) -> Table:
    """Return the shipped table. Raises `TableProblem` when its file can't be used with `guide`."""
    return checked(shipped_text(), guide)


def checked(text: str, guide: Guide) -> Table:
    """Read and check a table; raises `TableProblem` with everything that keeps it from being used."""
    table = read_table(text)
    problems = problems_of(table, guide)
    if problems:
        raise TableProblem(problems)
    return table


def current(session: Session, guide: Guide) -> Current:
    """Return the table that holds.

    A version was checked when it was saved. Should the guide have changed since, so that it can't be used any more, the
    shipped one holds until staff mend it.
    """
    newest = newest_version(session)
    try:
        return Current(checked(newest.text, guide))
    except TableProblem as problem:
        if newest.shipped:
            raise
        log.warning("pathway_table_left_out", version=newest.number, problem=problem.sentences[0])
        return Current(shipped(guide), str(problem))


def versions(session: Session) -> Sequence[Version]:
    """Return every version, newest first, the shipped one last."""
    rows = session.execute(
        select(PathwayVersion, Account.name)
        .join(Account, Account.id == PathwayVersion.account_id)
        .order_by(PathwayVersion.number.desc())
    ).all()
    return [*(_version(row, author) for row, author in rows), Version(0, shipped_text(), AS_SHIPPED, None, True)]


def newest_version(session: Session) -> Version:
    """Return the newest version, the shipped one where staff saved none."""
    found = session.execute(
        select(PathwayVersion, Account.name)
        .join(Account, Account.id == PathwayVersion.account_id)
        .order_by(PathwayVersion.number.desc())
        .limit(1)
    ).one_or_none()
    return Version(0, shipped_text(), AS_SHIPPED, None, True) if found is None else _version(*found)


def problems_with(session: Session, guide: Guide, text: str) -> list[str]:
    """Return everything that keeps `text` from being saved, as sentences; nothing when it can be."""
    try:
        table = checked(tidy(text), guide)
    except TableProblem as problem:
        return problem.sentences
    return reassigned(table, _tables(versions(session)))


def save(session: Session, guide: Guide, text: str, *, based_on: int, account_id: int) -> int:
    """Make `text` the newest version. The pages go by it from this commit on.

    Parameters: `based_on`, the number of the version that the page was shown with.
    Returns the new version's number. Raises `StaleTable` when there is a newer one, `TableProblem` for a text that
    can't be used, and `Refusal` when nothing was changed.
    """
    touch(session)
    newest = _not_stale(session, based_on)
    tidied = tidy(text)
    if tidied == tidy(newest.text):
        raise Refusal("Nothing was changed, so nothing was saved.")
    problems = problems_with(session, guide, tidied)
    if problems:
        raise TableProblem(problems)
    return _keep(session, newest.number + 1, tidied, account_id)


def restore(session: Session, guide: Guide, number: int, *, based_on: int, account_id: int) -> int:
    """Make an earlier version the newest again, as a version of its own; 0 is the shipped one.

    Parameters, result and errors are those of `save`; raises `Refusal` for a version that there isn't.
    """
    touch(session)
    newest = _not_stale(session, based_on)
    earlier = next((version for version in versions(session) if version.number == number), None)
    if earlier is None:
        raise Refusal("There is no such version. Nothing was changed.")
    if earlier.shipped:
        if newest.shipped:
            raise Refusal("It is as shipped already. Nothing was changed.")
        return _keep(session, newest.number + 1, None, account_id)
    return save(session, guide, earlier.text, based_on=based_on, account_id=account_id)


def _not_stale(session: Session, based_on: int) -> Version:
    newest = newest_version(session)
    if newest.number != based_on:
        raise StaleTable(newest)
    return newest


def _keep(session: Session, number: int, text: str | None, account_id: int) -> int:
    session.add(PathwayVersion(number=number, text=text, at=clock.now(), account_id=account_id))
    told = f"version {number}" if text else f"version {number}, as shipped"
    record_audit(session, "pathway_saved", told, account_id=account_id)
    session.flush()
    return number


def _version(row: PathwayVersion, author: str) -> Version:
    return Version(row.number, row.text or shipped_text(), author, row.at, row.text is None)


def _tables(earlier: Sequence[Version]) -> Iterator[Table]:
    for text in dict.fromkeys(version.text for version in earlier):
        try:
            yield _read_once(text)
        except TableProblem:
            continue  # it was saved under other rules, so no address can be read by it


@lru_cache(maxsize=64)
def _read_once(text: str) -> Table:
    return read_table(text)

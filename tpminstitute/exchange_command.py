"""`tpm import` and `tpm export`: the same as at the desk, for files of any size, with a progress bar."""

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tpminstitute.core.config import Settings, load_settings
from tpminstitute.core.errors import Refusal

if TYPE_CHECKING:  # what a command needs is loaded when it runs, so that the others start quickly
    from sqlalchemy.orm import Session

    from tpminstitute.core.db import Database
    from tpminstitute.exchange.choices import Choices
    from tpminstitute.exchange.models import Import

SIGNS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


@dataclass(frozen=True)
class Wanted:
    """What the options of `tpm import` say; None or '' is left to the file."""

    address: str
    existing: str
    tag: str
    columns: tuple[str, ...]
    encoding: str | None
    delimiter: str | None
    day_first: bool | None
    consent_wording: str
    consent_source: str


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "address", default="", help="The account that imports; the only administrator if left out.")
@click.option("--existing", type=click.Choice(["fill", "overwrite", "skip"]), default="fill", show_default=True)
@click.option("--tag", default="", help="A tag for all of them.")
@click.option("--column", "columns", multiple=True, metavar="HEADING=FIELD", help="What a column is; may be repeated.")
@click.option("--encoding", help="The letters, such as cp1252; found out if left out.")
@click.option("--delimiter", type=click.Choice(list(SIGNS)), help="Found out if left out.")
@click.option("--day-first/--month-first", default=None, help="How 3/4/2026 is meant.")
@click.option("--consent-wording", default="", help="The words that all agreed to.")
@click.option("--consent-source", default="", help="Where all agreed.")
@click.option("--dry-run", is_flag=True, help="Only look; nothing is kept.")
@click.option("--problems", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows with problems here.")
def import_contacts(file: Path, dry_run: bool, problems: Path | None, **options: object) -> None:
    """Bring in the contacts of FILE (CSV, vCard or JSON)."""
    wanted = Wanted(**options)  # type: ignore[arg-type]
    with _opened() as (db, settings):
        job_id = _begun(db, settings, file, wanted)
        _go_on(db, settings, job_id)
        _tell(db, job_id)
        if dry_run:
            _write_problems(db, job_id, problems)
            _discard(db, settings, job_id)
            return
        _run(db, job_id)
        _go_on(db, settings, job_id)
        _tell(db, job_id)
        _write_problems(db, job_id, problems)


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "csv_plain", "json", "jsonl", "vcard"]),
    default="csv",
    show_default=True,
    help="csv_plain has no byte order mark.",
)
@click.option(
    "--field", "fields", multiple=True, help="One of the columns; may be repeated. All that imports back if left out."
)
def export_contacts(file: str, form: str, fields: tuple[str, ...]) -> None:
    """Write every contact to FILE (- is standard output)."""
    from tpminstitute.accounts.audit import record_audit
    from tpminstitute.exchange.fields import EXPORTED, OFFERED
    from tpminstitute.exchange.selection import Selection, batches, count
    from tpminstitute.exchange.writing import Format, write

    unknown = set(fields) - set(OFFERED)
    if unknown:
        there = ", ".join(OFFERED)
        raise Refusal(f"There is no column {', '.join(sorted(unknown))}. Nothing was written. There are: {there}.")
    chosen = [field for field in OFFERED if field.value in fields] or list(EXPORTED)
    with _opened() as (db, _):
        with db.write() as session:
            number = count(session, Selection())
            what = f"{number:,} contacts as {form}: All contacts, by the command line. Columns: {', '.join(chosen)}"
            record_audit(session, "contacts_exported", what, account_id=None)
        _write(file, write(Format(form), batches(db, Selection(), chosen), chosen))
    click.echo(f"{number:,} contacts were written to {file}.", err=True)


@contextmanager
def _opened() -> Iterator[tuple["Database", Settings]]:
    from tpminstitute.core.db import Database, check_connection, pending_migrations
    from tpminstitute.institute.service import effective

    settings = load_settings()
    with closing(Database(settings.database_url)) as db:
        check_connection(db)
        if pending_migrations(db):
            raise Refusal("The database is behind this version. Nothing was changed. Run `tpm migrate` first.")
        yield db, effective(db, settings)


def _begun(db: "Database", settings: Settings, file: Path, wanted: Wanted) -> int:
    from tpminstitute.exchange import imports

    imports.expect_room(settings, file.stat().st_size)
    with tempfile.NamedTemporaryFile(dir=imports.folder_of(settings), suffix=".part") as copy:
        shutil.copyfile(file, copy.name)
        looked_at = imports.look_at(Path(copy.name))
        choices = _chosen(Path(copy.name), looked_at, wanted)
        with db.write() as session:
            account_id = _account(session, wanted.address)
            job = imports.begin(session, settings, Path(copy.name), file.name, looked_at, account_id)
            imports.choose(session, job, choices)
            return job.id


def _chosen(file: Path, found: "Choices", wanted: Wanted) -> "Choices":
    from tpminstitute.exchange.choices import Existing
    from tpminstitute.exchange.fields import IMPORTED, Field
    from tpminstitute.exchange.imports import with_dates
    from tpminstitute.exchange.source import lay_out

    choices = found
    if wanted.encoding or wanted.delimiter:
        delimiter = SIGNS[wanted.delimiter] if wanted.delimiter else found.layout.delimiter or None
        layout = lay_out(file, found.layout.kind, wanted.encoding or found.layout.encoding, delimiter)
        choices = with_dates(replace(found, layout=layout, columns=tuple(layout.guesses)))
    columns = list(choices.columns)
    for said in wanted.columns:
        heading, _, name = said.rpartition("=")
        if heading not in choices.layout.headings or name not in {*IMPORTED, "-"}:
            raise Refusal(
                f"“{said}” names no column. Nothing was changed. Write --column HEADING=FIELD, with a heading of the "
                f"file and one of: {', '.join(IMPORTED)}, or - to leave it out."
            )
        columns[choices.layout.headings.index(heading)] = Field(name) if name != "-" else None
    return replace(
        choices,
        columns=tuple(columns),
        existing=Existing(wanted.existing),
        tag=wanted.tag,
        day_first=choices.day_first if wanted.day_first is None else wanted.day_first,
        consent_wording=wanted.consent_wording,
        consent_source=wanted.consent_source,
    )


def _account(session: "Session", address: str) -> int:
    """Return the account that imports: what it adds is said to be by them."""
    from sqlalchemy import select

    from tpminstitute.accounts.models import Account, Role

    found = select(Account.id).where(Account.active)
    if address:
        found = found.where(Account.email == address.lower(), Account.role != Role.READER)
    else:
        found = found.where(Account.role == Role.ADMINISTRATOR)
    ids = session.scalars(found).all()
    if len(ids) != 1:
        raise Refusal("Say whose import it is: --as with the address of an advisor or administrator. Nothing was read.")
    return ids[0]


def _go_on(db: "Database", settings: Settings, job_id: int) -> None:
    """Work until it stands still, with a bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from tpminstitute.exchange.progress import progress_of
    from tpminstitute.exchange.work import finish

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1)

        def tell(job: "Import") -> None:
            now = progress_of(job)
            bar.update(task, description=job.state.value, total=now.all, completed=now.done)

        finish(db, settings, job_id, tell)


def _run(db: "Database", job_id: int) -> None:
    from tpminstitute.exchange import imports
    from tpminstitute.exchange.models import Import

    with db.write() as session:
        job = session.get_one(Import, job_id)
        imports.run(session, job, job.account_id)


def _discard(db: "Database", settings: Settings, job_id: int) -> None:
    from tpminstitute.exchange import imports
    from tpminstitute.exchange.models import Import

    with db.write() as session:
        job = session.get_one(Import, job_id)
        imports.discard(session, settings, job, job.account_id)
    click.echo("Nothing was kept.")


def _tell(db: "Database", job_id: int) -> None:
    from tpminstitute.exchange.models import Import
    from tpminstitute.exchange.progress import report_of

    with db.read() as session:
        job = session.get_one(Import, job_id)
    counts = "; ".join(f"{number:,} {words}" for number, words in report_of(job)) or "no row"
    click.echo(f"{'Imported' if job.done_at else 'Dry run'}: {counts}.")


def _write_problems(db: "Database", job_id: int, target: Path | None) -> None:
    from tpminstitute.core.sheets import csv_lines
    from tpminstitute.exchange.models import Import
    from tpminstitute.exchange.queries import problem_sheet, problems_page

    with db.read() as session:
        job = session.get_one(Import, job_id)
        found = bool(problems_page(session, job, most=1).rows)
    if not found:
        return
    if target is None:
        click.echo("Some rows have problems: give --problems FILE to see them, or look at the import on the desk.")
        return
    heading, rows = problem_sheet(db, job.public_id)
    _write(str(target), csv_lines(heading, rows))
    click.echo(f"The rows with problems were written to {target}.")


def _write(target: str, pieces: Iterable[str]) -> None:
    if target == "-":
        for piece in pieces:
            sys.stdout.write(piece)
        return
    with Path(target).open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)


COMMANDS: Sequence[click.Command] = (import_contacts, export_contacts)

"""The commands `tpm comments …`: hand the comments on the guide out as JSON, and take them in."""

from contextlib import closing
from pathlib import Path

import click

from tpminstitute.core.config import load_settings


@click.group()
def comments() -> None:
    """Hand the comments on the guide out, or take them in, as JSON."""


@comments.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
def export_comments(file: str) -> None:
    """Write every comment to FILE (- is standard output), with the addresses that their writers left."""
    from tpminstitute.accounts.audit import record_audit
    from tpminstitute.comments.exchange import pieces
    from tpminstitute.core.db import Database, check_connection

    with closing(Database(load_settings().database_url)) as db:
        check_connection(db)
        with db.write() as session:
            record_audit(session, "comments_exported", "by tpm comments export", account_id=None, kind="comment")
        with click.open_file(file, "w", encoding="utf-8") as out:
            out.writelines(pieces(db))
    if file != "-":
        click.echo(f"Written to {file}. It holds addresses of people: keep it safe.")


@comments.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_comments(file: Path) -> None:
    """Take in the comments of FILE that aren't there yet; nobody is written to."""
    from tpminstitute.comments.exchange import read, take_in
    from tpminstitute.core.db import Database, check_connection
    from tpminstitute.core.errors import Refusal

    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(f"{file} is not UTF-8 text, so nothing was taken in.") from None
    entries = read(text)
    with closing(Database(load_settings().database_url)) as db:
        check_connection(db)
        with db.write() as session:
            report = take_in(session, entries, None)
    for problem in report.problems:
        click.echo(problem, err=True)
    click.echo(f"{report.added:,} taken in, {report.known:,} there already, {len(report.problems):,} with problems.")
    if report.problems:
        raise click.exceptions.Exit(1)

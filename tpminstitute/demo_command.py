"""What `tpm demo` does: fill the database with invented people, and say how to look at them."""

from contextlib import closing
from time import monotonic

from argon2 import PasswordHasher
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from tpminstitute.core import tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database, check_connection, pending_migrations
from tpminstitute.core.errors import Refusal
from tpminstitute.lists.search_upkeep import rebuild
from tpminstitute.simulation.demo import DEMO_EMAIL, Demo, add_demo_account, fill, look_anew


def fill_and_tell(settings: Settings, demo: Demo, *, with_account: bool) -> None:
    """Fill the database, with a progress bar on standard error; `with_account` adds an account and prints it.

    Raises `Refusal` when the database isn't up to date, or holds anybody who isn't invented.
    """
    begun = monotonic()
    with closing(Database(settings.database_url)) as db:
        check_connection(db)
        if pending_migrations(db):
            raise Refusal("The database is behind this version. Nothing was written. Run `tpm migrate` first.")
        if demo.contacts:
            with _progress() as progress:
                task = progress.add_task(f"{demo.contacts:,} people", total=demo.contacts)
                fill(db, settings, demo, lambda more: progress.advance(task, more))
                task = progress.add_task("read into the search", total=None)
                rebuild(db, lambda done: progress.update(task, completed=done))
            look_anew(db)
            print(f"{demo.contacts:,} invented people were written in {monotonic() - begun:.0f} s (seed {demo.seed}).")
        if with_account:
            password = tokens.public_id()
            with db.write() as session:
                add_demo_account(session, PasswordHasher().hash(password))
            print(f"Sign in at {settings.public_url}/staff/ as {DEMO_EMAIL} with the password {password}")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)

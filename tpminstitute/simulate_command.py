"""What `tpm simulate` does: show how far it is, and tell what came of it."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, time
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database, check_connection, pending_migrations
from tpminstitute.core.errors import Refusal
from tpminstitute.core.logs import set_up_logs
from tpminstitute.institute.service import effective
from tpminstitute.simulation.report import as_text
from tpminstitute.simulation.year import Year, simulate


def year_from_today(settings: Settings, contacts: int, days: int, seed: int, all_sequences: bool) -> Year:
    """Return a year that begins with this day at the institute, so that the same seed makes the same year all day."""
    zone = settings.institute_zone
    midnight = datetime.combine(zones.reading(clock.now(), zone).date(), time())
    return Year(contacts, days, seed, zones.moment(zones.existing(midnight, zone), zone), all_sequences)


def simulate_and_tell(operators: Settings, year_by: Callable[[Settings], Year], processes: int) -> bool:
    """Let a year pass, with a progress bar on standard error, and tell what came of it on standard output.

    Parameters: `operators`, the environment's settings; `year_by` makes the year by the settings that hold.
    Returns whether every rule held. Raises `Refusal` when the database isn't up to date or nothing is switched on.
    """
    set_up_logs(operators.log_format)
    begun = monotonic()
    with closing(Database(operators.database_url)) as db, _progress() as progress:
        check_connection(db)
        if pending_migrations(db):
            raise Refusal("The database is behind this version. Nothing was simulated. Run `tpm migrate` first.")
        settings = effective(db, operators)
        year = year_by(settings)
        task = progress.add_task(f"{year.contacts:,} people, {year.days:,} days", total=1.0)
        totals = simulate(db, settings, year, processes, lambda part: progress.advance(task, part))
    first = zones.reading(year.begins, settings.institute_zone).date()
    print(as_text(totals, first, year.days))
    print(
        f"\nSeed {year.seed}, processes {processes}, {monotonic() - begun:.0f} s. Nothing was kept, and no mail left."
    )
    return not totals.broken


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)

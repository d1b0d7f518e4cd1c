"""The command line `tpm`."""

import gc
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from tpminstitute.comments_command import comments
from tpminstitute.core.config import LogFormat, Settings, load_settings
from tpminstitute.core.errors import Refusal, SettingsError
from tpminstitute.exchange_command import COMMANDS
from tpminstitute.guide_command import guide
from tpminstitute.staff_command import staff
from tpminstitute.starting import background, become, expect_free_ports, migrate_apart, say_where, web_command

MANY_OBJECTS = 50_000
"""New ones, after which a command looks for garbage."""


@click.group(help="TPM Institute's lead service.")
def commands() -> None:
    """Hold the commands together."""


@commands.command()
def run() -> None:
    """Run the whole service: web, worker, scheduler, the mailbox of IMAP_URL, a catcher where no SMTP_URL is set."""
    settings = load_settings()
    expect_free_ports(settings)
    migrate_apart()
    say_where(settings)
    processes = {
        "web": web_command(settings),
        "worker": background("worker"),
        "scheduler": background("beat"),
    }
    if settings.mail_is_caught:
        processes["catcher"] = background("catcher")
    if settings.imap_url:
        processes["mailbox"] = background("mailbox")
    plan = {"processes": processes, "prefix": settings.log_format is LogFormat.TEXT}
    become([sys.executable, "-m", "tpminstitute.supervisor", json.dumps(plan)])


@commands.command()
def web() -> None:
    """Run the web server only."""
    become(web_command(load_settings()))


@commands.command()
def worker() -> None:
    """Run one worker only."""
    become(background("worker"))


@commands.command()
def scheduler() -> None:
    """Run the scheduler only; one is enough, two do no harm."""
    become(background("beat"))


@commands.command()
def mailbox() -> None:
    """Read the mailbox of IMAP_URL only; one is enough, two do no harm."""
    become(background("mailbox"))


@commands.command()
def migrate() -> None:
    """Bring the database up to date; print the link for the first account while there is none."""
    from tpminstitute.accounts.invitations import invite_first
    from tpminstitute.core.db import Database, check_connection, upgrade
    from tpminstitute.mail.dkim import signing_key

    settings = load_settings()
    db = Database(settings.database_url)
    signing_key(settings)
    check_connection(db)
    upgrade(db)
    with db.write() as session:
        secret = invite_first(session)
    if secret:
        click.echo(f"Create the first staff account at {settings.public_url}/staff/setup/{secret}")
    db.close()


@commands.command()
def reindex() -> None:
    """Forget the search index and read everything anew; the service may go on running."""
    from tpminstitute.core.db import Database
    from tpminstitute.lists.search_upkeep import rebuild

    db = Database(load_settings().database_url)
    done = rebuild(db, lambda so_far: click.echo(f"\r{so_far:,} read", nl=False))
    click.echo(f"\r{done:,} people and texts are in the search index.")
    db.close()


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object, for tools.")
def doctor(as_json: bool) -> None:
    """Look at everything, say what is wrong and what to do; ends with 1 when somebody has to do something."""
    from tpminstitute.core.db import Database
    from tpminstitute.doctor.examine import examine, settings_finding
    from tpminstitute.doctor.report import as_text, for_tools
    from tpminstitute.institute.service import effective_if_readable

    try:
        settings = load_settings()
        db = Database(settings.database_url)
        findings = examine(effective_if_readable(db, settings), db)
    except SettingsError as problem:
        findings = [settings_finding(str(problem))]
    click.echo(for_tools(findings) if as_json else as_text(findings))
    if any(finding.asks_for_someone for finding in findings):
        raise click.exceptions.Exit(1)


@commands.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
def backup(folder: Path) -> None:
    """Write the database into one file in FOLDER (here, if left out); the service may go on running."""
    from tpminstitute.backup import back_up

    click.echo(f"Written to {back_up(load_settings(), folder)}. Whoever has it can read every inquiry: keep it safe.")


@commands.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Lose what the database holds now.")
def restore(file: Path, replace: bool) -> None:
    """Bring a backup back; all outgoing mail is held until `tpm mail release`."""
    from tpminstitute.backup import restore as bring_back

    settings = load_settings()
    expect_free_ports(settings)
    bring_back(settings, file, replace=replace)
    click.echo(
        "Restored. All outgoing mail is held: look at /staff/mail, then let it out there or with `tpm mail release`."
    )


@commands.command()
@click.option("--recipient", "recipients", multiple=True, help="An address of the envelope; may be given repeatedly.")
def receive(recipients: tuple[str, ...]) -> None:
    """Take in one mail from standard input, as a local mail server hands it over; ends with a code of sysexits.h."""
    from tpminstitute.delivery_agent import take_in

    raise click.exceptions.Exit(take_in(sys.stdin.buffer, recipients))


@commands.command()
@click.option("--contacts", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, help="How many.")
@click.option("--days", type=click.IntRange(1, 1_100), default=365, show_default=True, help="From today on.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another year.")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=os.cpu_count() or 1, help="All processors if left out."
)
@click.option("--all", "all_sequences", is_flag=True, help="Try the sequences that are switched off as well.")
def simulate(contacts: int, days: int, seed: int, processes: int, all_sequences: bool) -> None:
    """Let invented people go through the follow-ups in a throw-away database; ends with 1 when a rule was broken."""
    from tpminstitute.simulate_command import simulate_and_tell, year_from_today
    from tpminstitute.simulation.year import Year

    def year(settings: Settings) -> Year:
        return year_from_today(settings, contacts, days, seed, all_sequences)

    if not simulate_and_tell(load_settings(), year, processes):
        raise click.exceptions.Exit(1)


@commands.command()
@click.option("--contacts", type=click.IntRange(0, 2_000_000), default=500, show_default=True, help="How many.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is other people.")
@click.option("--account", is_flag=True, help="Add an account to look around with, and print its password.")
def demo(contacts: int, seed: int, account: bool) -> None:
    """Fill the database with invented people and their histories; one that holds real contacts is refused."""
    from tpminstitute.demo_command import fill_and_tell
    from tpminstitute.simulation.demo import Demo

    fill_and_tell(load_settings(), Demo(contacts, seed), with_account=account)


@commands.group()
def mail() -> None:
    """Hold all outgoing mail, and let it go again."""


@mail.command()
@click.option("--reason", required=True, help="Why; everybody at the desk reads it.")
def hold(reason: str) -> None:
    """Hold all outgoing mail: it waits in the queue until it is released."""
    from tpminstitute.core.db import Database, check_connection
    from tpminstitute.mail import control

    with closing(Database(load_settings().database_url)) as db:
        check_connection(db)
        with db.write() as session:
            control.hold(session, reason, None)
    click.echo("All outgoing mail is held. `tpm mail release` lets it go again.")


@mail.command()
def release() -> None:
    """Let outgoing mail go again; the worker begins within SWEEP_SECONDS."""
    from tpminstitute.core.db import Database, check_connection
    from tpminstitute.mail import control

    with closing(Database(load_settings().database_url)) as db:
        check_connection(db)
        with db.write() as session:
            was_held = control.let_out(session, None)
    click.echo("Outgoing mail goes again." if was_held else "Outgoing mail is not held. Nothing was changed.")


commands.add_command(guide)
commands.add_command(staff)
commands.add_command(comments)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; what can't be done is said in one sentence. Returns the exit code."""
    try:
        code = commands.main(args=None if argv is None else list(argv), prog_name="tpm", standalone_mode=False)
    except Refusal as refusal:
        click.echo(str(refusal), err=True)
        return 1
    except click.exceptions.Abort:
        return 130
    except click.UsageError as problem:
        problem.show()
        return os.EX_USAGE
    except click.ClickException as problem:
        problem.show()
        return problem.exit_code
    return code if isinstance(code, int) else 0


def start() -> int:
    """Be the process `tpm`; returns its exit code.

    Garbage is looked for when there is much of it: while a command loads what it needs there is none, and looking
    after each 700 objects would take a fifth of most commands.
    """
    gc.set_threshold(MANY_OBJECTS)
    return main()


for _command in COMMANDS:
    commands.add_command(_command)


if __name__ == "__main__":
    sys.exit(start())

"""`python -m workers worker`, `beat`, `mailbox`, `catcher`: the background processes, on the environment's settings."""

import contextlib
import gc
import signal
import sys
from typing import TYPE_CHECKING

from tpminstitute.core.config import Settings, load_settings
from tpminstitute.core.errors import SettingsError
from tpminstitute.core.jobs import Publisher
from tpminstitute.core.logs import set_up_logs

if TYPE_CHECKING:
    from celery import Celery

WORKER = [
    "--quiet",
    "worker",
    "--pool",
    "solo",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
    "--loglevel=INFO",
]
SCHEDULER = ["--quiet", "beat"]


def main(argv: list[str]) -> None:
    """Run one of the background processes until it is told to stop."""
    gc.disable()
    try:
        settings = load_settings()
    except SettingsError as problem:
        sys.exit(str(problem))
    set_up_logs(settings.log_format)
    try:
        _run(settings, argv)
    except SettingsError as problem:
        sys.exit(str(problem))


def _run(settings: Settings, argv: list[str]) -> None:
    match argv:
        case ["worker" | "beat" as part]:
            _run_celery(settings, part)
        case ["mailbox"]:
            _run_mailbox(settings)
        case ["catcher"]:
            _run_catcher(settings)
        case _:
            sys.exit("Usage: python -m workers worker|beat|mailbox|catcher")


def _run_celery(settings: Settings, part: str) -> None:
    from workers.celery_app import create_celery

    celery = create_celery(settings)
    if part == "worker":
        _equip(celery, settings)
    _keep_for_good()
    celery.start(WORKER if part == "worker" else SCHEDULER)


def _run_mailbox(settings: Settings) -> None:
    """Read the mailbox; without a publisher, which would cost Celery's memory: the sweep finds the mails it causes."""
    from tpminstitute.core.db import Database
    from tpminstitute.inbox.mailbox import mailbox_of
    from workers.mailbox import read_mailbox

    address = mailbox_of(settings)
    if address is None:
        raise SettingsError("IMAP_URL is not set, so there is no mailbox to read. Set it, or leave this command out.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _keep_for_good()
    with contextlib.suppress(KeyboardInterrupt):
        read_mailbox(settings, Database(settings.database_url), address)


def _run_catcher(settings: Settings) -> None:
    import asyncio

    from workers.catcher import catch

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _keep_for_good()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(catch(settings))


def _keep_for_good() -> None:
    """Look for garbage from now on, and not among what was imported: it stays as long as the process.

    Looking through it again and again would take a fifth of the start.
    """
    gc.freeze()
    gc.enable()


def _equip(celery: "Celery", settings: Settings) -> None:
    """Open what only the worker needs; the scheduler stays small without it."""
    from tpminstitute.core.db import Database
    from tpminstitute.mail.dkim import signing_key
    from workers.celery_app import publish
    from workers.tasks import register
    from workers.transport import SmtpTransport

    signing_key(settings)
    db = Database(settings.database_url, Publisher(lambda job: publish(celery, job)))
    register(celery, settings, db, SmtpTransport(settings))


if __name__ == "__main__":
    main(sys.argv[1:])

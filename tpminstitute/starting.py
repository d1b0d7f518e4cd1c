"""How the service is started: the processes that it consists of, and what must be free or there before."""

import errno
import os
import shlex
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal

WEB_OPTIONS = "--interface wsgi --factory --http 1 --no-ws --blocking-threads 4 --log-level warning"


def background(part: str) -> list[str]:
    """Return the command of a part that runs in the background."""
    return [sys.executable, "-m", "workers", part]


def web_command(settings: Settings) -> list[str]:
    """Return the command of the web server."""
    where = [
        "--host",
        settings.web_host,
        "--port",
        str(settings.web_port),
        "--workers",
        str(settings.web_workers),
    ]
    return [sys.executable, "-m", "granian", *shlex.split(WEB_OPTIONS), *where, "app:serve"]


def become(command: list[str]) -> None:
    """Let `command` take this process's place."""
    sys.stdout.flush()
    os.execv(command[0], command)


def migrate_apart() -> None:
    """Migrate in a process of its own, so that this one stays small and quick."""
    command = [sys.executable, "-m", "tpminstitute.cli", "migrate"]
    code = os.spawnv(os.P_WAIT, command[0], command)
    if code:
        sys.exit(code)


def expect_free_ports(settings: Settings) -> None:
    """Raise `Refusal` when somebody else has one of the ports that the service listens on."""
    _expect_free(settings.web_host, settings.web_port, "Set BIND to another address, for example 127.0.0.1:8001.")
    if settings.mail_is_caught:
        mend = "The built-in mail catcher listens there: set BIND to another port, or SMTP_URL to a mail server."
        _expect_free("127.0.0.1", settings.catcher_port, mend)


def _expect_free(host: str, port: int, mend: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = "is in use already" if error.errno == errno.EADDRINUSE else f"can't be listened on ({error.strerror})"
        raise Refusal(f"{host}:{port} {reason}. {mend}") from None


def say_where(settings: Settings) -> None:
    """Print where the service can be found, and what it does without."""
    click.echo(f"The guide:      {settings.public_url}/")
    click.echo(f"The staff desk: {settings.public_url}/staff/")
    if settings.mail_is_caught:
        click.echo(f"Mail is caught, not delivered; it is kept in {settings.mail_folder}")
    if settings.redis_url and not _answers(settings.redis_url):
        click.echo("The broker of REDIS_URL does not answer. Inquiries are kept, their mails wait until it does.")
    click.echo("Stop with Ctrl-C.")


def _answers(redis_url: str) -> bool:
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return Path(parts.path).exists()
    try:
        socket.create_connection((parts.hostname or "localhost", parts.port or 6379), timeout=1).close()
    except OSError:
        return False
    return True

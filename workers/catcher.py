"""The built-in mail catcher: a real SMTP server on loopback that keeps every mail as a file and delivers none."""

import asyncio
import itertools
from datetime import datetime
from pathlib import Path

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings

log = structlog.get_logger(__name__)

LARGEST_MAIL = 32 * 1024 * 1024


class Keeper:
    """Keeps each mail as a file of its own in one folder."""

    def __init__(self, folder: Path) -> None:
        """Keep mail in `folder`, which is made if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Write one mail, whole or not at all, and say 250."""
        path = self._folder / self._name(clock.now())
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(content)
        unfinished.rename(path)
        log.info("mail_caught", to=", ".join(envelope.rcpt_tos), file=path.name)
        return "250 Kept"

    def _name(self, moment: datetime) -> str:
        return f"{moment:%Y%m%d-%H%M%S-%f}-{next(self._numbers)}.eml"


async def catch(settings: Settings) -> None:
    """Listen on loopback until the process is told to stop."""
    keeper = Keeper(settings.mail_folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(keeper, enable_SMTPUTF8=True, data_size_limit=LARGEST_MAIL, ident="tpm mail catcher"),
        "127.0.0.1",
        settings.catcher_port,
    )
    log.info("mail_catcher_ready", port=settings.catcher_port, folder=str(settings.mail_folder))
    async with server:
        await server.serve_forever()

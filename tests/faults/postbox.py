"""The tests' SMTP server with a finer ledger: what the client did on a connection after a mail was accepted."""

import asyncio
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass

from tests.parts.smtp import MailServer
from tests.parts.smtp_conversation import Conversation, Mail, Rule

LONGEST_HOLD = 300


@dataclass
class Acceptance:
    """One mail that the server took, once."""

    message_id: str
    recipient: str
    at: float
    connection: int
    next_word: str = ""  # DATA or QUIT, whichever the client said next on this connection; empty for neither
    next_at: float = 0.0


class Postbox(MailServer):
    """Takes everything, notes every acceptance, and can misbehave in ways that a script of replies can't say."""

    def __init__(self) -> None:
        """Make one that speaks no TLS and behaves."""
        super().__init__()
        self.lints = False
        self.acceptances: list[Acceptance] = []
        self.resets_in_content = 0
        self.certificate: ssl.SSLContext | None = None
        self._notes = threading.Lock()

    async def _listen(self, ready: threading.Event) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        listener = await loop.create_server(lambda: _Watched(self, loop), "127.0.0.1", self.port)
        ready.set()
        await self._leave.wait()
        listener.close()

    def accepted(self, mail: Mail) -> None:
        """Enter a mail into both ledgers."""
        with self._notes:
            message_id = str(mail.message["Message-ID"]).strip()
            self.acceptances.append(Acceptance(message_id, mail.recipients[0], time.monotonic(), mail.connection))
        super().accepted(mail)

    def note(self, connection: int, word: str) -> None:
        """Note what the client of a connection said after the last mail on it."""
        with self._notes:
            last = next((one for one in reversed(self.acceptances) if one.connection == connection), None)
            if last is not None and not last.next_word:
                last.next_word, last.next_at = word, time.monotonic()


class _Watched(Conversation):
    def __init__(self, ledger: Postbox, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(ledger, loop)
        self.postbox = ledger
        self.tls_context = ledger.certificate

    async def _apply(self, rule: Rule) -> str | None:
        if rule.hold is not None:
            rule.held.set()
            await asyncio.to_thread(rule.hold.wait, LONGEST_HOLD)
        return rule.reply

    async def smtp_QUIT(self, arg: str) -> None:
        """QUIT."""
        self.postbox.note(self.number, "QUIT")
        await super().smtp_QUIT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        """DATA: the mail before it is settled, as the client knows; in its midst the connection may be reset."""
        self.postbox.note(self.number, "DATA")
        if self.postbox.resets_in_content and self.envelope and self.envelope.rcpt_tos:
            self.postbox.resets_in_content -= 1
            await self.push("354 Go on")
            await self._reader.read(100)
            wire = self._wire.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._wire.abort()
            raise asyncio.CancelledError
        await super().smtp_DATA(arg)

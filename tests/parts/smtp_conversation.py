"""One connection to the tests' mail server, and the rules that tell it what to answer."""

import asyncio
import email.policy
import threading
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any, Literal, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from tests.parts.smtp import MailServer

Moment = Literal["connect", "mail", "rcpt", "data", "dot"]
DROP = "DROP"
"""A scripted reply: close the connection without a word."""


@dataclass(frozen=True)
class Mail:
    """One accepted mail, as it came over the wire."""

    sender: str
    recipients: list[str]
    content: bytes
    at: float  # time.monotonic() of its acceptance
    connection: int  # which connection brought it, counted from 1
    message: EmailMessage


@dataclass
class Rule:
    """One scripted answer. `held` is set when a client waits at it, `used` counts how often it applied."""

    moment: Moment
    reply: str | None
    address: str | None
    times: int | None
    keep: bool
    hold: threading.Event | None
    used: int = 0
    held: threading.Event = field(default_factory=threading.Event)

    def fits(self, moment: Moment, addresses: list[str]) -> bool:
        """Whether it applies here: right moment, right address, not used up."""
        used_up = self.times is not None and self.used >= self.times
        hit = self.address is None or self.address.lower() in [a.lower() for a in addresses]
        return self.moment == moment and hit and not used_up


class Conversation(SMTP):
    """One connection."""

    def __init__(self, ledger: "MailServer", loop: asyncio.AbstractEventLoop) -> None:
        self.ledger = ledger
        self.number = 0
        super().__init__(
            self,
            hostname="mail.test",
            ident="test server",
            loop=loop,
            enable_SMTPUTF8=ledger.smtputf8,
            authenticator=self._check if ledger.users else None,
            auth_required=bool(ledger.users),
            command_call_limit=None,
        )
        # Asked for in the constructor, aiosmtpd warns; passwords cross loopback only here.
        self._auth_require_tls = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self.number = self.ledger.opened(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it off."""
        self.ledger.closed(self)
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        """Send a reply; the greeting may be scripted, and after a 421 the connection closes."""
        text = status.decode() if isinstance(status, bytes) else str(status)
        if text.startswith("220 mail.test"):
            text = await self._answer("connect", []) or text
        if text == DROP:
            self._wire.abort()
            raise asyncio.CancelledError
        await super().push(text)
        if text.startswith("421"):
            self._wire.close()
            raise asyncio.CancelledError

    @property
    def _wire(self) -> asyncio.Transport:
        return cast(asyncio.Transport, self.transport)

    async def _answer(self, moment: Moment, addresses: list[str]) -> str | None:
        rule = self.ledger.rule(moment, addresses)
        return await self._apply(rule) if rule else None

    async def _apply(self, rule: Rule) -> str | None:
        if rule.hold is not None:
            rule.held.set()
            await asyncio.to_thread(rule.hold.wait, 60)
        return rule.reply

    def _check(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, credentials: Any
    ) -> AuthResult:
        users = self.ledger.users or {}
        good = isinstance(credentials, LoginPassword) and users.get(credentials.login.decode()) == (
            credentials.password.decode()
        )
        return AuthResult(success=good, handled=False)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """MAIL FROM."""
        reply = await self._answer("mail", [address])
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO."""
        reply = await self._answer("rcpt", [address])
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def smtp_DATA(self, arg: str) -> None:
        """The DATA command, which may be refused before any content is sent."""
        recipients = list(self.envelope.rcpt_tos) if self.envelope else []
        reply = await self._answer("data", recipients) if recipients else None
        if reply:
            await self.push(reply)
        else:
            await super().smtp_DATA(arg)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The final dot."""
        rule = self.ledger.rule("dot", envelope.rcpt_tos)
        if rule is None or rule.reply is None or rule.keep:
            content = cast(bytes, envelope.original_content)
            message = BytesParser(policy=email.policy.default).parsebytes(content)
            recipients = list(envelope.rcpt_tos)
            sender = envelope.mail_from or ""
            mail = Mail(sender, recipients, content, time.monotonic(), self.number, message)
            self.ledger.accepted(mail)
        reply = await self._apply(rule) if rule else None
        return reply or "250 OK"

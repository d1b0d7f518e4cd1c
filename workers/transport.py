"""Mail over SMTP: Flask-Mail's connection behind the small Transport protocol of the mail room."""

import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from urllib.parse import unquote, urlsplit

from flask_mail import Connection as FlaskMailConnection
from flask_mail import Mail

from tpminstitute.core.config import Settings
from tpminstitute.core.failpoints import FailPoint, awaited, reach
from tpminstitute.mail.compose import ComposeError, ascii_email, needs_smtputf8
from tpminstitute.mail.models import DeliveryEventKind
from tpminstitute.mail.transport import Answer, Unreachable

DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}

CONNECT_TIMEOUT = 30
"""Seconds until a mail server that doesn't answer counts as unreachable."""

LONGEST_REPLY = 120
"""Seconds to wait for the server's word after the content; RFC 5321, 4.5.3.2 allows up to ten minutes."""


@cache
def _tls() -> ssl.SSLContext:
    """Return what a mail server's certificate is checked with; reading the system's certificates takes 20 ms."""
    return ssl.create_default_context()


class _Connection(FlaskMailConnection):
    """Flask-Mail's connection, with time limits and a checked certificate, which it lacks."""

    def __init__(self, mail: Mail, local_hostname: str | None, timeout: float) -> None:
        super().__init__(mail)
        self._local_hostname = local_hostname
        self._timeout = timeout

    def configure_host(self) -> smtplib.SMTP:
        """Connect, encrypt and log in as the settings say."""
        mail = self.mail
        context = _tls() if mail.use_ssl or mail.use_tls else None
        host: smtplib.SMTP
        if mail.use_ssl:
            host = smtplib.SMTP_SSL(
                mail.server, mail.port, self._local_hostname, timeout=self._timeout, context=context
            )
        else:
            host = smtplib.SMTP(mail.server, mail.port, self._local_hostname, timeout=self._timeout)
        try:
            if mail.use_tls:
                host.starttls(context=context)
            if mail.username and mail.password:
                host.login(mail.username, mail.password)
            host.ehlo_or_helo_if_needed()
        except BaseException:
            host.close()
            raise
        return host


class SmtpTransport:
    """A way to the mail server of SMTP_URL."""

    def __init__(self, settings: Settings) -> None:
        """Read where the mail server is; nothing is connected yet.

        The lease bounds the wait for an answer: a worker must know it before its claim ends.
        """
        parts = urlsplit(settings.mail_server_url)
        self._mail = Mail()
        self._mail.state = self._mail.init_mail(
            {
                "MAIL_SERVER": parts.hostname,
                "MAIL_PORT": parts.port or DEFAULT_PORTS[parts.scheme],
                "MAIL_USE_TLS": parts.scheme == "smtp+starttls",
                "MAIL_USE_SSL": parts.scheme == "smtps",
                "MAIL_USERNAME": unquote(parts.username) if parts.username else None,
                "MAIL_PASSWORD": unquote(parts.password) if parts.password else None,
            }
        )
        self._hello_name = _hello_name(settings.public_url)
        self._lease_seconds = settings.lease_seconds
        self._connect_seconds = min(CONNECT_TIMEOUT, settings.lease_seconds / 2)
        self._reply_seconds = min(LONGEST_REPLY, settings.lease_seconds / 2)

    @contextmanager
    def open(self) -> Iterator["SmtpConnection"]:
        """Connect for one batch; raises `Unreachable` with the reason."""
        connection = _Connection(self._mail, self._hello_name, self._connect_seconds)
        try:
            connection.host = connection.configure_host()
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(_reason(error)) from error
        host = connection.host
        if host.sock is not None:
            host.sock.settimeout(self._reply_seconds)
        talk = SmtpConnection(host, self._lease_seconds)
        try:
            yield talk
        finally:
            with suppress(OSError, smtplib.SMTPException):
                talk.end()
            host.close()


class SmtpConnection:
    """One open SMTP connection; mails go over it one after another."""

    def __init__(self, host: smtplib.SMTP, lease_seconds: float) -> None:
        """Wrap a connected `host`; a lease holds for `lease_seconds` from the offer of a mail at least."""
        self._host = host
        self._lease_seconds = lease_seconds
        self._offered_at = 0.0
        self._in_transaction = False
        self._lost = False

    def end(self) -> None:
        """Say QUIT, unless nobody is there to hear it."""
        if not self._lost:
            self._host.quit()

    def offer(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Say MAIL and RCPT; a server without SMTPUTF8 can't take a mail that needs it (RFC 6531).

        `ascii_email` lets only addresses pass that stand as they are between angle brackets.
        """
        options = []
        self._offered_at = time.monotonic()
        try:
            sender, recipient = ascii_email(sender), ascii_email(recipient)
        except ComposeError as problem:
            return Answer(DeliveryEventKind.REFUSED, str(problem))
        if needs_smtputf8(content) or not f"{sender}{recipient}".isascii():
            if not self._host.has_extn("smtputf8"):
                return Answer(DeliveryEventKind.REFUSED, "The mail server can't take this address (no SMTPUTF8).")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            self._host.command_encoding = "utf-8"
        try:
            if self._in_transaction:
                self._host.rset()
            self._in_transaction = True
            code, text = self._host.docmd("MAIL", " ".join([f"FROM:<{sender}>", *options]))
            reach(FailPoint.AFTER_MAIL)
            if code < 300:
                code, text = self._host.docmd("RCPT", f"TO:<{recipient}>")
                reach(FailPoint.AFTER_RCPT)
        except (OSError, smtplib.SMTPException) as error:
            return self._lose(DeliveryEventKind.DEFERRED, error)
        return _answer(code, text)

    def hand_over(self, content: bytes) -> Answer:
        """Say DATA and send the content; uncertain when the connection ends after the final dot."""
        try:
            code, text = self._host.docmd("DATA")
            if code != 354:
                return _answer(code, text)
            reach(FailPoint.AFTER_DATA)
            self._send_content(_as_data(content))
            reach(FailPoint.AFTER_DOT)
        except (OSError, smtplib.SMTPException) as error:
            return self._lose(DeliveryEventKind.DEFERRED, error)
        try:
            code, text = self._host.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return self._lose(DeliveryEventKind.UNCERTAIN, error)
        reach(FailPoint.AFTER_250)
        self._in_transaction = False
        return _answer(code, text)

    def _send_content(self, data: bytes) -> None:
        socket = self._host.sock
        if socket is None:
            raise smtplib.SMTPServerDisconnected("The connection is closed.")
        # A process that stood still for long has lost its lease, and another worker has sent the mail meanwhile.
        if time.monotonic() - self._offered_at > self._lease_seconds:
            raise smtplib.SMTPServerDisconnected("The lease ended before the content was sent.")
        if awaited(FailPoint.IN_CONTENT):
            half = len(data) // 2
            socket.sendall(data[:half])
            reach(FailPoint.IN_CONTENT)
            data = data[half:]
        socket.sendall(data)

    def _lose(self, kind: DeliveryEventKind, error: Exception) -> Answer:
        self._lost = True
        return Answer(kind, _reason(error), connection_lost=True)


def _hello_name(public_url: str) -> str | None:
    """Return the name to greet a mail server with: the site's own, or None (smtplib's choice) where it has none."""
    host = urlsplit(public_url).hostname or ""
    return host if "." in host and not host.replace(".", "").isdigit() else None


def _as_data(content: bytes) -> bytes:
    """Return `content` as DATA wants it: dots doubled at line starts, one by itself at the end (RFC 5321, 4.5.2)."""
    body = content.replace(b"\n.", b"\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")


def _answer(code: int, text: bytes) -> Answer:
    said = f"{code} {text.decode('utf-8', 'replace')}".replace("\n", " ")[:500]
    if code < 300:
        return Answer(DeliveryEventKind.ACCEPTED, said, code)
    if 500 <= code < 600:
        return Answer(DeliveryEventKind.REFUSED, said, code)
    return Answer(DeliveryEventKind.DEFERRED, said, code, connection_lost=code == 421)


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {text}"[:500]
    return (str(error) or type(error).__name__)[:500]

"""Mail over SMTP: Flask-Mail's connection behind the small Transport protocol of the mail room."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote, urlsplit

from flask_mail import Connection as FlaskMailConnection
from flask_mail import Mail

from tpminstitute.core.config import Settings
from tpminstitute.mail.compose import needs_smtputf8
from tpminstitute.mail.models import DeliveryEventKind
from tpminstitute.mail.transport import Answer, Unreachable

DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}

CONNECT_TIMEOUT = 30
"""Seconds until a mail server that doesn't answer counts as unreachable."""

LONGEST_REPLY = 120
"""Seconds to wait for the server's word after the content; RFC 5321, 4.5.3.2 allows up to ten minutes."""


class _Connection(FlaskMailConnection):
    """Flask-Mail's connection, with time limits and a checked certificate, which it lacks."""

    def __init__(self, mail: Mail, local_hostname: str | None) -> None:
        super().__init__(mail)
        self._local_hostname = local_hostname

    def configure_host(self) -> smtplib.SMTP:
        """Connect, encrypt and log in as the settings say."""
        mail = self.mail
        context = ssl.create_default_context()
        host: smtplib.SMTP
        if mail.use_ssl:
            host = smtplib.SMTP_SSL(
                mail.server, mail.port, self._local_hostname, timeout=CONNECT_TIMEOUT, context=context
            )
        else:
            host = smtplib.SMTP(mail.server, mail.port, self._local_hostname, timeout=CONNECT_TIMEOUT)
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
        self._reply_seconds = min(LONGEST_REPLY, settings.lease_seconds / 2)

    @contextmanager
    def open(self) -> Iterator["SmtpConnection"]:
        """Connect for one batch; raises `Unreachable` with the reason."""
        connection = _Connection(self._mail, self._hello_name)
        try:
            connection.host = connection.configure_host()
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(_reason(error)) from error
        host = connection.host
        if host.sock is not None:
            host.sock.settimeout(self._reply_seconds)
        talk = SmtpConnection(host)
        try:
            yield talk
        finally:
            with suppress(OSError, smtplib.SMTPException):
                talk.end()
            host.close()


class SmtpConnection:
    """One open SMTP connection; mails go over it one after another."""

    def __init__(self, host: smtplib.SMTP) -> None:
        """Wrap a connected `host`."""
        self._host = host
        self._in_transaction = False
        self._lost = False

    def end(self) -> None:
        """Say QUIT, unless nobody is there to hear it."""
        if not self._lost:
            self._host.quit()

    def offer(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Say MAIL and RCPT; a server without SMTPUTF8 can't take a mail that needs it (RFC 6531)."""
        options = []
        if needs_smtputf8(content):
            if not self._host.has_extn("smtputf8"):
                return Answer(DeliveryEventKind.REFUSED, "The mail server can't take this address (no SMTPUTF8).")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            self._host.command_encoding = "utf-8"
        try:
            if self._in_transaction:
                self._host.rset()
            self._in_transaction = True
            code, text = self._host.mail(sender, options)
            if code < 300:
                code, text = self._host.rcpt(recipient)
        except (OSError, smtplib.SMTPException) as error:
            return self._lose(DeliveryEventKind.DEFERRED, error)
        return _answer(code, text)

    def hand_over(self, content: bytes) -> Answer:
        """Say DATA and send the content; uncertain when the connection ends after the final dot."""
        try:
            code, text = self._host.docmd("DATA")
            if code != 354:
                return _answer(code, text)
            self._host.sock.sendall(_as_data(content))  # type: ignore[union-attr]
        except (OSError, smtplib.SMTPException) as error:
            return self._lose(DeliveryEventKind.DEFERRED, error)
        try:
            code, text = self._host.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return self._lose(DeliveryEventKind.UNCERTAIN, error)
        self._in_transaction = False
        return _answer(code, text)

    def _lose(self, kind: DeliveryEventKind, error: Exception) -> Answer:
        self._lost = True
        return Answer(kind, _reason(error), connection_lost=True)


def _hello_name(public_url: str) -> str | None:
    """Return the name to greet a mail server with: the site's own, or None (smtplib's choice) where it has none."""
    host = urlsplit(public_url).hostname or ""
    return host if "." in host and not host.replace(".", "").isdigit() else None


def _as_data(content: bytes) -> bytes:
    """Return `content` as DATA wants it: dots doubled at line starts, one by itself at the end (RFC 5321, 4.5.2)."""
    body = re.sub(rb"(?m)^\.", b"..", content)
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

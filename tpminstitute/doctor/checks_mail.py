"""The mail server: greet it, encrypt, check its certificate, log in, say MAIL. No mail is sent."""

import smtplib
import ssl
import time
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from tpminstitute.core.config import Settings
from tpminstitute.doctor.checks_settings import is_this_machine
from tpminstitute.doctor.findings import Finding, at_risk, ok, wrong

SUBJECT = "Mail server"
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LONGEST_WAIT = 4.0
DAYS_LEFT = 14
"""A certificate that ends sooner should have been renewed: most are, thirty days before their end."""

SMALLEST_SIZE = 1_000_000
"""Bytes; a server that takes less refuses ordinary mail."""

NEEDS_ASCII = "It has no SMTPUTF8, so addresses with other letters before the @ can't be mailed."


def check_mail_server(settings: Settings) -> list[Finding]:
    """Hold the conversation that a worker would, up to MAIL, and end it there."""
    parts = urlsplit(settings.mail_server_url)
    try:
        server = _connect(parts, settings)
    except (OSError, smtplib.SMTPException) as error:
        return [_no_connection(parts, settings, error)]
    try:
        found = _greeted(server, parts)
        if not any(finding.asks_for_someone for finding in found):
            found += _admitted(server, parts, settings.mail_from)
    except (OSError, smtplib.SMTPException) as error:
        says = f"{_name(parts)} broke off the conversation ({_reason(error)})."
        return [wrong(SUBJECT, says, "Try again; if it stays so, ask whoever keeps the mail server.")]
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
        server.close()
    return found


def _connect(parts: SplitResult, settings: Settings) -> smtplib.SMTP:
    host, port, ours = parts.hostname or "", parts.port or PORTS[parts.scheme], _our_name(settings)
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, ours, timeout=LONGEST_WAIT, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, ours, timeout=LONGEST_WAIT)


def _our_name(settings: Settings) -> str:
    host = urlsplit(settings.public_url).hostname or ""
    return host if "." in host and not host.replace(".", "").isdigit() else "[127.0.0.1]"


def _no_connection(parts: SplitResult, settings: Settings, error: Exception) -> Finding:
    if isinstance(error, ssl.SSLError):
        return _bad_certificate(parts, error)
    if settings.mail_is_caught:
        says = f"The built-in mail catcher doesn't answer ({_reason(error)})."
        return wrong(SUBJECT, says, "It runs with the service: `tpm run`. Or set `SMTP_URL` to a real mail server.")
    do = "Is the address in `SMTP_URL` right, and may this machine connect there? Many hosts close port 25: use 587."
    return wrong(SUBJECT, f"{_name(parts)} can't be reached ({_reason(error)}). Mail waits up to five days.", do)


def _bad_certificate(parts: SplitResult, error: ssl.SSLError) -> Finding:
    why = getattr(error, "verify_message", "") or error.reason or str(error)
    says = f"The TLS certificate of {_name(parts)} isn't valid ({why}), so no mail is handed over."
    do = "Use in `SMTP_URL` the name that stands in the certificate, or have the server's keeper renew it."
    return wrong(SUBJECT, says, do)


def _greeted(server: smtplib.SMTP, parts: SplitResult) -> list[Finding]:
    """Say EHLO and encrypt where the address asks for it."""
    server.ehlo_or_helo_if_needed()
    name = _name(parts)
    if parts.scheme == "smtp+starttls":
        if not server.has_extn("starttls"):
            says = f"{name} offers no STARTTLS, so no mail is handed over."
            return [wrong(SUBJECT, says, "Use `smtps://` with port 465 in `SMTP_URL`, or another port of that server.")]
        try:
            server.starttls(context=ssl.create_default_context())
        except ssl.SSLError as error:
            return [_bad_certificate(parts, error)]
        server.ehlo()
    if parts.scheme != "smtp":
        return [certificate(SUBJECT, name, server.sock)]
    if is_this_machine(parts.hostname or ""):
        return []
    if parts.username:
        says = f"Mail and password go to {name} unencrypted."
        return [wrong(SUBJECT, says, "Write `SMTP_URL` with `smtp+starttls://` or `smtps://`.")]
    says = f"Mail goes to {name} unencrypted."
    return [at_risk(SUBJECT, says, "Write `SMTP_URL` with `smtp+starttls://` or `smtps://`.")]


def certificate(subject: str, name: str, sock: Any) -> Finding:
    """Return how long the checked certificate of an encrypted connection is still good."""
    days = int((ssl.cert_time_to_seconds(sock.getpeercert()["notAfter"]) - time.time()) // 86_400)
    if days < DAYS_LEFT:
        says = f"The TLS certificate of {name} ends in {days} day{'' if days == 1 else 's'}."
        return at_risk(subject, says, "Renew it, or ask whoever keeps the server to; afterwards it is refused.")
    return ok(subject, f"{sock.version()} with a valid certificate, good for {days} days.")


def _admitted(server: smtplib.SMTP, parts: SplitResult, sender: str) -> list[Finding]:
    """Log in, and ask whether mail from our sender is taken; RSET forgets it again."""
    name = _name(parts)
    if parts.username and parts.password:
        try:
            server.login(unquote(parts.username), unquote(parts.password))
        except smtplib.SMTPAuthenticationError as error:
            says = f"{name} refuses the name or password ({_reason(error)})."
            return [wrong(SUBJECT, says, "Correct them in `SMTP_URL`; write @ as %40 and / as %2F.")]
        except smtplib.SMTPNotSupportedError:
            says = f"{name} knows no way to log in here."
            return [wrong(SUBJECT, says, "Use `smtp+starttls://` or `smtps://`, or leave name and password out.")]
    code, answer = server.mail(sender)
    server.rset()
    if code >= 300:
        says = f"{name} takes no mail from {sender} ({code} {_text(answer)})."
        do = "Let its account send as that address, give the login in `SMTP_URL`, or set `MAIL_FROM` to one it may use."
        return [wrong(SUBJECT, says, do)]
    return [_extensions(server, name)]


def _extensions(server: smtplib.SMTP, name: str) -> Finding:
    limit = str(server.esmtp_features.get("size", "")).strip()
    if limit.isdigit() and 0 < int(limit) < SMALLEST_SIZE:
        says = f"{name} takes no mail over {int(limit) // 1000} kB."
        return at_risk(SUBJECT, says, "Have its keeper raise the limit to 1 MB or more.")
    offered = [word.upper() for word in ("size", "pipelining", "8bitmime", "smtputf8") if server.has_extn(word)]
    says = f"{name} takes our mail and offers {', '.join(offered) or 'no extension'}."
    return ok(SUBJECT, says if server.has_extn("smtputf8") else f"{says} {NEEDS_ASCII}")


def _name(parts: SplitResult) -> str:
    return f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}"


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200]

"""Settings that are allowed but unwise."""

from contextlib import suppress
from urllib.parse import urlsplit

from tpminstitute.core.config import AppEnv, Settings
from tpminstitute.doctor.findings import Finding, at_risk, ok, wrong
from tpminstitute.mail.compose import ComposeError, ascii_email

SUBJECT = "Settings"

FEWEST_SIGNS = 10
"""Different characters in a secret; 32 random hexadecimal digits have fewer once in about five thousand million."""

GUESSABLE = ("secret", "password", "changeme", "change-me", "example", "0123456789", "abcdefgh")

NOBODYS = (".test", ".example", ".invalid", ".localhost", ".local", "example.org", "example.com", "example.net")
"""Domains that belong to nobody (RFC 2606, RFC 6762): no mail server takes mail from them."""

MAILBOX_PROVIDERS = {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "gmx.net"}
"""Their DMARC records tell others to refuse mail from their domains that their own servers didn't send."""


def check_settings(settings: Settings) -> list[Finding]:
    """Look at what the environment says, as a whole."""
    found = [*_production(settings), *_secret(settings), *_sender(settings), *_postal_address(settings)]
    return found or [ok(SUBJECT, f"They fit together ({settings.app_env.value}).")]


def _production(settings: Settings) -> list[Finding]:
    if settings.app_env is AppEnv.DEVELOPMENT:
        if settings.mail_is_caught or is_this_machine(urlsplit(settings.public_url).hostname or ""):
            return []
        says = "Mail goes out and the site has a public address, but APP_ENV says development."
        return [at_risk(SUBJECT, says, "Set `APP_ENV=production`, which insists on what a real service needs.")]
    if settings.public_url.startswith("https://"):
        return []
    says = f"PUBLIC_URL is {settings.public_url}: visitors' words and staff's passwords travel unencrypted."
    return [wrong(SUBJECT, says, "Put a web server with TLS before the service and set `PUBLIC_URL=https://…`.")]


def _secret(settings: Settings) -> list[Finding]:
    found = []
    secret = settings.secret_key
    if len(set(secret)) < FEWEST_SIGNS or any(word in secret.lower() for word in GUESSABLE):
        says = "SECRET_KEY can be guessed; with it anybody can sign links and sessions."
        found.append(wrong(SUBJECT, says, "Make another with `openssl rand -hex 32`; links in sent mails then end."))
    kept = settings.data_dir / "secret_key"
    if kept.exists() and kept.stat().st_mode & 0o077:
        says = f"Other users of this machine can read the secret in {kept}."
        found.append(wrong(SUBJECT, says, f"Type `chmod 600 {kept}`."))
    return found


def _sender(settings: Settings) -> list[Finding]:
    if settings.mail_is_caught:
        return []
    domain = domain_of(settings.mail_from)
    if "." not in domain or domain.endswith(NOBODYS):
        says = f"MAIL_FROM is {settings.mail_from}, and {domain} is no domain that can send mail."
        return [wrong(SUBJECT, says, "Set `MAIL_FROM` to an address at the institute's own domain.")]
    if domain in MAILBOX_PROVIDERS:
        says = f"MAIL_FROM is at {domain}, whose DMARC record makes other servers refuse mail that it didn't send."
        return [wrong(SUBJECT, says, "Set `MAIL_FROM` to an address at a domain of your own.")]
    return []


def _postal_address(settings: Settings) -> list[Finding]:
    if settings.postal_address or settings.mail_is_caught:
        return []
    says = "POSTAL_ADDRESS is missing, and follow-up mails are sent; many countries' law asks for it in them."
    return [at_risk(SUBJECT, says, "Set `POSTAL_ADDRESS` to the institute's street address.")]


def domain_of(address: str) -> str:
    """Return the domain of an e-mail address as the domain name system has it."""
    with suppress(ComposeError):
        address = ascii_email(address)
    return address.rpartition("@")[2].lower().rstrip(".")


def is_this_machine(host: str) -> bool:
    """Return whether `host` names this very machine."""
    return host in ("localhost", "::1") or host.startswith("127.")

"""DKIM: whether the published key is the one that our mails are signed with (RFC 6376)."""

from base64 import b64decode
from binascii import Error as Base64Error

from dns.resolver import Resolver

from tpminstitute.core.config import Settings
from tpminstitute.core.errors import SettingsError
from tpminstitute.doctor.checks_dns import tags
from tpminstitute.doctor.checks_settings import domain_of
from tpminstitute.doctor.findings import Finding, at_risk, ok, unknown, wrong
from tpminstitute.doctor.lookups import texts
from tpminstitute.mail.dkim import DkimKey, signing_key

SUBJECT = "DKIM"
SHORTEST_KEY = 32
"""Bytes: a whole ed25519 key; RSA keys are longer."""


def check_dkim(resolver: Resolver, settings: Settings) -> list[Finding]:
    """Compare the key that signs with the one that the world reads."""
    try:
        key = signing_key(settings)
    except SettingsError as problem:
        return [wrong(SUBJECT, str(problem), "Until then mail goes out unsigned, or not at all.")]
    if key is None:
        says = (
            f"Mail isn't signed here; whether the mail server signs for {domain_of(settings.mail_from)} can't be seen."
        )
        do = "Send yourself a mail and look for a DKIM-Signature in its source; if there is none, set `DKIM_KEY`."
        return [unknown(SUBJECT, says, do)]
    records = [text for text in texts(resolver, key.record_name) if "p=" in text]
    found = _unread(key)
    if len(records) == 1:
        return [_compared(key, tags(records[0])), *found]
    says = f"There is no DKIM record at {key.record_name}, so our signatures count as broken."
    if records:
        says = f"There are {len(records)} DKIM records at {key.record_name}, and which one counts is chance."
    return [wrong(SUBJECT, says, _publish(key)), *found]


def _unread(key: DkimKey) -> list[Finding]:
    """Return a warning about a key that many receivers can't check: to them the mail is unsigned (RFC 8463)."""
    if not key.algorithm.startswith("ed25519"):
        return []
    says = "Mail is signed with an ed25519 key alone, which many receivers don't check; to them it is unsigned."
    do = (
        "Make an RSA key (`openssl genrsa -out dkim.pem 2048`), publish it under a new selector and set `DKIM_KEY` and "
        "`DKIM_SELECTOR` to it; or have the mail server sign with an RSA key of its own too."
    )
    return [at_risk(SUBJECT, says, do)]


def _compared(key: DkimKey, published: dict[str, str]) -> Finding:
    try:
        public = b64decode("".join(published.get("p", "").split()), validate=True)
    except Base64Error:
        return wrong(SUBJECT, f"The record at {key.record_name} is damaged.", _publish(key))
    if not public:
        return wrong(SUBJECT, f"The key at {key.record_name} is revoked (p= is empty).", _publish(key))
    # An RSA key may be published with its frame or without it (RFC 6376, erratum 3017), which is its end.
    if len(public) < SHORTEST_KEY or not key.public.endswith(public):
        says = f"The key at {key.record_name} isn't the one of DKIM_KEY, so our signatures count as broken."
        return wrong(SUBJECT, says, _publish(key))
    if "y" in published.get("t", "").split(":"):
        says = f"The record at {key.record_name} says t=y: it is a trial, and receivers ignore it."
        return at_risk(SUBJECT, says, "Take `t=y` out of it.")
    return ok(SUBJECT, f"The key at {key.record_name} is the one that signs ({key.algorithm}).")


def _publish(key: DkimKey) -> str:
    return f"Publish at {key.record_name} the TXT record `{key.record}`."

"""How providers sign: Mailgun with a shared key, SendGrid with ECDSA, Postmark with a password over TLS."""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tpminstitute.core.hook_settings import webhook_key
from tpminstitute.web.hooks.door import Forged

POSTMARK_USER = "postmark"


def same(given: str, expected: str) -> bool:
    """Compare a secret in a time that tells nothing about it."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8"))


def signed_by_mailgun(key: str, timestamp: str, token: str, signature: str) -> bool:
    """Return whether a signature is Mailgun's: HMAC-SHA256 over timestamp and token, in hexadecimal.

    It says nothing about the rest of the delivery, which is why a token counts once.
    """
    expected = hmac.new(key.encode("utf-8"), f"{timestamp}{token}".encode("utf-8", "replace"), hashlib.sha256)
    return same(signature, expected.hexdigest())


def check_sendgrid(key: str, signature: str, timestamp: str, sent: bytes) -> None:
    """Raise `Forged` unless a signature is SendGrid's: ECDSA on P-256 with SHA-256 over timestamp and raw body.

    Parameters: `key`, base64 of the public key as SendGrid shows it; `signature`, in base64; `sent`, the body.
    """
    try:
        webhook_key(key).verify(
            base64.b64decode(signature, validate=True),
            timestamp.encode("utf-8", "replace") + sent,
            ec.ECDSA(hashes.SHA256()),
        )
    except (InvalidSignature, binascii.Error, ValueError):
        raise Forged("wrong signature") from None


def moment_of(timestamp: str) -> datetime:
    """Return the moment of a Unix time in seconds; raises `Forged` for what is none."""
    try:
        return datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise Forged("no usable time") from None

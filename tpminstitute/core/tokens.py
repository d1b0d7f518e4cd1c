"""Signed texts for addresses and forms, and random ids nobody can guess."""

import hashlib
import secrets
from typing import Any

from itsdangerous import BadData, URLSafeSerializer


class BadToken(Exception):
    """A token was forged, damaged, or made for another purpose."""


class Signer:
    """Signs small values for one purpose, so that a token for one door opens no other.

    Tokens carry no expiry of their own: a purpose that needs one puts the time into the value.
    """

    def __init__(self, secret_key: str, purpose: str) -> None:
        """Make a signer.

        Parameters: `secret_key`, the service's secret; `purpose`, a name such as ``unsubscribe``.
        """
        self._serializer = URLSafeSerializer(
            secret_key, salt=f"tpminstitute.{purpose}", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def sign(self, value: Any) -> str:
        """Return a URL-safe token that carries `value` (JSON) readable but not forgeable."""
        return str(self._serializer.dumps(value))

    def read(self, token: str) -> Any:
        """Return the value of `token`; raises `BadToken` when it isn't one of ours."""
        try:
            return self._serializer.loads(token)
        except (BadData, ValueError, RecursionError) as error:
            raise BadToken("The token is not one of ours.") from error


ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: nothing in it is mistaken for something else when read aloud (crockford.com/base32.html)."""

PUBLIC_ID_LENGTH = 20


def public_id() -> str:
    """Return a random id of 100 bits for a public address."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in secrets.token_bytes(PUBLIC_ID_LENGTH))


def secret() -> str:
    """Return a random secret of 256 bits (43 URL-safe characters)."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """Return the SHA-256 of `text` in hexadecimal; a stored secret is kept only so."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()

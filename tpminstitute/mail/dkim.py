"""Sign mails with a key of our own (DKIM: RFC 6376, RFC 8463), so that inboxes know they come from our domain."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal, SettingsError
from tpminstitute.mail.compose import ComposeError, ascii_email

FEWEST_BITS = 2048
"""Of an RSA key; shorter ones count for little or nothing with large mailbox providers."""

SIGNED = (
    *(b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"message-id", b"x-tpm-reference"),
    *(b"mime-version", b"content-type", b"content-language", b"auto-submitted", b"feedback-id"),
    *(b"list-unsubscribe", b"list-unsubscribe-post", b"in-reply-to", b"references"),
)
"""What is signed where it is there. RFC 8058 asks for both List-Unsubscribe headers, Gmail for Feedback-ID."""

OVERSIGNED = (b"from", b"to", b"cc", b"subject", b"date", b"reply-to")
"""Signed once more than they are there: nobody can add a second one to a mail that we signed."""

_PEM = re.compile(rb"-----BEGIN (?P<kind>[A-Z0-9 ]+)-----(?P<body>[^-]*)-----END (?P=kind)-----")
_ED25519_START = bytes.fromhex("302e020100300506032b657004220420")
"""How a PKCS #8 file of an ed25519 key begins (RFC 8410, 7); 32 octets of key follow."""

_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")
_SELECTOR = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")
_TRIAL = b"From: a@b.example\r\nTo: c@d.example\r\n\r\nx\r\n"


class SigningError(Refusal):
    """A mail can't be signed; the sentence says why. It may still be sent as it is."""


@dataclass(frozen=True)
class DkimKey:
    """A private key with the name under which its public half stands in DNS."""

    domain: str
    selector: str
    algorithm: str
    private: bytes = field(repr=False)
    public: bytes

    @property
    def record_name(self) -> str:
        """The DNS name of the TXT record, without a dot at its end."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """What that TXT record has to say."""
        return f"v=DKIM1; k={self.algorithm.partition('-')[0]}; p={b64encode(self.public).decode()}"


def signing_key(settings: Settings) -> DkimKey | None:
    """Return the key of DKIM_KEY, read once, or None where none is set: then mails go out unsigned.

    Raises `SettingsError` with a sentence for a file that can't be read, isn't a private key that can sign, or has no
    usable selector. Call it at start, so that a wrong setting is known before the first mail.
    """
    if not settings.dkim_key and not settings.dkim_selector:
        return None
    return _read(settings.dkim_key, settings.dkim_selector, settings.mail_from)


def sign(content: bytes, key: DkimKey) -> bytes:
    """Return a mail with our signature before it; not an octet of `content` changes.

    Parameters: `content`, a whole mail with CRLF, as `compose` makes it.
    Raises `SigningError`; the mail may then be sent unsigned, which is better than not at all.
    """
    import dkim  # takes a tenth of a second, with all of dnspython: only for whoever signs

    head = content.partition(b"\r\n\r\n")[0].lower()
    there = [name for name in SIGNED if re.search(rb"(?m)^" + name + rb":", head)]
    try:
        signature = dkim.DKIM(content).sign(
            key.selector.encode(),
            key.domain.encode(),
            key.private,
            signature_algorithm=key.algorithm.encode(),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[*there, *OVERSIGNED],
        )
    except Exception as problem:  # dkimpy lets its parsers' errors through
        raise SigningError(f"The mail could not be signed ({type(problem).__name__}: {problem}).") from problem
    return bytes(signature) + content


@lru_cache(maxsize=8)
def _read(path: str, selector: str, sender: str) -> DkimKey:
    if not path:
        raise SettingsError("DKIM_SELECTOR is set and DKIM_KEY is not. Set both, or neither to send unsigned mail.")
    if not selector:
        raise SettingsError("DKIM_KEY is set and DKIM_SELECTOR is not. Set it to the name before ._domainkey in DNS.")
    if not _SELECTOR.fullmatch(selector):
        raise SettingsError("DKIM_SELECTOR is not usable: it is a DNS name such as tpm1, without ._domainkey.")
    try:
        domain = ascii_email(sender).rpartition("@")[2].lower()
        pem = Path(path).expanduser().read_bytes()
    except ComposeError as problem:
        raise SettingsError(f"MAIL_FROM is not usable: {problem}") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise SettingsError(
            f"DKIM_KEY names the file {path}, and it can't be read ({reason}). "
            "Set it to the path of a private key that this user may read."
        ) from None
    algorithm, private, public = _parsed(path, pem)
    key = DkimKey(domain, selector, algorithm, private, public)
    try:
        sign(_TRIAL, key)
    except SigningError as problem:
        raise _unusable(path, str(problem)) from None
    return key


def _parsed(path: str, pem: bytes) -> tuple[str, bytes, bytes]:
    """Return a key's algorithm, its private half as dkimpy wants it, and its public half as DNS wants it."""
    found = _PEM.search(pem)
    if found is None:
        raise _unusable(path, "It holds no key in PEM form.")
    if found["kind"] not in {b"PRIVATE KEY", b"RSA PRIVATE KEY"}:
        raise _unusable(path, f"It holds a key of the kind “{found['kind'].decode()}”.")
    try:
        der = b64decode(b"".join(found["body"].split()), validate=True)
    except Base64Error:
        raise _unusable(path, "It is damaged.") from None
    if der.startswith(_ED25519_START) and len(der) == len(_ED25519_START) + 32:
        return _ed25519(der[len(_ED25519_START) :])
    return _rsa(path, der)


def _ed25519(seed: bytes) -> tuple[str, bytes, bytes]:
    from nacl.signing import SigningKey

    return "ed25519-sha256", b64encode(seed), bytes(SigningKey(seed).verify_key)


def _rsa(path: str, der: bytes) -> tuple[str, bytes, bytes]:
    from dkim.crypto import UnparsableKeyError, parse_private_key

    try:
        numbers = parse_private_key(der)
    except (UnparsableKeyError, IndexError, TypeError, ValueError):
        raise _unusable(path, "It is neither an RSA nor an ed25519 key, or it is damaged.") from None
    modulus, exponent = numbers["modulus"], numbers["publicExponent"]
    if modulus.bit_length() < FEWEST_BITS:
        raise _unusable(path, f"It has {modulus.bit_length()} bits, and {FEWEST_BITS} is the least that is trusted.")
    public = _der(0x30, _integer(modulus) + _integer(exponent))
    body = b"\n".join([b"-----BEGIN RSA PRIVATE KEY-----", b64encode(der), b"-----END RSA PRIVATE KEY-----", b""])
    return "rsa-sha256", body, _der(0x30, _RSA_ENCRYPTION + _der(0x03, b"\0" + public))


def _unusable(path: str, why: str) -> SettingsError:
    return SettingsError(
        f"DKIM_KEY names the file {path}, which can't sign mail. {why} Make one with: openssl genrsa -out {path} 2048"
    )


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body

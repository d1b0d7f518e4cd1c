"""The mail that a report returns: as a part of its own, or copied into the text as old servers do."""

import re
from collections.abc import Iterable

from tpminstitute.mail.incoming.encodings import storable
from tpminstitute.mail.incoming.headers import Headers, message_ids, split_header
from tpminstitute.mail.incoming.structure import Part, Structure

_HEADER_OCTETS = 200_000
_TEXT_LIMIT = 200_000
_ORIGINAL_TYPES = frozenset(
    ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
)
_FIELD = re.compile(
    r"^[>| \t]{0,8}(message-id|x-tpm-reference|to):[ \t]{0,20}(?:\n[>"
    r"| \t]{1,8})?([^\n]{1,600})",
    re.I | re.M,
)
_REFERENCE = re.compile(r"[A-Za-z0-9._+-]{6,100}")


def returned_headers(structure: Structure) -> list[Headers]:
    """Return the headers of the mails that a report carries as parts."""
    return [_inner(part) for part in structure.leaves if part.media_type in _ORIGINAL_TYPES]


def _inner(part: Part) -> Headers:
    octets, _ = part.octets(_HEADER_OCTETS)
    octets = octets.lstrip(b"\r\n")
    return split_header(octets, 0, len(octets))[0]


def headers_in_text(text: str) -> Headers:
    """Return the fields of a mail that was copied into `text`, as far as they lead back to us."""
    found = _FIELD.findall(text[:_TEXT_LIMIT])[:50]
    return Headers([(name.lower(), value.encode("utf-8", "replace").strip()) for name, value in found])


def ids_of(headers: Iterable[Headers]) -> list[str]:
    """Return the Message-IDs of mails."""
    return [found for one in headers for value in one.all("message-id") for found in message_ids(value)]


def references_of(headers: Iterable[Headers]) -> tuple[str, ...]:
    """Return the values of X-TPM-Reference in mails, each once."""
    values = (storable(value).strip() for one in headers for value in one.all("x-tpm-reference"))
    return tuple(dict.fromkeys(value for value in values if _REFERENCE.fullmatch(value)))[:20]

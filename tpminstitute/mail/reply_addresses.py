"""Signed addresses that say what a mail to them is about (`info+v-…@tpminstitute.org`): REPLY_ADDRESS plus a tag.

A local part holds 64 octets (RFC 5321, 4.5.3.1.1) and may come back in any case, so the tag is in base 32 and short:
its purpose, a contact's public id, and 80 bits of an HMAC-SHA-256 over both.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tpminstitute.core.config import Settings
from tpminstitute.mail.compose import Address

_SIGNATURE = 16
"""Characters of base 32: 80 bits."""

_TAG = re.compile(rf"(?P<purpose>[vsd])-(?P<subject>[0-9a-z]{{20}})(?:-(?P<signature>[a-z2-7]{{{_SIGNATURE}}}))?")


class Purpose(StrEnum):
    """What a mail to a signed address is: a visitor's answer, staff's answer to a notice, or a copy to be filed."""

    VISITOR = "v"
    STAFF = "s"
    DROPBOX = "d"


@dataclass(frozen=True)
class Tag:
    """What one of our addresses says; `subject` is a contact's public id, or a dropbox's secret.

    `genuine` is False for one that was forged or damaged.
    """

    purpose: Purpose
    subject: str
    genuine: bool


def reply_address(settings: Settings, purpose: Purpose, contact_public_id: str, name: str = "") -> Address | None:
    """Return the address by which an answer finds its contact, or None while REPLY_ADDRESS isn't set."""
    if not settings.reply_address:
        return None
    return Address(
        name, tagged(settings, f"{purpose}-{contact_public_id}-{_sign(settings, purpose, contact_public_id)}")
    )


def reply_to_institute(settings: Settings, contact_public_id: str) -> Address:
    """Return where an answer to a mail goes that a visitor gets: to the contact's own address, else the institute's."""
    own = reply_address(settings, Purpose.VISITOR, contact_public_id, settings.institute_name)
    return own or Address(settings.institute_name, settings.institute_email)


def tags_in(settings: Settings, recipients: Iterable[str]) -> list[Tag]:
    """Return what our addresses among `recipients` say, genuine ones first."""
    if not settings.reply_address:
        return []
    local, _, domain = settings.reply_address.lower().rpartition("@")
    found = []
    for recipient in recipients:
        address = recipient.strip().lower()
        if not address.startswith(f"{local}+") or not address.endswith(f"@{domain}"):
            continue
        match = _TAG.fullmatch(address[len(local) + 1 : -len(domain) - 1])
        if match is not None:
            found.append(_tag(settings, match))
    return sorted(found, key=lambda tag: not tag.genuine)


def _tag(settings: Settings, match: re.Match[str]) -> Tag:
    purpose, subject = Purpose(match["purpose"]), match["subject"]
    if purpose is Purpose.DROPBOX:
        return Tag(purpose, subject, genuine=True)
    return Tag(purpose, subject, hmac.compare_digest(match["signature"] or "", _sign(settings, purpose, subject)))


def _sign(settings: Settings, purpose: Purpose, subject: str) -> str:
    text = f"tpminstitute.reply-address.{purpose}.{subject}".encode()
    digest = hmac.new(settings.secret_key.encode(), text, hashlib.sha256).digest()
    return base64.b32encode(digest[: _SIGNATURE * 5 // 8]).decode("ascii").lower()


def tagged(settings: Settings, tag: str) -> str:
    """Return REPLY_ADDRESS with a tag behind its plus sign."""
    local, _, domain = settings.reply_address.rpartition("@")
    return f"{local}+{tag}@{domain}"

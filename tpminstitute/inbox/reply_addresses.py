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

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, Role
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.inbox.models import Dropbox
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
        name, _tagged(settings, f"{purpose}-{contact_public_id}-{_sign(settings, purpose, contact_public_id)}")
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


def dropbox_address(session: Session, settings: Settings, account: Account) -> str | None:
    """Return the secret address of a staff member, made at first use, or None while REPLY_ADDRESS isn't set."""
    if not settings.reply_address:
        return None
    kept = session.get(Dropbox, account.id)
    if kept is None:
        kept = Dropbox(account_id=account.id, secret=tokens.public_id(), made_at=clock.now())
        session.add(kept)
        session.flush()
    return _tagged(settings, f"{Purpose.DROPBOX}-{kept.secret}")


def known_dropbox(session: Session, settings: Settings, account: Account) -> str | None:
    """Return the secret address of a staff member, or None before it was made or while REPLY_ADDRESS isn't set."""
    kept = session.get(Dropbox, account.id) if settings.reply_address else None
    return None if kept is None else _tagged(settings, f"{Purpose.DROPBOX}-{kept.secret}")


def renew_dropbox(session: Session, account: Account) -> None:
    """Give a staff member another secret address; mail to the old one is filed no longer."""
    kept = session.get(Dropbox, account.id)
    if kept is not None:
        kept.secret, kept.made_at = tokens.public_id(), clock.now()


def owner_of_dropbox(session: Session, secret: str) -> Account | None:
    """Return the staff member whose dropbox it is, or None for a secret that is nobody's (any more), or a reader's."""
    return session.scalar(
        select(Account)
        .join(Dropbox, Dropbox.account_id == Account.id)
        .where(Dropbox.secret == secret, Account.active, Account.role != Role.READER)
    )


def _tag(settings: Settings, match: re.Match[str]) -> Tag:
    purpose, subject = Purpose(match["purpose"]), match["subject"]
    if purpose is Purpose.DROPBOX:
        return Tag(purpose, subject, genuine=True)
    return Tag(purpose, subject, hmac.compare_digest(match["signature"] or "", _sign(settings, purpose, subject)))


def _sign(settings: Settings, purpose: Purpose, subject: str) -> str:
    text = f"tpminstitute.reply-address.{purpose}.{subject}".encode()
    digest = hmac.new(settings.secret_key.encode(), text, hashlib.sha256).digest()
    return base64.b32encode(digest[: _SIGNATURE * 5 // 8]).decode("ascii").lower()


def _tagged(settings: Settings, tag: str) -> str:
    local, _, domain = settings.reply_address.rpartition("@")
    return f"{local}+{tag}@{domain}"

"""What a mail provider reports of our mails: bounces, complaints and unsubscriptions, each taken in once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.comments.notices import stop_address
from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked, locked_by_address
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.inbox import returned
from tpminstitute.inbox.models import HookEvent
from tpminstitute.inbox.opt_out import opt_out
from tpminstitute.mail.incoming.model import Bounce
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.suppression import ALWAYS_SENT
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

KEPT_FOR = timedelta(days=14)
"""How long an event is remembered: longer than any door takes a signature (`web/hooks/door.py`)."""

RECENT = timedelta(days=30)
"""How old the newest mail to an address may be to be taken for the one that a report without a Message-ID means."""

GUESSED = "The provider names the address and not the mail; this is the newest one that went there."

_REASON_LIMIT = 300
_STATUS_LIMIT = 20
_MOST_NAMES = 20
_HANDED_OVER = (MessageStatus.SENT, MessageStatus.SENDING, MessageStatus.UNCERTAIN)


class Report(StrEnum):
    """What a provider says of a mail."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE = "soft_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIPTION = "unsubscription"


class Outcome(StrEnum):
    """What became of an event: it took effect, it had been taken in before, or it is about no mail of ours."""

    TAKEN = "taken"
    REPEATED = "repeated"
    NOT_OURS = "not_ours"


@dataclass(frozen=True)
class ProviderEvent:
    """A report that a provider vouches for: the door has verified that it comes from there.

    `keys` tell it from every other event of the provider; any of them seen before makes it a replay. `message_ids`
    and `references` (X-TPM-Reference) name the mail, where the provider says them; `recipient` is the address it went
    to. `status` is an enhanced status code (RFC 3463) or '', `reason` what the receiving server said.
    """

    provider: str
    keys: tuple[str, ...]
    report: Report
    recipient: str
    message_ids: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    status: str = ""
    reason: str = ""


def record_event(session: Session, settings: Settings, event: ProviderEvent) -> Outcome:
    """Do what a verified report of a provider causes, once; the same one again has no effect.

    A report by mail counts only when it names a mail of ours, since anybody can write one about any address. A
    provider that is verified is believed about the address as well: it is the one that delivers our mail to it, and
    some of them replace the Message-ID and echo no header. So without a name it is the newest mail to that address;
    when none went there lately, the report is about another sender's mail and nothing happens.
    """
    if not remember(session, event.provider, event.keys):
        return Outcome.REPEATED
    named = _named(session, settings, event)
    if event.report is Report.UNSUBSCRIPTION:
        return _leave(session, event, named)
    message = named or _newest(session, event)
    if message is None:
        return Outcome.NOT_OURS
    if message.contact_id is not None:
        locked(session, message.contact_id)
    if event.report is Report.COMPLAINT:
        returned.complained_of(session, message)
    else:
        returned.bounced(session, message, _bounce(event))
    if named is None and message.contact_id is not None:
        kind = ActivityKind.MAIL_COMPLAINED_OF if event.report is Report.COMPLAINT else ActivityKind.MAIL_BOUNCED
        record(session, message.contact_id, kind, GUESSED)
    return Outcome.TAKEN


def remember(session: Session, provider: str, keys: Sequence[str]) -> bool:
    """Keep the keys of an event; returns False when one of them was known, so that the event is a replay."""
    digests = _digests(keys)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [{"provider": provider, "event_key": digest, "at": clock.now()} for digest in digests]
    added = session.execute(
        insert(HookEvent)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["provider", "event_key"])
        .returning(HookEvent.id)
    ).all()
    return len(added) == len(digests)


def known(session: Session, provider: str, keys: Sequence[str]) -> bool:
    """Return whether an event with one of these keys was taken in before."""
    same = select(HookEvent.id).where(HookEvent.provider == provider, HookEvent.event_key.in_(_digests(keys)))
    return session.scalar(same.limit(1)) is not None


def tidy_hook_events(session: Session) -> None:
    """Forget the events that are so old that no door would take them again."""
    session.execute(delete(HookEvent).where(HookEvent.at < clock.now() - KEPT_FOR))


def _digests(keys: Sequence[str]) -> list[str]:
    """Return what is stored of the keys, in one order: two requests with the same ones wait, and don't deadlock."""
    return sorted({tokens.digest(key.encode("utf-8", "replace").decode("utf-8")) for key in keys})


def _named(session: Session, settings: Settings, event: ProviderEvent) -> Message | None:
    domain = settings.mail_from.rpartition("@")[2]
    ids = [f"<{one_line(name, 500).strip('<> ')}>" for name in event.message_ids]
    ids += [f"<{one_line(reference, 200).strip()}@{domain}>" for reference in event.references]
    if not ids:
        return None
    found = {row.message_id: row for row in session.scalars(select(Message).where(Message.message_id.in_(ids)))}
    return next((found[name] for name in ids[:_MOST_NAMES] if name in found), None)


def _newest(session: Session, event: ProviderEvent) -> Message | None:
    key = _address_key(event.recipient)
    if key is None:
        return None
    return session.scalar(
        select(Message)
        .where(
            Message.recipient_key == key,
            Message.status.in_(_HANDED_OVER),
            Message.created_at > clock.now() - RECENT,
        )
        .order_by(Message.id.desc())
        .limit(1)
    )


def _leave(session: Session, event: ProviderEvent, named: Message | None) -> Outcome:
    """Unsubscribe whoever the mail was for; the institute's own notices carry a visitor's contact, and don't count."""
    if named is not None and named.kind is MessageKind.COMMENT_ANSWER:
        stop_address(session, named.recipient_key)
        return Outcome.TAKEN
    contact = _leaving(session, event, named)
    if contact is None:
        return Outcome.NOT_OURS
    opt_out(session, contact)
    return Outcome.TAKEN


def _leaving(session: Session, event: ProviderEvent, named: Message | None) -> Contact | None:
    if named is not None:
        if named.contact_id is None or named.kind in ALWAYS_SENT:
            return None
        return locked(session, named.contact_id)
    key = _address_key(event.recipient)
    return locked_by_address(session, key) if key else None


def _bounce(event: ProviderEvent) -> Bounce:
    return Bounce(
        permanent=event.report is Report.HARD_BOUNCE,
        status=one_line(event.status, _STATUS_LIMIT),
        recipient=one_line(event.recipient, _REASON_LIMIT),
        reason=one_line(event.reason, _REASON_LIMIT),
    )


def _address_key(address: str) -> str | None:
    try:
        return read_email(address).key
    except AddressError:
        return None

"""Limits: so many mails a minute in all and to one domain, so many a day to one address."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.mail.models import Message, MessageKind, MessageStatus

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

LOOK_AHEAD = 4
"""How many times the wanted number of mails is looked at where a limit holds some back: they must not hide the others.

Without any held back it would be waste: PostgreSQL writes each lock down.
"""

UNDER_WAY = (MessageStatus.CLAIMED, MessageStatus.SENDING)
EXEMPT = (MessageKind.NOTICE, MessageKind.TEST, MessageKind.STAFF)
"""What goes to the institute itself is not limited by address."""


DUE = (Message.status == MessageStatus.QUEUED, Message.due_at <= bindparam("moment"))
"""The conditions under which a row of `messages` is due."""

_CANDIDATES = (
    select(Message.id, Message.kind, Message.recipient_key, Message.recipient_domain)
    .where(*DUE)
    .order_by(Message.due_at, Message.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TO_EACH_ADDRESS = (
    select(Message.recipient_key, func.count())
    .where(
        Message.recipient_key.in_(bindparam("addresses", expanding=True)),
        or_(Message.sent_at > bindparam("since"), Message.status.in_(UNDER_WAY)),
    )
    .group_by(Message.recipient_key)
)
"""Made once: every batch asks."""


@dataclass
class Tally:
    """What was sent lately, counted as the limits count it; `held_back` collects what must wait, and why."""

    in_all: int
    by_domain: Counter[str]
    by_address: Counter[str]
    allowed: list[int] = field(default_factory=list)
    held_back: dict[str, list[int]] = field(default_factory=dict)


def allowed(session: Session, settings: Settings, moment: datetime, most: int) -> Sequence[int]:
    """Return the ids of at most `most` mails due at `moment` that no limit holds back, oldest first, locked.

    Those that a limit does hold back get a later time and the reason.
    """
    if settings.mail_rate or settings.mail_domain_rate:
        _one_at_a_time(session)
    tally = _look(session, settings, moment, most, most)
    if tally.held_back and len(tally.allowed) < most:
        tally = _look(session, settings, moment, most, most * LOOK_AHEAD)
    _postpone(session, settings, tally)
    return tally.allowed


def _look(session: Session, settings: Settings, moment: datetime, most: int, at: int) -> Tally:
    """Weigh the first `at` due mails against the limits, until `most` are allowed."""
    candidates = session.execute(_CANDIDATES, {"moment": moment, "most": at}).all()
    tally = _tally(session, settings, {key for _, kind, key, _ in candidates if kind not in EXEMPT})
    for message_id, kind, key, domain in candidates:
        if len(tally.allowed) == most or (settings.mail_rate and tally.in_all >= settings.mail_rate):
            break
        _weigh(tally, settings, message_id, "" if kind in EXEMPT else key, domain)
    return tally


def _one_at_a_time(session: Session) -> None:
    """Let no two workers count at once: SQLite's writers wait for each other anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(7205759403792793601)"))


def _tally(session: Session, settings: Settings, addresses: set[str]) -> Tally:
    now = clock.now()
    in_all, by_domain, by_address = 0, Counter[str](), Counter[str]()
    if settings.mail_rate or settings.mail_domain_rate:
        lately = or_(Message.sent_at > now - MINUTE, Message.status.in_(UNDER_WAY))
        rows = session.execute(
            select(Message.recipient_domain, func.count()).where(lately).group_by(Message.recipient_domain)
        )
        by_domain.update({domain: number for domain, number in rows})  # noqa: C416 (rows are no pairs to Counter)
        in_all = by_domain.total()
    if settings.mail_address_rate and addresses:
        rows = session.execute(_TO_EACH_ADDRESS, {"addresses": sorted(addresses), "since": now - DAY})
        by_address.update({key: number for key, number in rows})  # noqa: C416
    return Tally(in_all, by_domain, by_address)


def _weigh(tally: Tally, settings: Settings, message_id: int, address: str, domain: str) -> None:
    if settings.mail_domain_rate and tally.by_domain[domain] >= settings.mail_domain_rate:
        tally.held_back.setdefault("domain", []).append(message_id)
    elif address and settings.mail_address_rate and tally.by_address[address] >= settings.mail_address_rate:
        tally.held_back.setdefault("address", []).append(message_id)
    else:
        tally.allowed.append(message_id)
        tally.in_all += 1
        tally.by_domain[domain] += 1
        tally.by_address[address] += 1


def _postpone(session: Session, settings: Settings, tally: Tally) -> None:
    now = clock.now()
    waits = {
        "domain": (now + MINUTE, f"Waits: at most {settings.mail_domain_rate} mails a minute go to one domain."),
        "address": (now + DAY / 24, f"Waits: at most {settings.mail_address_rate} mails a day go to one address."),
    }
    for limit, ids in tally.held_back.items():
        due_at, reason = waits[limit]
        session.execute(update(Message).where(Message.id.in_(ids)).values(due_at=due_at, reason=reason))

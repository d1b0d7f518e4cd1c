"""Warn of promises before they are broken: whoever waits too long is announced once, to whoever looks after them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.colleagues import colleagues
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Conversation, Turn
from tpminstitute.inbox.waiting import Waiting, longest_waiting
from tpminstitute.institute.office_hours import standing_at
from tpminstitute.institute.promise import Promise
from tpminstitute.institute.recipients import NoticeKind, recipients
from tpminstitute.mail.to_staff import write_to_staff
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record_each
from tpminstitute.today.letters import Line, warning_letter
from tpminstitute.today.models import PromiseWarning
from tpminstitute.today.queries import promise_in

BATCH = 100
"""Waits that are announced in one transaction."""

SHOWN = 20
"""People that one mail names."""

TOO_OLD = timedelta(days=14)
"""Who waits longer than this is on the page, and no news: an institute that begins with it gets no flood of mails."""

LOOKS_AFTER = "You get this because you look after them."
NOBODYS = "You get this because nobody looks after them."


@dataclass(frozen=True)
class _Reader:
    """Who is warned, and why."""

    name: str
    email: str
    reason: str


def warn_of_promises(db: Database, settings: Settings) -> int:
    """Announce every promise that is at risk and wasn't announced yet, while the office is open; returns how many.

    Any number of workers may run at once. Raises `NeverOpen` where there are no office hours to reckon with.
    """
    warned = 0
    while True:
        with db.write() as session:
            found = _warn_of_some(session, settings)
        warned += found
        if found < BATCH:
            return warned


def _warn_of_some(session: Session, settings: Settings) -> int:
    promise, now = promise_in(session, settings), clock.now()
    if not standing_at(now, promise.hours).is_open:
        return 0
    contact_ids = _claim(session, promise)
    if not contact_ids:
        return 0
    told = defaultdict(list)
    sentences = []
    able = {account.id: account for account in colleagues(session)}
    of_nobodys = [_Reader(who.name, who.email, NOBODYS) for who in recipients(session, settings, NoticeKind.PROMISE)]
    for waiting in longest_waiting(session, BATCH, Conversation.contact_id.in_(contact_ids)):
        owner = able.get(waiting.owner_id or 0)
        readers = [_Reader(owner.name, owner.email, LOOKS_AFTER)] if owner else of_nobodys
        for reader in readers:
            told[reader].append(waiting)
        due = zones.written(promise.due_at(waiting.place.since), settings.institute_zone)
        names = ", ".join(reader.name or reader.email for reader in readers)
        sentences.append((waiting.place.contact_id, f"The answer is promised by {due}: {names} got a mail about it."))
    for reader, waits in told.items():
        _write(session, settings, promise, reader, waits)
    record_each(session, ActivityKind.PROMISE_AT_RISK, sentences)
    return len(contact_ids)


def _claim(session: Session, promise: Promise) -> Sequence[int]:
    """Take some waits that nobody was warned of, and write down that somebody is now.

    A contact in other hands is left for the next time: they may be answered just now.
    """
    now = clock.now()
    warned = exists().where(
        PromiseWarning.contact_id == Conversation.contact_id, PromiseWarning.since == Conversation.since
    )
    waits = session.execute(
        select(Conversation.contact_id, Conversation.since)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(
            Conversation.turn == Turn.INSTITUTE,
            Conversation.since <= promise.at_risk_since(now),
            Conversation.since > now - TOO_OLD,
            ~warned,
        )
        .order_by(Conversation.since, Conversation.contact_id)
        .limit(BATCH)
        .with_for_update(of=[Contact.__table__, Conversation.__table__], key_share=True, skip_locked=True)
    ).all()
    if not waits:
        return []
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    writing = insert(PromiseWarning).values(
        [{"contact_id": contact_id, "since": since, "at": now} for contact_id, since in waits]
    )
    return session.scalars(
        writing.on_conflict_do_update(
            index_elements=["contact_id"],
            set_={"since": writing.excluded.since, "at": writing.excluded.at},
            where=and_(PromiseWarning.since != writing.excluded.since),
        ).returning(PromiseWarning.contact_id)
    ).all()


def _write(session: Session, settings: Settings, promise: Promise, reader: _Reader, waits: Sequence[Waiting]) -> None:
    now, first = clock.now(), waits[0].place
    lines = []
    for waiting in waits[:SHOWN]:
        due = promise.due_at(waiting.place.since)
        lines.append(
            Line(
                waiting.name,
                waiting.about,
                zones.written(due, settings.institute_zone),
                due <= now,
                f"{settings.public_url}/staff/contacts/{waiting.contact_public_id}",
            )
        )
    write_to_staff(
        session,
        settings,
        warning_letter(settings, lines, len(waits) - len(lines), reader.reason),
        name=reader.name,
        email=reader.email,
        cause=f"promise:{first.contact_id}",
        dedupe_key=f"promise:{first.contact_id}:{first.since:%Y%m%d%H%M%S.%f}:{tokens.digest(reader.email)[:16]}",
    )

"""Warn of promises before they are broken: whoever waits too long is announced once, to whoever looks after them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.colleagues import colleagues
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Conversation, Turn
from tpminstitute.inbox.waiting import longest_waiting
from tpminstitute.institute.office_hours import standing_at
from tpminstitute.institute.promise import Promise
from tpminstitute.institute.recipients import NoticeKind, recipients
from tpminstitute.mail.to_staff import write_to_staff
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record_each
from tpminstitute.today.letters import Line, warning_letter
from tpminstitute.today.models import PromiseWarning
from tpminstitute.today.queries import promise_in

MOST = 10_000
"""Waits that are announced at once: of more, the others have their turn in the next minute."""

AT_ONCE = 500
"""Of these so many are written down by one statement: a database takes only so many values in one."""

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


@dataclass(frozen=True)
class _Wait:
    """A wait that is announced, and who looks after the contact."""

    contact_id: int
    since: datetime
    owner_id: int | None


def warn_of_promises(db: Database, settings: Settings) -> int:
    """Announce every promise that is at risk and wasn't announced yet, while the office is open; returns how many.

    Whoever is told of several gets one mail. Any number of workers may run at once. Raises `NeverOpen` where there are
    no office hours to reckon with.
    """
    with db.write() as session:
        promise = promise_in(session, settings)
        if not standing_at(clock.now(), promise.hours).is_open:
            return 0
        waits = _claim(session, promise)
        if waits:
            _tell(session, settings, promise, waits)
        return len(waits)


def _tell(session: Session, settings: Settings, promise: Promise, waits: Sequence[_Wait]) -> None:
    able = {account.id: account for account in colleagues(session)}
    of_nobodys = [_Reader(who.name, who.email, NOBODYS) for who in recipients(session, settings, NoticeKind.PROMISE)]
    told = defaultdict(list)
    sentences = []
    for wait in waits:
        owner = able.get(wait.owner_id or 0)
        readers = [_Reader(owner.name, owner.email, LOOKS_AFTER)] if owner else of_nobodys
        for reader in readers:
            told[reader].append(wait)
        due = zones.written(promise.due_at(wait.since), settings.institute_zone)
        names = ", ".join(reader.name or reader.email for reader in readers)
        sentences.append((wait.contact_id, f"The answer is promised by {due}: {names} got a mail about it."))
    for reader, theirs in told.items():
        _write(session, settings, promise, reader, theirs)
    record_each(session, ActivityKind.PROMISE_AT_RISK, sentences)


def _claim(session: Session, promise: Promise) -> list[_Wait]:
    """Take the waits that nobody was warned of, the longest first, and write down that somebody is now.

    A contact in other hands is left for the next time: they may be answered just now.
    """
    now = clock.now()
    warned = exists().where(
        PromiseWarning.contact_id == Conversation.contact_id, PromiseWarning.since == Conversation.since
    )
    found = session.execute(
        select(Conversation.contact_id, Conversation.since, Contact.owner_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(
            Conversation.turn == Turn.INSTITUTE,
            Conversation.since <= promise.at_risk_since(now),
            Conversation.since > now - TOO_OLD,
            ~warned,
        )
        .order_by(Conversation.since, Conversation.contact_id)
        .limit(MOST)
        .with_for_update(of=[Contact.__table__, Conversation.__table__], key_share=True, skip_locked=True)
    )
    waits = [_Wait(*row) for row in found]
    taken = set[int]()
    for start in range(0, len(waits), AT_ONCE):
        taken.update(_written_down(session, waits[start : start + AT_ONCE]))
    return [wait for wait in waits if wait.contact_id in taken]


def _written_down(session: Session, waits: Sequence[_Wait]) -> Iterable[int]:
    """Write down whose waits are announced; returns those that another worker didn't write down meanwhile."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    now = clock.now()
    writing = insert(PromiseWarning).values(
        [{"contact_id": wait.contact_id, "since": wait.since, "at": now} for wait in waits]
    )
    return session.scalars(
        writing.on_conflict_do_update(
            index_elements=["contact_id"],
            set_={"since": writing.excluded.since, "at": writing.excluded.at},
            where=and_(PromiseWarning.since != writing.excluded.since),
        ).returning(PromiseWarning.contact_id)
    )


def _write(session: Session, settings: Settings, promise: Promise, reader: _Reader, waits: Sequence[_Wait]) -> None:
    now, first = clock.now(), waits[0]
    lines = []
    for waiting in longest_waiting(session, [wait.contact_id for wait in waits[:SHOWN]]):
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

"""The morning digest: what is due today and what waits, by mail to each of the staff, once a working day at most."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, Role
from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.inbox.queries import COUNTED
from tpminstitute.mail.to_staff import write_to_staff
from tpminstitute.today.items import EVERYBODYS, Item, Whose
from tpminstitute.today.letters import Line, digest_letter
from tpminstitute.today.models import Digest, StaffNews
from tpminstitute.today.queries import Today, promise_in, today
from tpminstitute.today.sources import SOURCES

SHOWN = 20
"""Things that a digest names."""

TOO_LATE = timedelta(hours=3)
"""What could not be sent so long after its time is no morning's mail any more, and waits for the next day."""

REASONS = {
    Digest.OWN: "You get this on mornings when something of yours is due or waits.",
    Digest.EVERYTHING: "You get this on mornings when anything is due or waits.",
}


def write_digests(db: Database, settings: Settings) -> int:
    """Write the digests of this morning that aren't decided yet, where there is something to say; returns how many.

    Any number of workers may run at once: whose turn it is, is decided by one of them, once a day.
    """
    now = clock.now()
    day = zones.local(now, settings.institute_zone).date()
    with db.read() as session:
        at = _time_of(session, settings, day)
        if at is None or not at <= now < at + TOO_LATE:
            return 0
        account_ids = session.scalars(_undecided(day, at)).all()
    written = 0
    for account_id in account_ids:
        with db.write() as session:
            choice = _claim(session, account_id, day)
            if choice in (Digest.OWN, Digest.EVERYTHING):
                written += _write(session, settings, session.get_one(Account, account_id), choice, day)
    return written


def _time_of(session: Session, settings: Settings, day: date) -> datetime | None:
    """Return the moment of the digest of `day`, in UTC, or None on a day on which nobody works."""
    hours = promise_in(session, settings).hours
    if day.isoweekday() not in hours.week or day in hours.holidays:
        return None
    reading = datetime.combine(day, time()) + timedelta(minutes=settings.digest_minute)
    return zones.moment(zones.existing(reading, hours.zone), hours.zone)


def _undecided(day: date, at: datetime) -> Select[int]:
    """Select the accounts of which it isn't decided whether they get a digest on `day`; a new one begins tomorrow."""
    return (
        select(Account.id)
        .outerjoin(StaffNews, StaffNews.account_id == Account.id)
        .where(
            Account.active,
            Account.role != Role.READER,
            Account.created_at <= at,
            or_(StaffNews.digested_on.is_(None), StaffNews.digested_on < day),
        )
        .order_by(Account.id)
    )


def _claim(session: Session, account_id: int, day: date) -> Digest | None:
    """Write down that the digest of `day` is decided; returns what the account wants, None when it was decided before.

    Who said nothing gets it for what is their own: a reminder is set in order to be reminded.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    deciding = insert(StaffNews).values(account_id=account_id, digest=Digest.OWN, digested_on=day)
    return session.scalar(
        deciding.on_conflict_do_update(
            index_elements=["account_id"],
            set_={"digested_on": day},
            where=or_(StaffNews.digested_on.is_(None), StaffNews.digested_on < day),
        ).returning(StaffNews.digest)
    )


def _write(session: Session, settings: Settings, account: Account, choice: Digest, day: date) -> bool:
    whose = EVERYBODYS if choice is Digest.EVERYTHING else Whose(account.id)
    found = today(session, settings, whose, most=SHOWN)
    if not found.items:
        return False
    more = sum(found.counts.values()) - len(found.items)
    lines = [_line(settings, found, item) for item in found.items]
    return write_to_staff(
        session,
        settings,
        digest_letter(settings, _headline(found), lines, more, REASONS[choice]),
        name=account.name,
        email=account.email,
        cause=f"digest:{account.id}",
        dedupe_key=f"digest:{account.id}:{day:%Y-%m-%d}",
    )


def _line(settings: Settings, found: Today, item: Item) -> Line:
    return Line(
        item.name,
        f"{item.label.lower()}: {item.about}" if item.about else item.label.lower(),
        zones.written(item.due, settings.institute_zone),
        item.due <= found.now,
        address_of(settings, item),
    )


def _headline(found: Today) -> str:
    parts = []
    for source in SOURCES:
        number = found.counts[source.key]
        if number:
            one, several = source.told
            parts.append(one if number == 1 else several.format(f"{COUNTED - 1}+" if number >= COUNTED else number))
    return ", ".join(parts)


def address_of(settings: Settings, item: Item) -> str:
    """Return the address of the page on which something is done about an item."""
    desk = f"{settings.public_url}/staff"
    if item.source == "look":
        return f"{desk}/received/{item.ref}"
    if item.source == "comments":
        return f"{desk}/comments/{item.ref}"
    return f"{desk}/contacts/{item.contact_public_id}" if item.contact_public_id else f"{desk}/mail"

"""The audit log: who saw, changed and exported what, for administrators."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Response as FlaskResponse
from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import Chosen, Entry, every_entry, page_of, record_audit
from tpminstitute.accounts.audit_words import KINDS, sentence_of
from tpminstitute.accounts.models import Account, Invitation, Role
from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.core.sheets import csv_lines
from tpminstitute.web.common import database, session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import id_argument, me, needs
from tpminstitute.web.staff.freshness import asks_password

HEADING = ("at (UTC)", "who", "what", "kind", "contact", "network address")
SYSTEM = "The system"
_OF_OURS = re.compile(r"\b(account|invitation) ([0-9]{1,9})\b")
"""How the log names accounts and invitations: by id, so that nothing in it has to be erased."""

NOBODY = -1
"""A contact that there isn't: its log is empty."""


@dataclass(frozen=True)
class Filter:
    """What was chosen on the page, as it was typed, and what can't be read of it."""

    who: str
    kind: str
    contact: str
    since: str
    until: str
    problem: str = ""

    @property
    def is_set(self) -> bool:
        """Whether anything was chosen."""
        return any((self.who, self.kind, self.contact, self.since, self.until))

    @property
    def arguments(self) -> dict[str, Any]:
        """What was chosen, as a link carries it."""
        chosen = {"who": self.who, "kind": self.kind, "contact": self.contact, "since": self.since, "until": self.until}
        return {name: value for name, value in chosen.items() if value}


@staff.get("/audit")
@needs(Role.ADMINISTRATOR)
def audit() -> str:
    """Show the log, newest first; `?who=`, `kind`, `contact`, `since`, `until` choose, `before`/`after` turn pages."""
    typed = _typed()
    page = page_of(session(), _chosen(typed), before=id_argument("before"), after=id_argument("after"))
    return render_template(
        "staff/audit.html",
        entries=list(zip(page.entries, _told(session(), page.entries), strict=True)),
        contacts=_names(session(), page.entries),
        typed=typed,
        kinds=KINDS,
        people=session().execute(select(Account.id, Account.name).order_by(Account.name)).all(),
        system=SYSTEM,
        zone=settings().institute_time_zone,
        older_url=url_for("staff.audit", before=page.older, **typed.arguments) if page.older else None,
        newer_url=url_for("staff.audit", after=page.newer, **typed.arguments) if page.newer else None,
    )


@staff.post("/audit/export")
@needs(Role.ADMINISTRATOR)
@asks_password
def export_audit() -> FlaskResponse:
    """Hand out the log, or what was chosen of it, as CSV, line by line."""
    typed = _typed()
    chosen = _chosen(typed)
    record_audit(session(), "audit_exported", "what was chosen of it" if typed.is_set else "all", account_id=me().id)
    answer = FlaskResponse(_csv(database(), chosen), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename=audit-log-{clock.now():%Y-%m-%d}.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _csv(db: Database, chosen: Chosen) -> Iterator[str]:
    return csv_lines(HEADING, (row for entries in every_entry(db, chosen) for row in _rows(db, entries)))


def _rows(db: Database, entries: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    with db.read() as reading:
        contacts, told = _names(reading, entries), _told(reading, entries)
    for entry, sentence in zip(entries, told, strict=True):
        public_id, _ = contacts.get(entry.contact_id or NOBODY, ("", ""))
        yield (
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.by or SYSTEM,
            sentence,
            KINDS.get(entry.kind, entry.kind),
            public_id or ("erased" if entry.contact_id else ""),
            entry.address,
        )


def _typed() -> Filter:
    given = request.values
    fields = {name: given.get(name, "").strip()[:320] for name in ("who", "kind", "contact", "since", "until")}
    unread = [name for name in ("since", "until") if fields[name] and _day(fields[name]) is None]
    problem = "Write a day as 2026-04-20; until then all days are shown." if unread else ""
    return Filter(**fields | dict.fromkeys(unread, ""), problem=problem)


def _chosen(typed: Filter) -> Chosen:
    return Chosen(
        account_id=_account_id(typed.who),
        kind=typed.kind if typed.kind in KINDS else "",
        contact_id=_contact_id(typed.contact) if typed.contact else None,
        since=_beginning(_day(typed.since)),
        until=_beginning(_day(typed.until), days=1),
    )


def _account_id(who: str) -> int | None:
    if who == "system":
        return 0
    return int(who) if who.isascii() and who.isdigit() and len(who) < 10 else None


def _contact_id(typed: str) -> int:
    """Return the contact with that address or public id."""
    if "@" not in typed:
        return session().scalar(select(Contact.id).where(Contact.public_id == typed.replace("\0", ""))) or NOBODY
    try:
        key = read_email(typed).key
    except AddressError:
        return NOBODY
    return session().scalar(select(Contact.id).where(Contact.email_key == key)) or NOBODY


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _beginning(day: date | None, days: int = 0) -> datetime | None:
    """Return when a day begins by the institute's clock, or one so many days later."""
    if day is None or not date(1970, 1, 2) < day < date(9000, 1, 1):
        return None
    return datetime.combine(day + timedelta(days=days), time(), settings().institute_zone)


def _told(reading: Session, entries: Sequence[Entry]) -> list[str]:
    """Return each entry as a sentence, with the names of accounts and the addresses of the invited for their ids."""
    numbers = {(kind, int(number)) for entry in entries for kind, number in _OF_OURS.findall(entry.subject)}
    wanted = {kind: {number for of, number in numbers if of == kind} for kind in ("account", "invitation")}
    accounts = reading.execute(select(Account.id, Account.name).where(Account.id.in_(wanted["account"])))
    invited = reading.execute(select(Invitation.id, Invitation.email).where(Invitation.id.in_(wanted["invitation"])))
    called = {("account", number): name for number, name in accounts}
    called |= {("invitation", number): email or "" for number, email in invited}

    def subject(entry: Entry) -> str:
        if entry.subject == f"account {entry.account_id}":
            return ""  # one's own
        return _OF_OURS.sub(lambda found: called.get((found[1], int(found[2])), found[0]), entry.subject)

    return [sentence_of(entry.action, subject(entry)) for entry in entries]


def _names(reading: Session, entries: Sequence[Entry]) -> dict[int, tuple[str, str]]:
    """Return public id and name of the contacts in some entries; who was erased is missing."""
    ids = {entry.contact_id for entry in entries if entry.contact_id is not None}
    found = reading.execute(select(Contact.id, Contact.public_id, Contact.name).where(Contact.id.in_(ids)))
    return {contact_id: (public_id, name) for contact_id, public_id, name in found}

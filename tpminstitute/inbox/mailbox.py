"""The institute's mailbox: where it is, how far it was read, and how its connection is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from sqlalchemy import case, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.inbox.models import MailboxState

DEFAULT_PORTS = {"imap": 143, "imap+starttls": 143, "imaps": 993}

LOOK_BACK = timedelta(days=14)
"""How old a mail may be that a mailbox holds at the first look; years of old mail must not become inquiries."""

IDLE_SECONDS = 240
"""How long to wait for the server's word at a time; RFC 2177 allows 29 minutes, many firewalls only five."""

_NAME_LIMIT = 500
_LONGEST_LAG = 2**31 - 1


@dataclass(frozen=True)
class MailboxAddress:
    """One folder of a mailbox on an IMAP server. `scheme` is imap, imaps or imap+starttls."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str

    @property
    def name(self) -> str:
        """What the mailbox is known by; it stays when the port or the password changes."""
        return f"{self.user}@{self.host}/{self.folder}"[:_NAME_LIMIT]


def mailbox_of(settings: Settings) -> MailboxAddress | None:
    """Return where IMAP_URL says that mail comes in, or None while it isn't set."""
    if not settings.imap_url:
        return None
    parts = urlsplit(settings.imap_url)
    return MailboxAddress(
        parts.scheme,
        parts.hostname or "",
        parts.port or DEFAULT_PORTS[parts.scheme],
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.path.removeprefix("/")) or "INBOX",
    )


def state_of(session: Session, name: str) -> MailboxState | None:
    """Return how a mailbox is, or None before anybody looked at it."""
    return session.get(MailboxState, name, populate_existing=True)


def begins_at(state: MailboxState | None) -> datetime:
    """Return from when on the mails of a mailbox are read whose UIDs say nothing to us (a new UIDVALIDITY)."""
    last_look = state.looked_at if state is not None else None
    return (last_look or clock.now()) - LOOK_BACK


def begin(session: Session, name: str, uid_validity: int, last_uid: int) -> None:
    """Begin to read behind `last_uid`, whatever was read before."""
    state = _kept(session, name)
    state.uid_validity, state.last_uid = uid_validity, last_uid


def advance(session: Session, name: str, uid_validity: int, last_uid: int, arrived_at: datetime | None) -> None:
    """Say that a mail was taken in and everything up to `last_uid` with it; the position never goes back.

    Parameters: `arrived_at`, when the mail came into the mailbox. Nothing is said of a mailbox that was begun anew
    meanwhile.
    """
    values = {
        MailboxState.last_uid: case((MailboxState.last_uid < last_uid, last_uid), else_=MailboxState.last_uid),
        MailboxState.taken_at: clock.now(),
        MailboxState.lag_seconds: _lag(arrived_at),
    }
    same = MailboxState.name == name, MailboxState.uid_validity == uid_validity
    session.execute(update(MailboxState).where(*same).values(values))


def looked(session: Session, name: str, *, waits: bool, error: str = "") -> None:
    """Write down that the mailbox was looked at; `waits` says whether the server tells of new mail by itself.

    Parameters: `error`, a sentence about mails that could not be taken in, or ''.
    """
    state = _kept(session, name)
    state.waits, state.looked_at = waits, clock.now()
    _tell(state, error)


def failed(session: Session, name: str, error: str) -> None:
    """Write down a sentence for staff: why the mailbox can't be read, and what to do."""
    _tell(_kept(session, name), error)


def _tell(state: MailboxState, error: str) -> None:
    """The moment of an error is that of its first time."""
    if error != state.error:
        state.error, state.error_at = error, clock.now() if error else None


def _kept(session: Session, name: str) -> MailboxState:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"name": name, "last_uid": 0, "waits": False, "error": ""}
    session.execute(insert(MailboxState).values(values).on_conflict_do_nothing(index_elements=["name"]))
    return session.get_one(MailboxState, name, populate_existing=True, with_for_update=True)


def _lag(arrived_at: datetime | None) -> int | None:
    """Seconds; a server's clock may be ahead of ours, and a mail may be put into a mailbox with an old date."""
    if arrived_at is None:
        return None
    return min(max(int((clock.now() - arrived_at).total_seconds()), 0), _LONGEST_LAG)

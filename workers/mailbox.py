"""The mailbox's door: read what came into the institute's mailbox, and mark it there once it is kept here.

The position in the database is the truth; the marks are for people. A mail is marked after the commit that keeps it,
and the position moves on after that, so a crash anywhere makes a mail be read twice at most, which stores it once.
"""

import time
from dataclasses import dataclass
from datetime import datetime

import structlog
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError
from sqlalchemy.exc import SQLAlchemyError

from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.failpoints import FailPoint, reach
from tpminstitute.inbox import mailbox
from tpminstitute.inbox.models import Door
from tpminstitute.inbox.receive import LARGEST, Incoming, receive
from tpminstitute.institute.service import effective
from workers.imap import CONNECTION_LOST, MailboxError, OpenMailbox, open_mailbox

log = structlog.get_logger(__name__)

SAVE_SECONDS = 1
"""How often the position is written while there is much to read; a crash costs reading so much twice."""

FIRST_PAUSE, LONGEST_PAUSE = 1, 60
"""Seconds between two tries while the mailbox or the database is away; each is twice as long as the one before."""

FIRST_PAUSE_REFUSED, LONGEST_PAUSE_REFUSED = 60, 900
"""The same after a refused password: many providers lock an account that tries it too often."""

FIRST_REST, LONGEST_REST = 60, 3600
"""Seconds until a mail that could not be taken in is tried again; those behind it don't wait for it."""


@dataclass
class Rest:
    """A mail that could not be taken in, how often, and the moment (monotonic) before which it isn't tried again."""

    times: int
    until: float


class Reader:
    """Reads one mailbox into the database."""

    def __init__(self, settings: Settings, db: Database, address: mailbox.MailboxAddress) -> None:
        """Prepare to read the mailbox at `address`; nothing is connected yet."""
        self._settings, self._db, self._name = settings, db, address.name
        self._uid_validity = 0
        self._newest = 0  # everything up to this UID was taken in, except for what rests
        self._resting: dict[int, Rest] = {}
        self._taken = False  # whether there is a mail that the position in the database lacks
        self._arrived_at: datetime | None = None  # the newest mail's, where the server told it
        self._saved_at = 0.0
        self.failures = 0

    def follow(self, box: OpenMailbox) -> None:
        """Read what comes in until the connection or the database is lost, which is raised."""
        self.find_position(box)
        log.info("mailbox_opened", mailbox=self._name, behind_uid=self._position(), idle=box.waits)
        if not box.may_be_marked:
            log.warning("mailbox_is_read_only", mailbox=self._name)
        while True:
            self.look(box)
            self.failures = 0
            box.wait(mailbox.IDLE_SECONDS, self._settings.sweep_seconds)

    def find_position(self, box: OpenMailbox) -> None:
        """Go on where reading ended; where the UIDs have changed their meaning, begin two weeks before that."""
        with self._db.read() as session:
            state = mailbox.state_of(session, self._name)
        if state is None or state.uid_validity != box.uid_validity:
            last_uid = box.last_uid_before(mailbox.begins_at(state).date())
            with self._db.write() as session:
                mailbox.begin(session, self._name, box.uid_validity, last_uid)
            log.info("mailbox_begun", mailbox=self._name, behind_uid=last_uid)
        else:
            last_uid = state.last_uid
        if self._uid_validity != box.uid_validity:
            self._uid_validity, self._newest = box.uid_validity, last_uid
            self._resting, self._taken = {}, False

    def look(self, box: OpenMailbox) -> None:
        """Take in each mail that is new, and write down that somebody looked."""
        uids = box.uids_behind(self._position())
        self._forget_resting_but(set(uids))
        for uid in uids:
            rest = self._resting.get(uid)
            if uid > self._newest or (rest is not None and rest.until <= time.monotonic()):
                self._try(box, uid)
            if time.monotonic() - self._saved_at > SAVE_SECONDS:
                self._save(box)
        self._save(box)

    def _save(self, box: OpenMailbox) -> None:
        with self._db.write() as session:
            if self._taken:
                mailbox.advance(session, self._name, box.uid_validity, self._position(), self._arrived_at)
            mailbox.looked(session, self._name, waits=box.waits, error=self._about_resting())
        self._taken, self._saved_at = False, time.monotonic()

    def tell(self, sentence: str) -> None:
        """Write down for staff why the mailbox can't be read; while the database is away, only the log says so."""
        log.warning("mailbox_not_read", mailbox=self._name, reason=sentence)
        try:
            with self._db.write() as session:
                mailbox.failed(session, self._name, sentence)
        except SQLAlchemyError as error:
            log.warning("mailbox_state_not_written", reason=_first_line(error))

    def pause(self, *, refused: bool = False) -> float:
        """Return how many seconds to wait before the next try."""
        first, longest = (FIRST_PAUSE_REFUSED, LONGEST_PAUSE_REFUSED) if refused else (FIRST_PAUSE, LONGEST_PAUSE)
        self.failures += 1
        return _doubled(first, self.failures, longest)

    def _try(self, box: OpenMailbox, uid: int) -> None:
        """Take in one mail. One that can't be is left for a while; a lost connection or database is raised."""
        try:
            self._take(box, uid)
        except SQLAlchemyError:
            raise
        except CONNECTION_LOST:
            self._let_rest(uid, for_now=False)  # mostly it isn't the mail's fault
            raise
        except Exception:
            log.exception("mail_left_in_mailbox", mailbox=self._name, uid=uid)
            self._let_rest(uid)

    def _take(self, box: OpenMailbox, uid: int) -> None:
        fetched = box.fetch(uid, LARGEST + 1)
        if fetched is None:  # somebody deleted it meanwhile
            self._have(uid)
            return
        incoming = Incoming(fetched.content, Door.MAILBOX, arrived_at=fetched.arrived_at)
        receipt = receive(self._db, effective(self._db, self._settings), incoming)
        reach(FailPoint.MAILBOX_BEFORE_MARK)
        self._mark(box, uid)
        reach(FailPoint.MAILBOX_AFTER_MARK)
        self._have(uid)
        self._taken, self._arrived_at = True, fetched.arrived_at
        log.info("mail_taken_in", mailbox=self._name, uid=uid, mail=receipt.public_id, first=receipt.first)

    def _mark(self, box: OpenMailbox, uid: int) -> None:
        """Marks are a courtesy: a server that refuses them keeps nothing from being taken in."""
        if not box.may_be_marked:
            return
        try:
            box.mark(uid)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            log.warning("mail_not_marked", mailbox=self._name, uid=uid, reason=str(error)[:200])

    def _position(self) -> int:
        """Return the UID up to which nothing is left to do; mails that rest are behind it."""
        return min([self._newest, *(uid - 1 for uid in self._resting)])

    def _have(self, uid: int) -> None:
        self._resting.pop(uid, None)
        self._newest = max(self._newest, uid)

    def _let_rest(self, uid: int, *, for_now: bool = True) -> None:
        """Leave a mail behind; without `for_now` it is the next one all the same, unless that was so before."""
        times = self._resting[uid].times + 1 if uid in self._resting else 1
        seconds = _doubled(FIRST_REST, times, LONGEST_REST) if for_now or times > 1 else 0
        self._resting[uid] = Rest(times, time.monotonic() + seconds)
        self._newest = max(self._newest, uid)

    def _forget_resting_but(self, uids: set[int]) -> None:
        self._resting = {uid: rest for uid, rest in self._resting.items() if uid in uids}

    def _about_resting(self) -> str:
        if not self._resting:
            return ""
        number = len(self._resting)
        which = "1 mail" if number == 1 else f"{number} mails"
        uids = ", ".join(map(str, sorted(self._resting)[:5]))
        return (
            f"{which} in the mailbox could not be taken in (UID {uids}). Everything else was, and they are tried again "
            "every hour at least. Read them in the mailbox; the log says what happened."
        )


def read_mailbox(settings: Settings, db: Database, address: mailbox.MailboxAddress) -> None:
    """Read until the process is told to stop (KeyboardInterrupt); what goes wrong is told, and tried again later."""
    reader = Reader(settings, db, address)
    while True:
        refused = False
        try:
            with open_mailbox(address) as box:
                reader.follow(box)
        except MailboxError as error:
            refused = error.refused
            reader.tell(str(error))
        except SQLAlchemyError as error:
            log.warning("mailbox_waits_for_database", mailbox=address.name, reason=_first_line(error))
        except Exception as error:
            log.exception("mailbox_reading_broke", mailbox=address.name)
            reader.tell(f"Reading the mailbox broke ({type(error).__name__}). It is tried again; the log says more.")
        time.sleep(reader.pause(refused=refused))


def _doubled(first: float, times: int, longest: float) -> float:
    return float(min(first * 2 ** min(times - 1, 16), longest))


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]

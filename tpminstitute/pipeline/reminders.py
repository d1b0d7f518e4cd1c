"""Reminders: what somebody of the staff has to do about a contact, until when, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.colleagues import colleague
from tpminstitute.accounts.models import Account
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.pipeline.models import Reminder
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

LONGEST = 500
"""Characters of a reminder."""

FURTHEST = timedelta(days=5 * 366)
"""How far ahead a reminder may lie: what is later is a slip of the keyboard."""

_TOLD = 120


class ReminderError(Refusal):
    """A reminder can't be kept as it is; `field` is what has to be mended."""

    def __init__(self, field: str, sentence: str) -> None:
        """Say where and why."""
        super().__init__(sentence)
        self.field = field


class StaleReminder(Refusal):
    """A reminder was changed in between; `kept` is how it stands now."""

    def __init__(self, kept: Reminder) -> None:
        """Say so."""
        super().__init__("A colleague changed this reminder in between. Nothing was changed, and your words are kept.")
        self.kept = kept


@dataclass(frozen=True)
class Wanted:
    """What a reminder is to say: for whom (an account's id), when it is due, and what is to be done."""

    for_id: int
    due_at: datetime
    text: str


def remind(session: Session, settings: Settings, contact_id: int, wanted: Wanted, account_id: int) -> Reminder:
    """Set a reminder about a contact; returns it. Raises `ReminderError` when it can't be kept as it is."""
    holder = _checked(session, wanted)
    now = clock.now()
    reminder = Reminder(
        public_id=tokens.public_id(),
        contact_id=contact_id,
        account_id=account_id,
        for_id=holder.id,
        text=_words(wanted.text),
        due_at=wanted.due_at,
        set_at=now,
        changed_at=now,
        number=1,
    )
    session.add(reminder)
    session.flush()
    whom = "" if holder.id == account_id else f" for {holder.name}"
    sentence = f"Set a reminder{whom}, due {_when(settings, wanted.due_at)}: “{_told(reminder)}”."
    record(session, contact_id, ActivityKind.REMINDER_SET, sentence, account_id=account_id)
    return reminder


def change(
    session: Session, settings: Settings, public_id: str, wanted: Wanted, account_id: int, *, number: int
) -> bool:
    """Change what a reminder says, as it was seen with `number`; returns False when it says so already.

    Raises `StaleReminder` when it was changed in between, `ReminderError` when it can't be kept as it is, and `Refusal`
    when it is done.
    """
    reminder = _open(session, public_id)
    if reminder.number != number:
        raise StaleReminder(reminder)
    holder = _checked(session, wanted, before=reminder)
    if (reminder.for_id, reminder.due_at, reminder.text) == (holder.id, wanted.due_at, _words(wanted.text)):
        return False
    whom = "" if holder.id == reminder.for_id else f" It is for {holder.name} now."
    reminder.for_id, reminder.text = holder.id, _words(wanted.text)
    _put_off(session, reminder, wanted.due_at)
    sentence = f"Changed a reminder, due {_when(settings, wanted.due_at)}: “{_told(reminder)}”.{whom}"
    record(session, reminder.contact_id, ActivityKind.REMINDER_CHANGED, sentence, account_id=account_id)
    return True


def snooze(session: Session, settings: Settings, public_id: str, until: datetime, account_id: int) -> Reminder:
    """Put a reminder off until a moment; returns it. Raises `Refusal` when it is done, or the moment can't be."""
    reminder = _open(session, public_id)
    _expect_time(until)
    _put_off(session, reminder, until)
    sentence = f"Put a reminder off until {_when(settings, until)}: “{_told(reminder)}”."
    record(session, reminder.contact_id, ActivityKind.REMINDER_CHANGED, sentence, account_id=account_id)
    return reminder


def put_back(
    session: Session, settings: Settings, public_id: str, due_at: datetime, account_id: int, *, number: int
) -> None:
    """Undo a change of the due time that left the reminder with `number`: it is due at `due_at` again.

    Raises `Refusal` when it was changed or done since.
    """
    reminder = _open(session, public_id)
    if reminder.number != number:
        raise Refusal("This reminder was changed once more in between, so nothing was undone.")
    _put_off(session, reminder, due_at)
    sentence = f"Took back the putting off: the reminder is due {_when(settings, due_at)} again: “{_told(reminder)}”."
    record(session, reminder.contact_id, ActivityKind.UNDONE, sentence, account_id=account_id)


def finish(session: Session, public_id: str, account_id: int) -> bool:
    """Say that what a reminder asks for is done; returns False when that was said before.

    Raises `Refusal` when there is no such reminder.
    """
    reminder = _locked(session, public_id)
    if reminder.done_at is not None:
        return False
    reminder.done_at, reminder.done_by_id = clock.now(), account_id
    _changed(session, reminder)
    sentence = f"Did what the reminder asked for: “{_told(reminder)}”."
    record(session, reminder.contact_id, ActivityKind.REMINDER_DONE, sentence, account_id=account_id)
    return True


def reopen(session: Session, public_id: str, account_id: int) -> bool:
    """Undo `finish`; returns False when the reminder is open already. Raises `Refusal` when there is none."""
    reminder = _locked(session, public_id)
    if reminder.done_at is None:
        return False
    reminder.done_at, reminder.done_by_id = None, None
    _changed(session, reminder)
    sentence = f"The reminder is not done after all: “{_told(reminder)}”."
    record(session, reminder.contact_id, ActivityKind.UNDONE, sentence, account_id=account_id)
    return True


def take_back(session: Session, public_id: str, account_id: int) -> None:
    """Undo `remind`, as long as nobody has touched the reminder: it is gone. Raises `Refusal` when somebody has."""
    reminder = _open(session, public_id)
    if reminder.number != 1:
        raise Refusal("This reminder was changed in between, so it stays.")
    sentence = f"Took back the reminder “{_told(reminder)}”."
    record(session, reminder.contact_id, ActivityKind.UNDONE, sentence, account_id=account_id)
    session.delete(reminder)
    session.flush()


def by_public_id(session: Session, public_id: str) -> Reminder | None:
    """Return the reminder with that public id, or None."""
    return session.scalar(select(Reminder).where(Reminder.public_id == public_id))


def _checked(session: Session, wanted: Wanted, before: Reminder | None = None) -> Account:
    """Return whom a reminder is for; what stood there before may stay, though it could not be chosen now."""
    if not _words(wanted.text):
        raise ReminderError("text", "Write what is to be done.")
    if len(_words(wanted.text)) > LONGEST:
        raise ReminderError("text", f"Shorten the reminder: {LONGEST} characters are the most.")
    if before is None or wanted.due_at != before.due_at:
        _expect_time(wanted.due_at)
    if before is not None and wanted.for_id == before.for_id:
        return session.get_one(Account, wanted.for_id)
    holder = colleague(session, wanted.for_id)
    if holder is None:
        raise ReminderError("for", "Choose somebody who works with contacts: this account is closed, or only reads.")
    return holder


def _expect_time(due_at: datetime) -> None:
    if due_at <= clock.now():
        raise ReminderError("due", "Choose a time that is still to come.")
    if due_at > clock.now() + FURTHEST:
        raise ReminderError("due", "Choose a time within the next five years.")


def _put_off(session: Session, reminder: Reminder, until: datetime) -> None:
    reminder.due_at = until
    _changed(session, reminder)


def _changed(session: Session, reminder: Reminder) -> None:
    reminder.changed_at = clock.now()
    reminder.number += 1
    session.flush()


def _open(session: Session, public_id: str) -> Reminder:
    reminder = _locked(session, public_id)
    if reminder.done_at is not None:
        who = session.get_one(Account, reminder.done_by_id)
        raise Refusal(f"{who.name} did this already. Nothing was changed.")
    return reminder


def _locked(session: Session, public_id: str) -> Reminder:
    reminder = session.scalar(
        select(Reminder)
        .where(Reminder.public_id == public_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if reminder is None:
        raise Refusal("There is no such reminder any more. Nothing was changed.")
    return reminder


def _words(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _told(reminder: Reminder) -> str:
    return one_line(reminder.text, _TOLD)


def _when(settings: Settings, moment: datetime) -> str:
    return zones.written(moment, settings.institute_zone)

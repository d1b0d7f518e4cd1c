"""What says that somebody of the institute spoke or wrote to a contact, for the reports that ask when and whether."""

from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute

from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.outbox import UNSENT
from tpminstitute.timeline.models import Activity, ActivityKind

_SPOKE = (ActivityKind.STAFF_MAIL_FILED, ActivityKind.CALL_NOTED)
"""Facts that speak for themselves. A reply from the desk counts by its mail: it may be for later, or be taken back."""

_WENT = (MessageStatus.SENT, MessageStatus.UNCERTAIN)
_went_at = func.coalesce(Message.sent_at, Message.due_at)
"""When a reply went; of an uncertain one only when it was to go is known."""

Column = InstrumentedAttribute[int]
Moment = InstrumentedAttribute[datetime]


def first_spoken(contact_id: Column, since: Moment) -> ScalarSelect[datetime]:
    """Return when somebody first called a contact or wrote from their own mail program, from a moment on."""
    return _spoken(contact_id, since).with_only_columns(func.min(Activity.at)).scalar_subquery()


def first_reply(contact_id: Column, since: Moment) -> ScalarSelect[datetime]:
    """Return when the first reply to a contact went that was sent from a moment on."""
    return _replies(contact_id, since).with_only_columns(func.min(_went_at)).scalar_subquery()


def has_reply_to_go(contact_id: Column) -> ColumnElement[bool]:
    """Return whether a reply to a contact was written and has not gone yet."""
    waits = Message.kind == MessageKind.REPLY, Message.status.in_((*UNSENT, MessageStatus.SENDING))
    return exists(select(Message.id).where(Message.contact_id == contact_id, *waits))


def was_answered(contact_id: Column, since: Moment) -> ColumnElement[bool]:
    """Return whether a person spoke or wrote to a contact from a moment on."""
    return exists(_spoken(contact_id, since)) | exists(_replies(contact_id, since))


def _spoken(contact_id: Column, since: Moment) -> Select[int]:
    return select(Activity.id).where(Activity.contact_id == contact_id, Activity.kind.in_(_SPOKE), Activity.at >= since)


def _replies(contact_id: Column, since: Moment) -> Select[int]:
    went = Message.kind == MessageKind.REPLY, Message.status.in_(_WENT), _went_at >= since
    return select(Message.id).where(Message.contact_id == contact_id, *went)

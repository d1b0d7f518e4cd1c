"""Mark a conversation as done, and take that back: whose turn it was, and which inquiries were open, is remembered."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import conversations
from tpminstitute.inbox.models import Conversation, Inquiry, InquiryState, Turn
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


@dataclass(frozen=True)
class Closed:
    """What marking a conversation as done changed; `inquiries` are the ids of those that it handled."""

    contact_id: int
    turn: Turn
    since: datetime
    inquiries: tuple[int, ...]


def close_conversation(session: Session, contact_id: int, account_id: int) -> Closed | None:
    """Say that nobody has to write next; returns what that changed, None when it was so already.

    The caller holds the contact's row.
    """
    kept = conversations.turn_of(session, contact_id)
    if kept is None or kept.turn is Turn.NOBODY:
        return None
    still_open = select(Inquiry.id).where(Inquiry.contact_id == contact_id, Inquiry.state == InquiryState.OPEN)
    closed = Closed(contact_id, kept.turn, kept.since, tuple(session.scalars(still_open)))
    conversations.close(session, contact_id, account_id)
    return closed


def open_again(session: Session, closed: Closed, account_id: int) -> None:
    """Take back that a conversation was marked as done: the old promise holds again.

    The caller holds the contact's row. Raises `Refusal` when somebody spoke since.
    """
    opened = session.execute(
        update(Conversation)
        .where(Conversation.contact_id == closed.contact_id, Conversation.turn == Turn.NOBODY)
        .values(turn=closed.turn, since=closed.since)
        .returning(Conversation.contact_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if opened is None:
        raise Refusal("The conversation is not marked as done any more, so there is nothing to undo.")
    session.execute(
        update(Inquiry)
        .where(Inquiry.id.in_(closed.inquiries), Inquiry.state == InquiryState.HANDLED)
        .values(state=InquiryState.OPEN)
        .execution_options(synchronize_session=False)
    )
    sentence = "The conversation is not done after all."
    record(session, closed.contact_id, ActivityKind.UNDONE, sentence, account_id=account_id)

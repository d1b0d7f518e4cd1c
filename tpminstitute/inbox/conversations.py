"""Whose turn it is: each contact is one conversation, and it waits for the institute, the visitor, or nobody."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.inbox.models import Conversation, Inquiry, InquiryState, ReceivedMail, Turn, Writer
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


def _setting(insert: Any) -> Any:
    """Return the statement that gives the turn; one that is given already keeps its time."""
    return insert.on_conflict_do_update(
        index_elements=["contact_id"],
        set_={"turn": insert.excluded.turn, "since": insert.excluded.since},
        where=Conversation.turn != insert.excluded.turn,
    )


_SET = {
    "postgresql": _setting(postgresql.insert(Conversation.__table__)),  # type: ignore[arg-type]
    "sqlite": _setting(sqlite.insert(Conversation.__table__)),  # type: ignore[arg-type]
}
"""Made once for each database, on the table, since every mail and inquiry that comes in needs it."""


def waits_for_institute(session: Session, contact_id: int) -> None:
    """Say that a visitor wrote; a conversation that waits for the institute already keeps its older promise."""
    _set(session, contact_id, Turn.INSTITUTE)


def waits_for_visitor(session: Session, contact_id: int) -> None:
    """Say that staff answered; the open inquiries are answered with it."""
    _set(session, contact_id, Turn.VISITOR)


def close(session: Session, contact_id: int, account_id: int) -> bool:
    """Say that nobody has to write next, by a person's word; returns False when that was so already.

    The open inquiries are handled with it.
    """
    kept = session.get(Conversation, contact_id, populate_existing=True)
    if kept is None or kept.turn is Turn.NOBODY:
        return False
    _set(session, contact_id, Turn.NOBODY)
    handle_open_inquiries(session, contact_id, "the conversation was marked as done", account_id)
    sentence = "Marked the conversation as done: nobody has to write next."
    record(session, contact_id, ActivityKind.CONVERSATION_CLOSED, sentence, account_id=account_id)
    return True


def handle_open_inquiries(session: Session, contact_id: int, why: str, account_id: int | None) -> None:
    """Say that a contact's open inquiries need nobody any more, since they were answered or closed (`why`)."""
    handled = session.execute(
        update(Inquiry)
        .where(Inquiry.contact_id == contact_id, Inquiry.state == InquiryState.OPEN)
        .values(state=InquiryState.HANDLED)
        .returning(Inquiry.id)
        .execution_options(synchronize_session=False)
    ).all()
    for _ in handled:
        sentence = f"An inquiry is handled: {why}."
        record(session, contact_id, ActivityKind.INQUIRY_HANDLED, sentence, account_id=account_id)


def settle(session: Session, contact_id: int) -> None:
    """Close a conversation that waited only for inquiries, now that none is open; an unanswered mail still waits."""
    kept = turn_of(session, contact_id)
    if kept is None or kept.turn is not Turn.INSTITUTE:
        return
    still_open = select(Inquiry.id).where(Inquiry.contact_id == contact_id, Inquiry.state == InquiryState.OPEN)
    mails = select(ReceivedMail.id).where(
        ReceivedMail.contact_id == contact_id,
        ReceivedMail.kind == ReceivedKind.PERSON,
        ReceivedMail.writer == Writer.VISITOR,
        ReceivedMail.inquiry_id.is_(None),
        ReceivedMail.received_at >= kept.since,
    )
    if session.scalar(still_open.limit(1)) is None and session.scalar(mails.limit(1)) is None:
        _set(session, contact_id, Turn.NOBODY)


def put_back(session: Session, contact_id: int, turn: Turn, since: datetime) -> None:
    """Give the turn back to whose it was, with the time since when, if nobody spoke after our answer was taken back."""
    session.execute(
        update(Conversation)
        .where(Conversation.contact_id == contact_id, Conversation.turn == Turn.VISITOR)
        .values(turn=turn, since=since)
        .execution_options(synchronize_session=False)
    )


def turn_of(session: Session, contact_id: int) -> Conversation | None:
    """Return whose turn it is with a contact, or None before anything was said."""
    return session.get(Conversation, contact_id, populate_existing=True)


def _set(session: Session, contact_id: int, turn: Turn) -> None:
    values = {"contact_id": contact_id, "turn": turn, "since": clock.now()}
    session.connection().execute(_SET[session.get_bind().dialect.name], values)

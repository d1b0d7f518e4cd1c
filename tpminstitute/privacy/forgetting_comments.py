"""Forget what a person said in public: their comments are known by the address they left, and by nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from tpminstitute.comments.models import Comment, CommentWriter
from tpminstitute.comments.submit import forget
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.outbox import UNSENT
from tpminstitute.privacy.personal import ADDRESS, ERASED, NAME

_TO_WRITERS = (MessageKind.COMMENT_ANSWER, MessageKind.OWN_DATA)


def forget_comments(session: Session, keys: Sequence[str], reason: str) -> None:
    """Empty every comment that was written with one of these addresses, and every mail to them, or to staff, about it.

    Parameters: `keys`, the addresses as contacts are told apart by; `reason`, why mails that wait aren't sent.
    """
    theirs = select(CommentWriter.comment_id).where(CommentWriter.email_key.in_(keys))
    written = select(Comment).where(Comment.id.in_(theirs)).order_by(Comment.id)
    comments = session.scalars(written.with_for_update()).all()
    for comment in comments:
        forget(session, comment, NAME, ERASED)
    notices = [f"comment:{comment.id}" for comment in comments]
    about_them = and_(Message.kind == MessageKind.STAFF, Message.cause.in_(notices))
    _empty_mails(session, about_them, {}, reason)
    to_them = and_(Message.kind.in_(_TO_WRITERS), Message.contact_id.is_(None), Message.recipient_key.in_(keys))
    whom = {"recipient": ADDRESS, "recipient_key": ADDRESS, "recipient_domain": "invalid"}
    _empty_mails(session, to_them, whom, reason)


def _empty_mails(session: Session, which: ColumnElement[bool], whom: Mapping[str, str], reason: str) -> None:
    """Cancel the mails that wait, and empty all that aren't being sent right now; `whom` stands for their readers."""
    quietly = {"synchronize_session": False}
    ended = update(Message).where(which, Message.status.in_(UNSENT))
    ended = ended.values(status=MessageStatus.CANCELLED, reason=reason, lease_token=None, lease_until=None)
    session.execute(ended, execution_options=quietly)
    blank = {**whom, "subject": "Erased", "content": b""}
    over = update(Message).where(which, Message.status != MessageStatus.SENDING)
    session.execute(over.values(**blank), execution_options=quietly)


def comments_of(session: Session, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what is held of the comments that were written with one of these addresses."""
    query = select(
        *(Comment.public_id, Comment.chapter, Comment.name, Comment.body, Comment.state, Comment.created_at),
        *(Comment.edited_at, CommentWriter.email, CommentWriter.wording, CommentWriter.ended_at),
    )
    rows = query.join(CommentWriter, CommentWriter.comment_id == Comment.id).where(CommentWriter.email_key.in_(keys))
    for row in session.execute(rows.order_by(Comment.id)).mappings():
        yield dict(row)

"""Forget what a person said in public: their comments are known by the address they left, and by nothing else."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from tpminstitute.comments.models import Comment, CommentWriter
from tpminstitute.comments.submit import forget
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.outbox import UNSENT
from tpminstitute.privacy.personal import ADDRESS, ERASED, NAME


def forget_comments(session: Session, keys: Sequence[str], reason: str) -> None:
    """Empty every comment that was written with one of these addresses, and every mail to them about answers.

    Parameters: `keys`, the addresses as contacts are told apart by; `reason`, why mails that wait aren't sent.
    """
    theirs = select(CommentWriter.comment_id).where(CommentWriter.email_key.in_(keys))
    written = select(Comment).where(Comment.id.in_(theirs)).order_by(Comment.id)
    for comment in session.scalars(written.with_for_update()).all():
        forget(session, comment, NAME, ERASED)
    to_them = and_(Message.kind == MessageKind.COMMENT_ANSWER, Message.recipient_key.in_(keys))
    quietly = {"synchronize_session": False}
    ended = update(Message).where(to_them, Message.status.in_(UNSENT))
    ended = ended.values(status=MessageStatus.CANCELLED, reason=reason, lease_token=None, lease_until=None)
    session.execute(ended, execution_options=quietly)
    blank = {"recipient": ADDRESS, "recipient_key": ADDRESS, "recipient_domain": "invalid", "subject": "Erased"}
    session.execute(
        update(Message).where(to_them, Message.status != MessageStatus.SENDING).values(**blank, content=b""),
        execution_options=quietly,
    )


def comments_of(session: Session, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what is held of the comments that were written with one of these addresses."""
    query = select(
        *(Comment.public_id, Comment.chapter, Comment.name, Comment.body, Comment.state, Comment.created_at),
        *(Comment.edited_at, CommentWriter.email, CommentWriter.wording, CommentWriter.ended_at),
    )
    rows = query.join(CommentWriter, CommentWriter.comment_id == Comment.id).where(CommentWriter.email_key.in_(keys))
    for row in session.execute(rows.order_by(Comment.id)).mappings():
        yield dict(row)

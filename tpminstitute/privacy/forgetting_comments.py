"""Forget what a person said in public: their comments are known by the address they left, and by nothing else."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from tpminstitute.comments.models import Comment, CommentState, CommentWriter
from tpminstitute.comments.submit import FORGOTTEN, TAKEN_BACK, forget
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.outbox import UNSENT
from tpminstitute.privacy.personal import ADDRESS, ERASED, NAME

_TO_WRITERS = (MessageKind.COMMENT_ANSWER, MessageKind.OWN_DATA)
EMPTIED = (TAKEN_BACK, FORGOTTEN, ERASED)
"""What stands in place of a comment's words once they are gone for good."""


@dataclass(frozen=True)
class Emptied:
    """A comment whose words are gone, and what stands in place of its writer's name and of them."""

    public_id: str
    name: str
    body: str


def forget_comments(session: Session, keys: Sequence[str], reason: str) -> None:
    """Empty every comment that was written with one of these addresses, and every mail to them, or to staff, about it.

    Parameters: `keys`, the addresses as contacts are told apart by; `reason`, why mails that wait aren't sent.
    """
    theirs = select(CommentWriter.comment_id).where(CommentWriter.email_key.in_(keys))
    written = select(Comment).where(Comment.id.in_(theirs)).order_by(Comment.id)
    comments = session.scalars(written.with_for_update()).all()
    for comment in comments:
        forget(session, comment, NAME, ERASED)
    _empty_notices(session, [comment.id for comment in comments], reason)
    to_them = and_(Message.kind.in_(_TO_WRITERS), Message.contact_id.is_(None), Message.recipient_key.in_(keys))
    whom = {"recipient": ADDRESS, "recipient_key": ADDRESS, "recipient_domain": "invalid"}
    _empty_mails(session, to_them, whom, reason)


def emptied_comments(session: Session) -> Sequence[Emptied]:
    """Return every comment whose words are gone for good."""
    columns = (Comment.public_id, Comment.name, Comment.body)
    gone = select(*columns).where(Comment.state == CommentState.REMOVED, Comment.body.in_(EMPTIED))
    return [Emptied(*row) for row in session.execute(gone.order_by(Comment.id))]


def empty_again(session: Session, emptied: Collection[Emptied]) -> list[str]:
    """Empty those of these comments that have their words again; returns the addresses they had been left with.

    Mails to such an address are left alone, since its writer may have said more.
    """
    before = {one.public_id: one for one in emptied}
    there = select(Comment).where(Comment.public_id.in_(before), Comment.body.not_in(EMPTIED)).order_by(Comment.id)
    comments = session.scalars(there.with_for_update()).all()
    ids = [comment.id for comment in comments]
    keys = session.scalars(select(CommentWriter.email_key).where(CommentWriter.comment_id.in_(ids)).distinct()).all()
    for comment in comments:
        forget(session, comment, before[comment.public_id].name, before[comment.public_id].body)
    _empty_notices(session, ids, "The comment was emptied.")
    return list(keys)


def _empty_notices(session: Session, comment_ids: Sequence[int], reason: str) -> None:
    """Empty the mails to staff about comments."""
    notices = [f"comment:{comment_id}" for comment_id in comment_ids]
    _empty_mails(session, and_(Message.kind == MessageKind.STAFF, Message.cause.in_(notices)), {}, reason)


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

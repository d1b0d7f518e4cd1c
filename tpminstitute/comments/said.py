"""All that is public, for whoever looks through it: what of it there is now, and its words."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.comments.models import Comment, CommentState, PublicationState, PublishedAnswer
from tpminstitute.core.bulk import one_of

Standing = tuple[int, int]
"""A row's id and the number of its words: as long as both are the same, so are the words."""


@dataclass(frozen=True)
class PublicComment:
    """A comment as it is public, in the words that its writer typed."""

    id: int
    public_id: str
    chapter: str
    name: str
    body: str


@dataclass(frozen=True)
class PublicAnswer:
    """A published question and its answer, in the words that were agreed to."""

    id: int
    public_id: str
    chapter: str
    question: str
    answer: str


def standing_comments(session: Session) -> Sequence[Standing]:
    """Return which comments are public now, and in which words, newest first."""
    query = select(Comment.id, Comment.number).where(Comment.state == CommentState.PUBLISHED)
    return [(comment, number) for comment, number in session.execute(query.order_by(Comment.id.desc()))]


def standing_answers(session: Session) -> Sequence[int]:
    """Return the ids of the questions and answers that are public now, newest first; their words never change."""
    query = select(PublishedAnswer.id).where(PublishedAnswer.state == PublicationState.PUBLISHED)
    return session.scalars(query.order_by(PublishedAnswer.id.desc())).all()


def comments_with(session: Session, ids: Sequence[int]) -> Sequence[PublicComment]:
    """Return the words of those of these comments that are public."""
    columns = (Comment.id, Comment.public_id, Comment.chapter, Comment.name, Comment.body)
    query = select(*columns).where(one_of(session, Comment.id, ids), Comment.state == CommentState.PUBLISHED)
    return [PublicComment(*row) for row in session.execute(query)]


def answers_with(session: Session, ids: Sequence[int]) -> Sequence[PublicAnswer]:
    """Return the words of those of these questions and answers that are public."""
    row = PublishedAnswer
    query = select(row.id, row.public_id, row.chapter, row.question, row.answer)
    query = query.where(one_of(session, row.id, ids), row.state == PublicationState.PUBLISHED)
    return [PublicAnswer(*found) for found in session.execute(query)]

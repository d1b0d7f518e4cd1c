"""What staff read of comments: those that wait, those set apart, and what was decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.models import Comment, CommentState, CommentWriter
from tpminstitute.comments.queries import Said, said

PAGE = 50
COUNTED = 1000
"""Comments on one page, and how many are counted at most."""


class Show(StrEnum):
    """Which comments the desk shows."""

    HELD = "held"
    SUSPECTED = "suspected"
    PUBLISHED = "published"
    REFUSED = "refused"
    REMOVED = "removed"


@dataclass(frozen=True)
class Row:
    """One comment as staff read it: as it is or would be public, and what nobody else sees.

    `typed` is what the writer typed; `email` their address, '' without one; `wants_answers` whether they asked to hear;
    `answered` is what it answers, None for a comment of its own; `decided_by` a name, '' for nobody or the link.
    """

    id: int
    said: Said
    chapter: str
    chapter_title: str
    typed: str
    number: int
    state: CommentState
    suspicions: Sequence[str]
    email: str
    wants_answers: bool
    answered: Said | None
    decided_by: str
    decided_at: datetime | None
    inquiry: str


@dataclass(frozen=True)
class Page:
    """A page of comments; `further` is the id to go on from, if there is more."""

    rows: Sequence[Row]
    further: int | None


def desk_page(session: Session, show: Show, after: int | None = None) -> Page:
    """Return a page of comments: those that wait oldest first, all others newest first.

    Parameters: `after`, only what stands further down than the comment with this id.
    """
    query = select(Comment).where(Comment.state == CommentState(show.value))
    if show is Show.HELD:
        query = query.order_by(Comment.id)
        query = query if after is None else query.where(Comment.id > after)
    else:
        query = query.order_by(Comment.id.desc())
        query = query if after is None else query.where(Comment.id < after)
    found = session.scalars(query.limit(PAGE + 1)).all()
    return Page(_rows(session, found[:PAGE]), found[PAGE - 1].id if len(found) > PAGE else None)


def one_row(session: Session, public_id: str) -> Row | None:
    """Return one comment as staff read it, or None."""
    found = session.scalar(select(Comment).where(Comment.public_id == public_id))
    return None if found is None else _rows(session, [found])[0]


def desk_counts(session: Session) -> Mapping[Show, int]:
    """Return how many comments stand in each state, counted up to `COUNTED`."""
    found = {}
    for show in Show:
        some = select(Comment.id).where(Comment.state == CommentState(show.value)).limit(COUNTED)
        found[show] = session.scalar(select(func.count()).select_from(some.subquery())) or 0
    return found


def held_ids() -> Select[int]:
    """Return the query of the comments that wait for approval."""
    return select(Comment.id).where(Comment.state == CommentState.HELD)


def _rows(session: Session, comments: Sequence[Comment]) -> list[Row]:
    ids = [comment.id for comment in comments]
    parents = {comment.parent_id for comment in comments if comment.parent_id is not None}
    left = select(CommentWriter).where(CommentWriter.comment_id.in_(ids))
    writers = {row.comment_id: row for row in session.scalars(left)}
    tops = {row.id: said(row) for row in session.scalars(select(Comment).where(Comment.id.in_(parents)))}
    by = {comment.decided_by_id for comment in comments if comment.decided_by_id is not None}
    names = dict(session.execute(select(Account.id, Account.name).where(Account.id.in_(by))).all())
    return [_row(comment, writers.get(comment.id), tops, names) for comment in comments]


def _row(comment: Comment, writer: CommentWriter | None, tops: Mapping[int, Said], names: Mapping[int, str]) -> Row:
    return Row(
        id=comment.id,
        said=said(comment),
        chapter=comment.chapter,
        chapter_title=title_of(comment.chapter),
        typed=comment.body,
        number=comment.number,
        state=comment.state,
        suspicions=comment.suspicions,
        email=writer.email if writer else "",
        wants_answers=bool(writer and writer.wording and writer.ended_at is None),
        answered=tops.get(comment.parent_id) if comment.parent_id is not None else None,
        decided_by=names.get(comment.decided_by_id, "") if comment.decided_by_id is not None else "",
        decided_at=comment.decided_at,
        inquiry=comment.inquiry or "",
    )

"""Read what is public: the comments of a chapter in threads, how many there are, and published answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from tpminstitute.comments.chapters import edition_of
from tpminstitute.comments.models import Comment, CommentState, PublicationState, PublishedAnswer
from tpminstitute.comments.words import html_of

PAGE = 50
"""Threads on one page."""

MOST_ANSWERS = 200
"""Answers that are shown in one thread, the first ones."""


@dataclass(frozen=True)
class Talk:
    """How much is said about a chapter: public comments, and answers to questions."""

    comments: int = 0
    answers: int = 0


@dataclass(frozen=True)
class Said:
    """One public comment. `by_institute` says that staff wrote it, `earlier` that its chapter has changed since."""

    public_id: str
    name: str
    html: Markup
    at: datetime
    edited: bool
    by_institute: bool
    earlier: bool


@dataclass(frozen=True)
class Thread:
    """A comment with its answers, oldest first; `top` is None where the comment was taken away and answers stay."""

    public_id: str
    top: Said | None
    answers: Sequence[Said]


@dataclass(frozen=True)
class Page:
    """A page of threads, newest first; `older` is the public id to go on from, if there is more."""

    threads: Sequence[Thread]
    older: str | None


@dataclass(frozen=True)
class QuestionAndAnswer:
    """A published question and its answer, as plain text and as HTML; `earlier` as in `Said`."""

    public_id: str
    chapter: str
    question: str
    answer: str
    question_html: Markup
    answer_html: Markup
    at: datetime
    earlier: bool


def counts(session: Session) -> Mapping[str, Talk]:
    """Return how much is said about each chapter by its address; a chapter without anything is left out."""
    comments = dict(session.execute(_count_by(Comment.chapter, Comment.state == CommentState.PUBLISHED)).all())
    public = PublishedAnswer.state == PublicationState.PUBLISHED
    answers = dict(session.execute(_count_by(PublishedAnswer.chapter, public)).all())
    return {
        chapter: Talk(comments.get(chapter, 0), answers.get(chapter, 0)) for chapter in sorted({*comments, *answers})
    }


def thread_page(session: Session, chapter: str, *, before: str = "", around: str = "") -> Page:
    """Return a page of a chapter's threads, newest first.

    Parameters: `before`, the public id of a thread: only older ones; `around`, that of a comment: the page begins with
    its thread. An id that names nothing here counts as none.
    """
    query = select(Comment.id, Comment.public_id).where(
        Comment.chapter == chapter, Comment.level == 1, or_(_PUBLIC, _has_public_answers())
    )
    edge = _thread_id(session, chapter, before or around)
    if edge is not None:
        query = query.where(Comment.id < edge if before else Comment.id <= edge)
    tops = session.execute(query.order_by(Comment.id.desc()).limit(PAGE + 1)).all()
    shown = dict(tops[:PAGE])
    threads = _threads(session, chapter, shown)
    return Page(threads, tops[PAGE - 1].public_id if len(tops) > PAGE else None)


def answered_comment(session: Session, chapter: str, public_id: str) -> Said | None:
    """Return the public comment of a chapter that somebody is about to answer, or None."""
    found = session.scalar(select(Comment).where(Comment.public_id == public_id, Comment.chapter == chapter, _PUBLIC))
    return None if found is None else said(found)


def published_answers(session: Session, chapter: str | None = None) -> Sequence[QuestionAndAnswer]:
    """Return the questions and answers that are public, newest first: of one chapter, or of all."""
    query = select(PublishedAnswer).where(PublishedAnswer.state == PublicationState.PUBLISHED)
    if chapter is not None:
        query = query.where(PublishedAnswer.chapter == chapter)
    return [_shown_answer(row) for row in session.scalars(query.order_by(PublishedAnswer.id.desc()))]


def said(comment: Comment) -> Said:
    """Return a comment as it is shown to all."""
    now = edition_of(comment.chapter)
    return Said(
        public_id=comment.public_id,
        name=comment.name,
        html=html_of(comment.body),
        at=comment.created_at,
        edited=comment.edited_at is not None,
        by_institute=comment.account_id is not None,
        earlier=bool(now) and comment.edition != now,
    )


_PUBLIC = Comment.state == CommentState.PUBLISHED


def _count_by(column: InstrumentedAttribute[str], condition: ColumnElement[bool]) -> Select[str, int]:
    return select(column, func.count()).where(condition).group_by(column)


def _has_public_answers() -> ColumnElement[bool]:
    answer = aliased(Comment)
    return exists().where(and_(answer.parent_id == Comment.id, answer.state == CommentState.PUBLISHED))


def _thread_id(session: Session, chapter: str, public_id: str) -> int | None:
    if not public_id:
        return None
    thread = select(func.coalesce(Comment.parent_id, Comment.id))
    return session.scalar(thread.where(Comment.public_id == public_id, Comment.chapter == chapter))


def _threads(session: Session, chapter: str, tops: Mapping[int, str]) -> list[Thread]:
    if not tops:
        return []
    rows = session.scalars(
        select(Comment).where(_PUBLIC, or_(Comment.id.in_(tops), Comment.parent_id.in_(tops))).order_by(Comment.id)
    ).all()
    public = {row.id: said(row) for row in rows if row.level == 1}
    answers: dict[int, list[Said]] = {top: [] for top in tops}
    for row in rows:
        if row.parent_id is not None and len(answers[row.parent_id]) < MOST_ANSWERS:
            answers[row.parent_id].append(said(row))
    return [Thread(public_id, public.get(top), answers[top]) for top, public_id in tops.items()]


def _shown_answer(row: PublishedAnswer) -> QuestionAndAnswer:
    now = edition_of(row.chapter)
    return QuestionAndAnswer(
        public_id=row.public_id,
        chapter=row.chapter,
        question=row.question,
        answer=row.answer,
        question_html=html_of(row.question),
        answer_html=html_of(row.answer),
        at=row.published_at or row.consented_at or row.asked_at,  # type: ignore[arg-type]
        earlier=bool(now) and row.edition != now,
    )

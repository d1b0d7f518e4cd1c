"""Take a comment in, and let its writer change it for a quarter of an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.comments.judging import judge, judge_words, too_many
from tpminstitute.comments.models import LONGEST_NAME, Comment, CommentState, CommentWriter
from tpminstitute.comments.notices import tell_staff
from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.institute.service import touch
from tpminstitute.screening.service import Evidence

EDITED_FOR = timedelta(minutes=15)
"""How long a writer may change or take back a comment."""

ANSWERS_WORDING = "Tell me by e-mail when somebody answers"
"""What a writer ticks; kept with their address."""

TAKEN_BACK = "Taken back by its writer."
FORGOTTEN = "Forgotten at its writer’s wish."
NOBODY = "(taken back)"

CLOSED = "Comments are closed just now, so nothing was sent. Your text is still here: you can write to us instead."


@dataclass(frozen=True)
class Written:
    """One sending of the comment form, checked and read.

    `form_key` is the same for each repetition of the same form; `edition` is that of the chapter; `answers` the public
    id of the comment that is answered, '' for none; `origin` a digest of the network, None where it isn't known;
    `evidence` is what screening looks at, `suspicions` what else speaks against it.
    """

    form_key: str
    chapter: str
    edition: str
    name: str
    body: str
    email: EmailAddress | None = None
    wants_answers: bool = False
    answers: str = ""
    origin: str | None = None
    suspicions: Sequence[str] = ()
    evidence: Evidence | None = None


def submit(session: Session, settings: Settings, written: Written) -> str:
    """Store a comment until staff approve it, and tell them; a repeated one changes nothing.

    One that is suspected is set apart and told to nobody. Returns its public id. Raises `Refusal` while comments are
    closed.
    """
    earlier = _earlier(session, written)
    if earlier is not None:
        return earlier
    if not settings.comments_open:
        raise Refusal(CLOSED)
    comment = _store(session, settings, written)
    if comment is None:
        return session.scalars(select(Comment.public_id).where(Comment.form_key == written.form_key)).one()
    if written.email is not None:
        session.add(_writer(comment.id, written.email, written.wants_answers))
        session.flush()
    if comment.state is CommentState.HELD:
        tell_staff(session, settings, comment)
    return comment.public_id


def may_edit(comment: Comment) -> bool:
    """Return whether a comment's writer may still change it."""
    decided_against = comment.state in (CommentState.REFUSED, CommentState.REMOVED)
    return clock.now() < edited_until(comment) and not decided_against and comment.inquiry is None


def edited_until(comment: Comment) -> datetime:
    """Return until when a comment's writer may change it."""
    return comment.created_at + EDITED_FOR


def edit(session: Session, settings: Settings, comment: Comment, name: str, body: str) -> None:
    """Change the words of a comment whose row is locked; it waits for approval, also where it was public already.

    Raises `Refusal` when it can't be changed any more.
    """
    _expect_open(comment)
    if (one_line(name, LONGEST_NAME), body) == (comment.name, comment.body):
        return
    was_public = comment.state is CommentState.PUBLISHED
    comment.name, comment.body, comment.edited_at = one_line(name, LONGEST_NAME), body, clock.now()
    comment.number += 1
    found = judge_words(settings, name, body)
    comment.suspicions = [*comment.suspicions, *(reason for reason in found if reason not in comment.suspicions)]
    comment.state = CommentState.SUSPECTED if comment.suspicions else CommentState.HELD
    session.flush()
    if was_public:
        touch(session)
        comment.told_at = None
    if comment.state is CommentState.HELD and comment.told_at is None:
        tell_staff(session, settings, comment)


def take_back(session: Session, comment: Comment) -> None:
    """Forget the words, the name and the address of a comment, as its writer wants; its row is locked.

    Raises `Refusal` when it can't be taken back any more.
    """
    _expect_open(comment)
    forget(session, comment, NOBODY, TAKEN_BACK)


def forget_words(session: Session, comment: Comment, account_id: int) -> None:
    """Forget for good what a comment says that isn't public any more, as its writer may ask; its row is locked.

    Raises `Refusal` while it may still be published.
    """
    if comment.state not in (CommentState.REFUSED, CommentState.REMOVED) or comment.name == NOBODY:
        raise Refusal("Only a comment that was refused or removed is forgotten. Nothing was changed.")
    forget(session, comment, NOBODY, FORGOTTEN)
    record_audit(session, "comment_forgotten", f"comment {comment.public_id}", account_id=account_id, kind="comment")


def forget(session: Session, comment: Comment, name: str, body: str) -> None:
    """Put `name` and `body` in place of what a comment says, and take it away; answers to it stay."""
    if comment.state is CommentState.PUBLISHED:
        touch(session)
    comment.name, comment.body, comment.origin, comment.suspicions = name, body, None, []
    comment.state, comment.number = CommentState.REMOVED, comment.number + 1
    session.execute(delete(CommentWriter).where(CommentWriter.comment_id == comment.id))
    session.flush()


def _expect_open(comment: Comment) -> None:
    if not may_edit(comment):
        raise Refusal("This comment can't be changed any more. Nothing was changed; you can write to us instead.")


def _earlier(session: Session, written: Written) -> str | None:
    return session.scalar(select(Comment.public_id).where(Comment.form_key == written.form_key))


def _store(session: Session, settings: Settings, written: Written) -> Comment | None:
    """Return the comment as it is stored, None when the same was stored by another request just now."""
    email_key = written.email.key if written.email else None
    found = judge(session, settings, written.evidence)
    reasons = [*written.suspicions, *found, *too_many(session, settings, written.origin, email_key)]
    answered = _answered(session, written)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "public_id": tokens.public_id(),
        "form_key": written.form_key,
        "chapter": written.chapter,
        "edition": written.edition,
        "level": 1 if answered is None else 2,
        "parent_id": answered,
        "parent_level": None if answered is None else 1,
        "name": one_line(written.name, LONGEST_NAME),
        "body": written.body,
        "state": CommentState.SUSPECTED if reasons else CommentState.HELD,
        "suspicions": reasons,
        "origin": written.origin,
        "created_at": clock.now(),
        "number": 1,
    }
    return session.scalar(
        insert(Comment).values(values).on_conflict_do_nothing(index_elements=["form_key"]).returning(Comment)
    )


def _answered(session: Session, written: Written) -> int | None:
    """Return the id of the comment whose thread an answer belongs to; an answer to an answer goes beside it."""
    if not written.answers:
        return None
    found = session.execute(
        select(Comment.id, Comment.parent_id).where(
            Comment.public_id == written.answers, Comment.chapter == written.chapter
        )
    ).one_or_none()
    return None if found is None else found.parent_id or found.id


def _writer(comment_id: int, email: EmailAddress, wants_answers: bool) -> CommentWriter:
    return CommentWriter(
        comment_id=comment_id,
        public_id=tokens.public_id(),
        email=email.address,
        email_key=email.key,
        wording=ANSWERS_WORDING if wants_answers else "",
    )

"""What staff do with comments: publish, refuse, remove, answer, and take any of it back."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.models import Account
from tpminstitute.comments.chapters import edition_of
from tpminstitute.comments.models import LONGEST_BODY, LONGEST_NAME, Comment, CommentState
from tpminstitute.comments.notices import tell_writers, untell_writers
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.institute.service import touch

BY_LINK = "by the link in the notice"
"""How the audit log tells a decision that was made without an account."""

_FROM = {
    CommentState.PUBLISHED: (CommentState.HELD, CommentState.SUSPECTED, CommentState.REFUSED, CommentState.REMOVED),
    CommentState.REFUSED: (CommentState.HELD, CommentState.SUSPECTED),
    CommentState.REMOVED: (CommentState.PUBLISHED,),
}
"""From where a comment comes to each state by a person's word."""

SPAM = "A person said that it is spam."
"""Joins the reasons to suspect a comment that was refused as spam."""


@dataclass(frozen=True)
class Done:
    """What was decided about one comment, so that it can be taken back: where it stood, and the number of its words."""

    public_id: str
    before: CommentState
    after: CommentState
    number: int


class Stale(Refusal):
    """A comment changed since somebody read it; nothing was done."""


def locked_comment(session: Session, public_id: str) -> Comment | None:
    """Return the comment with that public id, locked until the transaction ends, or None."""
    return session.scalar(select(Comment).where(Comment.public_id == public_id).with_for_update())


def publish(session: Session, settings: Settings, comment: Comment, number: int, account: Account | None) -> Done:
    """Make a comment public in the words that were read, and write to who waits for answers.

    Parameters: `number`, that of the words as they were shown; `account`, None for the link in a notice.
    Raises `Refusal` when it stands elsewhere by now, and `Stale` when its words are others.
    """
    done = _decide(session, comment, CommentState.PUBLISHED, number, account, "comment_published")
    tell_writers(session, settings, comment)
    return done


def refuse(session: Session, comment: Comment, number: int, account: Account | None, *, spam: bool = False) -> Done:
    """Turn a comment down: it stays out of sight, and is kept; errors as `publish`."""
    action = "comment_refused_as_spam" if spam else "comment_refused"
    done = _decide(session, comment, CommentState.REFUSED, number, account, action)
    if spam and SPAM not in comment.suspicions:
        comment.suspicions = [*comment.suspicions, SPAM]
    return done


def remove(session: Session, comment: Comment, number: int, account: Account) -> Done:
    """Take a public comment away; answers to it stay. Errors as `publish`."""
    done = _decide(session, comment, CommentState.REMOVED, number, account, "comment_removed")
    untell_writers(session, comment, "The comment was removed.")
    return done


def take_back(session: Session, settings: Settings, done: Done, account: Account) -> None:
    """Put a comment back where it stood; raises `Refusal` when something happened with it since.

    A mail about it that went out already has gone.
    """
    comment = locked_comment(session, done.public_id)
    if comment is None or comment.state is not done.after or comment.number != done.number:
        raise Refusal("Something happened with this comment since, so nothing was taken back.")
    comment.suspicions = [reason for reason in comment.suspicions if reason != SPAM]
    _move(session, comment, done.before, account)
    if done.after is CommentState.PUBLISHED:
        untell_writers(session, comment, "Publishing the comment was taken back.")
    if done.before is CommentState.PUBLISHED:
        tell_writers(session, settings, comment)
    _record(session, comment, "comment_put_back", account)


def answer(session: Session, settings: Settings, comment: Comment, account: Account, body: str, nonce: str) -> Comment:
    """Answer a comment in the institute's name, publicly; one that waits is published with it.

    The caller holds the comment's row, and has looked at its number. `nonce` makes a repeated sending the same answer.
    Raises `Refusal` for an empty or too long text, and for a comment that was turned down.
    """
    words = body.strip()
    if not words:
        raise Refusal("Write something first: the answer is empty.")
    if len(words) > LONGEST_BODY:
        raise Refusal(f"Shorten the answer to {LONGEST_BODY:,} characters: it has {len(words):,}. It isn’t public.")
    key = tokens.digest(f"{account.id}\n{nonce}\n{words}")
    earlier = session.scalar(select(Comment).where(Comment.form_key == key))
    if earlier is not None:
        return earlier
    if comment.state in (CommentState.REFUSED, CommentState.REMOVED):
        raise Refusal("This comment isn’t public, so nobody would see the answer. Publish it first.")
    if comment.state is not CommentState.PUBLISHED:
        publish(session, settings, comment, comment.number, account)
    answered = Comment(
        public_id=tokens.public_id(),
        form_key=key,
        chapter=comment.chapter,
        edition=edition_of(comment.chapter) or comment.edition,
        level=2,
        parent_id=comment.parent_id or comment.id,
        parent_level=1,
        name=one_line(account.name, LONGEST_NAME),
        body=words,
        state=CommentState.PUBLISHED,
        suspicions=[],
        created_at=clock.now(),
        decided_at=clock.now(),
        decided_by_id=account.id,
        account_id=account.id,
    )
    session.add(answered)
    session.flush()
    touch(session)
    tell_writers(session, settings, answered)
    _record(session, answered, "comment_answered", account)
    return answered


def note_inquiry(session: Session, comment: Comment, inquiry: str, account: Account) -> None:
    """Note that an inquiry was made of a comment; `inquiry` is its public id."""
    comment.inquiry = inquiry
    session.flush()
    _record(session, comment, "comment_made_an_inquiry", account)


def _decide(
    session: Session, comment: Comment, state: CommentState, number: int, account: Account | None, action: str
) -> Done:
    if comment.number != number:
        raise Stale("Its writer changed the comment while you were reading. Read it again; nothing was done.")
    if comment.state not in _FROM[state]:
        by_now = f"This comment is {comment.state.value} by now"
        raise Refusal(f"{by_now}, perhaps a colleague was quicker. Nothing was done.")
    before = comment.state
    _move(session, comment, state, account)
    _record(session, comment, action, account)
    return Done(comment.public_id, before, state, number)


def _move(session: Session, comment: Comment, state: CommentState, account: Account | None) -> None:
    """Change where a comment stands; what is public changes with it."""
    if CommentState.PUBLISHED in (state, comment.state):
        touch(session)
    comment.state, comment.decided_at = state, clock.now()
    comment.decided_by_id = account.id if account else None
    session.flush()


def _record(session: Session, comment: Comment, action: str, account: Account | None) -> None:
    how = "" if account else f", {BY_LINK}"
    record_audit(
        session, action, f"comment {comment.public_id}{how}", account_id=account.id if account else None, kind="comment"
    )

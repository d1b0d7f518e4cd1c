"""The signed addresses of comments: each opens one thing, for one purpose."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.comments.models import Comment, CommentWriter, PublishedAnswer
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.tokens import BadToken, Signer

DECISION_LASTS = timedelta(days=14)
"""How long the link in a notice decides about a comment."""

_OWN, _DECISION, _STOP, _PUBLICATION = "comment-own", "comment-decision", "comment-answers", "publication"


class OldLink(Exception):
    """A link of ours that was good for a while, and isn't any more."""


def own_token(settings: Settings, public_id: str) -> str:
    """Return the token by which a comment's writer comes back to it."""
    return Signer(settings.secret_key, _OWN).sign(public_id)


def comment_of_own_token(session: Session, settings: Settings, token: str, *, lock: bool = False) -> Comment | None:
    """Return the comment that its writer's token names, or None for any other token."""
    return _comment(session, _text(settings, _OWN, token), lock=lock)


def decision_url(settings: Settings, comment: Comment, at: datetime) -> str:
    """Return the address at which a comment is decided about without an account; good for `DECISION_LASTS`."""
    until = int((at + DECISION_LASTS).timestamp())
    token = Signer(settings.secret_key, _DECISION).sign([comment.public_id, until])
    return f"{settings.public_url}/comments/decide/{token}"


def comment_of_decision(session: Session, settings: Settings, token: str, *, lock: bool = False) -> Comment | None:
    """Return the comment that the link in a notice decides about, or None for any other token.

    Raises `OldLink` for one that has expired.
    """
    try:
        public_id, until = Signer(settings.secret_key, _DECISION).read(token)
    except (BadToken, TypeError, ValueError):
        return None
    if until < clock.now().timestamp():
        raise OldLink
    return _comment(session, public_id, lock=lock)


def stop_url(settings: Settings, writer: CommentWriter) -> str:
    """Return the address at which somebody ends the mails about answers; it never expires."""
    return f"{settings.public_url}/comments/unsubscribe/{Signer(settings.secret_key, _STOP).sign(writer.public_id)}"


def writer_of_stop(settings: Settings, token: str) -> str | None:
    """Return the public id of the writer whose mails a token ends, or None for any other token."""
    return _text(settings, _STOP, token)


def publication_url(settings: Settings, answer: PublishedAnswer) -> str:
    """Return the address at which the asker says whether their question may be published, and takes it back."""
    return f"{settings.public_url}/comments/consent/{Signer(settings.secret_key, _PUBLICATION).sign(answer.public_id)}"


def answer_of_publication(settings: Settings, token: str) -> str | None:
    """Return the public id of the question and answer that a token is about, or None for any other token."""
    return _text(settings, _PUBLICATION, token)


def _text(settings: Settings, purpose: str, token: str) -> str | None:
    try:
        value = Signer(settings.secret_key, purpose).read(token)
    except BadToken:
        return None
    return value if isinstance(value, str) else None


def _comment(session: Session, public_id: str | None, *, lock: bool) -> Comment | None:
    query = select(Comment).where(Comment.public_id == public_id)
    return session.scalar(query.with_for_update() if lock else query)

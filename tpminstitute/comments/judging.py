"""How suspicious a comment is: what screening says of its text, and how many came from the same place."""

from datetime import timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from tpminstitute.comments.models import Comment, CommentWriter
from tpminstitute.core import clock
from tpminstitute.core.config import Settings, Switch
from tpminstitute.screening.service import Evidence, judged_by_words, screen

AN_HOUR = timedelta(hours=1)
MOST_AN_HOUR = 5
"""Comments from one network or address before the next ones are set apart."""


def judge(session: Session, settings: Settings, evidence: Evidence | None) -> list[str]:
    """Return the reasons to set a comment apart, each a sentence for staff; none means clear. It counts as come in.

    Parameters: `evidence`, None where nothing is known of how it was sent.
    """
    if evidence is None or settings.screening is Switch.OFF:
        return []
    verdict = screen(session, settings.secret_key, evidence)
    return verdict.told if verdict.suspected else []


def judge_words(settings: Settings, name: str, body: str) -> list[str]:
    """Return the reasons to set a comment apart for what it says, without counting it once more."""
    if settings.screening is Switch.OFF:
        return []
    verdict = judged_by_words(name, body)
    return verdict.told if verdict.suspected else []


def too_many(session: Session, settings: Settings, origin: str | None, email_key: str | None) -> list[str]:
    """Return the reason to suspect one more comment from a network or address that sent many within an hour."""
    same = [Comment.origin == origin] if origin else []
    if email_key:
        written = CommentWriter.comment_id == Comment.id
        same.append(exists().where(written, CommentWriter.email_key == email_key))
    if not same or settings.screening is Switch.OFF:
        return []
    lately = select(Comment.id).where(Comment.created_at > clock.now() - AN_HOUR, or_(*same)).limit(MOST_AN_HOUR)
    found = session.scalar(select(func.count()).select_from(lately.subquery())) or 0
    sentence = f"More than {MOST_AN_HOUR} comments came from the same network or address within an hour."
    return [sentence] if found >= MOST_AN_HOUR else []

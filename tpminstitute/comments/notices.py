"""The mails that comments cause: to staff about what waits, and to writers about answers."""

from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.links import DECISION_LASTS, decision_url, stop_url
from tpminstitute.comments.models import Comment, CommentState, CommentWriter
from tpminstitute.contacts.own_links import own_form
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.text import one_line
from tpminstitute.institute.recipients import NoticeKind, recipients
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address, feedback_id
from tpminstitute.mail.letters import TEMPLATES, Frame, Letter, letter_sources, render
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.to_staff import staff_letter, write_to_staff

LETTERS = TEMPLATES / "comments"
"""Where the letters to writers are; nobody edits them at the desk."""

AN_HOUR = timedelta(hours=1)
MOST_SINGLE = 6
"""Notices about one comment each within an hour; what comes then is told in one mail an hour."""

RESTS = timedelta(seconds=10)
"""How long the mail about an answer can be taken back, with the approval that caused it."""

STAFF_REASON = "You get this because you are told of comments that wait for approval."
ANSWER_REASON = "You get this because you commented on our guide with this address and asked to hear of answers."

SOMEBODY = "somebody"
"""Stands in a notice for a name of which nothing can be seen."""

_TEXT = 1_500
_BEGINNING = 120


def tell_staff(session: Session, settings: Settings, comment: Comment) -> None:
    """Tell staff of a comment that waits, with the link that decides; after many in an hour `tell_of_many` does."""
    lately = select(Comment.id).where(Comment.told_at > clock.now() - AN_HOUR).limit(MOST_SINGLE)
    if (session.scalar(select(func.count()).select_from(lately.subquery())) or 0) >= MOST_SINGLE:
        return
    comment.told_at = clock.now()
    session.flush()
    letter = _waiting_letter(settings, comment)
    _to_staff(session, settings, letter, f"comment:{comment.id}", f"comment:{comment.id}:notice:{comment.number}")


def tell_of_many(db: Database, settings: Settings) -> int:
    """Tell staff in one mail an hour of the comments that no mail was written about; returns how many those are.

    Also forgets where comments came from, after a day. Any number of workers may run at once.
    """
    with db.write() as session:
        _forget_origins(session)
        untold = (Comment.state == CommentState.HELD, Comment.told_at.is_(None), Comment.account_id.is_(None))
        newest = session.scalar(select(Comment).where(*untold).order_by(Comment.id.desc()).limit(1))
        if newest is None:
            return 0
        cause = f"comments:{clock.now():%Y%m%d%H}"
        if session.scalar(select(Message.id).where(Message.cause == cause).limit(1)) is not None:
            return 0
        waiting = session.scalar(select(func.count()).select_from(Comment).where(Comment.state == CommentState.HELD))
        told = session.execute(
            update(Comment).where(*untold).values(told_at=clock.now()).execution_options(synchronize_session=False)
        )
        _to_staff(session, settings, _many_letter(settings, newest, waiting or 1), cause, cause)
        return int(told.rowcount)  # type: ignore[attr-defined]


def tell_writers(session: Session, settings: Settings, answer: Comment) -> int:
    """Write to those in a thread who asked to hear of answers and whose own comment is public; returns to how many.

    Each address gets one mail for one answer, after `RESTS`, and never one about what it wrote itself.
    """
    if answer.parent_id is None:
        return 0
    own = session.scalar(select(CommentWriter.email_key).where(CommentWriter.comment_id == answer.id))
    in_thread = (Comment.id == answer.parent_id) | (Comment.parent_id == answer.parent_id)
    found = session.scalars(
        select(CommentWriter)
        .join(Comment, Comment.id == CommentWriter.comment_id)
        .where(in_thread, Comment.state == CommentState.PUBLISHED, Comment.id != answer.id)
        .where(CommentWriter.wording != "", CommentWriter.ended_at.is_(None))
        .order_by(CommentWriter.comment_id)
    )
    once = {writer.email_key: writer for writer in found if writer.email_key != own}
    return sum(outbox.queue(session, settings, _answer_mail(settings, answer, writer)) for writer in once.values())


def untell_writers(session: Session, answer: Comment, reason: str) -> None:
    """Take back the mails about an answer that haven't gone, so that they may be written again."""
    outbox.take_back(session, _cause(answer), reason)


def stop(session: Session, writer_public_id: str | None) -> str | None:
    """End the mails about answers to a writer's address; returns it, None where nothing is known of it any more."""
    writer = writer_of(session, writer_public_id)
    if writer is None:
        return None
    stop_address(session, writer.email_key)
    return writer.email


def stop_address(session: Session, email_key: str) -> None:
    """End the mails about answers to an address, and cancel those that wait; a second time changes nothing."""
    same = (CommentWriter.email_key == email_key, CommentWriter.ended_at.is_(None), CommentWriter.wording != "")
    quietly = {"synchronize_session": False}
    session.execute(update(CommentWriter).where(*same).values(ended_at=clock.now()), execution_options=quietly)
    waiting = (
        Message.recipient_key == email_key,
        Message.kind == MessageKind.COMMENT_ANSWER,
        Message.status.in_(outbox.UNSENT),
    )
    reason = "The reader wants no more of them."
    ended = update(Message).where(*waiting).values(status=MessageStatus.CANCELLED, reason=reason)
    session.execute(ended.values(lease_token=None, lease_until=None), execution_options=quietly)


def writer_of(session: Session, public_id: str | None) -> CommentWriter | None:
    """Return the writer with that public id, or None."""
    return session.scalar(select(CommentWriter).where(CommentWriter.public_id == public_id))


def letter_to_reader(
    settings: Settings, key: str, reason: str, unsubscribe_url: str = "", own: str = "", **variables: str
) -> Letter:
    """Make the letter `key` of templates/email/comments; `reason` says why its reader gets it.

    Parameters: `own`, where they see what is held about them; by default the form that mails them a link to it.
    """
    frame = Frame(
        institute_name=settings.institute_name,
        institute_email=settings.institute_email,
        postal_address=settings.postal_address,
        reason=reason,
        unsubscribe_url=unsubscribe_url or None,
        signature=settings.letter_signature,
        own_url=own or own_form(settings),
    )
    return render(letter_sources(LETTERS)[key], variables, frame)


def _answer_mail(settings: Settings, answer: Comment, writer: CommentWriter) -> outbox.Order:
    """Nothing that anybody typed is in it: who writes a comment chooses neither its readers nor their mails."""
    url = stop_url(settings, writer)
    letter = letter_to_reader(
        settings,
        "answer",
        ANSWER_REASON,
        url,
        chapter=title_of(answer.chapter),
        comment_url=f"{settings.public_url}/comments/{answer.chapter}?comment={answer.public_id}#c-{answer.public_id}",
    )
    return outbox.Order(
        kind=MessageKind.COMMENT_ANSWER,
        contact_id=None,
        cause=_cause(answer),
        dedupe_key=f"{_cause(answer)}:{tokens.digest(writer.email_key)[:16]}",
        recipient=Address("", writer.email),
        recipient_key=writer.email_key,
        letter=letter,
        headers={
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": feedback_id(MessageKind.COMMENT_ANSWER, "answer", settings.mail_from),
        },
        rests=RESTS,
    )


def _cause(answer: Comment) -> str:
    return f"comment:{answer.id}:answer"


def _waiting_letter(settings: Settings, comment: Comment) -> Letter:
    at = clock.now()
    return staff_letter(
        settings,
        "comment-waiting",
        STAFF_REASON,
        name=one_line(comment.name, 60) or SOMEBODY,
        chapter=title_of(comment.chapter),
        beginning=one_line(comment.body, _BEGINNING) or "…",
        text=one_line(comment.body, _TEXT) or "…",
        link_url=decision_url(settings, comment, at),
        until=zones.written(at + DECISION_LASTS, settings.institute_zone),
        desk_url=f"{settings.public_url}/staff/comments",
    )


def _many_letter(settings: Settings, newest: Comment, waiting: int) -> Letter:
    return staff_letter(
        settings,
        "comments-waiting",
        STAFF_REASON,
        count="One comment" if waiting == 1 else f"{waiting} comments",
        name=one_line(newest.name, 60) or SOMEBODY,
        chapter=title_of(newest.chapter),
        desk_url=f"{settings.public_url}/staff/comments",
    )


def _to_staff(session: Session, settings: Settings, letter: Letter, cause: str, key: str) -> None:
    for who in recipients(session, settings, NoticeKind.COMMENT):
        own = key if who.is_institute else f"{key}:{tokens.digest(who.email.lower())[:16]}"
        write_to_staff(session, settings, letter, name=who.name, email=who.email, cause=cause, dedupe_key=own)


def _forget_origins(session: Session) -> None:
    day_old = (Comment.origin.is_not(None), Comment.created_at < clock.now() - timedelta(days=1))
    session.execute(update(Comment).where(*day_old).values(origin=None).execution_options(synchronize_session=False))

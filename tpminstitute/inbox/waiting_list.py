"""The waiting lists of courses: joined by a letter, kept in order, answered by a person and never by a machine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.courses import dates
from tpminstitute.courses.asking import AskedCourse
from tpminstitute.courses.words import when_in_words
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.unsent import add_to_draft
from tpminstitute.inbox.wait_models import CourseWait
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.variables import greeting
from tpminstitute.sequences.models import Course, CourseDate
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

LONGEST_WHY = 200
SHOWN = 500
"""People on one list that a page shows; the others come up as those before them leave."""

REMOVED = "The date was taken back, and they wait for another one already."

_HEARD = (InquiryState.OPEN, InquiryState.HANDLED)
"""What was set apart, or is spam, waits for nothing."""


@dataclass(frozen=True)
class Waiting:
    """One who waits: the contact, for which date (None for the next there is), since when, and what they were told.

    `told_by` began a letter to them at `told_at`; `written_at` is when the last reply to them was written since.
    """

    id: int
    contact_public_id: str
    name: str
    course_date_id: int | None
    joined_at: datetime
    told_at: datetime | None
    told_by: str | None
    written_at: datetime | None


def join(session: Session, inquiry_public_id: str, asked: AskedCourse) -> None:
    """Put whoever sent an inquiry on the list that they asked for; a replay, or a second letter, changes nothing.

    A date that was removed meanwhile is waited for as the course's next one.
    """
    found = select(Inquiry.id, Inquiry.contact_id).join(Contact, Contact.id == Inquiry.contact_id)
    row = session.execute(
        found.where(Inquiry.public_id == inquiry_public_id, Contact.erased_at.is_(None))
    ).one_or_none()
    if row is None or session.scalar(select(exists().where(CourseWait.inquiry_id == row.id))):
        return
    date_id = _still_there(session, asked)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    joined = session.scalar(
        insert(CourseWait)
        .values(
            course_id=asked.course_id,
            course_date_id=date_id,
            waits_for=_key(asked.course_id, date_id),
            contact_id=row.contact_id,
            inquiry_id=row.id,
            about=asked.words,
            joined_at=clock.now(),
            left_why="",
        )
        .on_conflict_do_nothing(index_elements=["contact_id", "waits_for"])
        .returning(CourseWait.id)
    )
    if joined is not None:
        sentence = f"Asked for {asked.words}."
        record(session, row.contact_id, ActivityKind.WAITING_LIST, sentence, actor=Actor.VISITOR)


def who_waits(session: Session, course_id: int) -> Sequence[Waiting]:
    """Return who waits for a course or a date of it, who came first at the top."""
    replied = select(func.max(Message.created_at)).where(
        Message.contact_id == CourseWait.contact_id,
        Message.kind == MessageKind.REPLY,
        Message.status != MessageStatus.CANCELLED,
        Message.created_at >= CourseWait.told_at,
    )
    rows = session.execute(
        select(
            CourseWait.id,
            Contact.public_id,
            Contact.name,
            CourseWait.course_date_id,
            CourseWait.joined_at,
            CourseWait.told_at,
            Account.name,
            replied.scalar_subquery(),
        )
        .join(Contact, Contact.id == CourseWait.contact_id)
        .join(Inquiry, Inquiry.id == CourseWait.inquiry_id)
        .outerjoin(Account, Account.id == CourseWait.told_by_id)
        .where(CourseWait.course_id == course_id, CourseWait.left_at.is_(None), Inquiry.state.in_(_HEARD))
        .order_by(CourseWait.joined_at, CourseWait.id)
        .limit(SHOWN)
    )
    return [Waiting(*row) for row in rows]


def count_waiting(session: Session) -> dict[tuple[int, int | None], int]:
    """Return how many wait, by course and date; None stands for a course's next date."""
    rows = session.execute(
        select(CourseWait.course_id, CourseWait.course_date_id, func.count())
        .join(Inquiry, Inquiry.id == CourseWait.inquiry_id)
        .where(CourseWait.left_at.is_(None), Inquiry.state.in_(_HEARD))
        .group_by(CourseWait.course_id, CourseWait.course_date_id)
    )
    return {(course_id, date_id): found for course_id, date_id, found in rows}


def tell(
    session: Session, settings: Settings, course_id: int, wait_id: int, told_before: datetime | None, account_id: int
) -> str:
    """Begin a letter to one who waits, as a draft of whoever asks; it promises nothing, and goes when they send it.

    Parameters: `told_before`, when a letter was begun before, as the page said.
    Returns the contact's public id. Raises `Refusal` when they don't wait any more, or a colleague was faster.
    """
    wait = _waiting(session, course_id, wait_id)
    if wait.told_at != told_before:
        raise Refusal("A letter to them was begun meanwhile. Nothing was changed: look who wrote, and when.")
    contact = session.get_one(Contact, wait.contact_id)
    course = session.get_one(Course, course_id)
    date = session.get(CourseDate, wait.course_date_id) if wait.course_date_id else None
    subject, text = _letter(settings, contact, course, date)
    add_to_draft(session, contact.id, account_id, subject, text)
    wait.told_at, wait.told_by_id = clock.now(), account_id
    session.flush()
    record_audit(
        session, "course_wait_told", f"{course.id}, “{course.title}”", account_id=account_id, contact_id=contact.id
    )
    return contact.public_id


def take_off(session: Session, course_id: int, wait_id: int, why: str, account_id: int) -> None:
    """Take somebody off a list, for a reason that their timeline says. Raises `Refusal` without one."""
    wait = _waiting(session, course_id, wait_id)
    reason = one_line(why, len(why))
    if not reason:
        raise Refusal("Write why, such as “Has a place” or “Changed their mind”. Nobody was taken off.")
    if len(reason) > LONGEST_WHY:
        raise Refusal(f"Shorten the reason to {LONGEST_WHY} characters: it has {len(reason):,}. Nobody was taken off.")
    _leave(wait, reason)
    session.flush()
    title = session.get_one(Course, course_id).title
    sentence = f"Taken off the waiting list of “{title}”: {reason.rstrip('.')}."
    record(session, wait.contact_id, ActivityKind.WAITING_LIST, sentence, account_id=account_id)
    record_audit(
        session, "course_wait_ended", f"{course_id}, “{title}”", account_id=account_id, contact_id=wait.contact_id
    )


def remove_date(session: Session, course_id: int, date_id: int, account_id: int) -> int:
    """Take a course's date back; who waits for it waits for the next one from now on. Returns how many those are.

    Raises `Refusal` when follow-ups lead up to it.
    """
    theirs = session.scalars(
        select(CourseWait)
        .where(CourseWait.course_date_id == date_id, CourseWait.course_id == course_id)
        .order_by(CourseWait.joined_at, CourseWait.id)
        .with_for_update(key_share=True)
    ).all()
    otherwise = _key(course_id, None)
    waits_already = set(session.scalars(select(CourseWait.contact_id).where(CourseWait.waits_for == otherwise)))
    moved = 0
    for wait in theirs:
        wait.course_date_id = None
        if wait.left_at is not None:
            continue
        if wait.contact_id in waits_already:
            _leave(wait, REMOVED)
            continue
        wait.waits_for, moved = otherwise, moved + 1
    session.flush()
    dates.remove_date(session, course_id, date_id, account_id)
    return moved


def waits_of(session: Session, inquiry_id: int) -> str:
    """Return what an inquiry put its writer on the list for, in the words that they saw; '' for nothing."""
    found = select(CourseWait.about).where(CourseWait.inquiry_id == inquiry_id, CourseWait.left_at.is_(None))
    return session.scalar(found) or ""


def of_date(waiting: Iterable[Waiting], date_id: int | None) -> list[Waiting]:
    """Return who waits for one date, or with None for the next there is."""
    return [one for one in waiting if one.course_date_id == date_id]


def _still_there(session: Session, asked: AskedCourse) -> int | None:
    """Return the date that is asked for, held so that nobody removes it now; None if somebody did."""
    held = select(CourseDate.id).where(CourseDate.id == asked.date_id, CourseDate.course_id == asked.course_id)
    return session.scalar(held.with_for_update(read=True, key_share=True)) if asked.date_id is not None else None


def _waiting(session: Session, course_id: int, wait_id: int) -> CourseWait:
    """Return a wait that goes on, held after its contact as a merge holds them."""
    one = select(CourseWait).where(CourseWait.id == wait_id, CourseWait.course_id == course_id)
    found = session.scalar(one)
    if found is not None:
        locked(session, found.contact_id)
    wait = session.scalar(one.with_for_update().execution_options(populate_existing=True))
    if wait is None or wait.left_at is not None:
        raise Refusal("They are not on this list any more. Nothing was changed.")
    return wait


def _leave(wait: CourseWait, why: str) -> None:
    wait.left_at, wait.left_why, wait.waits_for = clock.now(), why, f"left {wait.id}"


def _key(course_id: int, date_id: int | None) -> str:
    return f"course {course_id}" if date_id is None else f"date {date_id}"


def _letter(settings: Settings, contact: Contact, course: Course, date: CourseDate | None) -> tuple[str, str]:
    address = f"{settings.public_url}/courses/{course.slug}"
    if date is None:
        news = f"“{course.title}” has a date now, and you asked to be told:"
    else:
        when = when_in_words(date.begins_at, date.ends_at, dates.zone_of(date))
        news = f"a place is free in “{course.title}”: {when}. You asked to be told:"
    ask = "Would you still like to come? Answer this e-mail, and I look whether it is still possible then."
    return f"“{course.title}”", f"{greeting(contact.name)}\n\n{news}\n{address}\n\n{ask}"

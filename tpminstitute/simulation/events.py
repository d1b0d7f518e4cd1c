"""What is thrown into a simulation, each through the function that takes it in the live service.

Each returns what stood in its way, as a sentence, or "" when it happened.
"""

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core import tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import opt_out
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.models import Door
from tpminstitute.inbox.receive import Incoming, receive
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.sequences.course_dates import CourseFacts, change_course_date
from tpminstitute.sequences.holidays import add_holiday
from tpminstitute.sequences.models import CourseDate, Sequence
from tpminstitute.sequences.wishes import Wish, wish
from tpminstitute.simulation import mails

QUESTION = "Thank you for your mail. May I ask when the next course begins?"
OUR_ANSWER = "Thank you for writing. This is what one of us would answer."
NO_COURSE = "These follow-ups lead up to no course, so none could be moved."
NOTHING_SENT = "No mail had gone to them by then, so none could come back."


def answers(world: Database, settings: Settings, contact_id: int) -> str:
    """Let a contact answer the newest mail they got."""
    contact, newest = _who(world, contact_id)
    _comes_in(world, settings, mails.answer(settings, contact, newest, QUESTION))
    return ""


def is_away(world: Database, settings: Settings, contact_id: int, back_on: date) -> str:
    """Let a contact's mail program say that they are away until `back_on`."""
    contact, newest = _who(world, contact_id)
    _comes_in(world, settings, mails.out_of_office(settings, contact, newest, back_on))
    return ""


def leaves(world: Database, settings: Settings, contact_id: int) -> str:
    """Let a contact unsubscribe by the link that stands in each mail."""
    with world.write() as session:
        opt_out.opt_out(session, session.get_one(Contact, contact_id))
    return ""


def wishes(world: Database, settings: Settings, contact_id: int, what: Wish) -> str:
    """Let a contact choose something on the page of that link."""
    with world.write() as session:
        wish(session, settings, session.get_one(Contact, contact_id), what)
    return ""


def bounces(world: Database, settings: Settings, contact_id: int) -> str:
    """Let the newest mail to a contact come back for good."""
    _, newest = _who(world, contact_id)
    if newest is None:
        return NOTHING_SENT
    _comes_in(world, settings, mails.bounce(settings, newest))
    return ""


def complains(world: Database, settings: Settings, contact_id: int) -> str:
    """Let a contact mark the newest mail they got as spam."""
    _, newest = _who(world, contact_id)
    if newest is None:
        return NOTHING_SENT
    _comes_in(world, settings, mails.complaint(settings, newest))
    return ""


def institute_answers(world: Database, settings: Settings, contact_id: int) -> str:
    """Let somebody of the institute write to a contact."""
    try:
        with world.write() as session:
            reply(session, settings, locked(session, contact_id), Answer(tokens.public_id(), OUR_ANSWER, None))
    except Refusal as refusal:
        return str(refusal)
    return ""


def is_holiday(world: Database, settings: Settings, account_id: int, day: date) -> str:
    """Make a day a holiday of the institute, by a staff member's word."""
    try:
        with world.write() as session:
            add_holiday(session, day, "A holiday", account_id)
    except Refusal as refusal:
        return str(refusal)
    return ""


def course_moves(world: Database, settings: Settings, account_id: int, sequence_id: int, days: int) -> str:
    """Let the course that a sequence leads up to begin so many days later, or earlier where `days` is negative."""
    try:
        with world.write() as session:
            course = session.get(CourseDate, session.get_one(Sequence, sequence_id).course_date_id or 0)
            if course is None:
                return NO_COURSE
            facts = CourseFacts(course.name, course.begins_at + timedelta(days=days), course.full_at is not None)
            change_course_date(session, settings, course.id, course.number, facts, account_id)
    except Refusal as refusal:
        return str(refusal)
    return ""


def _who(world: Database, contact_id: int) -> tuple[Contact, Message | None]:
    """Return a contact, and the newest mail that they got."""
    with world.read() as session:
        return session.get_one(Contact, contact_id), _newest(session, contact_id)


def _newest(session: Session, contact_id: int) -> Message | None:
    got = select(Message).where(
        Message.contact_id == contact_id,
        Message.status == MessageStatus.SENT,
        Message.kind.in_((MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP, MessageKind.REPLY)),
    )
    return session.scalar(got.order_by(Message.sent_at.desc(), Message.id.desc()).limit(1))


def _comes_in(world: Database, settings: Settings, content: bytes) -> None:
    """Take a mail in as if it had been found in the institute's mailbox, which needs no notice."""
    receive(world, settings, Incoming(content, Door.MAILBOX))

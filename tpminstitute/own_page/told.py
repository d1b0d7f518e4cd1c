"""What the page tells a person about themselves; the words that they wrote themselves only where everything opens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.models import Comment, CommentState, CommentWriter
from tpminstitute.contacts.models import BackgroundSource, Consent, ConsentChange, Contact, ContactAddress
from tpminstitute.contacts.time_zones import SOURCES, Clock, clock_of
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.config import Settings
from tpminstitute.inbox.along import along_words
from tpminstitute.inbox.letters import CALL
from tpminstitute.inbox.models import BroughtAlong, Inquiry, Writer
from tpminstitute.inbox.story import Choice, Entry, Place, story_of
from tpminstitute.inbox.threads import Asked, Heard, Said
from tpminstitute.inbox.wait_models import CourseWait
from tpminstitute.mail.models import MessageKind, MessageStatus
from tpminstitute.mail.queries import Mail
from tpminstitute.sequences.forecast import Expected
from tpminstitute.sequences.queries import runs_of

LONGEST_LETTER = 20_000
_MOST = 100
"""Comments and waiting lists that are told."""

_FOOT = "\n-- \n"

WORDS_OF_COMMENTS = {
    CommentState.HELD: "waits for approval",
    CommentState.SUSPECTED: "waits for approval",
    CommentState.PUBLISHED: "is public",
    CommentState.REFUSED: "was not published",
    CommentState.REMOVED: "was taken away",
}


@dataclass(frozen=True)
class Known:
    """One thing that is known of a person, and how."""

    label: str
    value: str
    how: str


@dataclass(frozen=True)
class Letter:
    """One thing that was said: when, by whom, under which heading, and its words, '' where they aren't shown."""

    at: datetime
    ours: bool
    title: str
    words: str


@dataclass(frozen=True)
class Talk:
    """A page of what was said, newest first; `older` is where the next one begins."""

    letters: Sequence[Letter]
    older: Place | None


@dataclass(frozen=True)
class Agreed:
    """A consent: whether it was given or taken back, in which words, when and where."""

    given: bool
    words: str
    where: str
    at: datetime


@dataclass(frozen=True)
class Remark:
    """A comment on the guide: its chapter, how it stands, its words, and when it was written."""

    chapter: str
    stands: str
    words: str
    at: datetime


def clock_of_contact(settings: Settings, contact: Contact) -> Clock:
    """Return the clock that a contact lives by."""
    return clock_of(contact.time_zone, contact.time_zone_source, contact.phone_e164, settings.institute_zone)


def topic_of(session: Session, contact: Contact) -> str | None:
    """Return the key of what a contact is interested in, as they said last; None where nobody said."""
    if contact.topic is not None:
        return contact.topic
    newest = select(Inquiry.topic).where(Inquiry.contact_id == contact.id).order_by(Inquiry.id.desc())
    return session.scalar(newest.limit(1))


def known_of(session: Session, settings: Settings, contact: Contact, *, all: bool) -> list[Known]:
    """Return who a person is to us. Without `all` the phone number and further addresses are said to be known only."""
    lives, topic = clock_of_contact(settings, contact), topic_of(session, contact)
    phone = contact.phone_typed if all or not contact.phone_typed else "known; a fresh link shows it"
    found = [
        Known("Name", contact.name, "as you or our staff wrote it"),
        Known("E-mail", contact.email, "where our mails to you go"),
        Known("Phone", phone, "as you or our staff wrote it" if phone else ""),
        Known("Topic", topics_of(session).label(topic) if topic else "", "as you said last" if topic else ""),
        Known("Time zone", lives.zone.key, SOURCES[lives.source]),
    ]
    if contact.background is not None:
        by_staff = contact.background_source is BackgroundSource.STAFF
        where = contact.background.value.replace("_", " ").capitalize()
        found.append(Known("Where you stand", where, "as our staff say" if by_staff else "by your pathway check"))
    if all:
        further = (
            select(ContactAddress.email).where(ContactAddress.contact_id == contact.id).order_by(ContactAddress.id)
        )
        found += [Known("Also you", email, "a further address") for email in session.scalars(further)]
    return found


def talk_of(session: Session, contact: Contact, place: Place, *, all: bool) -> Talk:
    """Return a page of what was said, newest first.

    Without `all` it holds our mails to the address of today, and of what they wrote only that and when they did.
    """
    page = story_of(session, contact.id, Choice.CONVERSATION, place)
    return Talk([letter for entry in page.entries for letter in _told(session, entry, contact, all)], page.older)


def to_come(session: Session, settings: Settings, contact: Contact) -> list[tuple[Expected, str]]:
    """Return the mails to come as things stand, the next first, each with the follow-ups that it belongs to."""
    found = [(mail, run.sequence) for run in runs_of(session, settings, contact.id) for mail in run.to_come]
    return sorted(found, key=lambda one: one[0].at)


def agreed_of(session: Session, contact: Contact) -> list[Agreed]:
    """Return what a person agreed to and took back, newest first."""
    rows = select(Consent).where(Consent.contact_id == contact.id).order_by(Consent.id.desc()).limit(_MOST)
    return [
        Agreed(row.change is ConsentChange.GRANTED, row.wording, row.source, row.at) for row in session.scalars(rows)
    ]


def along_of(session: Session, contact: Contact) -> list[tuple[datetime, dict[str, str]]]:
    """Return what a person sent along with their messages, newest first: what they had read, their pathway."""
    rows = (
        select(BroughtAlong, Inquiry.received_at)
        .join(Inquiry, Inquiry.id == BroughtAlong.inquiry_id)
        .where(Inquiry.contact_id == contact.id)
        .order_by(Inquiry.id.desc())
        .limit(_MOST)
    )
    return [(at, along_words(along)) for along, at in session.execute(rows)]


def remarks_of(session: Session, keys: Sequence[str]) -> list[Remark]:
    """Return the comments that were written with one of these addresses, newest first."""
    rows = (
        select(Comment)
        .join(CommentWriter, CommentWriter.comment_id == Comment.id)
        .where(CommentWriter.email_key.in_(keys))
        .order_by(Comment.id.desc())
        .limit(_MOST)
    )
    return [
        Remark(title_of(row.chapter), WORDS_OF_COMMENTS[row.state], row.body, row.created_at)
        for row in session.scalars(rows)
    ]


def waits_of(session: Session, contact: Contact) -> Sequence[CourseWait]:
    """Return the places on waiting lists that a person holds now."""
    rows = select(CourseWait).where(CourseWait.contact_id == contact.id, CourseWait.left_at.is_(None))
    return session.scalars(rows.order_by(CourseWait.id.desc()).limit(_MOST)).all()


def by_their_clock(settings: Settings, contact: Contact) -> ZoneInfo:
    """Return the zone whose clock the page goes by."""
    return clock_of_contact(settings, contact).zone


def _told(session: Session, entry: Entry, contact: Contact, all: bool) -> Iterator[Letter]:
    match entry:
        case Said(mail) if mail.status is MessageStatus.SENT and (all or mail.recipient.lower() == contact.email_key):
            yield Letter(entry.at, True, mail.subject, _words(mail))
        case Asked(inquiry):
            about = f"Your message about “{topics_of(session).label(inquiry.topic)}”"
            title = "Your wish for a call" if inquiry.source_page == CALL else about
            yield Letter(entry.at, False, title, inquiry.message[:LONGEST_LETTER] if all else "")
        case Heard() if entry.writer is Writer.VISITOR:
            title = f"Your mail “{entry.subject}”" if all and entry.subject else "Your mail"
            yield Letter(entry.at, False, title, entry.words if all else "")
        case _:
            return


def _words(mail: Mail) -> str:
    """Return what a letter says, without its foot, which holds links."""
    if mail.kind is MessageKind.REPLY:
        return mail.words
    text = mail.text.replace("\r\n", "\n")
    return text.rpartition(_FOOT)[0].strip() or text

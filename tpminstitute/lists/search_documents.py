"""What the search reads: who a contact is, and each text that a person wrote or said about them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact, ContactAddress, ContactTag, Note
from tpminstitute.inbox.models import Inquiry, InquiryState, ReceivedMail, Writer
from tpminstitute.lists.search_models import Source
from tpminstitute.lists.search_words import APART, NAMED, REFERENCE, key_of, numbers_as_words, phones_in, words_of
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.personal import answer_in
from tpminstitute.mail.queries import plain_text
from tpminstitute.timeline.models import Activity, ActivityKind

MOST_WORDS = 10_000
"""Words of one text that are read. PostgreSQL counts positions up to 16,383."""

MOST_CHARACTERS = 100_000
"""Characters of one text that are read: PostgreSQL keeps a megabyte of words at most."""

LONGEST_KEY = 300
"""Characters of a folded name that are compared."""

SPOKE = "Spoke to them: "
"""Begins the fact of a call with something to remember."""

Pair = tuple[Source, int]
"""What a document was made from: the kind of row, and its id."""

_PRESENT = (Contact.merged_into_id.is_(None), Contact.erased_at.is_(None))

READ_MAILS = (ReceivedKind.PERSON, ReceivedKind.OUT_OF_OFFICE, ReceivedKind.UNSUBSCRIBE)
WRITERS = (Writer.VISITOR, Writer.STAFF)
SET_APART = (InquiryState.SUSPECTED, InquiryState.SPAM)


@dataclass(frozen=True)
class Person:
    """Who a contact is, as the search reads it."""

    id: int
    public_id: str
    name: str
    email: str
    phones: tuple[str, ...]
    addresses: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def name_key(self) -> str:
        """The folded name, short enough for every index."""
        return key_of(self.name)[:LONGEST_KEY]

    def words(self) -> list[str]:
        """Return all words by which they are found."""
        found = words_of(self.name)
        if "-" in self.name or "'" in self.name or "’" in self.name:
            found += words_of(self.name.replace("-", "")) + words_of(self.name.replace("'", " ").replace("’", " "))
        for text in (self.email, *self.addresses, *self.tags, *self.phones):
            found += words_of(text)
        found += numbers_as_words("".join(char for char in phone if char.isdigit()) for phone in self.phones)
        found += [NAMED + word for word in words_of(self.name)[:1]]
        return [*found, self.public_id[:REFERENCE]][:MOST_WORDS]


@dataclass(frozen=True)
class Written:
    """A text, with whose it is; `more` are further words by which it is found, `apart` whether it was set apart."""

    source: Source
    source_id: int
    contact_id: int
    at: datetime
    subject: str
    text: str
    more: str = ""
    reference: str = ""
    apart: InquiryState | None = None

    def words(self, name: str) -> list[str]:
        """Return all words by which it is found; `name` is the contact's."""
        found = words_of(self.subject) + words_of(self.text)
        named = words_of(name)
        further = [*named, *words_of(self.more), *numbers_as_words(phones_in(f"{self.text}\n{self.more}"))]
        if self.reference:
            further.append(self.reference)
        if self.apart is not None:
            further.append(APART)
        further += [NAMED + word for word in named]
        return found[: MOST_WORDS - len(further)] + further


def read_people(session: Session, ids: Collection[int]) -> list[Person]:
    """Return those contacts of `ids` that there are: who was merged into another or erased is no person any more."""
    addresses = _listed(session, ContactAddress, ContactAddress.email, ids)
    tags = _listed(session, ContactTag, ContactTag.tag, ids)
    columns = (
        Contact.id,
        Contact.public_id,
        Contact.name,
        Contact.email,
        Contact.phone_typed,
        Contact.phone_e164,
    )
    people = []
    for id, public_id, name, email, typed, e164 in session.execute(
        select(*columns).where(Contact.id.in_(ids), *_PRESENT)
    ):
        phones = tuple(phone for phone in (e164, typed) if phone)
        people.append(Person(id, public_id, name, email, phones, addresses.get(id, ()), tags.get(id, ())))
    return people


def _listed(session: Session, model: Any, column: Any, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    listed: dict[int, tuple[str, ...]] = {}
    query = select(model.contact_id, column).where(model.contact_id.in_(ids)).order_by(model.contact_id, column)
    for contact_id, text in session.execute(query):
        listed[contact_id] = (*listed.get(contact_id, ()), text)
    return listed


def read_texts(session: Session, pairs: Collection[Pair]) -> list[tuple[Written, str]]:
    """Return those texts of `pairs` that there are and that are read, each with its contact's name."""
    found: list[Written] = []
    for source, read in _READERS.items():
        ids = [source_id for kind, source_id in pairs if kind is source]
        if ids:
            found += read(session, ids)
    names = _names_of(session, {written.contact_id for written in found})
    return [
        (written, names[written.contact_id])
        for written in found
        if written.contact_id in names and (written.subject or written.text)
    ]


def texts_of(session: Session, contact_ids: Collection[int]) -> list[Pair]:
    """Return the texts of some contacts, read or not."""
    return [
        (source, source_id)
        for source, model, which in _OF_CONTACT
        for source_id in session.scalars(select(model.id).where(model.contact_id.in_(contact_ids), which))
    ]


def _names_of(session: Session, contact_ids: Collection[int]) -> Mapping[int, str]:
    rows = session.execute(select(Contact.id, Contact.name).where(Contact.id.in_(contact_ids), *_PRESENT))
    return {row.id: row.name for row in rows}


def _inquiries(session: Session, ids: Collection[int]) -> Iterator[Written]:
    query = select(
        Inquiry.id,
        Inquiry.contact_id,
        Inquiry.received_at,
        Inquiry.public_id,
        Inquiry.name,
        Inquiry.phone_typed,
        Inquiry.phone_e164,
        Inquiry.state,
        func.substr(Inquiry.message, 1, MOST_CHARACTERS),
    )
    for id, whose, at, public_id, name, typed, e164, state, text in session.execute(query.where(Inquiry.id.in_(ids))):
        apart = state if state in SET_APART else None
        more = "\n".join((name, typed, e164 or ""))
        yield Written(Source.INQUIRY, id, whose, at, "", text, more, public_id[:REFERENCE], apart)


def _received(session: Session, ids: Collection[int]) -> Iterator[Written]:
    query = select(
        ReceivedMail.id,
        ReceivedMail.contact_id,
        ReceivedMail.received_at,
        ReceivedMail.subject,
        func.substr(ReceivedMail.words, 1, MOST_CHARACTERS),
        ReceivedMail.sender_email,
    ).where(
        ReceivedMail.id.in_(ids),
        ReceivedMail.contact_id.is_not(None),
        ReceivedMail.inquiry_id.is_(None),
        ReceivedMail.kind.in_(READ_MAILS),
        ReceivedMail.writer.in_(WRITERS),
    )
    for id, whose, at, subject, text, sender in session.execute(query):
        yield Written(Source.RECEIVED, id, whose, at, subject, text, sender)


def _replies(session: Session, ids: Collection[int]) -> Iterator[Written]:
    query = select(Message.id, Message.contact_id, Message.created_at, Message.subject, Message.content).where(
        Message.id.in_(ids), Message.kind == MessageKind.REPLY, Message.status != MessageStatus.CANCELLED
    )
    for id, whose, at, subject, content in session.execute(query):
        assert whose is not None, "only a mail to staff is about no contact"
        yield Written(Source.REPLY, id, whose, at, subject, answer_in(plain_text(content))[:MOST_CHARACTERS])


def _notes(session: Session, ids: Collection[int]) -> Iterator[Written]:
    query = select(Note.id, Note.contact_id, Note.at, func.substr(Note.body, 1, MOST_CHARACTERS))
    for id, whose, at, text in session.execute(query.where(Note.id.in_(ids))):
        yield Written(Source.NOTE, id, whose, at, "", text)


def _calls(session: Session, ids: Collection[int]) -> Iterator[Written]:
    query = select(Activity.id, Activity.contact_id, Activity.at, Activity.sentence).where(
        Activity.id.in_(ids), Activity.kind == ActivityKind.CALL_NOTED
    )
    for id, whose, at, sentence in session.execute(query):
        if sentence.startswith(SPOKE):
            yield Written(Source.CALL, id, whose, at, "", sentence.removeprefix(SPOKE))


_READERS: Mapping[Source, Callable[[Session, Collection[int]], Iterator[Written]]] = {
    Source.INQUIRY: _inquiries,
    Source.RECEIVED: _received,
    Source.REPLY: _replies,
    Source.NOTE: _notes,
    Source.CALL: _calls,
}

_OF_CONTACT = (
    (Source.INQUIRY, Inquiry, true()),
    (Source.RECEIVED, ReceivedMail, true()),
    (Source.REPLY, Message, Message.kind == MessageKind.REPLY),
    (Source.NOTE, Note, true()),
    (Source.CALL, Activity, Activity.kind == ActivityKind.CALL_NOTED),
)

"""Things that need a person, made for a test: people who wait, drafts, mails to look at, mails that failed."""

import itertools
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from tests.factories import contact_of, submitted
from tpminstitute.contacts.models import Contact
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Conversation, Door, ReceivedMail, Standing, Turn, Writer
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.sequences.models import DraftStatus, Enrollment, FollowUpDraft

_numbers = itertools.count(1)


def somebody_waits(db: Database, settings: Settings, since: datetime, name: str = "", **fields: Any) -> Contact:
    """Let somebody new write, and wait for an answer since then; returns them."""
    number = next(_numbers)
    email = f"person{number}@example.org"
    submitted(db, settings, email=email, name=name or f"Person {number}", **fields)
    with db.write() as session:
        contact = session.scalars(select(Contact).where(Contact.email_key == email)).one()
        session.execute(update(Conversation).where(Conversation.contact_id == contact.id).values(since=since))
    return contact


def is_answered(db: Database, contact: Contact) -> None:
    """Say that it is a contact's turn to write."""
    whose = update(Conversation).where(Conversation.contact_id == contact.id)
    with db.write() as session:
        session.execute(whose.values(turn=Turn.VISITOR))


def looked_after(db: Database, contact: Contact, account_id: int | None) -> None:
    """Let an account look after a contact."""
    with db.write() as session:
        session.get_one(Contact, contact.id).owner_id = account_id


def a_draft_waits(db: Database, since: datetime, email: str) -> int:
    """Let the first follow-up to whom that address is wait for a word since then; returns the draft's id."""
    with db.write() as session:
        run = session.scalars(select(Enrollment).where(Enrollment.contact_id == contact_of(db, email).id)).first()
        assert run is not None, "they run through no sequence: let them consent"
        draft = FollowUpDraft(
            enrollment_id=run.id,
            version_id=run.version_id,
            number=1,
            subject="The first step",
            preheader="p",
            body="Begin.",
            reason="Alice wrote to them.",
            status=DraftStatus.WAITING,
            made_at=since,
        )
        session.add(draft)
        session.flush()
        return draft.id


def a_mail_to_look_at(db: Database, since: datetime, sender: str = "Mallory", contact: Contact | None = None) -> str:
    """Let a mail that nobody can place by itself be there since then; returns its public id."""
    number = next(_numbers)
    values = {
        "public_id": f"look{number}",
        "fingerprint": f"{number:064}",
        "door": Door.COMMAND,
        "kind": ReceivedKind.PERSON,
        "writer": Writer.VISITOR,
        "standing": Standing.DOUBTFUL,
        "doubt": "Somebody answers from an unknown address.",
        "message_id": f"<look{number}@example.org>",
        "refers_to": [],
        "sender_name": sender,
        "sender_email": "mallory@example.org",
        "recipients": [],
        "subject": "Re: The path",
        "words": "It is me.",
        "text": "It is me.",
        "problems": [],
        "received_at": since,
        "contact_id": contact.id if contact else None,
    }
    with db.write() as session:
        session.execute(insert(ReceivedMail).values(**values))
    return f"look{number}"


def a_mail_failed(db: Database, contact: Contact, at: datetime, status: MessageStatus = MessageStatus.FAILED) -> int:
    """Let one of the mails to a contact have failed at that time; returns its id."""
    unsent = select(Message.id).where(Message.contact_id == contact.id, Message.status == MessageStatus.QUEUED)
    with db.write() as session:
        message_id = session.scalars(unsent.order_by(Message.id.desc())).first()
        session.execute(
            update(Message).where(Message.id == message_id).values(status=status, reason="550 No such user", due_at=at)
        )
    assert message_id is not None
    return message_id


def many_wait(db: Database, number: int, since: datetime, owner_id: int | None = None) -> None:
    """Let as many people wait since then, whom an account may look after; only the rows that a wait needs are there."""
    with db.write() as session:
        first = (session.scalar(select(Contact.id).order_by(Contact.id.desc()).limit(1)) or 0) + 1
        ids = range(first, first + number)
        people = [
            {"id": id, "public_id": f"many{id}", "email": f"m{id}@example.org", "email_key": f"m{id}@example.org"}
            | {"name": f"Many {id}", "phone_typed": "", "first_seen_at": since, "owner_id": owner_id}
            for id in ids
        ]
        session.execute(insert(Contact), people)
        session.execute(
            insert(Conversation), [{"contact_id": id, "turn": Turn.INSTITUTE, "since": since} for id in ids]
        )

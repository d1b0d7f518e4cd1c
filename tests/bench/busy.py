"""What a filled database lacks: one contact with a history of thousands, and a day on which very much is due."""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact, Note
from tpminstitute.core import clock, tokens
from tpminstitute.core.db import Base, Database
from tpminstitute.inbox.models import Door, Inquiry, InquiryState, ReceivedMail, Standing, Writer
from tpminstitute.lists.search_upkeep import ALONE, settle
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.merging.duplicates import compare_batch
from tpminstitute.pipeline.models import Reminder
from tpminstitute.sequences.models import DraftStatus, Enrollment, EnrollmentStatus, FollowUpDraft
from tpminstitute.simulation.demo import expect_invented, look_anew
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

LONGEST = "longest.history@example.org"
"""Who has been written with for years."""

FACTS, MAILS, HEARD, NOTES, INQUIRIES = 3_000, 1_500, 1_500, 500, 200
REMINDERS, DRAFTS, DOUBTFUL, FAILED = 2_000, 1_500, 1_500, 1_500
"""What is due today; about a tenth of all people wait for an answer beside."""

COMPARED = 20
"""Batches of contacts that are compared with each other, so that there are pairs to look at."""


def make_busy(url: str) -> None:
    """Add the long history and the busy day to a database of invented people, once; the search reads what is new."""
    with closing(Database(url)) as db:
        with db.write() as session:
            expect_invented(session)
            if session.scalar(select(Contact.id).where(Contact.email_key == LONGEST)) is not None:
                return
            staff = session.scalars(select(Account.id).order_by(Account.id)).all()
            _live_long(session, staff)
            _let_much_be_due(session, staff)
        for _ in range(COMPARED):
            with db.write() as session:
                compare_batch(session)
        settle(db, at_once=ALONE)
        look_anew(db)


def _live_long(session: Session, staff: Sequence[int]) -> None:
    now = clock.now()
    contact = Contact(
        public_id=tokens.public_id(),
        email=LONGEST,
        email_key=LONGEST,
        name="Ada Longlived",
        phone_typed="",
        first_seen_at=now - timedelta(days=3_000),
        number=1,
    )
    session.add(contact)
    session.flush()
    kinds = (ActivityKind.LEAD_MOVED, ActivityKind.ENROLLED, ActivityKind.CALL_NOTED, ActivityKind.STAFF_REPLIED)

    def fact(n: int, at: datetime) -> dict[str, Any]:
        who = {"actor": Actor.STAFF, "account_id": staff[n % len(staff)]}
        return {"contact_id": contact.id, "at": at, "kind": kinds[n % 4], "sentence": f"Spoke to them: {n}.", **who}

    _many(session, Activity, FACTS, now, fact)
    _many(session, Message, MAILS, now, lambda n, at: _mail(contact.id, f"longest:{n}", MessageStatus.SENT, at))
    _many(session, ReceivedMail, HEARD, now, lambda n, at: _heard(contact.id, f"longest:{n}", Standing.TRUSTED, at))
    _many(
        session,
        Note,
        NOTES,
        now,
        lambda n, at: {
            "contact_id": contact.id,
            "account_id": staff[n % len(staff)],
            "body": f"Asked about evenings, and about price number {n}.",
            "at": at,
            "number": 1,
        },
    )
    _many(session, Inquiry, INQUIRIES, now, lambda n, at: _inquiry(contact.id, n, at))


def _let_much_be_due(session: Session, staff: Sequence[int]) -> None:
    now = clock.now()
    people = session.scalar(select(func.count()).select_from(Contact)) or 0
    apart = max(people // 5_000, 1)
    chosen = list(session.scalars(select(Contact.id).where(Contact.id % apart == 0).limit(5_000)))

    def whom(n: int) -> int:
        return chosen[n % len(chosen)]

    _many(
        session,
        Reminder,
        REMINDERS,
        now,
        lambda n, at: {
            "public_id": tokens.public_id(),
            "contact_id": whom(n),
            "account_id": staff[n % len(staff)],
            "for_id": staff[n % len(staff)],
            "text": f"Call back about question {n}.",
            "due_at": now - timedelta(minutes=n),
            "set_at": at,
            "changed_at": at,
            "number": 1,
        },
    )
    active = select(Enrollment.id, Enrollment.version_id).where(Enrollment.status == EnrollmentStatus.ACTIVE)
    runs = session.execute(active.order_by(Enrollment.id).limit(DRAFTS)).all()
    _many(
        session,
        FollowUpDraft,
        len(runs),
        now,
        lambda n, at: {
            "enrollment_id": runs[n].id,
            "version_id": runs[n].version_id,
            "number": 1,
            "subject": "Questions worth asking",
            "preheader": "",
            "body": "Hello, here are some questions.",
            "reason": "One of you was in touch with them.",
            "status": DraftStatus.WAITING,
            "made_at": at,
        },
    )
    _many(session, ReceivedMail, DOUBTFUL, now, lambda n, at: _heard(whom(n), f"doubtful:{n}", Standing.DOUBTFUL, at))
    _many(session, Message, FAILED, now, lambda n, at: _mail(whom(n), f"failed:{n}", MessageStatus.FAILED, at))


def _many(
    session: Session, table: type[Base], number: int, now: datetime, row: Callable[[int, datetime], dict[str, Any]]
) -> None:
    """Write rows that are some hours apart from each other, the oldest first."""
    rows = [row(n, now - timedelta(hours=3) * (number - n)) for n in range(number)]
    if rows:
        session.execute(insert(table), rows)


def _mail(contact_id: int, key: str, status: MessageStatus, at: datetime) -> dict[str, Any]:
    body = f"Subject: Your question\r\nContent-Type: text/plain\r\n\r\nThank you for {key}. It begins in May.\r\n"
    return {
        "kind": MessageKind.REPLY,
        "contact_id": contact_id,
        "cause": key,
        "dedupe_key": f"{key}:reply",
        "message_id": f"<{key}@tpm.example>",
        "sender": "desk@tpm.example",
        "recipient": LONGEST,
        "recipient_key": LONGEST,
        "recipient_domain": "example.org",
        "subject": "Your question",
        "content": body.encode(),
        "status": status,
        "reason": "The mail server refused it." if status is MessageStatus.FAILED else "",
        "due_at": at,
        "created_at": at,
        "attempts": 1,
        "sent_at": at if status is MessageStatus.SENT else None,
        "despite_closed": False,
    }


def _heard(contact_id: int, key: str, standing: Standing, at: datetime) -> dict[str, Any]:
    words = f"Thank you. One more question about {key}: does the course fit beside a job?"
    return {
        "public_id": tokens.public_id(),
        "fingerprint": tokens.digest(key),
        "door": Door.MAILBOX,
        "kind": ReceivedKind.PERSON,
        "writer": Writer.VISITOR,
        "standing": standing,
        "doubt": "It answers a mail of ours to somebody else." if standing is Standing.DOUBTFUL else "",
        "message_id": f"<{key}@example.org>",
        "refers_to": [],
        "sender_name": "Ada Longlived",
        "sender_email": LONGEST,
        "recipients": ["desk@tpm.example"],
        "subject": "Re: Your question",
        "words": words,
        "text": words,
        "problems": [],
        "received_at": at,
        "contact_id": contact_id,
    }


def _inquiry(contact_id: int, n: int, at: datetime) -> dict[str, Any]:
    return {
        "public_id": tokens.public_id(),
        "form_key": f"longest-{n}",
        "contact_id": contact_id,
        "name": "Ada Longlived",
        "email": LONGEST,
        "phone_typed": "",
        "topic": "courses",
        "message": f"How do I begin, once more? Question {n}.",
        "state": InquiryState.HANDLED,
        "suspicions": [],
        "source_page": "/contact",
        "source_referrer": "",
        "received_at": at,
        "followed_through_at": at,
    }

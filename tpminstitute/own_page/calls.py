"""Asking for a call from one's own page: an inquiry like any other, which says when and at which number."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import Person
from tpminstitute.contacts.topics import Topic, topics_of
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings, Switch
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.letters import CALL, reference
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.proving import may_be_proven
from tpminstitute.inbox.submit import Submission, submit_inquiry
from tpminstitute.institute.office_hours import NeverOpen
from tpminstitute.own_page.times import A_DAY
from tpminstitute.own_page.told import by_their_clock, topic_of
from tpminstitute.screening.arrivals import is_within
from tpminstitute.screening.service import Evidence
from tpminstitute.today.queries import promise_in

MOST_A_DAY = 5
"""Calls that one contact may ask for within a day."""

FURTHEST = timedelta(days=60)
"""How far ahead a time may lie."""

_SHOWN = 5


@dataclass(frozen=True)
class Wish:
    """A wish for a call: the moments that suit, in UTC, the number as typed and in E.164, and what it is about.

    `nonce` is the same for each repetition of the same form; `address` is where it was sent from.
    """

    moments: Sequence[datetime]
    phone_typed: str
    phone_e164: str | None
    about: str
    nonce: str
    address: str = ""


@dataclass(frozen=True)
class Asked:
    """A call that was asked for: when, its reference and its words; by when an answer is promised, until it was seen
    to, and whether that is over. Clear spam looks the same, or the page would tell a spammer so."""

    at: datetime
    reference: str
    words: str
    due: datetime | None
    answered: bool

    @property
    def late(self) -> bool:
        """Whether the promised moment is over."""
        return self.due is not None and self.due < clock.now()


def ask_for_call(session: Session, settings: Settings, contact: Contact, wish: Wish) -> Inquiry:
    """Take a wish for a call in as an inquiry of the contact's; a repeated one is the same inquiry.

    The caller holds the contact's row. Raises `Refusal` for a moment that is over or too far ahead, and for too many.
    """
    _expect_times(wish.moments)
    zone, key = by_their_clock(settings, contact), _form_key(contact, wish)
    if session.scalar(select(Inquiry.id).where(Inquiry.form_key == key)) is None and not is_within(
        session, settings.secret_key, f"own:call:{contact.id}", MOST_A_DAY, A_DAY
    ):
        raise Refusal(
            f"You asked for a call {MOST_A_DAY} times within a day, so this one was not taken. The others were kept: a "
            "person answers them."
        )
    email = EmailAddress(contact.email, contact.email_key)
    topic = topic_of(session, contact)
    submission = Submission(
        form_key=key,
        person=Person(contact.name, email, wish.phone_typed, wish.phone_e164),
        topic=topic if topic is not None and topic in topics_of(session) else Topic.OTHER.value,
        message=in_words(wish, zone, settings.institute_zone),
        wording=None,
        source_page=CALL,
        source_referrer="",
        evidence=_evidence(settings, contact, wish),
    )
    public_id = submit_inquiry(session, settings, submission)
    return session.scalars(select(Inquiry).where(Inquiry.public_id == public_id)).one()


def in_words(wish: Wish, zone: ZoneInfo, office: ZoneInfo) -> str:
    """Return a wish for a call as a letter; each moment by the contact's clock, and the office's where it differs."""
    times = [zones.written(moment, zone) + _by_office(moment, zone, office) for moment in wish.moments]
    suits = "These times suit me" if len(times) > 1 else "This time suits me"
    listed = "\n".join(f"- {one}" for one in times)
    return f"Please call me at {wish.phone_typed}. {suits}:\n{listed}\n\nWhat it is about:\n{wish.about}"


def calls_of(session: Session, settings: Settings, contact: Contact) -> list[Asked]:
    """Return the calls that a contact asked for lately, newest first; one that is taken for spam isn't told apart."""
    rows = select(Inquiry).where(Inquiry.contact_id == contact.id, Inquiry.source_page == CALL)
    found = session.scalars(rows.order_by(Inquiry.id.desc()).limit(_SHOWN)).all()
    return [
        Asked(
            inquiry.received_at,
            reference(inquiry),
            inquiry.message,
            _due(session, settings, inquiry),
            inquiry.state is InquiryState.HANDLED,
        )
        for inquiry in found
    ]


def _expect_times(moments: Sequence[datetime]) -> None:
    now = clock.now()
    if not moments:
        raise Refusal("Write a day and a time that suits you. Nothing was sent.")
    if min(moments) <= now:
        raise Refusal("Choose a time that is still to come. Nothing was sent.")
    if max(moments) > now + FURTHEST:
        raise Refusal(f"Choose a time within the next {FURTHEST.days} days. Nothing was sent.")


def _by_office(moment: datetime, zone: ZoneInfo, office: ZoneInfo) -> str:
    same = zones.reading(moment, zone) == zones.reading(moment, office)
    return "" if same else f", which is {zones.written(moment, office)}"


def _form_key(contact: Contact, wish: Wish) -> str:
    said = [moment.isoformat() for moment in wish.moments]
    return tokens.digest(json.dumps(["call", wish.nonce, contact.public_id, said, wish.phone_typed, wish.about]))


def _evidence(settings: Settings, contact: Contact, wish: Wish) -> Evidence | None:
    if settings.screening is Switch.OFF:
        return None
    return Evidence(
        name=contact.name, email=contact.email_key, text=wish.about, address=wish.address, form=wish.nonce[:100]
    )


def _due(session: Session, settings: Settings, inquiry: Inquiry) -> datetime | None:
    if inquiry.state is InquiryState.HANDLED or may_be_proven(inquiry):
        return None
    try:
        return promise_in(session, settings).due_at(inquiry.received_at)
    except NeverOpen:
        return None

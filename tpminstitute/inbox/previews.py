"""A letter as one of the newest contacts would get it, before anybody does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import own_form
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.inbox.letters import (
    ACKNOWLEDGEMENTS,
    PATHWAY,
    acknowledgement_frame,
    acknowledgement_variables,
    reference,
)
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address
from tpminstitute.mail.drafts import is_for_replies
from tpminstitute.mail.letters import Frame, Letter, LetterSource, filled, render
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.personal import render_personal
from tpminstitute.sequences.letters import follow_up_frame, follow_up_variables
from tpminstitute.sequences.pathways import BroughtPathway, brought_pathways

READERS = 12
"""How many of the newest contacts may be chosen."""

TEST_MARK = "[Test]"

SIGNED = "Your name"
"""Stands in a preview where whoever sends the reply will stand."""


@dataclass(frozen=True)
class Reader:
    """Somebody a letter is made for; a made-up one has no `contact_id` and the public id ''.

    `pathway` is what they sent along, if they did.
    """

    public_id: str
    contact_id: int | None
    name: str
    topic: str
    reference: str
    pathway: BroughtPathway | None = None


_MADE_UP_PATHWAY = {
    "standing": "In a technical role",
    "standing_why": "You see technical projects from within.",
    "behind": "A technical education, A technical role, Communication",
    "first_step": "Move into a project management role",
    "first_why": "You know technical projects from within, and have not managed one as a whole.",
    "first_words": "Over time, transitioning into a project management role allows you to gain experience managing "
    "teams, deadlines, and project scopes.",
    "second_step": "Find a mentor",
    "second_why": "No seasoned program manager advises you yet.",
    "second_words": "seeking mentorship from seasoned program managers can also provide invaluable guidance and "
    "opportunities for growth",
    "third_step": "Attend an industry conference",
    "third_why": "This step is for everybody, however far they are.",
    "third_words": "Attend industry conferences, participate in training programs, and keep abreast of emerging "
    "technologies and methodologies.",
    "certifications": "Certified Scrum Master (CSM) fits. You know how technical projects are executed.",
    "skills": "Leadership, Organizational skills",
}


_MADE_UP_SAYS = {name: _MADE_UP_PATHWAY[name] for name in ("first_step", "second_step", "third_step")}
MADE_UP = Reader(
    "",
    None,
    "Ada Lovelace",
    "Becoming a technical program manager",
    "7K3M-9Q2X",
    BroughtPathway("", {**_MADE_UP_SAYS, "fitting_certification": "Certified Scrum Master (CSM)"}),
)


def newest_readers(session: Session) -> Sequence[Reader]:
    """Return the newest contacts with what they last wrote about, or made-up Ada when there is none."""
    return _readers(session, _contacts().order_by(Contact.id.desc()).limit(READERS)) or [MADE_UP]


def reader_of(session: Session, public_id: str) -> Reader:
    """Return the contact with that public id, or the first of `newest_readers` when there is none."""
    found = _readers(session, _contacts().where(Contact.public_id == public_id)) if public_id else []
    return (found or newest_readers(session))[0]


def variables_for(settings: Settings, key: str, reader: Reader) -> dict[str, str]:
    """Return the variables of the letter of `key` with their values for `reader`, as the real mail has them."""
    if key in ACKNOWLEDGEMENTS:
        told = acknowledgement_variables(settings, reader.name, reader.topic, reader.reference)
        return told | made_up_pathway(settings.public_url) if key == PATHWAY else told
    return follow_up_variables(settings, key, reader.name, reader.topic, reader.pathway)


def made_up_pathway(public_url: str) -> dict[str, str]:
    """Return what the letter with a pathway says, as of somebody made up: in a preview nobody took the check."""
    return {**_MADE_UP_PATHWAY, "pathway_url": f"{public_url}/pathway"}


def letter_for(settings: Settings, key: str, source: LetterSource, reader: Reader) -> Letter:
    """Make the letter of `key` from `source` as `reader` would get it, with links that are nobody's.

    Raises `LetterError` when it can't be made.
    """
    values = variables_for(settings, key, reader)
    if is_for_replies(key):
        signature = f"{SIGNED}\n{settings.institute_name}"
        return render_personal(
            filled(source.subject, values), filled(source.body, values), signature, own_form(settings)
        )
    return render(source, values, _frame(settings, key))


def send_test(
    session: Session, settings: Settings, key: str, source: LetterSource, reader: Reader, account: Account, nonce: str
) -> bool:
    """Queue the letter as `reader` would get it to the account's own address, its subject marked as a test.

    It has no cause that anything else shares, so nothing that happens to the contact cancels it.
    Returns False when the same letter was queued for the same page (`nonce`) before.
    Raises `Refusal` without a real contact, and `LetterError` when the letter can't be made.
    """
    if reader.contact_id is None:
        raise Refusal("A test needs a real contact to be made for, and there is none yet. Nothing was sent.")
    letter = letter_for(settings, key, source, reader)
    once = tokens.digest("\n".join([nonce, str(account.id), reader.public_id, letter.subject, letter.html]))
    return outbox.queue(
        session,
        settings,
        outbox.Order(
            kind=MessageKind.TEST,
            contact_id=reader.contact_id,
            cause=f"test:{account.id}",
            dedupe_key=f"test:{once}",
            recipient=Address(one_line(account.name, 100), account.email),
            recipient_key=read_email(account.email).key,
            letter=replace(letter, subject=f"{TEST_MARK} {letter.subject}"),
            headers={"Auto-Submitted": "auto-generated"},
        ),
    )


def _frame(settings: Settings, key: str) -> Frame:
    if key in ACKNOWLEDGEMENTS:
        return acknowledgement_frame(settings, own_form(settings))
    return follow_up_frame(settings, f"{settings.public_url}/unsubscribe/example", own_form(settings))


def _contacts() -> Select[Contact, Inquiry]:
    newest = select(func.max(Inquiry.id)).where(Inquiry.contact_id == Contact.id).correlate(Contact).scalar_subquery()
    present = Contact.merged_into_id.is_(None) & Contact.erased_at.is_(None)
    return select(Contact, Inquiry).outerjoin(Inquiry, Inquiry.id == newest).where(present)


def _readers(session: Session, contacts: Select[Contact, Inquiry]) -> Sequence[Reader]:
    rows, topics = session.execute(contacts).all(), topics_of(session)
    pathways = brought_pathways(session, [contact.id for contact, _ in rows])
    readers = []
    for contact, inquiry in rows:
        topic = topics.label(inquiry.topic) if inquiry else MADE_UP.topic
        named = reference(inquiry) if inquiry else MADE_UP.reference
        pathway = pathways.get(contact.id)
        readers.append(Reader(contact.public_id, contact.id, contact.name, topic, named, pathway))
    return readers

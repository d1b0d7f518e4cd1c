"""The mail of a step: its letter for one reader, its place in the outbox, and taking it back from there."""

from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import own_form, own_url
from tpminstitute.core.config import Settings
from tpminstitute.core.tokens import Signer
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address, feedback_id
from tpminstitute.mail.drafts import OF_PATHWAY
from tpminstitute.mail.letters import Letter, LetterSource, render, variables_in
from tpminstitute.mail.links import sent_through
from tpminstitute.mail.models import Message, MessageKind
from tpminstitute.mail.reply_addresses import reply_to_institute
from tpminstitute.sequences.clicks import Link, counted_address
from tpminstitute.sequences.letters import follow_up_frame, follow_up_variables
from tpminstitute.sequences.models import Enrollment, Sequence, SequenceStep, StepOutcome
from tpminstitute.sequences.pathways import brought_pathways
from tpminstitute.sequences.records import note_step
from tpminstitute.sequences.versions import step_key, steps_of


def unsubscribe_url(settings: Settings, contact: Contact) -> str:
    """Return the contact's own address for leaving the follow-ups; it never expires."""
    return f"{settings.public_url}/unsubscribe/{_token(settings.secret_key, contact.public_id)}"


@lru_cache(maxsize=256)
def _token(secret_key: str, public_id: str) -> str:
    """A mail names it twice, in its header and in its words."""
    return Signer(secret_key, "unsubscribe").sign(public_id)


def letter_for(
    session: Session, settings: Settings, contact: Contact, run: Enrollment, key: str, source: LetterSource
) -> Letter:
    """Make the letter of `key` from `source` as the contact gets it; raises `LetterError` when it can't be made.

    The database is asked for their pathway only where the letter speaks of it.
    """
    speaks_of_it = not variables_in(source).isdisjoint(OF_PATHWAY)
    pathway = brought_pathways(session, [contact.id]).get(contact.id) if speaks_of_it else None
    return render(
        source,
        follow_up_variables(settings, key, contact.name, run.topic, pathway),
        follow_up_frame(settings, unsubscribe_url(settings, contact), own_url(settings, contact.public_id)),
    )


def queue_mail(session: Session, settings: Settings, run: Enrollment, step: SequenceStep, letter: Letter) -> bool:
    """Queue the mail of a step.

    Returns False when the run's mail of that step was queued before; then nothing is written.
    """
    contact = session.get_one(Contact, run.contact_id)
    sequence = session.get_one(Sequence, run.sequence_id)
    return outbox.queue(session, settings, order_for(settings, contact, run, sequence, step, letter))


def order_for(
    settings: Settings, contact: Contact, run: Enrollment, sequence: Sequence, step: SequenceStep, letter: Letter
) -> outbox.Order:
    """Return the mail that a step owes, with the headers by which its reader leaves with one click (RFC 8058).

    Its links lead through an address of ours where staff chose to count them for `sequence`.
    """
    url = unsubscribe_url(settings, contact)
    if sequence.counts_clicks:
        letter = sent_through(
            letter,
            lambda link: counted_address(settings, Link(run.id, step.number, link)),
            never=(url, f"{own_form(settings)}/"),
        )
    return outbox.Order(
        kind=MessageKind.FOLLOW_UP,
        contact_id=contact.id,
        cause=f"enrollment:{run.id}",
        dedupe_key=step_key(run.id, step.number),
        recipient=Address("", contact.email),
        recipient_key=contact.email_key,
        letter=letter,
        reply_to=reply_to_institute(settings, contact.public_id),
        headers={
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": feedback_id(MessageKind.FOLLOW_UP, step.letter_key, settings.mail_from),
        },
    )


def take_back(session: Session, run: Enrollment, reason: str) -> SequenceStep | None:
    """Take a run's unsent mails back and return the step at which the run stands again, if any was unsent.

    The caller holds the run's row. A mail that was overtaken by a later step's stays cancelled, so the order is kept.
    """
    freed = set(outbox.take_back(session, f"enrollment:{run.id}", reason))
    if not freed:
        return None
    steps = {step_key(run.id, step.number): step for step in steps_of(session, run.version_id)}
    taken = session.scalars(select(Message.dedupe_key).where(Message.dedupe_key.in_(steps))).all()
    reached = max((steps[key].position for key in taken), default=0)
    back = [step for key, step in steps.items() if key in freed]
    for step in back:
        sentence = f"It was written, and taken back before it went out. {reason}"
        note_step(session, run, step.number, StepOutcome.HELD, sentence)
    return next((step for step in back if step.position > reached), None)

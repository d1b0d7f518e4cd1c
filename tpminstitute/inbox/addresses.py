"""Closing an address by hand, and the considered way to open one again."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Contact
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import masked
from tpminstitute.inbox.opt_out import unsubscribed
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.mail.suppression import SENTENCES, lift, narrow_to_opt_out, suppress, suppression_of
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

LONGEST_NOTE = 500

CLOSED_BY_HAND = "The address was closed by hand."

GONE = "This address is not on the list any more, or for another reason than before. Nothing was changed."

LIFTED = {
    SuppressionReason.HARD_BOUNCE: "Mail to this address is tried again from now on.",
    SuppressionReason.COMPLAINT: "Mail to this address is sent again from now on, despite the complaint.",
    SuppressionReason.OPT_OUT: "Follow-ups may go to this address again.",
    SuppressionReason.BY_HAND: "Mail to this address is sent again from now on.",
}


@dataclass(frozen=True)
class Reopening:
    """What somebody at the desk says who takes an address off the list.

    `typed` is the address typed once more (a complaint needs it), `asked` that the person asked for it (an opt-out).
    """

    reason: str
    typed: str = ""
    asked: bool = False


def close_by_hand(session: Session, address: EmailAddress, note: str, account_id: int) -> None:
    """Close an address to every mail but the institute's own, and stop the follow-ups that run to it.

    Raises `Refusal` without a note, and when the address is closed to everything already.
    """
    note = _sentence(note, "Write why the address is closed")
    contact = _locked_contact(session, address.key)
    if not suppress(session, address.key, SuppressionReason.BY_HAND, note, account_id):
        closed = suppression_of(session, address.key)
        why = SENTENCES[closed.reason] if closed else ""
        raise Refusal(f"{address.address} is closed already. {why} Nothing was changed.")
    about = contact.id if contact else None
    record_audit(session, "address_closed", masked(address.key), account_id=account_id, contact_id=about)
    if contact is None:
        return
    sentence = f"The address was closed to mail. {note}"
    record(session, contact.id, ActivityKind.ADDRESS_CLOSED, sentence, account_id=account_id)
    stop_for_contact(session, contact.id, CLOSED_BY_HAND)


def reopen(session: Session, closed: Suppression, said: Reopening, account_id: int) -> str:
    """Take an address off the list; returns a sentence that says what holds now.

    An address whose owner unsubscribed before stays closed to follow-ups. What was stopped is not started again.
    Raises `Refusal` where the way off asks for more than was said, or when the list changed meanwhile.
    """
    reason = _sentence(said.reason, "Write why the address is opened again")
    _consider(closed, said)
    contact = _locked_contact(session, closed.email_key)
    wider = closed.reason is not SuppressionReason.OPT_OUT
    if wider and contact is not None and unsubscribed(session, contact):
        note = f"Closed to everything before: {SENTENCES[closed.reason]}"
        done = narrow_to_opt_out(session, closed.id, closed.reason, note)
        outcome = "Answers are sent again; follow-ups are not, since the person unsubscribed."
    else:
        done, outcome = lift(session, closed.id, closed.reason), LIFTED[closed.reason]
    if not done:
        raise Refusal(GONE)
    kind = closed.reason.value.replace("_", " ")
    about, subject = contact.id if contact else None, f"{masked(closed.email_key)} ({kind})"
    record_audit(session, "address_reopened", subject, account_id=account_id, contact_id=about)
    if contact is not None:
        sentence = f"The address was opened again ({kind}). {reason}"
        record(session, contact.id, ActivityKind.ADDRESS_REOPENED, sentence, account_id=account_id)
    return outcome


def _consider(closed: Suppression, said: Reopening) -> None:
    if closed.reason is SuppressionReason.COMPLAINT and said.typed.strip().lower() != closed.email_key:
        raise Refusal("Type the address once more, letter by letter: somebody there reported our mail as spam.")
    if closed.reason is SuppressionReason.OPT_OUT and not said.asked:
        raise Refusal("Only the person can undo an unsubscription. Tick the box if they asked for it.")


def _sentence(text: str, ask: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise Refusal(f"{ask}: whoever looks later will want to know.")
    if len(text) > LONGEST_NOTE:
        raise Refusal(f"Shorten this to {LONGEST_NOTE} characters: it has {len(text)}.")
    return text


def _locked_contact(session: Session, email_key: str) -> Contact | None:
    """Return the contact of an address, locked, so that no inquiry enrolls it meanwhile."""
    return session.scalar(select(Contact).where(Contact.email_key == email_key).with_for_update(key_share=True))

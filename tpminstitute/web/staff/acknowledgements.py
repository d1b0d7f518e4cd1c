"""The acknowledgements that were left out, since their letter was broken, and the button that sends one later."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.inbox.letters import acknowledgement_letters
from tpminstitute.inbox.models import Inquiry
from tpminstitute.inbox.queries import unacknowledged
from tpminstitute.mail.suppression import closed_to_answers
from tpminstitute.mail.templates import why_unsendable
from tpminstitute.web.staff.access import list_place, may_act
from tpminstitute.web.staff.views import Action


@dataclass(frozen=True)
class Owed:
    """An acknowledgement that was left out: what stands in its way, or the button that sends it."""

    hindrance: str = ""
    mend_url: str | None = None
    age: str = ""
    action: Action | None = None


def owed_acknowledgements(session: Session, contact: Contact, inquiries: Sequence[Inquiry]) -> dict[str, Owed]:
    """Return the acknowledgements that a contact's `inquiries` still owe, by the inquiries' public ids."""
    ids = unacknowledged(session, inquiries)
    if not ids:
        return {}
    owed = [inquiry for inquiry in inquiries if inquiry.id in ids]
    if closed_to_answers(session, contact.email_key) is not None:
        closed = Owed("It can’t be sent now, since the address is closed.")
        return {inquiry.public_id: closed for inquiry in owed}
    keys = acknowledgement_letters(session, contact.id, owed)
    broken = {key: _broken(session, key) for key in {*keys.values()}}
    return {inquiry.public_id: broken[keys[inquiry.id]] or _ready(inquiry) for inquiry in owed}


def _broken(session: Session, key: str) -> Owed | None:
    problem = why_unsendable(session, key)
    return Owed(f"It can’t be sent yet. {problem}", url_for("staff.letter", key=key)) if problem else None


def _ready(inquiry: Inquiry) -> Owed:
    days = (clock.now() - inquiry.received_at).days
    age = f"The inquiry is {days} day{'' if days == 1 else 's'} old: perhaps an answer of your own says more by now."
    url = url_for("staff.acknowledge", public_id=inquiry.public_id, **list_place())
    return Owed(age=age if days else "", action=Action("Send acknowledgement", url) if may_act() else None)

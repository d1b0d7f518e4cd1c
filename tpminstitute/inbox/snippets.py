"""Texts that staff put into their replies: written once, with the name of whoever gets them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.own_keys import REPLY
from tpminstitute.inbox.previews import reader_of, variables_for
from tpminstitute.mail.letters import filled
from tpminstitute.mail.models import Template, TemplateVersion
from tpminstitute.mail.templates import current_source

_SNIPPETS = (
    select(Template)
    .where(Template.key.startswith(REPLY, autoescape=True), Template.id.in_(select(TemplateVersion.template_id)))
    .order_by(Template.name, Template.id)
)


def snippets(session: Session) -> Sequence[Template]:
    """Return the texts for replies that are written, by name."""
    return session.scalars(_SNIPPETS).all()


def snippet_for(session: Session, settings: Settings, contact: Contact, key: str) -> tuple[str, str]:
    """Return the subject and the text of `key` as a contact would get them.

    Raises `Refusal` when there is no such text, and `LetterError` when it can't be made for this reader.
    """
    if not key.startswith(REPLY):
        raise Refusal("Choose one of the texts first. Nothing was put in.")
    source = current_source(session, key)
    values = variables_for(settings, key, reader_of(session, contact.public_id))
    return filled(source.subject, values), filled(source.body, values).strip()

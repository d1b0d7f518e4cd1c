"""The letters: whether each that goes out now can still be made, by the rules of today."""

from sqlalchemy.orm import Session

from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.doctor.findings import Finding, ok, wrong
from tpminstitute.inbox.letters import ACKNOWLEDGEMENTS
from tpminstitute.mail.drafts import is_for_replies
from tpminstitute.mail.models import Template
from tpminstitute.mail.templates import newest_version, templates, why_unsendable

SUBJECT = "Letters"

LEFT_OUT = "Until then acknowledgements are left out; the contact's page sends each of them later."
WAITS = "Until then the follow-ups that need it wait."
NOT_PUT_IN = "Until then it can't be put into a reply."


def check_letters(db: Database, settings: Settings) -> list[Finding]:
    """Make each letter of variables at their longest; a saved one was checked by the rules of the day it was saved.

    One without a text is in nobody's way: a sequence can't be switched on with it.
    """
    with db.read() as session:
        letters = [letter for letter in templates(session) if newest_version(session, letter.key).written]
        found = [finding for letter in letters if (finding := _unsendable(session, settings, letter)) is not None]
    return found or [ok(SUBJECT, f"All {len(letters)} can be sent.")]


def _unsendable(session: Session, settings: Settings, letter: Template) -> Finding | None:
    problem = why_unsendable(session, letter.key)
    if not problem:
        return None
    meanwhile = LEFT_OUT if letter.key in ACKNOWLEDGEMENTS else NOT_PUT_IN if is_for_replies(letter.key) else WAITS
    do = f"Mend it at {settings.public_url}/staff/templates/{letter.key}, or restore another version there. {meanwhile}"
    return wrong(SUBJECT, f"The letter “{letter.name}” can't be sent. {problem}", do)

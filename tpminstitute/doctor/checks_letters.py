"""The letters: whether each that goes out now can still be made, by the rules of today."""

from sqlalchemy.orm import Session

from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.doctor.findings import Finding, ok, wrong
from tpminstitute.inbox.letters import ACKNOWLEDGEMENT
from tpminstitute.mail.drafts import ALLOWED
from tpminstitute.mail.templates import why_unsendable

SUBJECT = "Letters"

LEFT_OUT = "Until then acknowledgements are left out; the contact's page sends each of them later."
WAITS = "Until then the follow-ups that need it wait."


def check_letters(db: Database, settings: Settings) -> list[Finding]:
    """Make each letter of variables at their longest; a saved one was checked by the rules of the day it was saved."""
    with db.read() as session:
        found = [finding for key in ALLOWED if (finding := _unsendable(session, settings, key)) is not None]
    return found or [ok(SUBJECT, f"All {len(ALLOWED)} can be sent.")]


def _unsendable(session: Session, settings: Settings, key: str) -> Finding | None:
    problem = why_unsendable(session, key)
    if not problem:
        return None
    meanwhile = LEFT_OUT if key == ACKNOWLEDGEMENT else WAITS
    do = f"Mend it at {settings.public_url}/staff/templates/{key}, or restore another version there. {meanwhile}"
    return wrong(SUBJECT, f"The letter “{key}” can't be sent. {problem}", do)

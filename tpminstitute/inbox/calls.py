"""Calls that staff noted: a person spoke to the contact, so what is automatic asks first."""

from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import without_hidden
from tpminstitute.sequences.pauses import ask_first
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

LONGEST = 2_000
"""Characters of what was said."""


def note_call(session: Session, settings: Settings, contact: Contact, account: Account, said: str = "") -> None:
    """Record a call with a contact, and what was said if anything is worth it; the next follow-up asks first.

    The caller holds the contact's row. Raises `Refusal` for more than `LONGEST` characters.
    """
    words = without_hidden(said).strip()
    if len(words) > LONGEST:
        raise Refusal(f"Shorten the note: it has {len(words):,} characters, and {LONGEST:,} are the most.")
    sentence = f"Spoke to them: {words}" if words else "Spoke to them."
    record(session, contact.id, ActivityKind.CALL_NOTED, sentence, account_id=account.id)
    ask_first(session, settings, contact.id, f"{account.name} spoke to them.")

"""Write to the institute's own people: a letter of ours that is about no contact."""

from pathlib import Path

from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import read_email
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address
from tpminstitute.mail.letters import TEMPLATES, Frame, Letter, letter_sources, render
from tpminstitute.mail.models import MessageKind

ONLY = "It goes to the institute’s own people only."

LETTERS: Path = TEMPLATES / "staff"
"""Where the letters to staff are; nobody edits them at the desk."""


def staff_letter(settings: Settings, key: str, reason: str, **variables: str) -> Letter:
    """Make the letter `key` of templates/email/staff, with `reason` at its foot: why whoever gets it does.

    Raises `LetterError` when it can't be made.
    """
    own = (settings.institute_name, settings.institute_email, settings.postal_address)
    return render(
        letter_sources(LETTERS)[key],
        {"institute_name": settings.institute_name, **variables},
        Frame(*own, reason=f"{reason} {ONLY}"),
    )


def write_to_staff(
    session: Session, settings: Settings, letter: Letter, *, name: str, email: str, cause: str, dedupe_key: str
) -> bool:
    """Queue a letter to one of the institute's own people; no closed address and no limit stands against it.

    Parameters: `name`, '' where none is known; `cause`, the fact that makes it, such as ``invitation:3``;
    `dedupe_key`, the mail that this fact owes once.
    Returns False when it was queued before.
    """
    return outbox.queue(
        session,
        settings,
        outbox.Order(
            kind=MessageKind.STAFF,
            contact_id=None,
            cause=cause,
            dedupe_key=dedupe_key,
            recipient=Address(one_line(name, 100), email),
            recipient_key=read_email(email).key,
            letter=letter,
            headers={"Auto-Submitted": "auto-generated"},
        ),
    )

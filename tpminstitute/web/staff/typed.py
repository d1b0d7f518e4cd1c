"""What was typed on a contact's page and not kept, so that it comes back as it was, with the sentence that says why."""

from dataclasses import dataclass
from datetime import datetime

from tpminstitute.contacts.notes import Written


@dataclass(frozen=True)
class Draft:
    """An answer as it is being written; `problem` says why it was not sent, `asks` that the address is closed.

    `when` is the moment that was chosen for later, as a clock shows it: theirs, or the institute's with `ours`.
    `kept_at` is when it was kept as a draft.
    """

    subject: str
    text: str
    nonce: str
    problem: str = ""
    asks: bool = False
    when: str = ""
    ours: bool = False
    later: bool = False
    kept_at: datetime | None = None


@dataclass(frozen=True)
class Call:
    """The note of a call as it is being written; `problem` says why it was not kept."""

    said: str = ""
    problem: str = ""


@dataclass(frozen=True)
class NoteText:
    """A note as it is being written; `note_id` is 0 for a new one, `theirs` what a colleague saved meanwhile."""

    body: str = ""
    problem: str = ""
    note_id: int = 0
    number: int = 1
    theirs: Written | None = None


@dataclass(frozen=True)
class DetailsText:
    """Who somebody is, as it is being typed; `problem` says why it was not kept, `field` to which field that belongs.

    `theirs` are the name, address and phone number that a colleague saved meanwhile.
    """

    name: str = ""
    email: str = ""
    phone: str = ""
    number: int = 0
    problem: str = ""
    field: str = ""
    theirs: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Typed:
    """All of it; None stands for an empty form, or the kept draft."""

    draft: Draft | None = None
    call: Call = Call()
    note: NoteText = NoteText()
    details: DetailsText | None = None

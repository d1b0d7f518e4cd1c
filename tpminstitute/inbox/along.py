"""What travels with an inquiry because its writer sent it along, in the words that they saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Background
from tpminstitute.core.text import one_line
from tpminstitute.inbox.models import BroughtAlong, Inquiry, InquiryState

LONGEST_ABOUT = 200
"""Characters of what is asked about."""


@dataclass(frozen=True)
class Along:
    """What one inquiry brings along; all of it may be empty.

    `about` says what is asked about, such as “the chapter “Gaining Relevant Experience””; `edition` is that of the
    guide, `read` the titles of the chapters that were read; `pathway` is the answers of a pathway check as its address
    has them, `pathway_words` what it said, `background` what its reader counts as. `pathway_letter` is what the letter
    says that mails it to them (`mail.drafts.PATHWAY`), None where they didn't ask for that; `pathway_says` is what
    follow-ups may name of it.
    """

    about: str = ""
    edition: str = ""
    read: Sequence[str] = ()
    pathway: str = ""
    pathway_words: str = ""
    background: Background | None = None
    pathway_letter: Mapping[str, str] | None = None
    pathway_says: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.about or self.read or self.pathway)


NOTHING = Along()
"""What most inquiries bring along."""


def keep_along(session: Session, inquiry_id: int, along: Along) -> None:
    """Keep what an inquiry brought along, if it brought anything."""
    if not along:
        return
    session.execute(
        insert(BroughtAlong).values(
            inquiry_id=inquiry_id,
            about=one_line(along.about, LONGEST_ABOUT),
            edition=along.edition if along.about or along.read else "",
            chapters_read=list(along.read),
            pathway=along.pathway,
            pathway_words=along.pathway_words,
            pathway_background=along.background,
            pathway_letter=None if along.pathway_letter is None else dict(along.pathway_letter),
            pathway_says=None if along.pathway_says is None else dict(along.pathway_says),
        )
    )


def along_words(along: BroughtAlong | Along | None) -> dict[str, str]:
    """Return what was brought along as staff read it: a label and its words each."""
    if along is None:
        return {}
    read = along.chapters_read if isinstance(along, BroughtAlong) else along.read
    edition = f" (edition {along.edition})" if along.edition else ""
    told = {
        "Asks about": along.about,
        "Had read": "; ".join(read) + edition if read else "",
        "Pathway check": along.pathway_words,
    }
    return {label: words for label, words in told.items() if words}


_NEWEST_PATHWAY = (
    select(BroughtAlong, Inquiry)
    .join(Inquiry, Inquiry.id == BroughtAlong.inquiry_id)
    .where(
        Inquiry.contact_id == bindparam("contact"),
        Inquiry.state.in_((InquiryState.OPEN, InquiryState.HANDLED)),
        BroughtAlong.pathway != "",
    )
    .order_by(Inquiry.id.desc())
    .limit(1)
)


def newest_pathway(session: Session, contact_id: int) -> tuple[BroughtAlong, Inquiry] | None:
    """Return the newest pathway that a contact brought along, with the inquiry that did; spam and suspects aside."""
    found = session.execute(_NEWEST_PATHWAY, {"contact": contact_id}).one_or_none()
    return None if found is None else (found[0], found[1])

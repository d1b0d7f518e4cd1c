"""Who else is on a contact's page, who is writing, and what is new since it was opened."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from tpminstitute.contacts.presence import FRESH, be_here
from tpminstitute.core import clock
from tpminstitute.core.text import visible
from tpminstitute.inbox.unsent import Writing, beside
from tpminstitute.timeline.queries import count_news
from tpminstitute.web.common import session
from tpminstitute.web.moments import how_long
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import id_argument, me
from tpminstitute.web.staff.one_contact import contact_or_404


@dataclass(frozen=True)
class Others:
    """What a page says of colleagues, in sentences; both lists may be empty."""

    here: list[str]
    writing: list[str]

    @property
    def sentences(self) -> list[str]:
        """All of them, who writes first."""
        return [*self.writing, *self.here]


@staff.post("/contacts/<public_id>/here")
def be_on_contact(public_id: str) -> dict[str, Any]:
    """Say that one has the contact open; answers who else has, and how much is new since the fact `?after=`."""
    contact = contact_or_404(public_id)
    be_here(session(), contact.id, me().id)
    news = count_news(session(), contact.id, me().id, id_argument("after") or 0)
    return {"others": others_of(session(), contact.id, me().id).sentences, "news": _in_words(news)}


def others_of(session: Session, contact_id: int, account_id: int) -> Others:
    """Return what colleagues do on a contact's page now, or left unfinished there."""
    found = beside(session, contact_id, account_id)
    busy = {draft.name for draft in found.writing if clock.now() - draft.at < FRESH}
    here = [visible(name) for name in found.here if name not in busy]
    return Others([f"{name} has this contact open." for name in here], [_sentence(draft) for draft in found.writing])


def _sentence(draft: Writing) -> str:
    name, waited = visible(draft.name), how_long(draft.since).striptags()
    if clock.now() - draft.at < FRESH:
        return f"{name} is writing a reply, begun {waited} ago."
    return f"{name} has an unfinished reply, begun {waited} ago."


def _in_words(news: int) -> str:
    return "" if not news else "One new thing happened." if news == 1 else f"{news} new things happened."

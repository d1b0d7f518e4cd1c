"""What a contact's page and a draft's own page show of a follow-up that waits for a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, url_for
from sqlalchemy.orm import Session

from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.mail.letters import Letter, LetterError, LetterSource
from tpminstitute.sequences.drafts import Waiting, against_sending, letter_of, waiting_for
from tpminstitute.sequences.planning import zone_of
from tpminstitute.web.common import CONTENT_SECURITY_POLICY
from tpminstitute.web.staff.access import list_place
from tpminstitute.web.staff.letter_draft import drafts as draft_signer

MORNING, EVENING = 7, 21
"""Hours of the day between which nobody is woken by a mail."""


@dataclass(frozen=True)
class WaitingView:
    """A draft as its reader would get it (`letter`), or the sentence why it can't be made (`problem`).

    `against` says why it can't be sent now, `night` that it is night where its reader lives; both may be ''.
    """

    id: int
    run_id: int
    name: str
    contact_url: str
    sequence: str
    reason: str
    since: datetime
    source: LetterSource
    letter: Letter | None
    problem: str
    against: str
    night: str
    preview_url: str
    edit_url: str
    send_url: str
    drop_url: str
    check_url: str


def waiting_views(session: Session, settings: Settings, contact_id: int) -> Sequence[WaitingView]:
    """Return what waits for a word about one contact, oldest first."""
    return [waiting_view(session, settings, waiting) for waiting in waiting_for(session, contact_id)]


def waiting_view(
    session: Session, settings: Settings, waiting: Waiting, typed: LetterSource | None = None
) -> WaitingView:
    """Return one draft, with its text as it stands or as somebody `typed` it instead."""
    source = typed or waiting.source
    letter, problem = None, ""
    try:
        letter = letter_of(session, settings, waiting.id, source)
    except LetterError as refusal:
        problem = str(refusal)
    token = draft_signer(settings).sign([source.subject, source.preheader, source.body, ""])
    address = {"draft_id": waiting.id, **list_place()}
    return WaitingView(
        id=waiting.id,
        run_id=waiting.run_id,
        name=waiting.name,
        contact_url=url_for("staff.contact", public_id=waiting.contact_public_id, **list_place()),
        sequence=waiting.sequence,
        reason=waiting.reason,
        since=waiting.since,
        source=source,
        letter=letter,
        problem=problem,
        against=against_sending(session, settings, waiting.id),
        night=_night(session, settings, waiting.contact_id),
        preview_url=url_for("staff.preview_draft", draft_id=waiting.id, text=token) if letter else "",
        edit_url=url_for("staff.edit_draft", **address),
        send_url=url_for("staff.send_draft", **address),
        drop_url=url_for("staff.drop_draft", **address),
        check_url=url_for("staff.check_draft", **address),
    )


def frame_letters(page: Response) -> Response:
    """Let a page of ours frame the letters that it shows, and nothing else."""
    page.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return page


def _night(session: Session, settings: Settings, contact_id: int) -> str:
    """Return the sentence on the time where a reader lives when it is night there, else ''."""
    zone = zone_of(session, settings, contact_id)
    now = clock.now()
    if MORNING <= zones.local(now, zone).hour < EVENING:
        return ""
    return f"It is night where they live: {zones.written(now, zone)}. What you send goes out at once."

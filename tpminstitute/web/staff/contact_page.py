"""One contact's page: whose turn it is, the answer being written, the conversation, the follow-ups, the timeline."""

import re
from dataclasses import dataclass

from flask import after_this_request, render_template, request, url_for

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, tokens, zones
from tpminstitute.inbox.answers import subject_of
from tpminstitute.inbox.calls import LONGEST as LONGEST_CALL
from tpminstitute.inbox.conversations import turn_of
from tpminstitute.inbox.models import Conversation, InquiryState, Turn
from tpminstitute.inbox.threads import Asked, Place, conversation_of
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.personal import LONGEST, WITHOUT_SUBJECT
from tpminstitute.mail.queries import mails_of
from tpminstitute.sequences.queries import runs_of, switched_on
from tpminstitute.timeline.queries import timeline_of
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff.access import list_place, may_act
from tpminstitute.web.staff.acknowledgements import owed_acknowledgements
from tpminstitute.web.staff.inbox_list import inbox_view
from tpminstitute.web.staff.thread_views import entry_view
from tpminstitute.web.staff.views import Action, contact_view, mail_view, run_view
from tpminstitute.web.staff.waiting_views import frame_letters, waiting_views
from tpminstitute.web.staff.who_view import who_view

TO_OURSELVES = (MessageKind.NOTICE, MessageKind.TEST)
NOTICES = 10
"""Notices to the institute that are shown beside a conversation."""

_PLACE = re.compile(r"([0-9]{0,9})\.([0-9]{0,9})\.([0-9]{0,9})")


@dataclass(frozen=True)
class Draft:
    """An answer as it is being written; `problem` says why it was not sent, `asks` that the address is closed."""

    subject: str
    text: str
    nonce: str
    problem: str = ""
    asks: bool = False


@dataclass(frozen=True)
class Call:
    """The note of a call as it is being written; `problem` says why it was not kept."""

    said: str = ""
    problem: str = ""


def contact_page(contact: Contact, draft: Draft | None = None, call: Call | None = None) -> str:
    """Return a contact's page, with what was typed and not kept (an answer, a call's note), or empty forms."""
    place = _place(request.args.get("earlier", ""))
    page = conversation_of(session(), contact.id, place)
    inquiries = [entry.inquiry for entry in page.entries if isinstance(entry, Asked)]
    any_open = any(inquiry.state is InquiryState.OPEN for inquiry in inquiries)
    kept = turn_of(session(), contact.id)
    waiting = waiting_views(session(), settings(), contact.id)
    if waiting:
        after_this_request(frame_letters)
    in_question = {view.run_id for view in waiting}
    return render_template(
        "staff/contact.html",
        contact=contact_view(session(), contact),
        who=who_view(session(), contact),
        public_id=contact.public_id,
        now=clock.now(),
        time_zones=zones.places() if may_act() else (),
        waiting_drafts=waiting,
        call=(call or Call()) if may_act() else None,
        longest_call=LONGEST_CALL,
        turn=kept,
        done=_done(contact, kept) if not any_open else None,
        draft=(draft or _empty_draft(contact)) if may_act() else None,
        longest=LONGEST,
        entries=[entry_view(entry) for entry in page.entries],
        older_url=_page_url(contact, page.older) if page.older else None,
        newest_url=_page_url(contact, None) if place != Place() else None,
        owed=owed_acknowledgements(session(), contact, inquiries),
        notices=[mail_view(mail) for mail in mails_of(session(), contact.id, TO_OURSELVES, most=NOTICES)],
        to_begin=switched_on(session()) if may_act() else [],
        follow_ups=[
            run_view(run, contact.public_id, in_question=run.id in in_question)
            for run in runs_of(session(), settings(), contact.id)
        ],
        timeline=timeline_of(session(), contact.id),
        inbox=inbox_view(),
    )


def _empty_draft(contact: Contact) -> Draft:
    return Draft(subject_of(session(), contact) or WITHOUT_SUBJECT, "", tokens.public_id())


def _done(contact: Contact, kept: Conversation | None) -> Action | None:
    if kept is None or kept.turn is Turn.NOBODY or not may_act():
        return None
    url = url_for("staff.close_conversation", public_id=contact.public_id, **list_place())
    return Action("Mark as done", url, "d")


def _place(text: str) -> Place:
    """Return where the conversation's page begins, the newest for anything that is no place."""
    found = _PLACE.fullmatch(text)
    return Place(*(int(part) if part else None for part in found.groups())) if found else Place()


def _page_url(contact: Contact, place: Place | None) -> str:
    written = f"{place.inquiry or ''}.{place.heard or ''}.{place.said or ''}" if place else None
    url = url_for("staff.contact", public_id=contact.public_id, earlier=written, **list_place())
    return f"{url}#conversation-title"

"""One contact's page: what is being written, what is to come, the story so far, and the tools beside it."""

from datetime import datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from flask import after_this_request, render_template, request, url_for
from markupsafe import Markup

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.notes import LONGEST as LONGEST_NOTE
from tpminstitute.core import clock, tokens, zones
from tpminstitute.inbox.answers import subject_of
from tpminstitute.inbox.calls import LONGEST as LONGEST_CALL
from tpminstitute.inbox.conversations import turn_of
from tpminstitute.inbox.models import Conversation, InquiryState, Turn
from tpminstitute.inbox.sending import waiting_replies
from tpminstitute.inbox.snippets import snippets
from tpminstitute.inbox.story import Place, story_of
from tpminstitute.inbox.threads import Asked
from tpminstitute.inbox.unsent import draft_of
from tpminstitute.mail.personal import LONGEST, WITHOUT_SUBJECT
from tpminstitute.sequences.queries import runs_of, switched_on
from tpminstitute.timeline.queries import newest_fact
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff.access import list_place, may_act, me
from tpminstitute.web.staff.acknowledgements import owed_acknowledgements
from tpminstitute.web.staff.ahead import ahead_views, held_views
from tpminstitute.web.staff.inbox_list import inbox_view
from tpminstitute.web.staff.presence import others_of
from tpminstitute.web.staff.run_views import run_view
from tpminstitute.web.staff.story_views import EMPTY, chosen_view, entry_views, filter_views, page_url, place_of
from tpminstitute.web.staff.typed import DetailsText, Draft, Typed
from tpminstitute.web.staff.views import Action, contact_view
from tpminstitute.web.staff.waiting_views import frame_letters, waiting_views
from tpminstitute.web.staff.who_view import who_view

MORNING = time(9)
"""When a reply for later goes unless another time is chosen."""


def contact_page(contact: Contact, typed: Typed | None = None) -> str:
    """Return a contact's page, with what was typed and not kept, or empty forms."""
    typed = typed or Typed()
    choice, place = chosen_view(), place_of(request.args.get("earlier", ""))
    replies = waiting_replies(session(), contact.id)
    page = story_of(session(), contact.id, choice, place, [reply.message_id for reply in replies])
    who = contact_view(session(), contact)
    inquiries = [entry.inquiry for entry in page.entries if isinstance(entry, Asked)]
    any_open = any(inquiry.state is InquiryState.OPEN for inquiry in inquiries)
    kept = turn_of(session(), contact.id)
    waiting = waiting_views(session(), settings(), contact.id)
    if waiting:
        after_this_request(frame_letters)
    runs = runs_of(session(), settings(), contact.id)
    in_question = {view.run_id for view in waiting}
    return render_template(
        "staff/contact.html",
        contact=who,
        who=who_view(session(), contact),
        public_id=contact.public_id,
        now=clock.now(),
        time_zones=_zone_options() if may_act() else "",
        waiting_drafts=waiting,
        may_act=may_act(),
        call=typed.call,
        longest_call=LONGEST_CALL,
        note=typed.note,
        note_url=url_for("staff.add_note", public_id=contact.public_id, **list_place()),
        longest_note=LONGEST_NOTE,
        turn=kept,
        done=None if any_open else _done(contact, kept),
        draft=(typed.draft or _kept_draft(contact)) if may_act() else None,
        snippets=snippets(session()) if may_act() else [],
        details=(typed.details or _details(contact)) if may_act() else None,
        tomorrow=_tomorrow(who.clock.zone),
        our_zone=settings().institute_zone,
        others=others_of(session(), contact.id, me().id),
        newest_fact=newest_fact(session(), contact.id),
        held_replies=held_views(contact, who.clock.zone, replies),
        longest=LONGEST,
        ahead=ahead_views(contact, who.clock.zone, runs, replies) if place == Place() else None,
        filters=filter_views(contact, choice),
        empty_text=EMPTY[choice],
        entries=entry_views(session(), contact, page.entries),
        older_url=page_url(contact, choice, page.older) if page.older else None,
        newest_url=page_url(contact, choice, None) if place != Place() else None,
        owed=owed_acknowledgements(session(), contact, inquiries),
        to_begin=switched_on(session()) if may_act() else [],
        follow_ups=[run_view(run, contact.public_id, in_question=run.id in in_question) for run in runs],
        inbox=inbox_view(),
    )


@cache
def _zone_options() -> Markup:
    """Return the zones that one may choose, as options: they are hundreds, and the same on each page."""
    return Markup("").join(Markup('<option value="{}">').format(name) for name in zones.places())


def _kept_draft(contact: Contact) -> Draft:
    """Return the reply as whoever looks left it, or an empty one."""
    kept = draft_of(session(), contact.id, me().id)
    if kept is not None:
        return Draft(kept.subject, kept.text, kept.nonce, kept_at=kept.at)
    return Draft(subject_of(session(), contact) or WITHOUT_SUBJECT, "", tokens.public_id())


def _details(contact: Contact) -> DetailsText:
    return DetailsText(contact.name, contact.email, contact.phone_typed, contact.number)


def _tomorrow(zone: ZoneInfo) -> str:
    """Return tomorrow's morning as a field for a moment has it, by the clock of `zone`."""
    morning = datetime.combine(zones.local(clock.now(), zone).date() + timedelta(days=1), MORNING)
    return f"{zones.existing(morning, zone):%Y-%m-%dT%H:%M}"


def _done(contact: Contact, kept: Conversation | None) -> Action | None:
    if kept is None or kept.turn is Turn.NOBODY or not may_act():
        return None
    url = url_for("staff.close_conversation", public_id=contact.public_id, **list_place())
    return Action("Mark as done", url, "d")

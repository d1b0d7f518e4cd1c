"""Leaving the follow-ups, choosing fewer, and coming back: one page, reached by the signed link in a mail."""

from flask import abort, render_template, request

from tpminstitute.contacts import consent
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.topics import Topic, topics_of
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import opt_out
from tpminstitute.sequences import wishes
from tpminstitute.sequences.models import Pace
from tpminstitute.sequences.queries import topic_of_runs
from tpminstitute.sequences.wishes import Wish
from tpminstitute.web.common import session, settings
from tpminstitute.web.site import site

COME_BACK = "come_back"
"""The one choice that is no wish but a new consent."""

NEW_WORDS = "The sentence you would agree to has changed since you opened this page. Please read it again."


@site.get("/unsubscribe/<token>")
def ask_to_unsubscribe(token: str) -> tuple[str, int]:
    """Ask before anything changes: link scanners fetch every address in a mail."""
    contact = opt_out.contact_of_token(session(), settings(), token)
    if contact is not None and contact.gone:
        return _nothing_kept()
    return _unknown() if contact is None else _page(contact)


@site.post("/unsubscribe/<token>")
def unsubscribe(token: str) -> tuple[str, int]:
    """Do what was chosen: stop it all, or keep a wish.

    A mail program's one click (RFC 8058: no redirect, no cookie, no token but the one in the address) always stops it
    all, and so does a POST that says nothing.
    """
    contact = opt_out.contact_of_token(session(), settings(), token)
    if contact is None:
        return _unknown()
    if contact.gone:
        return _nothing_kept()
    chosen = request.form.get("wish", "")
    if "List-Unsubscribe" in request.form or not chosen:
        opt_out.opt_out(session(), contact)
        return _page(contact)
    if chosen == COME_BACK:
        return _come_back(contact)
    if chosen not in list(Wish):
        abort(400)
    if opt_out.stays_away(session(), contact):
        return _page(contact)
    wishes.wish(session(), settings(), contact, Wish(chosen))
    return _page(contact, state="kept")


def _come_back(contact: Contact) -> tuple[str, int]:
    """Take a new consent, in the words that were on the page and are still ours."""
    if request.form.get("wording") != consent.CURRENT_WORDING.version:
        return _page(contact, NEW_WORDS)
    try:
        opt_out.come_back(session(), settings(), contact, consent.CURRENT_WORDING)
    except Refusal:
        return _page(contact)
    return _page(contact, state="back")


def _page(contact: Contact, said: str = "", state: str = "ask") -> tuple[str, int]:
    """Show what holds now, and every way to change it; `state` says what was just done, if anything."""
    kept = wishes.wishes_of(session(), contact.id)
    page = render_template(
        "site/unsubscribe.html",
        state="done" if opt_out.stays_away(session(), contact) else state,
        address_masked=_masked(contact.email),
        said=said,
        less_often=kept is not None and kept.pace is Pace.LESS_OFTEN,
        only_topic=kept is not None and kept.only_topic,
        paused_until=wishes.pause_end(kept),
        topic=_topic(contact),
        pause_would_end=clock.now() + wishes.PAUSE,
        may_come_back=opt_out.may_come_back(session(), contact),
        wording=consent.CURRENT_WORDING,
    )
    return page, 200


def _topic(contact: Contact) -> str | None:
    """Return the one topic that mails may be narrowed to; there is none in "something else"."""
    label = topic_of_runs(session(), contact.id)
    return None if label is None or topics_of(session()).key_of(label) == Topic.OTHER else label


def _unknown() -> tuple[str, int]:
    return render_template("site/unsubscribe.html", state="unknown"), 404


def _nothing_kept() -> tuple[str, int]:
    """Answer the link of somebody who was erased: there is nothing to stop, and nothing to change."""
    return render_template("site/unsubscribe.html", state="nothing_kept"), 200


def _masked(email: str) -> str:
    """Return an address so that its owner knows it and nobody else learns it: ``a…@example.org``."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"

"""Taking everything with one, and being erased, from one's own page."""

from tempfile import SpooledTemporaryFile

from flask import make_response, redirect, render_template, send_file, url_for
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.accounts.audit import record_audit
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.own_page.erasing import ask_to_be_erased, open_wish, take_back, wish_of_token
from tpminstitute.own_page.links import Closed, open_link, remaining
from tpminstitute.own_page.told import by_their_clock
from tpminstitute.privacy import export
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record
from tpminstitute.web.common import own_page_sent_it, session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.comments import private
from tpminstitute.web.site.me import back, closed_page, opened_for_change

IN_MEMORY = 8 * 2**20
"""Octets of an export that are kept in memory; the rest is on the disk until it was handed out."""


@site.post("/me/<token>/data")
def take_own_data(token: str) -> BaseResponse:
    """Hand out all that is held, without what staff wrote for themselves."""
    opened = opened_for_change(token, all=True)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    contact = opened.contact
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (the answer closes it once it was handed out)
    export.write(session(), settings().institute_name, contact.id, file, notes=False)
    sentence = "Took all that is held about them with them."
    record(session(), contact.id, ActivityKind.DATA_EXPORTED, sentence, actor=Actor.VISITOR)
    subject = f"contact {contact.public_id}, by themselves"
    record_audit(session(), "contact_data_exported", subject, account_id=None, contact_id=contact.id, kind="export")
    file.seek(0)
    name = f"what-is-held-{clock.now():%Y-%m-%d}.zip"
    answer = private(send_file(file, mimetype="application/zip", as_attachment=True, download_name=name))
    answer.call_on_close(file.close)
    return answer


@site.get("/me/<token>/erase")
def ask_to_erase_oneself(token: str) -> BaseResponse:
    """Say what is erased and when, and ask."""
    opened = open_link(session(), settings(), token, all=True)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    return private(make_response(render_template("site/me_erase.html", token=token)))


@site.post("/me/<token>/erase")
def erase_oneself(token: str) -> BaseResponse:
    """Let everything be erased in a day."""
    opened = opened_for_change(token, all=True)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    ask_to_be_erased(session(), settings(), opened.contact)
    return back(token, "asked")


@site.post("/me/<token>/stay")
def stay_after_all(token: str) -> BaseResponse:
    """Take back the wish to be erased; any link does, since nothing is given away by staying."""
    opened = opened_for_change(token)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    return back(token, "stays" if take_back(session(), settings(), opened.contact) else "same")


@site.get("/me/stay/<token>")
def ask_to_stay(token: str) -> BaseResponse:
    """Ask before anything changes: link scanners fetch every address in a mail."""
    return _stay_page(token)


@site.post("/me/stay/<token>")
def stay(token: str) -> BaseResponse:
    """Take back the wish to be erased, by the link in the mail about it."""
    wish = wish_of_token(session(), settings(), token)
    if wish is not None and own_page_sent_it() and wish.done_at is None and wish.cancelled_at is None:
        take_back(session(), settings(), locked(session(), wish.contact_id))
    return redirect(url_for("site.ask_to_stay", token=token), 303)


def _stay_page(token: str) -> BaseResponse:
    wish = wish_of_token(session(), settings(), token)
    if wish is None:
        return closed_page(Closed.UNKNOWN, token)
    contact = remaining(session(), session().get_one(Contact, wish.contact_id))
    if contact.erased_at is not None:
        return closed_page(Closed.ERASED, token)
    shown = render_template(
        "site/me_stay.html", open=open_wish(session(), contact), zone=by_their_clock(settings(), contact)
    )
    return private(make_response(shown))

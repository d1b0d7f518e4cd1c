"""Asking for a call from one's own page."""

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.core import tokens
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.proving import may_be_proven
from tpminstitute.own_page.calls import Wish, ask_for_call
from tpminstitute.own_page.links import Closed, Opened, open_link
from tpminstitute.own_page.told import by_their_clock
from tpminstitute.web.common import session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.call_form import CallForm
from tpminstitute.web.site.comments import private
from tpminstitute.web.site.me import back, closed_page, opened_for_change


@site.get("/me/<token>/call")
def write_call(token: str) -> BaseResponse:
    """Show the form that asks for a call."""
    opened = open_link(session(), settings(), token)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    phone = opened.contact.phone_typed if opened.all else ""
    form = CallForm(None, zone=by_their_clock(settings(), opened.contact), phone=phone)
    form.nonce.data = tokens.public_id()
    return _page(opened, token, form)


@site.post("/me/<token>/call")
def send_call(token: str) -> BaseResponse:
    """Take a wish for a call in as an inquiry; what can't be taken comes back as it was typed."""
    opened = opened_for_change(token)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    regions = [tag.rpartition("-")[2].upper() for tag in request.accept_languages.values() if "-" in tag]
    form = CallForm(request.form, zone=by_their_clock(settings(), opened.contact), regions=regions)
    if not form.validate():
        return _page(opened, token, form, status=422)
    try:
        inquiry = ask_for_call(session(), settings(), opened.contact, _wish(form))
    except Refusal as refusal:
        return _page(opened, token, form, str(refusal), 422)
    if may_be_proven(inquiry):
        return redirect(url_for("site.thanks", public_id=inquiry.public_id), 303)
    return back(token, "call")


def _wish(form: CallForm) -> Wish:
    return Wish(
        form.moments,
        form.phone.data or "",
        form.phone_e164,
        form.about.data or "",
        form.nonce.data or "",
        request.remote_addr or "",
    )


def _page(opened: Opened, token: str, form: CallForm, problem: str = "", status: int = 200) -> Response:
    zone = by_their_clock(settings(), opened.contact)
    shown = render_template("site/me_call.html", token=token, form=form, problem=problem, zone=zone)
    return private(make_response(shown, status))

"""Another address for our mails: asked for on one's own page, and proved by the link that is mailed there."""

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import masked
from tpminstitute.own_page.addresses import ask_for_address, prove, wish_of_proof
from tpminstitute.own_page.links import Closed
from tpminstitute.privacy.models import AddressWish
from tpminstitute.web.common import own_page_sent_it, session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.comments import private
from tpminstitute.web.site.me import LONGEST_EMAIL, back, closed_page, opened_for_change, page, read_typed

STATES = ("moved", "waits")


@site.post("/me/<token>/address")
def ask_for_another_address(token: str) -> BaseResponse:
    """Mail a link to a new address; whether anybody has it isn't told."""
    opened = opened_for_change(token, all=True)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    typed = request.form.get("email", "").strip()
    try:
        ask_for_address(session(), settings(), opened.contact, read_typed(typed))
    except Refusal as refusal:
        return page(opened, token, problem=str(refusal), status=422, email=typed[:LONGEST_EMAIL])
    return back(token, "address")


@site.get("/me/address/<token>")
def ask_to_prove_address(token: str) -> BaseResponse:
    """Ask before anything changes: link scanners fetch every address in a mail."""
    return _page("ask" if (wish := wish_of_proof(session(), settings(), token)) else "over", wish)


@site.post("/me/address/<token>")
def prove_address(token: str) -> BaseResponse:
    """Let our mails go to the address that the link was mailed to."""
    if not own_page_sent_it():
        raise Forbidden
    proved = prove(session(), settings(), token)
    if proved is None:
        return _page("over", None)
    return redirect(url_for("site.proved_address", state=proved.value), 303)


@site.get("/me/address")
def proved_address() -> BaseResponse:
    """Say what came of proving an address; refreshing it does nothing."""
    state = request.args.get("state", "")
    return _page(state if state in STATES else "over", None)


def _page(state: str, wish: AddressWish | None) -> BaseResponse:
    address = masked(wish.email) if wish else ""
    shown = render_template("site/me_address.html", state=state, address=address)
    return private(make_response(shown, 410 if state == "over" else 200))

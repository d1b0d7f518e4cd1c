"""What a person changes on their own page: who they are, when follow-ups come, and which links still open it."""

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.core.errors import Refusal
from tpminstitute.own_page.changes import Corrected, correct, postpone
from tpminstitute.own_page.links import Closed, void_links
from tpminstitute.web.common import session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.me import back, closed_page, opened_for_change, page


@site.post("/me/<token>/details")
def correct_oneself(token: str) -> BaseResponse:
    """Change name, phone, topic and time zone; what can't be taken comes back as it was typed."""
    opened = opened_for_change(token)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    typed = {name: request.form.get(name, "") for name in ("name", "topic", "time_zone")}
    if "phone" in request.form and opened.all:
        typed["phone"] = request.form["phone"]
    number = request.form.get("number", "")
    seen = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    said = Corrected(typed["name"], typed.get("phone"), typed["topic"], typed["time_zone"], seen)
    try:
        changed = correct(session(), opened.contact, said)
    except Refusal as refusal:
        return page(opened, token, problem=str(refusal), status=422, **typed)
    return back(token, "kept" if changed else "same")


@site.post("/me/<token>/postpone")
def postpone_follow_ups(token: str) -> BaseResponse:
    """Let no follow-up come before a day."""
    opened = opened_for_change(token)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    try:
        postpone(session(), settings(), opened.contact, request.form.get("until", ""))
    except Refusal as refusal:
        return page(opened, token, problem=str(refusal), status=422, until=request.form.get("until", ""))
    return back(token, "kept")


@site.post("/me/<token>/void")
def void_earlier_links(token: str) -> BaseResponse:
    """Let every link in an earlier mail open nothing any more; the one in use stays."""
    opened = opened_for_change(token, all=True)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    void_links(session(), opened.contact, before=opened.made_at)
    return back(token, "void")

"""What the links in mails about comments lead to: pages that ask before they act, since scanners open every link."""

from flask import Response, make_response, render_template, request

from tpminstitute.comments import notices
from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.links import OldLink, comment_of_decision, writer_of_stop
from tpminstitute.comments.models import Comment, CommentState
from tpminstitute.comments.moderation import publish, refuse
from tpminstitute.comments.queries import said
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import masked
from tpminstitute.web.common import session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.comments import private


@site.get("/comments/decide/<token>")
def ask_to_decide(token: str) -> Response:
    """Show a comment that waits, to whoever has the link of its notice; nothing changes."""
    try:
        comment = comment_of_decision(session(), settings(), token)
    except OldLink:
        return _decision_page(None, "old", 410)
    return _decision_page(comment, "ask" if comment else "unknown", 200 if comment else 404)


@site.post("/comments/decide/<token>")
def decide(token: str) -> Response:
    """Publish or refuse a comment, in the words that the page showed."""
    try:
        comment = comment_of_decision(session(), settings(), token, lock=True)
    except OldLink:
        return _decision_page(None, "old", 410)
    if comment is None:
        return _decision_page(None, "unknown", 404)
    number = request.form.get("number", "")
    read = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    try:
        match request.form.get("do"):
            case "publish":
                publish(session(), settings(), comment, read, None)
            case "refuse":
                refuse(session(), comment, read, None)
            case "spam":
                refuse(session(), comment, read, None, spam=True)
            case _:
                return _decision_page(comment, "ask", 400)
    except Refusal as refusal:
        return _decision_page(comment, "ask", 409, str(refusal))
    return _decision_page(comment, "done", 200)


@site.get("/comments/unsubscribe/<token>")
def ask_to_stop_answers(token: str) -> Response:
    """Ask before the mails about answers end; nothing changes."""
    public_id = writer_of_stop(settings(), token)
    writer = notices.writer_of(session(), public_id)
    if public_id is None:
        return _stop_page("unknown", "", 404)
    if writer is None:
        return _stop_page("nothing_kept", "", 200)
    return _stop_page("done" if writer.ended_at else "ask", writer.email, 200)


@site.post("/comments/unsubscribe/<token>")
def stop_answers(token: str) -> Response:
    """End the mails about answers, also by a mail program's one click (RFC 8058): no cookie, no further question."""
    public_id = writer_of_stop(settings(), token)
    if public_id is None:
        return _stop_page("unknown", "", 404)
    email = notices.stop(session(), public_id)
    return _stop_page("nothing_kept" if email is None else "done", email or "", 200)


def _decision_page(comment: Comment | None, state: str, status: int, notice: str = "") -> Response:
    waits = comment is not None and comment.state in (CommentState.HELD, CommentState.SUSPECTED)
    page = render_template(
        "site/decide_comment.html",
        state=state,
        comment=comment,
        said=said(comment) if comment else None,
        chapter_title=title_of(comment.chapter) if comment else "",
        waits=waits,
        notice=notice,
    )
    return private(make_response(page, status))


def _stop_page(state: str, email: str, status: int) -> Response:
    page = render_template("site/stop_answers.html", state=state, address_masked=masked(email))
    return private(make_response(page, status))

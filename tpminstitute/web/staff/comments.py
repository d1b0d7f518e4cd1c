"""Comments on the guide: approve, refuse, answer, remove, make an inquiry of one; singly, together, and back again."""

from collections.abc import Callable
from typing import Any

from flask import Response as FlaskResponse
from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.accounts.audit import record_audit
from tpminstitute.comments import moderation
from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.desk import PAGE, Row, Show, desk_counts, desk_page, one_row
from tpminstitute.comments.exchange import pieces
from tpminstitute.comments.models import LONGEST_BODY, Comment, CommentState
from tpminstitute.comments.moderation import Done, locked_comment
from tpminstitute.comments.submit import forget_words
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import Person
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.inbox.along import Along
from tpminstitute.inbox.letters import BY_COMMENT
from tpminstitute.inbox.queries import by_public_id
from tpminstitute.inbox.submit import Submission, submit_inquiry
from tpminstitute.web.common import database, session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, id_argument, may_act, me, today_place, today_url
from tpminstitute.web.staff.comment_views import EMPTY, LABELS, comment_view
from tpminstitute.web.staff.freshness import asks_password
from tpminstitute.web.staff.undo import offer_undo

NO_ADDRESS = (
    "Its writer left no e-mail address, so nobody could be answered there. Answer it here, where everybody reads it."
)

_DONE = {
    CommentState.PUBLISHED: ("It is public now.", "{} comments are public now."),
    CommentState.REFUSED: ("It is turned down.", "{} comments are turned down."),
    CommentState.REMOVED: ("It is taken away.", "{} comments are taken away."),
}


@staff.get("/comments")
def comments() -> str:
    """Show comments: those that wait first; `?show=` chooses others, `?after=` turns the page."""
    return _page()


@staff.post("/comments/together")
@acting
def publish_together() -> Response:
    """Publish the ticked comments that still say what was read; the others are named."""
    done, refusals = [], []
    for ticked in request.form.getlist("comment")[:PAGE]:
        public_id, _, number = ticked.partition(".")
        comment = locked_comment(session(), public_id)
        if comment is None:
            continue
        try:
            done.append(moderation.publish(session(), settings(), comment, _whole(number), me()))
        except Refusal as refusal:
            refusals.append(str(refusal))
    for sentence in dict.fromkeys(refusals):
        flash(sentence, "info")
    if done:
        _offer(done)
    elif not refusals:
        flash("Tick the comments first that should be published.", "warning")
    return _back()


@staff.post("/comments/<public_id>/publish")
@acting
def publish_comment(public_id: str) -> Response:
    """Make a comment public."""
    return _act(public_id, lambda row, number: moderation.publish(session(), settings(), row, number, me()))


@staff.post("/comments/<public_id>/refuse")
@acting
def refuse_comment(public_id: str) -> Response:
    """Turn a comment down; `spam` says that it is spam."""
    spam = bool(request.form.get("spam"))
    return _act(public_id, lambda row, number: moderation.refuse(session(), row, number, me(), spam=spam))


@staff.post("/comments/<public_id>/remove")
@acting
def remove_comment(public_id: str) -> Response:
    """Take a public comment away."""
    return _act(public_id, lambda row, number: moderation.remove(session(), row, number, me()))


@staff.post("/comments/export")
@acting
@asks_password
def export_comments() -> FlaskResponse:
    """Hand all comments out as JSON, with the addresses that their writers left; the audit log says so first."""
    record_audit(session(), "comments_exported", "as JSON", account_id=me().id, kind="comment")
    answer = FlaskResponse(pieces(database()), content_type="application/json; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=f"comments-{clock.now():%Y-%m-%d}.json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@staff.post("/comments/<public_id>/forget")
@acting
def forget_comment(public_id: str) -> Response:
    """Forget for good what a refused or removed comment said."""
    try:
        forget_words(session(), _locked(public_id), me().id)
        flash("Its words, name and address are forgotten.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return _back()


@staff.post("/comments/undo/<token>")
@acting
def undo_comments(token: str) -> Response:
    """Take back what was just decided."""
    try:
        what = [
            Done(public_id, CommentState(before), CommentState(after), number)
            for public_id, before, after, number in _signer().read(token)
        ]
    except BadToken:
        abort(404)
    refusals = []
    for done in what:
        try:
            moderation.take_back(session(), settings(), done, me())
        except Refusal as refusal:
            refusals.append(str(refusal))
    if refusals:
        flash(refusals[0], "warning" if len(refusals) == len(what) else "info")
    else:
        flash("It is as it was before.", "success")
    return _back()


@staff.get("/comments/<public_id>")
def comment(public_id: str) -> str | Response:
    """Show one comment by itself, with the form to answer it."""
    row = one_row(session(), public_id)
    if row is None:
        abort(404)
    return _one(row)


@staff.post("/comments/<public_id>/answer")
@acting
def answer_comment(public_id: str) -> Response | tuple[str, int]:
    """Answer a comment in public; what can't be published comes back as it was typed."""
    text = request.form.get("answer", "").replace("\r\n", "\n")
    row = _locked(public_id)
    try:
        if row.number != _whole(request.form.get("number", "")):
            raise moderation.Stale("Its writer changed the comment while you were answering. Read it again.")
        moderation.answer(session(), settings(), row, me(), text, request.form.get("nonce", "")[:40])
    except Refusal as refusal:
        shown = one_row(session(), public_id)
        assert shown is not None
        return _one(shown, text, str(refusal)), 422
    flash("Your answer is public, and who asked to hear of answers is written to.", "success")
    return _back()


@staff.post("/comments/<public_id>/inquiry")
@acting
def make_inquiry(public_id: str) -> Response:
    """Make an inquiry of a reader's question, where there is an address to answer to; the comment stays as it is."""
    row, shown = _locked(public_id), one_row(session(), public_id)
    assert shown is not None
    if not shown.email or row.inquiry:
        flash("It was made an inquiry already." if row.inquiry else NO_ADDRESS, "warning")
        return _back()
    inquiry_id = submit_inquiry(session(), settings(), _submission(row, shown))
    moderation.note_inquiry(session(), row, inquiry_id, me())
    inquiry = by_public_id(session(), inquiry_id)
    assert inquiry is not None
    flash("It is an inquiry now. Answer it here; the comment stays where it is.", "success")
    contact = session().get_one(Contact, inquiry.contact_id)
    return redirect(url_for("staff.contact", public_id=contact.public_id), 303)


def _submission(comment: Comment, shown: Row) -> Submission:
    return Submission(
        form_key=tokens.digest(f"comment:{comment.public_id}"),
        person=Person(comment.name, read_email(shown.email), "", None),
        topic=Topic.OTHER,
        message=comment.body,
        wording=None,
        source_page=BY_COMMENT,
        source_referrer="",
        along=Along(about=f"the chapter “{title_of(comment.chapter)}”", edition=comment.edition),
    )


def _act(public_id: str, decide: Callable[[Comment, int], Done]) -> Response:
    """Decide about one comment and offer to take it back; a refusal says why and changes nothing."""
    row = _locked(public_id)
    try:
        _offer([decide(row, _whole(request.values.get("number", "")))])
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return _back()


def _offer(done: list[Done]) -> None:
    """Say what was done, and offer to take it back."""
    one, many = _DONE[done[0].after]
    what = [[one_.public_id, one_.before.value, one_.after.value, one_.number] for one_ in done]
    sentence = one if len(done) == 1 else many.format(len(done))
    offer_undo(sentence, url_for("staff.undo_comments", token=_signer().sign(what), **_place()))


def _place() -> dict[str, Any]:
    """Return where a decision leads back to: the page of today at its place, or the list of comments."""
    return {"show": request.args.get("show"), "back": request.args.get("back"), **today_place()}


def _back() -> Response:
    if request.args.get("back") == "today":
        return redirect(today_url(), 303)
    return redirect(url_for("staff.comments", show=request.args.get("show")), 303)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _signer() -> Signer:
    return Signer(settings().secret_key, "comments-decided")


def _locked(public_id: str) -> Comment:
    found = locked_comment(session(), public_id)
    if found is None:
        abort(404)
    return found


def _page() -> str:
    asked = request.args.get("show", "")
    show = Show(asked) if asked in set(Show) else Show.HELD
    found = desk_page(session(), show, id_argument("after"))
    return render_template(
        "staff/comments.html",
        rows=[comment_view(row, show) for row in found.rows],
        show=show,
        labels=LABELS,
        counts=desk_counts(session()),
        empty=EMPTY[show],
        further=found.further,
        turned="after" in request.args,
        is_open=settings().comments_open,
        may_act=may_act(),
    )


def _one(row: Row, typed: str = "", warning: str = "") -> str:
    return render_template(
        "staff/comment.html",
        row=comment_view(row, None),
        typed=typed,
        warning=warning,
        nonce=tokens.public_id(),
        longest=LONGEST_BODY,
        may_act=may_act(),
    )

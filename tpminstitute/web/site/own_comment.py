"""A comment as its writer comes back to it: changed or taken back for a quarter of an hour, by a signed address."""

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.links import comment_of_own_token
from tpminstitute.comments.models import Comment
from tpminstitute.comments.queries import said
from tpminstitute.comments.submit import NOBODY, edit, edited_until, may_edit, take_back
from tpminstitute.core.errors import Refusal
from tpminstitute.web.common import own_page_sent_it, session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.comment_form import OwnCommentForm
from tpminstitute.web.site.comments import private
from tpminstitute.web.site.write import FROM_ELSEWHERE


@site.get("/comments/mine/<token>")
def own_comment(token: str) -> Response:
    """Show a comment to its writer: how it stands, and, within the time, the form to change it."""
    comment = comment_of_own_token(session(), settings(), token)
    return _unknown() if comment is None else _page(comment, token)


@site.post("/comments/mine/<token>")
def change_own_comment(token: str) -> BaseResponse:
    """Change one's comment; what can't be changed any more comes back with what was typed."""
    comment = comment_of_own_token(session(), settings(), token, lock=True)
    if comment is None:
        return _unknown()
    form = OwnCommentForm(request.form)
    if not own_page_sent_it():
        return _page(comment, token, form, FROM_ELSEWHERE, 403)
    if not form.validate():
        return _page(comment, token, form, status=422)
    try:
        edit(session(), settings(), comment, form.name.data or "", form.body.data or "")
    except Refusal as refusal:
        return _page(comment, token, form, str(refusal), 409)
    return redirect(url_for("site.own_comment", token=token, kept=""), 303)


@site.post("/comments/mine/<token>/take-back")
def take_own_comment_back(token: str) -> BaseResponse:
    """Take one's comment back: words, name and address are forgotten."""
    comment = comment_of_own_token(session(), settings(), token, lock=True)
    if comment is None:
        return _unknown()
    if not own_page_sent_it():
        return _page(comment, token, notice=FROM_ELSEWHERE, status=403)
    try:
        take_back(session(), comment)
    except Refusal as refusal:
        return _page(comment, token, notice=str(refusal), status=409)
    return redirect(url_for("site.own_comment", token=token), 303)


def _page(
    comment: Comment, token: str, form: OwnCommentForm | None = None, notice: str = "", status: int = 200
) -> Response:
    page = render_template(
        "site/own_comment.html",
        comment=comment,
        said=said(comment),
        chapter_title=title_of(comment.chapter),
        may_edit=may_edit(comment),
        until=edited_until(comment),
        taken_back=comment.name == NOBODY,
        form=form or OwnCommentForm(formdata=None, data={"name": comment.name, "body": comment.body}),
        notice=notice,
        kept="kept" in request.args,
        token=token,
    )
    return private(make_response(page, status))


def _unknown() -> Response:
    return private(make_response(render_template("site/own_comment.html", comment=None), 404))

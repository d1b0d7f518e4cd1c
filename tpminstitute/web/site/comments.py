"""Comments on the guide: the pages, and taking one in."""

from datetime import datetime

import structlog
from flask import Response, abort, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.accounts.throttle import network_of
from tpminstitute.comments.chapters import chapter_of, commented, edition_of
from tpminstitute.comments.links import own_token
from tpminstitute.comments.queries import answered_comment, published_answers, thread_page
from tpminstitute.comments.submit import ANSWERS_WORDING, Written, submit
from tpminstitute.core import tokens, zones
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import BadToken
from tpminstitute.guide.chapters import Chapter
from tpminstitute.screening.service import Evidence
from tpminstitute.web.common import database, own_page_sent_it, reason_of, session, settings, shared
from tpminstitute.web.site import site
from tpminstitute.web.site.comment_form import CommentForm, CommentToken
from tpminstitute.web.site.write import FROM_ELSEWHERE, ONCE_MORE

log = structlog.get_logger(__name__)

NOT_STORED = (
    "Your comment could not be stored just now, and nothing was sent. Your text was kept on this page: "
    "please press Send again in a minute."
)


@site.get("/comments")
def comments() -> str:
    """Show which chapters are talked about, and the form."""
    return _overview(_empty_form(""))


@site.get("/comments/<slug>")
def chapter_comments(slug: str) -> str:
    """Show a chapter's questions, answers and comments, newest first.

    `?before=` turns the page, `?comment=` begins with one comment's thread, `?answer=` answers one.
    """
    chapter = chapter_of(slug)
    if chapter is None:
        abort(404)
    form = _empty_form(slug)
    form.answers.data = request.args.get("answer", "")[:20]
    return _chapter_page(chapter, form)


@site.post("/comments")
def send_comment() -> BaseResponse | tuple[str, int]:
    """Take a comment, or show the form again with all that was typed."""
    form = CommentForm(request.form)
    try:
        token = CommentToken.read(form.token.data or "", settings().secret_key)
    except BadToken:
        form.token.data = _fresh_token()
        return _again(form, ONCE_MORE), 400
    if not own_page_sent_it():
        return _again(form, FROM_ELSEWHERE), 403
    if not form.validate():
        return _again(form), 422
    try:
        with database().write() as writing:
            public_id = submit(writing, settings(), _written(form, token))
    except Refusal as refusal:
        return _again(form, str(refusal)), 409
    except SQLAlchemyError as problem:
        log.error("comment_not_stored", reason=reason_of(problem))
        return _again(form, NOT_STORED), 503
    log.info("comment_stored", comment=public_id)
    return redirect(url_for("site.own_comment", token=own_token(settings(), public_id)), 303)


def _empty_form(slug: str) -> CommentForm:
    form = CommentForm(formdata=None)
    form.chapter.data, form.token.data = slug, _fresh_token()
    return form


def _fresh_token() -> str:
    return CommentToken.new().sign(settings().secret_key)


def _again(form: CommentForm, notice: str = "") -> str:
    chapter = chapter_of(form.chapter.data or "")
    return _overview(form, notice) if chapter is None else _chapter_page(chapter, form, notice)


def _overview(form: CommentForm, notice: str = "") -> str:
    return render_template(
        "site/comments.html",
        chapters=commented(),
        talk=shared().talk,
        is_open=settings().comments_open,
        form=form,
        notice=notice,
        answers_wording=ANSWERS_WORDING,
    )


def _chapter_page(chapter: Chapter, form: CommentForm, notice: str = "") -> str:
    before, around = request.args.get("before", "")[:20], request.args.get("comment", "")[:20]
    answered = answered_comment(session(), chapter.slug, form.answers.data) if form.answers.data else None
    return render_template(
        "site/chapter_comments.html",
        chapter=chapter,
        page=thread_page(session(), chapter.slug, before=before, around=around),
        turned=bool(before or around),
        questions=published_answers(session(), chapter.slug),
        talk=shared().talk.get(chapter.slug),
        answered=answered,
        is_open=settings().comments_open,
        form=form,
        notice=notice,
        answers_wording=ANSWERS_WORDING,
    )


def _written(form: CommentForm, token: CommentToken) -> Written:
    name, body = form.name.data or "", form.body.data or ""
    return Written(
        form_key=token.form_key(form),
        chapter=form.chapter.data,
        edition=edition_of(form.chapter.data),
        name=name,
        body=body,
        email=form.address,
        wants_answers=bool(form.wants_answers.data),
        answers=form.answers.data or "",
        origin=tokens.digest(f"{settings().secret_key}\n{network_of(request.remote_addr or '')}"),
        evidence=_evidence(form, token),
    )


def _evidence(form: CommentForm, token: CommentToken) -> Evidence:
    return Evidence(
        name=form.name.data or "",
        email=form.address.key if form.address else "",
        text=form.body.data or "",
        trap=form.subject.data or "",
        others=[form.name.data or "", form.email.data or "", form.body.data or ""],
        time_to_fill=token.age,
        address=request.remote_addr or "",
        form=token.nonce,
    )


@site.app_template_filter("on_day")
def on_day(moment: datetime) -> Markup:
    """Return the day of a moment by the institute's clock as a `<time>` element, such as ``3 November 2026``."""
    day = zones.local(moment, settings().institute_zone)
    return Markup('<time datetime="{}">{}</time>').format(f"{day:%Y-%m-%d}", f"{day.day} {day:%B %Y}")


def private(answer: Response) -> Response:
    """Keep a page whose address is a secret out of caches, search engines and the addresses that links tell."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer

"""The asker's word on whether their question is published: a page that asks before it acts, by a signed address."""

from flask import Response, make_response, render_template, request

from tpminstitute.comments import publishing
from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.links import answer_of_publication
from tpminstitute.comments.models import PublishedAnswer
from tpminstitute.comments.words import html_of
from tpminstitute.core.errors import Refusal
from tpminstitute.web.common import session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.comments import private


@site.get("/comments/consent/<token>")
def ask_to_publish(token: str) -> Response:
    """Show the asker what would be public, or is; nothing changes."""
    public_id = answer_of_publication(settings(), token)
    row = publishing.by_public_id(session(), public_id)
    return _page(row, known=public_id is not None)


@site.post("/comments/consent/<token>")
def say_whether_to_publish(token: str) -> Response:
    """Publish a question, don't, or take it back, as its asker says (`do` is `yes` or `no`)."""
    public_id = answer_of_publication(settings(), token)
    row = publishing.by_public_id(session(), public_id, lock=True)
    if row is None:
        return _page(None, known=public_id is not None)
    try:
        match request.form.get("do"):
            case "yes":
                publishing.agree(session(), row)
            case "no":
                publishing.decline(session(), row)
            case _:
                return _page(row, status=400)
    except Refusal as refusal:
        return _page(row, notice=str(refusal), status=409)
    return _page(row)


def _page(row: PublishedAnswer | None, *, known: bool = True, notice: str = "", status: int = 200) -> Response:
    if row is None:
        state = "nothing_kept" if known else "unknown"
        return private(make_response(render_template("site/publication.html", state=state), 200 if known else 404))
    page = render_template(
        "site/publication.html",
        state=row.state.value,
        notice=notice,
        public_id=row.public_id,
        chapter=row.chapter,
        chapter_title=title_of(row.chapter),
        question=html_of(row.question),
        answer=html_of(row.answer),
        wording=publishing.WORDING,
    )
    return private(make_response(page, status))

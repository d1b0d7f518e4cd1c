"""Whether the guide takes comments."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.institute import service
from tpminstitute.institute.service import SettingProblem
from tpminstitute.institute.words import LABELS, in_words
from tpminstitute.web.common import configured, kept, session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.settings_pages import Typed, administering, number_sent

NAME = "comments_open"


@staff.get("/settings/comments")
@administering
def comment_settings() -> str:
    """Show whether comments are open."""
    return _page(Typed())


@staff.post("/settings/comments")
@administering
def save_comment_settings() -> Response | tuple[str, int]:
    """Open or close comments."""
    chosen = request.form.get(NAME, "")[:10]
    try:
        changed = service.save(session(), configured(), {NAME: chosen}, {NAME: number_sent(f"number_{NAME}")}, me().id)
    except SettingProblem as problem:
        return _page(Typed({NAME: chosen == "on"}, problem.errors)), 422
    kept().forget()
    flash("Saved. It holds from the next page on." if changed else "It was so already.", "success")
    return redirect(url_for("staff.comment_settings"), 303)


def _page(typed: Typed) -> str:
    setting = service.current(session(), configured())[NAME]
    return render_template(
        "staff/settings_comments.html", setting=setting, typed=typed, labels=LABELS, in_words=in_words
    )

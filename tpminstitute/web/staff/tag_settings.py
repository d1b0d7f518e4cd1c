"""The tags on all contacts: rename, merge and remove one, after a look at what would change."""

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.tags import LONGEST, normal
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences import tag_editing
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.settings_pages import administering

CHANGES = ("rename", "merge", "remove")


@staff.get("/settings/tags")
@administering
def tag_settings() -> str:
    """Show the tags by the alphabet; `?after=` begins behind one."""
    uses, last = tag_editing.tags_after(session(), request.args.get("after", "")[:LONGEST])
    return render_template(
        "staff/settings_tags.html",
        uses=uses,
        last=last,
        paged=bool(request.args.get("after")),
        counted=tag_editing.COUNTED,
    )


@staff.get("/settings/tags/change")
@administering
def ask_to_change_tag() -> str:
    """Show what may be done with `?tag=`; with `?do=` and `?to=` what exactly would change."""
    return _page(request.args.get("do", ""), request.args.get("to", ""))


@staff.post("/settings/tags/change")
@administering
def change_tag() -> Response | tuple[str, int]:
    """Rename, merge or remove a tag."""
    tag, do, to = _tag(), request.form.get("do", ""), request.form.get("to", "")
    try:
        match do:
            case "rename":
                changed = tag_editing.rename_tag(session(), tag, to, me().id)
            case "merge":
                changed = tag_editing.merge_tag(session(), tag, to, me().id)
            case "remove":
                changed = tag_editing.remove_tag_everywhere(session(), tag, me().id)
            case _:
                abort(400)
    except Refusal as refusal:
        return _page(do, to, str(refusal)), 422
    flash(f"Done, on {changed:,} {'contact' if changed == 1 else 'contacts'}.", "success")
    return redirect(url_for("staff.tag_settings"), 303)


def _tag() -> str:
    return request.values.get("tag", "")[:LONGEST]


def _page(do: str, to: str, error: str = "") -> str:
    other = ""
    if do in ("rename", "merge"):
        try:
            other = normal(to[:500])
        except Refusal as refusal:
            error = error or str(refusal)
    seen = tag_editing.preview(session(), _tag(), other)
    if not seen.contacts and not error:
        abort(404)
    if do == "rename" and seen.other_contacts:
        do = "merge"
    sure = not error and not seen.sequences and (do == "remove" or (bool(other) and other != seen.tag))
    return render_template(
        "staff/settings_tag.html",
        seen=seen,
        do=do if do in CHANGES else "",
        to=other or to,
        sure=sure,
        error=error,
        longest=LONGEST,
    )

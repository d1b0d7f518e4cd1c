"""The letters that staff edit: look, write, check, try, save, compare and go back."""

from typing import Any

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.core.tokens import BadToken
from tpminstitute.inbox.letters import ACKNOWLEDGEMENT, ACKNOWLEDGEMENT_AGAIN, PATHWAY
from tpminstitute.inbox.previews import letter_for, reader_of, send_test
from tpminstitute.mail.differences import difference
from tpminstitute.mail.drafts import DraftError, is_for_replies
from tpminstitute.mail.letters import LetterError, LetterSource
from tpminstitute.mail.models import Template
from tpminstitute.mail.templates import (
    LONGEST_NAME,
    StaleVersion,
    add_template,
    newest_version,
    restore,
    save_version,
    template_of,
    templates,
    version_of,
    versions_of,
    why_unsendable,
)
from tpminstitute.sequences.queries import uses_of_letters
from tpminstitute.web.common import CONTENT_SECURITY_POLICY, session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.letter_draft import LetterForm, check, drafts, editor

NUMBER = f"int(max={2**31 - 1})"
"""What a version's number may be; a larger one fits no column."""

IN_A_FRAME = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"
"""The policy of a previewed letter: its own styles, no script, nothing loaded, shown only inside our page."""

ON_EVERY_INQUIRY = {
    ACKNOWLEDGEMENT: ["At once, to everyone who writes for the first time."],
    ACKNOWLEDGEMENT_AGAIN: ["At once, to everyone who writes again."],
    PATHWAY: ["At once, to everyone who asks for their pathway by mail."],
}

IN_REPLIES = ["Offered wherever one of you writes a reply."]


@staff.get("/templates")
def letters() -> str:
    """Show the letters that can be edited, and when each goes out."""
    uses = uses_of_letters(session()) | ON_EVERY_INQUIRY
    rows = [
        {
            "template": template,
            "version": newest_version(session(), template.key),
            "problem": why_unsendable(session(), template.key),
            "uses": IN_REPLIES if is_for_replies(template.key) else uses.get(template.key, []),
        }
        for template in templates(session())
    ]
    by_themselves = [row for row in rows if row["uses"] is not IN_REPLIES]
    for_replies = [row for row in rows if row["uses"] is IN_REPLIES]
    return render_template("staff/letters.html", letters=by_themselves, replies=for_replies, may_act=may_act())


@staff.get("/templates/new")
@acting
def new_letter() -> str:
    """Ask for the name of a new letter, or with `?for=replies` of a new text for replies."""
    return _naming("", "", for_replies=request.args.get("for") == "replies")


@staff.post("/templates/new")
@acting
def add_letter() -> Response | tuple[str, int]:
    """Add a letter, and go on to write it."""
    name, for_replies = request.form.get("name", ""), request.form.get("for") == "replies"
    try:
        added = add_template(session(), name, me().id, for_replies=for_replies)
    except Refusal as refusal:
        return _naming(name, str(refusal), for_replies=for_replies), 422
    users = "you can put it into replies" if for_replies else "follow-ups can use it"
    flash(f"It has no text yet. Write it, and {users}.", "success")
    return redirect(url_for("staff.letter", key=added.key), 303)


def _naming(name: str, error: str, *, for_replies: bool) -> str:
    return render_template(
        "staff/letter_new.html", name=name, error=error, longest=LONGEST_NAME, for_replies=for_replies
    )


@staff.get("/templates/<key>")
def letter(key: str) -> Response:
    """Show one letter's editor, or for readers the letter; `?reader=` chooses for whom it is previewed."""
    template = _template(key)
    newest = newest_version(session(), key)
    form = LetterForm(formdata=None, data={**_fields(newest.source), "based_on": newest.number})
    return _page(template, form, newest.source, request.args.get("reader", ""), untouched=not newest.written)


@staff.post("/templates/<key>")
@acting
def save_letter(key: str) -> Response:
    """Save a new version; what can't be saved comes back as it was typed, with the sentences that say why."""
    template, form = _template(key), LetterForm()
    draft, reader = form.source(), form.reader.data or ""
    try:
        number = save_version(session(), key, draft, based_on=form.base(), account_id=me().id)
    except StaleVersion as stale:
        return _meanwhile(template, form, draft, reader, stale)
    except DraftError:
        return _page(template, form, draft, reader, status=422)
    except Refusal as refusal:
        return _page(template, form, draft, reader, status=409, warning=str(refusal))
    flash(f"Saved as version {number}. {_from_now_on(key)}", "success")
    return redirect(url_for("staff.letter", key=key, reader=reader or None), 303)


@staff.post("/templates/<key>/check")
@acting
def check_letter(key: str) -> Response | dict[str, Any]:
    """Say what saving would say, and show the letter; the script asks for JSON, a button for the page."""
    template, form = _template(key), LetterForm()
    draft, reader = form.source(), form.reader.data or ""
    if request.accept_mimetypes.best == "application/json":
        return check(session(), settings(), key, draft, reader_of(session(), reader)).as_json()
    return _page(template, form, draft, reader, checked=True)


@staff.post("/templates/<key>/test")
@acting
def test_letter(key: str) -> Response:
    """Send the letter as it is typed to whoever asks for it, and go on writing."""
    template, form = _template(key), LetterForm()
    draft, chosen = form.source(), form.reader.data or ""
    reader = reader_of(session(), chosen)
    if check(session(), settings(), key, draft, reader).problems:
        return _page(template, form, draft, chosen, status=422, warning="No test was sent. Mend the letter first.")
    try:
        queued = send_test(session(), settings(), key, draft, reader, me(), (form.nonce.data or "")[:60])
    except Refusal as refusal:
        return _page(template, form, draft, chosen, status=409, warning=str(refusal))
    done = f"A test for {one_line(reader.name, 40)} is on its way to {me().email}. Nothing was saved."
    again = f"This test was queued for {me().email} already. It was not sent twice."
    return _page(template, form, draft, chosen, done=done if queued else again)


@staff.get("/templates/<key>/preview/<draft>")
def preview_letter(key: str, draft: str) -> Response:
    """Show one letter by itself, for the frame in the editor: inert, whatever is in it."""
    _template(key)
    try:
        subject, preheader, body, reader = drafts(settings()).read(draft)
        made = letter_for(settings(), key, LetterSource(subject, preheader, body), reader_of(session(), reader))
    except (BadToken, LetterError):
        abort(404)
    return inert_letter(made.html)


def inert_letter(html: str) -> Response:
    """Return a letter's HTML by itself, as a frame in a page of ours shows it: no script runs, nothing is loaded."""
    # A click in the preview must not lead the frame away; without allow-popups a new window is refused.
    answer = make_response(html.replace("<head>", '<head>\n<base target="_blank">', 1))
    answer.headers["Content-Security-Policy"] = IN_A_FRAME
    return answer


@staff.get("/templates/<key>/versions")
def letter_versions(key: str) -> str:
    """Show every version of a letter, and what changed between two of them (`?older=`, `?newer=`)."""
    template = _template(key)
    versions = versions_of(session(), key)
    by_number = {version.number: version for version in versions}
    newer = by_number.get(request.args.get("newer", -1, int), versions[0])
    before = next((version for version in versions if version.number < newer.number), versions[-1])
    older = by_number.get(request.args.get("older", -1, int), before)
    first_with: dict[LetterSource, int] = {}
    for version in reversed(versions):
        first_with.setdefault(version.source, version.number)
    return render_template(
        "staff/letter_versions.html",
        template=template,
        versions=versions,
        same_as={v.number: first_with[v.source] for v in versions if first_with[v.source] != v.number},
        older=older,
        newer=newer,
        difference=difference(older.source, newer.source),
        may_act=may_act(),
    )


@staff.post(f"/templates/<key>/versions/<{NUMBER}:number>/restore")
@acting
def restore_letter(key: str, number: int) -> Response:
    """Make an earlier version the newest again; `?based_on=` is the newest that the page knew of."""
    _template(key)
    try:
        based_on = request.args.get("based_on", -1, int)
        saved = restore(session(), key, number, based_on=based_on, account_id=me().id)
        what = f"Version {number}" if number else "The letter as shipped"
        flash(f"{what} is back, as version {saved}. {_from_now_on(key)}", "success")
    except StaleVersion as stale:
        newest = stale.newest
        flash(f"{newest.author} saved version {newest.number} in the meantime. Nothing was restored.", "warning")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(url_for("staff.letter_versions", key=key), 303)


def _from_now_on(key: str) -> str:
    return "It is put into replies from now on." if is_for_replies(key) else "It goes out from now on."


def _template(key: str) -> Template:
    template = template_of(session(), key)
    if template is None:
        abort(404)
    return template


def _fields(source: LetterSource) -> dict[str, str]:
    return {"subject": source.subject, "preheader": source.preheader, "body": source.body.rstrip()}


def _meanwhile(template: Template, form: LetterForm, draft: LetterSource, reader: str, stale: StaleVersion) -> Response:
    """Show the draft again beside what somebody else saved; saving it once more puts it on top."""
    base = version_of(session(), template.key, form.base() if 0 <= form.base() < stale.newest.number else 0)
    form.based_on.data = str(stale.newest.number)
    theirs, yours = difference(base.source, stale.newest.source), difference(stale.newest.source, draft)
    return _page(template, form, draft, reader, status=409, stale={"why": str(stale), "theirs": theirs, "yours": yours})


def _page(
    template: Template,
    form: LetterForm,
    draft: LetterSource,
    reader: str,
    *,
    status: int = 200,
    untouched: bool = False,
    **shown: Any,
) -> Response:
    """Answer with the editor of `draft`, which nobody has begun to write where it is `untouched`.

    `shown` are the sentences on top of it.
    """
    text = render_template(
        "staff/letter.html",
        template=template,
        for_replies=is_for_replies(template.key),
        form=form,
        **editor(session(), template.key, form, draft, reader, untouched=untouched),
        **shown,
    )
    answer = make_response(text, status)
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return answer

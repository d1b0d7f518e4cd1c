"""Follow-ups that wait for a word: all of them, and one to be sent, edited or not sent."""

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import BadToken
from tpminstitute.mail.control import control
from tpminstitute.mail.drafts import DraftError, Problem, problems_of
from tpminstitute.mail.letters import LetterError, LetterSource
from tpminstitute.sequences import drafts
from tpminstitute.sequences.drafts import Waiting
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, list_place, may_act, me, today_url
from tpminstitute.web.staff.letter_draft import LetterForm
from tpminstitute.web.staff.letter_draft import drafts as draft_signer
from tpminstitute.web.staff.letters import inert_letter
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.waiting_views import frame_letters, waiting_view

GONE = "This follow-up waits no more: it was sent, dropped, or its follow-ups were stopped. Nothing was changed."


@staff.get("/drafts")
def waiting_drafts() -> str:
    """Show what waits for a word, for whom, since when and why; what waited longest comes first."""
    waiting = drafts.waiting(session())
    return render_template("staff/drafts.html", waiting=waiting, more=len(waiting) == drafts.SHOWN)


@staff.get(f"/drafts/<{ROW_ID}:draft_id>")
def edit_draft(draft_id: int) -> Response:
    """Show one draft to be edited, or, for readers, to be read."""
    waiting = drafts.one_waiting(session(), draft_id)
    if waiting is None:
        flash(GONE, "warning")
        return redirect(url_for("staff.waiting_drafts"), 303)
    form = LetterForm(formdata=None, data=_fields(waiting.source))
    return _page(waiting, form, waiting.source)


@staff.post(f"/drafts/<{ROW_ID}:draft_id>")
@acting
def check_draft(draft_id: int) -> Response:
    """Show what was typed as its reader would get it, or what has to be mended; nothing is saved."""
    waiting, form = _waiting(draft_id), LetterForm()
    return _page(waiting, form, form.source(), problems=problems_of(waiting.letter_key, form.source()), checked=True)


@staff.post(f"/drafts/<{ROW_ID}:draft_id>/send")
@acting
def send_draft(draft_id: int) -> Response:
    """Send a draft as it stands, or as it was typed; what can't be sent comes back as it was typed."""
    form = LetterForm()
    typed = form.source() if "body" in request.form else None
    contact_url = _contact_url(draft_id)
    try:
        drafts.approve(session(), settings(), draft_id, me().id, typed)
    except LetterError as refusal:
        problems = list(refusal.problems) if isinstance(refusal, DraftError) else [Problem("body", str(refusal))]
        return _again(draft_id, form, typed, problems, "", 422)
    except drafts.Decided as refusal:
        flash(str(refusal), "warning")
        return redirect(contact_url, 303)
    except Refusal as refusal:
        return _again(draft_id, form, typed, [], str(refusal), 409)
    held = control(session()).held
    flash("It is kept, and goes out once mail is not held any more." if held else "It is on its way.", "success")
    return redirect(contact_url, 303)


@staff.post(f"/drafts/<{ROW_ID}:draft_id>/drop")
@acting
def drop_draft(draft_id: int) -> Response:
    """Don't send a draft; the follow-ups go on with the next one."""
    contact_url = _contact_url(draft_id)
    try:
        drafts.drop(session(), settings(), draft_id, me().id)
        flash("It is not sent. The follow-ups go on with the next one.", "success")
    except drafts.Decided as refusal:
        flash(str(refusal), "warning")
    return redirect(contact_url, 303)


@staff.get(f"/drafts/<{ROW_ID}:draft_id>/preview/<text>")
def preview_draft(draft_id: int, text: str) -> Response:
    """Show a draft's letter by itself, for the frame beside it: inert, whatever is in it."""
    _waiting(draft_id)
    try:
        subject, preheader, body, _ = draft_signer(settings()).read(text)
        letter = drafts.letter_of(session(), settings(), draft_id, LetterSource(subject, preheader, body))
    except (BadToken, LetterError):
        abort(404)
    return inert_letter(letter.html)


def _waiting(draft_id: int) -> Waiting:
    waiting = drafts.one_waiting(session(), draft_id)
    if waiting is None:
        raise Refusal(GONE)
    return waiting


def _contact_url(draft_id: int) -> str:
    """Return where a decision about a draft leads back to: its reader's page, or that of today."""
    public_id = drafts.reader_of_draft(session(), draft_id)
    if public_id is None:
        abort(404)
    if request.args.get("back") == "today":
        return today_url()
    return url_for("staff.contact", public_id=public_id, **list_place())


def _again(
    draft_id: int, form: LetterForm, typed: LetterSource | None, problems: list[Problem], warning: str, status: int
) -> Response:
    """Show a draft that was not sent, in the words in which it was to be sent."""
    waiting = _waiting(draft_id)
    shown = form if typed else LetterForm(formdata=None, data=_fields(waiting.source))
    return _page(waiting, shown, typed or waiting.source, problems=problems, warning=warning, status=status)


def _page(
    waiting: Waiting,
    form: LetterForm,
    source: LetterSource,
    *,
    problems: list[Problem] | None = None,
    warning: str = "",
    checked: bool = False,
    status: int = 200,
) -> Response:
    view = waiting_view(session(), settings(), waiting, source)
    found = problems or ([Problem("body", view.problem)] if view.problem else [])
    form.show(found)
    text = render_template(
        "staff/draft.html",
        waiting=view,
        form=form,
        problems=found,
        warning=warning,
        checked=checked,
        may_act=may_act(),
    )
    return frame_letters(make_response(text, status))


def _fields(source: LetterSource) -> dict[str, str]:
    return {"subject": source.subject, "preheader": source.preheader, "body": source.body.rstrip()}

"""The guide, the courses page, and leaving the follow-ups."""

from flask import current_app, render_template

from tpminstitute.contacts import consent
from tpminstitute.inbox import opt_out
from tpminstitute.web.common import session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.form import LetterForm
from tpminstitute.web.site.write import fresh_token

TOKEN_PLACE = "the-token-of-this-page"


@site.get("/")
def guide() -> str:
    """Show the guide, with the letter at its foot; only the letter's token is new each time."""
    rendered: str | None = current_app.extensions.get("tpm_guide")
    if rendered is None:
        rendered = current_app.extensions["tpm_guide"] = _render_guide()
    return rendered.replace(TOKEN_PLACE, fresh_token("/"))


def _render_guide() -> str:
    form = LetterForm(formdata=None)
    form.token.data = TOKEN_PLACE
    return render_template(
        "site/guide.html",
        guide=current_app.extensions["tpm"].guide,
        form=form,
        consent_wording=consent.CURRENT_WORDING.text,
    )


@site.get("/courses")
def courses() -> str:
    """Show what can be learned, and how to ask."""
    return render_template("site/courses.html", page=current_app.extensions["tpm"].courses)


@site.get("/unsubscribe/<token>")
def ask_to_unsubscribe(token: str) -> tuple[str, int]:
    """Ask before anything changes: link scanners fetch every address in a mail."""
    contact = opt_out.contact_of_token(session(), settings(), token)
    if contact is None:
        return render_template("site/unsubscribe.html", state="unknown"), 404
    state = "done" if opt_out.opted_out(session(), contact) else "ask"
    return render_template("site/unsubscribe.html", state=state, address_masked=_masked(contact.email)), 200


@site.post("/unsubscribe/<token>")
def unsubscribe(token: str) -> tuple[str, int]:
    """Stop the follow-ups: by the button, or by a mail program's one click (RFC 8058: no redirect, no cookie)."""
    contact = opt_out.contact_of_token(session(), settings(), token)
    if contact is None:
        return render_template("site/unsubscribe.html", state="unknown"), 404
    opt_out.opt_out(session(), contact)
    return render_template("site/unsubscribe.html", state="done", address_masked=_masked(contact.email)), 200


def _masked(email: str) -> str:
    """Return an address so that its owner knows it and nobody else learns it: ``a…@example.org``."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"

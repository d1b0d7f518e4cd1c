"""The guide."""

from dataclasses import dataclass

from flask import current_app, render_template

from tpminstitute.contacts import consent
from tpminstitute.web.common import Shared, shared
from tpminstitute.web.site import site
from tpminstitute.web.site.form import LetterForm
from tpminstitute.web.site.write import fresh_token

TOKEN_PLACE = "the-token-of-this-page"


@site.get("/")
def guide() -> str:
    """Show the guide, with the letter at its foot; only the letter's token is new each time."""
    holds = shared()
    rendered: Rendered | None = current_app.extensions.get("tpm_guide")
    if rendered is None or rendered.made_of is not holds:
        rendered = current_app.extensions["tpm_guide"] = Rendered(holds, _render_guide())
    return rendered.text.replace(TOKEN_PLACE, fresh_token("/"))


@dataclass(frozen=True)
class Rendered:
    """The guide's page, and what it was made of."""

    made_of: Shared
    text: str


def _render_guide() -> str:
    form = LetterForm(formdata=None, topics=shared().topics)
    form.token.data = TOKEN_PLACE
    return render_template(
        "site/guide.html",
        guide=current_app.extensions["tpm"].guide,
        form=form,
        consent_wording=consent.CURRENT_WORDING.text,
    )

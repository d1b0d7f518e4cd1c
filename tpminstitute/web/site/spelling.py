"""A mistyped domain of an e-mail address: the one that was meant is offered once, and what was typed may stay."""

from flask import Response, jsonify, request

from tpminstitute.contacts.identity import read_email
from tpminstitute.screening.addresses import meant
from tpminstitute.web.site import site
from tpminstitute.web.site.form import LetterForm


@site.get("/contact/spelling")
def spelling() -> Response:
    """Return, for the script, the domain that was probably meant by `?domain=`; null when it looks right."""
    answer = jsonify(meant=meant(request.args.get("domain", "")[:253]))
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer


def offer_for(form: LetterForm) -> str | None:
    """Return the address to offer for the one in a valid `form`, or None to go on.

    None, too, once its writer has answered: with `spelling=use` the form has the better address from now on.
    """
    local, _, domain = form.address.address.rpartition("@")
    better, answer = meant(domain), request.form.get("spelling")
    if better is None or answer == "keep":
        return None
    offered = f"{local}@{better}"
    if answer == "use":
        form.address = read_email(offered)
        form.email.data = offered
        return None
    if form.spelled.data == domain:
        return None
    form.spelled.data = domain
    return offered

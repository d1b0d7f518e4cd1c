"""The door for mail providers: mails that came in, and what became of ours. No session, no cookie, no form token."""

from flask import Blueprint, Flask

from tpminstitute.web.hooks.certificates import Certificates
from tpminstitute.web.hooks.door import CERTIFICATES, add_answers
from tpminstitute.web.hooks.fetching import Fetch, fetch_from_amazon

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")
add_answers(hooks)

from tpminstitute.web.hooks import mailgun, postmark, sendgrid, ses  # noqa: E402, F401  (they register their routes)


def add_hooks(app: Flask, fetch: Fetch = fetch_from_amazon) -> None:
    """Give `app` the providers' door; `fetch` is how what Amazon SNS points to is fetched."""
    app.extensions[CERTIFICATES] = Certificates(fetch)
    app.register_blueprint(hooks)

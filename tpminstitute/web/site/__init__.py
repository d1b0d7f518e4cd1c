"""The public site."""

from flask import Blueprint

site = Blueprint("site", __name__)

from tpminstitute.web.site import calendar_feed, go, health, pages, unsubscribe, write  # noqa: E402, F401  (they register their routes)

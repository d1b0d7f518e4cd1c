"""The staff desk."""

from flask import Blueprint

staff = Blueprint("staff", __name__, url_prefix="/staff")

from tpminstitute.web.staff import access, desk, inquiries, messages, setup  # noqa: E402, F401  (they register their routes)

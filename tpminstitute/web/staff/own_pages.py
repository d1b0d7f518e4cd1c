"""Where somebody goes on after signing in: to a page of the desk, and nowhere else."""

from urllib.parse import urlsplit

from flask import url_for


def own_page(address: str | None) -> str:
    """Return `address` if it is a page of the desk on this host, else where the desk begins."""
    if address and address.startswith("/staff") and address.isprintable() and "\\" not in address:
        parts = urlsplit(address)
        if not parts.scheme and not parts.netloc and parts.path.partition("/staff")[2][:1] in ("", "/"):
            return address.rstrip("?")
    return url_for("staff.today")

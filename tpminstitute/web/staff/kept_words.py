"""What somebody typed outlives their session: it comes back on a page from which it can be sent again."""

from urllib.parse import urlsplit

from flask import render_template, request

LARGEST = 500_000
"""Bytes of a form that is kept; no text of the desk comes near."""

_SECRETS = {"password", "old", "code", "confirm_password", "csrf_token"}
"""Fields that are never shown or carried."""

_SIGNED_OUT = (
    "You are signed out",
    "Your session ended before this arrived, so nothing was changed or sent. What you typed stays on this page: sign "
    "in in a new tab, come back to this one and send it again.",
)
_STALE = (
    "Send it once more?",
    "The page was open for too long, or you signed in anew since it was opened, so nothing was changed or sent yet. "
    "This is what you typed.",
)


def can_be_kept() -> bool:
    """Return whether the request is a form of a page of ours, without files.

    What another site sends is never shown as somebody's own: browsers say where a form comes from (Fetch Metadata,
    W3C; Origin, RFC 6454).
    """
    if request.method != "POST" or request.mimetype != "application/x-www-form-urlencoded":
        return False
    if request.content_length is None or request.content_length > LARGEST:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host


def when_signed_out() -> tuple[str, int]:
    """Return the page for a form that came without a session."""
    return _page(*_SIGNED_OUT, signed_out=True), 401


def when_stale() -> tuple[str, int]:
    """Return the page for a form of an earlier session: whoever is signed in now may send it."""
    return _page(*_STALE, signed_out=False), 400


def _page(title: str, text: str, *, signed_out: bool) -> str:
    carried = [(name, value) for name, value in request.form.items(multi=True) if name not in _SECRETS]
    return render_template(
        "staff/send_again.html",
        title=title,
        text=text,
        signed_out=signed_out,
        carried=carried,
        words=[value for _, value in carried if any(sign.isspace() or sign == "@" for sign in value.strip())],
        action=request.full_path.rstrip("?"),
    )

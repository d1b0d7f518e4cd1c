"""Links that work once, for whoever has no session: what is said when one is over, and how guessing them ends."""

from flask import render_template

from tpminstitute.accounts import throttle
from tpminstitute.web.common import database
from tpminstitute.web.staff.passwords import network_here


def wrong_link(text: str) -> tuple[str, int]:
    """Say that a link is over, and count that one was tried: too many from one network have to wait."""
    limits = {f"link:network:{network_here()}": throttle.LINKS}
    with database().write() as writing:
        wait = throttle.begin(writing, limits)
    if wait is None:
        return over(text)
    told = f"There were too many links that lead nowhere. Wait {throttle.in_words(wait)}, then open yours again."
    return render_template("site/error.html", status=429, title="Wait a little", text=told), 429


def over(text: str) -> tuple[str, int]:
    """Say that a link is over."""
    return render_template("site/error.html", status=410, title="This link is over", text=text), 410

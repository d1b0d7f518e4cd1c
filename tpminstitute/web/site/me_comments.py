"""The page of somebody who commented on the guide and never wrote to us."""

import io

from flask import make_response, redirect, render_template, send_file, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.comments.links import stop_url
from tpminstitute.core import clock
from tpminstitute.own_page.links import Closed
from tpminstitute.own_page.told import remarks_of
from tpminstitute.own_page.writers import Writer, ask_to_be_forgotten, open_writer, stay, wish_to_stay
from tpminstitute.privacy.export import write_comments
from tpminstitute.web.common import own_page_sent_it, session, settings
from tpminstitute.web.site import site
from tpminstitute.web.site.comments import private
from tpminstitute.web.site.me import closed_page


@site.get("/me/comments/<token>")
def own_comments(token: str) -> BaseResponse:
    """Show somebody what they commented."""
    writer = open_writer(session(), settings(), token)
    if isinstance(writer, Closed):
        return closed_page(writer, token, days=0)
    shown = render_template(
        "site/me_comments.html",
        token=token,
        writer=writer,
        remarks=remarks_of(session(), [writer.email.key]),
        zone=settings().institute_zone,
        stop_url=stop_url(settings(), writer.hears).removeprefix(settings().public_url) if writer.hears else "",
    )
    return private(make_response(shown))


@site.post("/me/comments/<token>/data")
def take_own_comments(token: str) -> BaseResponse:
    """Hand out what is held of their comments."""
    writer = _writer(token)
    if isinstance(writer, Closed):
        return closed_page(writer, token, days=0)
    told = write_comments(session(), settings().institute_name, [writer.email.key])
    name = f"comments-{clock.now():%Y-%m-%d}.json"
    file = io.BytesIO(told)
    return private(send_file(file, mimetype="application/json", as_attachment=True, download_name=name))


@site.post("/me/comments/<token>/erase")
def erase_own_comments(token: str) -> BaseResponse:
    """Let them be erased in a day."""
    writer = _writer(token)
    if isinstance(writer, Closed):
        return closed_page(writer, token, days=0)
    ask_to_be_forgotten(session(), settings(), writer)
    return redirect(url_for("site.own_comments", token=token), 303)


@site.post("/me/comments/<token>/stay")
def keep_own_comments(token: str) -> BaseResponse:
    """Take that back."""
    writer = _writer(token)
    if isinstance(writer, Closed):
        return closed_page(writer, token, days=0)
    stay(session(), writer.email.key)
    return redirect(url_for("site.own_comments", token=token), 303)


@site.get("/me/comments/stay/<token>")
def ask_to_keep_comments(token: str) -> BaseResponse:
    """Ask before anything changes: link scanners fetch every address in a mail."""
    wish = wish_to_stay(session(), settings(), token)
    if isinstance(wish, Closed):
        return closed_page(wish, token, days=0)
    shown = render_template("site/me_stay.html", open=wish, zone=settings().institute_zone)
    return private(make_response(shown))


@site.post("/me/comments/stay/<token>")
def keep_comments(token: str) -> BaseResponse:
    """Take the wish to be forgotten back, by the link in the mail about it."""
    if not own_page_sent_it():
        raise Forbidden
    wish = wish_to_stay(session(), settings(), token)
    if wish is not None and not isinstance(wish, Closed):
        stay(session(), wish.email_key)
    return redirect(url_for("site.ask_to_keep_comments", token=token), 303)


def _writer(token: str) -> Writer | Closed:
    if not own_page_sent_it():
        raise Forbidden
    return open_writer(session(), settings(), token)

"""What every door of the web shares: the service's parts, a session per request, headers, errors, texts of time."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, current_app, g, render_template, request, url_for
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.local import LocalProxy

from tpminstitute.accounts.audit import ADDRESS
from tpminstitute.comments.queries import Talk, counts
from tpminstitute.contacts.topics import SHIPPED, Topics, keep_topics, topics_of
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import visible
from tpminstitute.courses.catalogue import Catalogue, catalogue_of
from tpminstitute.institute.kept import Kept
from tpminstitute.institute.service import overlay
from tpminstitute.screening import points
from tpminstitute.web.moments import by_clock, how_long, when
from tpminstitute.web.policy import content_security_policy, site_sheet
from tpminstitute.web.still import still_page

log = structlog.get_logger(__name__)

CONTENT_SECURITY_POLICY = content_security_policy()

ERROR_TEXTS = {
    400: ("This could not be read", "The request was incomplete or damaged. Nothing was changed."),
    403: ("Not allowed", "This page is not open to you. Nothing was changed."),
    404: ("There is no such page", "The address may have been cut off, or the page has moved."),
    405: ("That can't be done here", "This address doesn't take such a request. Nothing was changed."),
    409: (
        "This was not done",
        "Something has changed since the page was opened. Nothing was changed. Reload the page and look how it is now.",
    ),
    413: (
        "That was too much at once",
        "What was sent is larger than this form can take, and it was not kept. "
        "Go back with your browser: your text should still be there. Shorten it and send it again.",
    ),
    500: (
        "Something broke on our side",
        "The problem was noted. If you were sending a message, go back and send it again, or write to us by e-mail.",
    ),
    503: (
        "The service is catching its breath",
        "The database can't be reached just now. What was stored before is safe. Try again in a minute.",
    ),
}


@dataclass(frozen=True)
class Institute:
    """Who runs the site, as pages and mails say it."""

    name: str
    email: str
    phone: str
    postal_address: str

    @property
    def phone_href(self) -> str:
        """The phone number as a link."""
        return "tel:" + "".join(c for c in self.phone if c.isdigit() or c == "+")


def configured() -> Settings:
    """Return the settings as the operator set them, for what no administrator can change; asks no database."""
    return cast(Settings, current_app.extensions["tpm"].settings)


@dataclass(frozen=True)
class Shared:
    """What every page is made of and staff change: the settings that hold, the topics, the courses one may see, and how
    much is said about each chapter of the guide."""

    settings: Settings
    topics: Topics
    courses: Catalogue = field(default_factory=Catalogue)
    talk: Mapping[str, Talk] = field(default_factory=dict)


def shared() -> Shared:
    """Return what holds for this request; at the desk what holds now, elsewhere what held a second ago at most."""
    if "shared" not in g:
        if request.path.startswith("/staff"):
            g.shared = kept().now(session() if reads() else None)
        else:
            g.shared = kept().lately()
        if "session" in g and reads():
            keep_topics(g.session, g.shared.topics)
    return cast(Shared, g.shared)


def settings() -> Settings:
    """Return the settings that hold for this request: the operator's under what administrators saved at the desk."""
    return shared().settings


def topics() -> Topics:
    """Return the topics that hold for this request."""
    return shared().topics


def kept() -> Kept[Shared]:
    """Return what this process keeps of the settings and topics."""
    return cast(Kept[Shared], current_app.extensions["tpm_kept"])


def database() -> Database:
    """Return the database of the running application."""
    return cast(Database, current_app.extensions["tpm"].db)


def session() -> Session:
    """Return the request's session: a reading one for GET, a writing one for POST.

    It is committed after a view that answered well and rolled back after any other (`_end_session`).
    """
    if "session" not in g:
        g.session_context = database().read() if reads() else database().write()
        g.session = g.session_context.__enter__()
        g.session.info[ADDRESS] = request.remote_addr or ""
        if "shared" in g and reads():
            keep_topics(g.session, g.shared.topics)
    return cast(Session, g.session)


def reads() -> bool:
    """Return whether the request only reads."""
    return request.method in ("GET", "HEAD", "OPTIONS")


def _end_session(response: Response) -> Response:
    """Commit before anybody is told that it worked; the sign-in session is saved after this, on a free database."""
    context = g.pop("session_context", None)
    open_session: Session | None = g.pop("session", None)
    if context is None or open_session is None:
        return response
    if response.status_code >= 400 and not reads():
        open_session.rollback()
    context.__exit__(None, None, None)
    return response


def _drop_session(error: BaseException | None) -> None:
    """Roll back what a request that broke left open."""
    open_session: Session | None = g.pop("session", None)
    g.pop("session_context", None)
    if open_session is not None:
        open_session.rollback()
        open_session.close()


def own_page_sent_it() -> bool:
    """Return whether a POST comes from a page of ours, as far as the browser says (Fetch Metadata, Origin)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin")
    if origin is None:
        return site is None
    return origin.partition("://")[2] in (request.host, urlsplit(configured().public_url).netloc)


def add_common(app: Flask) -> None:
    """Give `app` what every door relies on: sessions, headers, error pages, template globals."""
    app.after_request(_end_session)
    app.after_request(protect)
    app.teardown_request(_drop_session)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(SQLAlchemyError, _database_error)
    app.register_error_handler(Exception, _unexpected)
    app.jinja_env.globals["asset"] = _asset
    app.jinja_env.globals["set_apart_at"] = points.SET_APART_AT
    app.jinja_env.globals["clear_at"] = points.CLEAR_AT
    app.jinja_env.globals["site_sheet"] = site_sheet
    app.jinja_env.filters["when"] = when
    app.jinja_env.filters["by_clock"] = by_clock
    app.jinja_env.filters["how_long"] = how_long
    app.jinja_env.filters["visible"] = visible
    app.jinja_env.globals["institute"] = LocalProxy(_institute)
    service = app.extensions["tpm"]
    app.extensions["tpm_still"] = {code: still_page(service.settings, *told) for code, told in ERROR_TEXTS.items()}
    before = Shared(service.settings, SHIPPED)

    def read(reading: Session) -> Shared:
        holds = overlay(reading, app.extensions["tpm"].settings)
        return Shared(holds, topics_of(reading), catalogue_of(reading), counts(reading))

    app.extensions["tpm_kept"] = Kept(service.db, before, read)


def _institute() -> Institute:
    holds = settings()
    return Institute(holds.institute_name, holds.institute_email, holds.institute_phone, holds.postal_address)


def protect(response: Response) -> Response:
    """Set the headers that keep pages from being framed, sniffed or scripted by others."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if response.mimetype == "text/html":
        headers.setdefault("Cache-Control", "no-store" if request.path.startswith("/staff") else "private, no-cache")
    if request.endpoint == "static":
        headers.pop("Content-Disposition", None)  # a name to save it by, which no page needs
    if request.endpoint == "static" and "v" in request.args:
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if configured().public_url.startswith("https://"):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def error_page(status: int, text: str | None = None) -> tuple[str, int]:
    """Return the page of an error; `text` says what happened and what to do, by default what holds for its status."""
    title, usual = ERROR_TEXTS.get(status, ERROR_TEXTS[400 if status < 500 else 500])
    try:
        g.shared = g.get("shared") or kept().last  # it may be the database that is gone
        return render_template("site/error.html", status=status, title=title, text=text or usual), status
    except Exception:  # what broke the page may break this one as well
        log.exception("error_page_broke", path=request.path)
        still = cast(dict[int, str], current_app.extensions["tpm_still"])
        return still.get(status, still[500]), status


def _http_error(error: HTTPException) -> tuple[str, int] | HTTPException | Response:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, InternalServerError) and isinstance(error.original_exception, SQLAlchemyError):
        return _database_error(error.original_exception)  # what is done after the view, such as storing the session
    return error_page(error.code, g.get("too_much") if error.code == 413 else None)


def _refused(error: Refusal) -> tuple[str, int]:
    return error_page(409, str(error))


def _database_error(error: SQLAlchemyError) -> tuple[str, int]:
    if isinstance(error, DataError):  # a text or number that no column can hold, such as PostgreSQL and U+0000
        return error_page(404 if request.method in ("GET", "HEAD") else 400)
    log.error("database_error", path=request.path, reason=reason_of(error))
    return error_page(503)


def reason_of(error: SQLAlchemyError) -> str:
    """Return what the database said, without the statement and the values that it was said about."""
    said = error.orig if isinstance(error, DBAPIError) else error
    return str(said)[:300]


def _unexpected(error: Exception) -> tuple[str, int]:
    log.exception("unexpected_error", path=request.path)
    return error_page(500)


def _asset(name: str) -> str:
    folder = Path(cast(str, current_app.static_folder))
    return url_for("static", filename=name, v=_fingerprint(folder / name, (folder / name).stat().st_mtime_ns))


@lru_cache(maxsize=64)
def _fingerprint(path: Path, changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]

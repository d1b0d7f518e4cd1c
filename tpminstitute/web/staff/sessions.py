"""Server-side sessions for the desk: the cookie carries a secret, the database what belongs to it.

Nothing outside /staff ever reads or sets the cookie.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import Flask, Request, Response, request
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import CallbackDict

from tpminstitute.accounts.models import StaffSession
from tpminstitute.accounts.service import end_session, load_session, save_session, seen_now
from tpminstitute.core import clock, tokens
from tpminstitute.core.db import Database
from tpminstitute.web.common import reads, reason_of
from tpminstitute.web.common import session as page_session

log = structlog.get_logger(__name__)

COOKIE = "tpm_staff"
PATH = "/staff"
SIGNED_IN_FOR = timedelta(days=14)
VISITING_FOR = timedelta(hours=12)
"""How long a session lasts after its last change: of somebody signed in, and of somebody who isn't (yet)."""

SEEN_EVERY = timedelta(minutes=10)
"""How exactly it is noted when a session was in use last."""

OWNER = "_user_id"
"""Where Flask-Login keeps the account's `fs_uniquifier`."""

HALF_IN = "tf_user_id"
"""Where Flask-Security keeps whose password was right and whose second step is awaited."""


class DeskSession(CallbackDict[str, Any], SessionMixin):
    """What one browser's session holds, and the secret of its cookie."""

    def __init__(self, data: dict[str, Any], secret: str | None, seen_at: datetime | None = None) -> None:
        """Wrap `data`; `secret` is None for a session that isn't stored yet, `seen_at` when it was in use last."""
        super().__init__(data, on_update=_mark_modified)
        self.secret = secret
        self.seen_at = seen_at
        self.owner_at_start = data.get(OWNER)
        self.whose_at_start = _whose(data)
        self.modified = False


def _whose(data: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return whose session it is, and whose it may become."""
    return data.get(OWNER), data.get(HALF_IN)


def _mark_modified(session: CallbackDict[str, Any]) -> None:
    session.modified = True  # type: ignore[attr-defined]


class DeskSessions(SessionInterface):
    """Flask's session, kept in the database."""

    def __init__(self, db: Database) -> None:
        """Keep sessions in `db`."""
        self._db = db

    def open_session(self, app: Flask, request: Request) -> DeskSession:
        """Load the session of a request to the desk; every other page gets an empty one that is never saved."""
        secret = request.cookies.get(COOKIE) if request.path.startswith(PATH) else None
        if secret is None:
            return DeskSession({}, None)
        row = load_session(page_session(), secret) if reads() else self._stored(secret)
        return DeskSession({}, None) if row is None else DeskSession(dict(row.data), secret, row.seen_at)

    def _stored(self, secret: str) -> StaffSession | None:
        """Return the session of `secret`, read before a request that writes begins its transaction."""
        with self._db.read() as reading:
            return load_session(reading, secret)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store a changed session; signing in or out gives it a new secret, so a planted cookie is worth nothing."""
        assert isinstance(session, DeskSession)
        if not session.modified:
            self._note_use(session)
            return
        session.modified = False  # the page that says it couldn't be stored isn't to wait for that once more
        owner = session.get(OWNER)
        kept = session.secret if _whose(session) == session.whose_at_start else None
        with self._db.write() as writing:
            if session.secret is not None and kept is None:
                end_session(writing, session.secret)
            if session:
                is_new, kept = kept is None, kept or tokens.secret()
                until = clock.now() + (SIGNED_IN_FOR if owner else VISITING_FOR)
                whence = {"browser": request.user_agent.string, "address": request.remote_addr or ""}
                if not save_session(writing, kept, dict(session), owner=owner, until=until, is_new=is_new, **whence):
                    kept = None
        if kept is None:
            response.delete_cookie(COOKIE, path=PATH)
            return
        response.set_cookie(
            COOKIE,
            kept,
            path=PATH,
            max_age=SIGNED_IN_FOR if owner else None,
            httponly=True,
            samesite="Lax",
            secure=app.config["SESSION_COOKIE_SECURE"],
        )

    def _note_use(self, session: DeskSession) -> None:
        """Note now and then that a session is in use: a write for each page would cost more than the page."""
        if session.secret is None or session.owner_at_start is None:
            return
        if session.seen_at is None or session.seen_at < clock.now() - SEEN_EVERY:
            try:
                with self._db.write() as writing:
                    seen_now(writing, session.secret, request.remote_addr or "")
            except OperationalError as problem:  # the next page notes it
                log.warning("session_use_not_noted", reason=reason_of(problem))

"""What an operator's tools ask: alive, ready, and the numbers."""

from hmac import compare_digest
from ipaddress import ip_address

from flask import Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from tpminstitute.core.db import pending_migrations
from tpminstitute.reports.queries import inquiries_by_state, mail_backlog
from tpminstitute.web.common import configured, database, session, settings
from tpminstitute.web.site import site

CLOSED = """\
The numbers are for who runs this service: on its own machine, past the proxy, or with METRICS_TOKEN as bearer token.
"""

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""What a proxy says of whom it asks for."""


@site.get("/healthz")
def alive() -> dict[str, str]:
    """Say that the web process answers."""
    return {"status": "alive"}


@site.get("/readyz")
def ready() -> tuple[dict[str, str], int]:
    """Say whether the database is there and migrated; broker and mail are reported, not required."""
    report = {
        "broker": "redis" if settings().redis_url else "built in",
        "mail": "caught on this machine" if settings().mail_is_caught else "delivered by SMTP",
    }
    try:
        behind = pending_migrations(database())
    except SQLAlchemyError:
        return {"status": "not ready", "database": "can't be reached", **report}, 503
    if behind:
        return {"status": "not ready", "database": "has pending migrations", **report}, 503
    return {"status": "ready", "database": "migrated", **report}, 200


@site.get("/metrics")
def metrics() -> Response:
    """Give the numbers in Prometheus's text format, to who may have them.

    How many inquiries are suspected would tell a sender of spam whether theirs was.
    """
    if not _may_have_numbers():
        return Response(CLOSED, 403, mimetype="text/plain")
    registry = CollectorRegistry()
    backlog = mail_backlog(session())
    mails = Gauge("tpm_mails", "Mails that wait, failed or are uncertain", ["state"], registry=registry)
    mails.labels("waiting").set(backlog.waiting)
    mails.labels("failed").set(backlog.failed)
    mails.labels("uncertain").set(backlog.uncertain)
    late = Gauge("tpm_oldest_due_mail_seconds", "Age of the oldest mail that is due", registry=registry)
    late.set(backlog.oldest_due_seconds)
    inquiries = Gauge("tpm_inquiries", "Inquiries by state", ["state"], registry=registry)
    for state, number in inquiries_by_state(session()).items():
        inquiries.labels(state.value).set(number)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_have_numbers() -> bool:
    """Return whether a request brings the token (RFC 6750), or, where none is set, comes from this very machine."""
    token, brought = configured().metrics_token, request.authorization
    if token:
        given = (brought.token or "") if brought is not None and brought.type == "bearer" else ""
        return compare_digest(given.encode(), token.encode())
    try:
        own = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return own and not any(name in request.headers for name in FORWARDED)

"""What an operator's tools ask: alive, ready, and the numbers."""

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from tpminstitute.core.db import pending_migrations
from tpminstitute.reports.queries import inquiries_by_state, mail_backlog
from tpminstitute.web.common import database, session, settings
from tpminstitute.web.site import site


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
    """Give the numbers in Prometheus's text format."""
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

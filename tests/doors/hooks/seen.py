"""Ada's mail, and what is seen in the database after a provider spoke."""

from sqlalchemy import select

from tpminstitute.core.db import Database
from tpminstitute.inbox.models import ReceivedMail
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.timeline.models import Activity, ActivityKind

MAIL = (
    b"From: Ada Lovelace <ada@example.org>\r\nTo: info@tpminstitute.org\r\nSubject: Tuesday\r\n"
    b"Date: Thu, 05 Feb 2026 10:00:00 +0000\r\nMessage-ID: <tuesday@example.org>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Tuesday at the caf\xc3\xa9 suits me.\r\n"
)
LATIN = MAIL.replace(b"charset=utf-8", b"charset=iso-8859-1").replace(b"caf\xc3\xa9", b"caf\xe9")


def closed(db: Database) -> set[tuple[str, SuppressionReason]]:
    """The addresses that are closed, and why."""
    with db.read() as session:
        return {(row.email_key, row.reason) for row in session.scalars(select(Suppression))}


def facts(db: Database, kind: ActivityKind) -> list[str]:
    """What the timelines say of one kind."""
    with db.read() as session:
        return [fact.sentence for fact in session.scalars(select(Activity).where(Activity.kind == kind))]


def received(db: Database) -> list[ReceivedMail]:
    """The mails that came in."""
    with db.read() as session:
        return list(session.scalars(select(ReceivedMail).order_by(ReceivedMail.id)))

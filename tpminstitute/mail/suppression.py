"""Addresses that must not be mailed."""

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.mail.models import Message, MessageKind, Suppression, SuppressionReason

SENTENCES = {
    SuppressionReason.HARD_BOUNCE: "Mail to this address came back for good.",
    SuppressionReason.COMPLAINT: "The person reported a mail as spam.",
    SuppressionReason.OPT_OUT: "The person unsubscribed from follow-ups.",
    SuppressionReason.BY_HAND: "A staff member closed this address.",
}


def suppress(session: Session, email_key: str, reason: SuppressionReason, note: str = "") -> None:
    """Close an address; the first reason stays when it is closed already."""
    dialect = session.get_bind().dialect.name
    insert_or_ignore = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.execute(
        insert_or_ignore(Suppression)
        .values(email_key=email_key, reason=reason, note=note, at=clock.now())
        .on_conflict_do_nothing(index_elements=["email_key"])
    )


def suppression_of(session: Session, email_key: str) -> Suppression | None:
    """Return why an address must not be mailed, or None when it may be."""
    return session.scalar(select(Suppression).where(Suppression.email_key == email_key))


def closed_to_this_message() -> ColumnElement[bool]:
    """Return the condition under which a suppression stands against a row of `messages`.

    The institute's own notices always go out. Who opted out of follow-ups still gets the answer to what they
    themselves just sent; a bounce or a complaint closes the address for everything.
    """
    return and_(
        Message.kind != MessageKind.NOTICE,
        exists().where(
            Suppression.email_key == Message.recipient_key,
            or_(
                Suppression.reason != SuppressionReason.OPT_OUT,
                Message.kind == MessageKind.FOLLOW_UP,
            ),
        ),
    )

"""Addresses that must not be mailed."""

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, false, not_, or_, select, update
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

ALWAYS_SENT = (MessageKind.NOTICE, MessageKind.TEST, MessageKind.STAFF)
"""What goes to the institute's own people, whatever the list says."""


UNASKED = (MessageKind.FOLLOW_UP, MessageKind.PUBLICATION)
"""What an opt-out stands against: mails that nobody asked for. Word of answers to a comment is asked for by itself, and
has an unsubscribe of its own."""


def suppress(
    session: Session,
    email_key: str,
    reason: SuppressionReason,
    note: str = "",
    account_id: int | None = None,
) -> bool:
    """Close an address; the first reason stays when it is closed already, but for an opt-out.

    An opt-out closes an address to follow-ups only, so a reason that closes it to everything takes its place.
    Returns whether the list changed.
    """
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    values = {"reason": reason, "note": note, "at": clock.now(), "account_id": account_id}
    changed = session.execute(
        insert(Suppression)
        .values(email_key=email_key, **values)
        .on_conflict_do_update(
            index_elements=["email_key"],
            set_=values,
            where=false() if reason is SuppressionReason.OPT_OUT else Suppression.reason == SuppressionReason.OPT_OUT,
        )
        .returning(Suppression.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return changed is not None


_OF_ADDRESS = (
    select(Suppression).where(Suppression.email_key == bindparam("key")).execution_options(populate_existing=True)
)


def suppression_of(session: Session, email_key: str) -> Suppression | None:
    """Return why an address must not be mailed, or None when it may be."""
    return session.scalar(_OF_ADDRESS, {"key": email_key})


def closed_to_answers(session: Session, email_key: str) -> Suppression | None:
    """Return why an address gets no answer to what its owner sent us, or None when it does, as after an opt-out."""
    suppression = suppression_of(session, email_key)
    return None if suppression is None or suppression.reason is SuppressionReason.OPT_OUT else suppression


def lift(session: Session, suppression_id: int, reason: SuppressionReason) -> bool:
    """Take an address off the list if it still stands there for `reason`; returns whether it did."""
    lifted = session.execute(
        delete(Suppression)
        .where(Suppression.id == suppression_id, Suppression.reason == reason)
        .execution_options(synchronize_session=False)
        .returning(Suppression.id)
    ).one_or_none()
    return lifted is not None


def narrow_to_opt_out(session: Session, suppression_id: int, reason: SuppressionReason, note: str) -> bool:
    """Leave an address closed to follow-ups only, if it still stands there for `reason`; returns whether it did."""
    narrowed = session.execute(
        update(Suppression)
        .where(Suppression.id == suppression_id, Suppression.reason == reason)
        .values(reason=SuppressionReason.OPT_OUT, note=note, at=clock.now(), account_id=None)
        .execution_options(synchronize_session=False)
        .returning(Suppression.id)
    ).one_or_none()
    return narrowed is not None


def closed_to_this_message() -> ColumnElement[bool]:
    """Return the condition under which a suppression stands against a row of `messages`.

    The institute's own notices and tests always go out. Who opted out of follow-ups still gets the answer to what
    they themselves just sent, and word of answers to a comment if they asked for it; a bounce, a complaint or a
    person's word closes the address for everything, but for what a person writes who was told so and asks for it.
    """
    return and_(
        *(Message.kind != kind for kind in ALWAYS_SENT),
        not_(Message.despite_closed),
        exists().where(
            Suppression.email_key == Message.recipient_key,
            or_(
                Suppression.reason != SuppressionReason.OPT_OUT,
                Message.kind.in_(UNASKED),
            ),
        ),
    )

"""What came in after a merge: whose it is when the merge is undone, and what landed on the shell by a race."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tpminstitute.contacts import consent
from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.contacts.models import Consent, Contact
from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Conversation, Inquiry, ReceivedMail
from tpminstitute.inbox.opt_out import REASON, opted_out
from tpminstitute.mail.models import Message, SuppressionReason
from tpminstitute.mail.suppression import suppress
from tpminstitute.merging import joining
from tpminstitute.merging.choices import Side
from tpminstitute.merging.images import differences, image_of
from tpminstitute.merging.models import Merge
from tpminstitute.merging.service import address_keys
from tpminstitute.merging.ways import move_rows
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import Activity, ActivityKind

CLOSING = (ActivityKind.ADDRESS_CLOSED, ActivityKind.MAIL_BOUNCED, ActivityKind.MAIL_COMPLAINED_OF)

SOURCE = "unsubscribed while merged with another contact"

STRAY_FOR = timedelta(days=3)
"""How long after a merge something may still be written to the shell, by whoever looked it up before."""


def closed(session: Session, found: Merge) -> bool:
    """Return whether an address was closed since the merge: then none is opened by undoing it."""
    return _told_since(session, found, CLOSING)


def left(session: Session, found: Merge) -> bool:
    """Return whether the person unsubscribed since the merge: then that stands for both of the two."""
    return _told_since(session, found, (ActivityKind.CONSENT_WITHDRAWN,))


def leave(session: Session, contacts: Sequence[Contact], account_id: int) -> None:
    """Let an unsubscription hold for each of these contacts."""
    for contact in contacts:
        if not opted_out(session, contact):
            consent.withdraw(session, contact.id, SOURCE)
        suppress(session, contact.email_key, SuppressionReason.OPT_OUT, account_id=account_id)
        stop_for_contact(session, contact.id, REASON)


def divide(session: Session, found: Merge) -> int:
    """Give the contact that was merged what came in since from, or went to, one of their addresses.

    Returns how many inquiries and mails went with them. Notes, reminders and stages since then stay with who remained.
    """
    first, second = found.contact_id, found.merged_id
    keys = set(address_keys(session, [second]))
    inquiries = [row.id for row in _new_inquiries(session, found) if _key_of(row.email) in keys]
    heard = [row.id for row in _new_mails(session, found) if _key_of(row.sender_email) in keys]
    _give(session, Inquiry, Inquiry.id.in_(inquiries), second)
    _give(session, ReceivedMail, ReceivedMail.id.in_(heard), second)
    consents = select(Inquiry.consent_id).where(Inquiry.id.in_(inquiries), Inquiry.consent_id.is_not(None))
    _give(session, Consent, Consent.id.in_(consents), second)
    causes = [f"inquiry:{inquiry_id}" for inquiry_id in inquiries]
    causes += _give_runs(session, found, causes)
    theirs = Message.recipient_key.in_(keys) | Message.cause.in_(causes)
    _give(session, Message, (Message.contact_id == first) & (Message.created_at >= found.at) & theirs, second)
    if inquiries or heard:
        _same_turn(session, first, second)
    return len(inquiries) + len(heard)


def gather_strays(db: Database) -> int:
    """Give what was written to the shell of a recent merge, by whoever had looked it up before, to who remains.

    Returns how many rows there were. They are recorded as rows of the merge, so that undoing it gives them back.
    """
    with db.read() as session:
        recent = select(Merge.id).where(Merge.undone_at.is_(None), Merge.at > clock.now() - STRAY_FOR)
        merges = session.scalars(recent).all()
    gathered = 0
    for merge_id in merges:
        with db.write() as session:
            gathered += _gather(session, merge_id)
    return gathered


def _gather(session: Session, merge_id: int) -> int:
    found = session.scalar(select(Merge).where(Merge.id == merge_id, Merge.undone_at.is_(None)).with_for_update())
    if found is None:
        return 0
    ids = (found.contact_id, found.merged_id)
    shell = image_of(session, [found.merged_id], [])
    if not any(rows for table, rows in shell.items() if table != "contacts"):
        return 0
    before = image_of(session, ids, [])
    joining.join_leads(session, ids, Side.FIRST)
    joining.join_conversations(session, *ids)
    move_rows(session, found.merged_id, found.contact_id)
    rows = differences(before, image_of(session, ids, []))
    for row in rows:
        row.merge_id = found.id
    session.add_all(rows)
    return len(rows)


def _told_since(session: Session, found: Merge, kinds: Sequence[ActivityKind]) -> bool:
    told = exists().where(Activity.contact_id == found.contact_id, Activity.at >= found.at, Activity.kind.in_(kinds))
    return bool(session.scalar(select(told)))


def _new_inquiries(session: Session, found: Merge) -> Sequence[Inquiry]:
    return session.scalars(
        select(Inquiry).where(Inquiry.contact_id == found.contact_id, Inquiry.received_at >= found.at)
    ).all()


def _new_mails(session: Session, found: Merge) -> Sequence[ReceivedMail]:
    return session.scalars(
        select(ReceivedMail).where(ReceivedMail.contact_id == found.contact_id, ReceivedMail.received_at >= found.at)
    ).all()


def _give(session: Session, model: Any, which: ColumnElement[bool], contact_id: int) -> None:
    session.execute(
        update(model).where(which).values(contact_id=contact_id), execution_options={"synchronize_session": False}
    )


def _give_runs(session: Session, found: Merge, causes: Sequence[str]) -> list[str]:
    """Give the runs that these inquiries began; one stays where it is if they run through the sequence already."""
    runs = session.scalars(
        select(Enrollment.id).where(Enrollment.contact_id == found.contact_id, Enrollment.cause.in_(causes))
    ).all()
    given = []
    for run_id in runs:
        try:
            with session.begin_nested():
                _give(session, Enrollment, Enrollment.id == run_id, found.merged_id)
        except IntegrityError:
            continue
        given.append(f"enrollment:{run_id}")
    return given


def _same_turn(session: Session, first_id: int, second_id: int) -> None:
    """What was said since was the other one's: so is the turn."""
    now = session.get(Conversation, first_id, populate_existing=True)
    if now is not None:
        session.merge(Conversation(contact_id=second_id, turn=now.turn, since=now.since))
        session.flush()


def _key_of(address: str) -> str:
    try:
        return read_email(address).key
    except AddressError:
        return ""

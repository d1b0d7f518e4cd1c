"""Erase a person: what they said, who they are, how to reach them. What stays is a shell that keeps counts true."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Integer, Select, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import AuditEntry
from tpminstitute.accounts.service import record_audit
from tpminstitute.comments.models import CommentWriter
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked, locked_by_address
from tpminstitute.core import clock
from tpminstitute.core.belonging import Belonging
from tpminstitute.core.db import Base
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import digest
from tpminstitute.inbox.models import AttachmentBody, Inquiry, InquiryState, ReceivedAttachment, ReceivedMail, Standing
from tpminstitute.inbox.opt_out import opted_out, unsubscribed
from tpminstitute.lists.search_upkeep import refresh
from tpminstitute.mail.models import Message, MessageStatus, Suppression, SuppressionReason
from tpminstitute.mail.outbox import UNSENT
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppression_of
from tpminstitute.merging.service import address_keys, expect_no_mail_on_its_way
from tpminstitute.pipeline.models import Lead
from tpminstitute.pipeline.service import lost_stage
from tpminstitute.privacy.forgetting_comments import Emptied, empty_again, forget_comments
from tpminstitute.privacy.models import ErasedAddress, Erasure, RuleKind
from tpminstitute.privacy.personal import BLANKED, BY_ADDRESS, GONE, OF_THE_CONTACT, Instead, of_contacts
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

REASON = "The person was erased."

_BATCH = 200


def erase(
    session: Session, contact_id: int, account_id: int | None, rule: RuleKind | None = None, *, at_rest: bool = False
) -> Erasure:
    """Erase everything personal of a contact, and of the shells that were merged into them.

    Parameters: `account_id`, who does it; `rule`, the rule of retention that does, if it is one; `at_rest`, whether the
    service is stopped, so that nothing is on its way whatever a mail's row says.
    Queued mails are cancelled and follow-ups stopped. An opt-out outlives it, as a digest of the address. Raises
    `Refusal`, and the caller must roll back, when they were erased before or a mail to them is being sent right now.
    """
    contact = locked(session, contact_id)
    if contact.erased_at is not None:
        raise Refusal("This person was erased already. Nothing was changed.")
    ids = [contact.id, *shells_of(session, contact.id)]
    if not at_rest:
        expect_no_mail_on_its_way(session, ids)
    counts = counts_of(session, ids)
    _stop_everything(session, contact)
    keys = address_keys(session, ids)
    _keep_opt_outs(session, contact, keys)
    session.execute(update(Contact).where(Contact.id.in_(ids)).values(erased_at=clock.now()))
    _blank_audit(session, contact, ids, keys)
    forget_comments(session, keys, REASON)
    _blank_mails_to_staff(session, contact, keys)
    _take_mails_that_wait_elsewhere(session, contact.id, keys)
    _forget_addresses(session, keys)
    _blank(session, ids)
    _close_what_waits(session, contact.id)
    found = Erasure(contact_id=contact.id, at=clock.now(), account_id=account_id, rule=rule, counts=counts)
    session.add(found)
    sentence = "Everything personal was erased."
    record(session, contact.id, ActivityKind.CONTACT_ERASED, sentence, account_id=account_id)
    why = f" ({rule.value})" if rule else ""
    subject = f"contact {contact.public_id}{why}"
    record_audit(session, "contact_erased", subject, account_id=account_id, contact_id=contact.id)
    session.flush()
    refresh(session, ids)
    session.expire_all()
    return found


def erase_writer(session: Session, email_key: str) -> None:
    """Erase everything of somebody who is known by an address alone: their comments, and the mails about them.

    Of a contact who has that address only what they commented goes. An opt-out outlives it, as a digest.
    """
    forget_comments(session, [email_key], REASON)
    if locked_by_address(session, email_key) is not None:
        return
    closed = suppression_of(session, email_key)
    if closed is not None:
        _keep_closed(
            session, {"digest": digest(email_key), "reason": closed.reason, "withdrew": False, "at": closed.at}
        )
    _forget_addresses(session, [email_key])


def erased_public_ids(session: Session) -> Sequence[str]:
    """Return the public ids of everybody who was erased."""
    return session.scalars(select(Contact.public_id).join(Erasure, Erasure.contact_id == Contact.id)).all()


def erase_again(session: Session, public_ids: Collection[str]) -> int:
    """Erase those of these contacts who are there again, in a database at rest; returns how many were."""
    there = select(Contact.id).where(Contact.public_id.in_(public_ids), Contact.erased_at.is_(None))
    ids = session.scalars(there.where(Contact.merged_into_id.is_(None))).all()
    for contact_id in ids:
        erase(session, contact_id, None, at_rest=True)
    return len(ids)


def empty_comments_again(session: Session, emptied: Collection[Emptied]) -> None:
    """Empty those of these comments that have their words again, and erase their writers who have no other one."""
    keys = empty_again(session, emptied)
    others = session.scalars(select(CommentWriter.email_key).where(CommentWriter.email_key.in_(keys))).all()
    for key in set(keys).difference(others):
        erase_writer(session, key)


def family() -> Select[int]:
    """Return the query of the ids of the parameter ``contact`` and of all who were merged into that contact."""
    them = select(bindparam("contact", type_=Integer).label("id")).cte("family", recursive=True)
    return select(them.union(select(Contact.id).join(them, Contact.merged_into_id == them.c.id)).c.id)


_SHELLS = select(Contact.id).where(Contact.id.in_(family()), Contact.id != bindparam("contact"))


def shells_of(session: Session, contact_id: int) -> list[int]:
    """Return the ids of the contacts that were merged into this one, directly or one after the other."""
    return list(session.scalars(_SHELLS, {"contact": contact_id}))


def counts_of(session: Session, ids: Sequence[int]) -> dict[str, int]:
    """Return how many rows of each table belong to these contacts; tables without any are left out."""
    found = {}
    for one in of_contacts():
        rows = session.scalar(select(func.count()).select_from(one.table).where(one.of(ids))) or 0
        if rows:
            found[one.table.name] = rows
    return found


def _stop_everything(session: Session, contact: Contact) -> None:
    stop_for_contact(session, contact.id, REASON)
    unsettled = (*UNSENT, MessageStatus.SENDING, MessageStatus.UNCERTAIN)
    waiting = (Message.contact_id == contact.id, Message.status.in_(unsettled))
    ended = {"status": MessageStatus.CANCELLED, "reason": REASON, "lease_token": None, "lease_until": None}
    session.execute(update(Message).where(*waiting).values(ended), execution_options={"synchronize_session": False})


def _keep_opt_outs(session: Session, contact: Contact, keys: Sequence[str]) -> None:
    """Keep what closes an address, under its digest."""
    withdrew = opted_out(session, contact) or unsubscribed(session, contact)
    closed = {row.email_key: row for row in session.scalars(select(Suppression).where(Suppression.email_key.in_(keys)))}
    for key in keys:
        suppression = closed.get(key)
        if suppression is None and not withdrew:
            continue
        kept = {
            "digest": digest(key),
            "reason": suppression.reason if suppression else SuppressionReason.OPT_OUT,
            "withdrew": withdrew,
            "at": suppression.at if suppression else clock.now(),
        }
        _keep_closed(session, kept)


def _keep_closed(session: Session, kept: Mapping[str, object]) -> None:
    kind = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(kind(ErasedAddress).values(kept).on_conflict_do_nothing(index_elements=["digest"]))


def _forget_addresses(session: Session, keys: Sequence[str]) -> None:
    """Take their addresses out of the tables that know people by nothing else."""
    for name in BY_ADDRESS:
        table = Base.metadata.tables[name]
        session.connection().execute(delete(table).where(table.c.email_key.in_(keys)))


def _blank_audit(session: Session, contact: Contact, ids: Sequence[int], keys: Sequence[str]) -> None:
    """Let the lines of the audit log that name an address of theirs name their shell instead.

    New lines say it masked; those of earlier releases say it whole, and not whom they concern.
    """
    named = or_(*(func.lower(AuditEntry.subject).contains(key, autoescape=True) for key in keys))
    said = and_(AuditEntry.kind.in_(("address", "export")), named)
    masked = and_(AuditEntry.contact_id.in_(ids), AuditEntry.subject.contains("…@"))
    session.execute(
        update(AuditEntry).where(or_(masked, said)).values(subject=f"contact {contact.public_id}, erased"),
        execution_options={"synchronize_session": False},
    )


def _blank_mails_to_staff(session: Session, contact: Contact, keys: Sequence[str]) -> None:
    """Empty the digests and warnings that staff got since this contact is there; one that waits and names
    them isn't sent any more.

    What was sent has done its work, and whom each of them named stands nowhere.
    """
    quietly = {"synchronize_session": False}
    to_staff = and_(Message.contact_id.is_(None), Message.created_at >= contact.first_seen_at)
    waiting = select(Message.id, Message.subject, Message.content).where(to_staff, Message.status.in_(UNSENT))
    named = [word for word in (contact.name.lower(), *keys) if word]
    for message_id, subject, content in session.execute(waiting).all():
        said = f"{subject}\n{plain_text(content)}".lower()
        if any(word in said for word in named):
            ended = {"status": MessageStatus.CANCELLED, "reason": REASON, "lease_token": None, "lease_until": None}
            session.execute(update(Message).where(Message.id == message_id).values(ended), execution_options=quietly)
    over = and_(to_staff, Message.status.not_in((*UNSENT, MessageStatus.SENDING)))
    session.execute(
        update(Message).where(over, func.length(Message.content) > 0).values(content=b""), execution_options=quietly
    )
    says = or_(*(func.lower(Message.subject).contains(word, autoescape=True) for word in named))
    session.execute(update(Message).where(over, says).values(subject="Erased"), execution_options=quietly)


def _take_mails_that_wait_elsewhere(session: Session, contact_id: int, keys: Sequence[str]) -> None:
    """Let the mails from their addresses that wait for a look on somebody else's page be theirs, and go with them."""
    doubted = ReceivedMail.standing == Standing.DOUBTFUL, func.lower(ReceivedMail.sender_email).in_(keys)
    session.execute(
        update(ReceivedMail).where(*doubted).values(contact_id=contact_id),
        execution_options={"synchronize_session": False},
    )


def _blank(session: Session, ids: Sequence[int]) -> None:
    """Empty or delete every row of theirs; what they own goes before they do."""
    attachments = session.scalars(_digests(ids)).all()
    for one in reversed(of_contacts()):
        if one.table.name in GONE:
            session.connection().execute(delete(one.table).where(one.of(ids)))
        elif one.table.name in BLANKED:
            _blank_rows(session, one, ids, BLANKED[one.table.name])
    forget_bodies(session, attachments)
    for contact_id in ids:
        own: dict[str, object] = {**OF_THE_CONTACT, "email_key": f"erased:{contact_id}", "owner_id": None}
        own |= {"time_zone_source": None, "background": None, "background_source": None}
        session.execute(
            update(Contact).where(Contact.id == contact_id).values({**own, "number": Contact.number + 1}),
            execution_options={"synchronize_session": False},
        )


def _blank_rows(session: Session, one: Belonging, ids: Sequence[int], instead: Mapping[str, Instead]) -> None:
    fixed = {name: value for name, value in instead.items() if not callable(value)}
    made = {name: value for name, value in instead.items() if callable(value)}
    connection, table = session.connection(), one.table
    if fixed:
        connection.execute(update(table).where(one.of(ids)).values(fixed))
    for name, make in made.items():
        for old in connection.scalars(select(table.c[name]).where(one.of(ids)).distinct()).all():
            if make(old) != old:
                connection.execute(update(table).where(one.of(ids), table.c[name] == old).values({name: make(old)}))


def _digests(ids: Sequence[int]) -> Select[str]:
    mails = select(ReceivedMail.id).where(ReceivedMail.contact_id.in_(ids))
    return select(ReceivedAttachment.digest).where(ReceivedAttachment.mail_id.in_(mails)).distinct()


def forget_bodies(session: Session, digests: Sequence[str]) -> None:
    """Delete the bodies of files that no mail has any more."""
    for start in range(0, len(digests), _BATCH):
        some = digests[start : start + _BATCH]
        used = select(ReceivedAttachment.digest).where(ReceivedAttachment.digest.in_(some))
        session.execute(
            delete(AttachmentBody).where(AttachmentBody.digest.in_(some), AttachmentBody.digest.not_in(used)),
            execution_options={"synchronize_session": False},
        )


def _close_what_waits(session: Session, contact_id: int) -> None:
    """Nobody waits for an answer or a look any more, and an open lead is lost; what was won stays won."""
    quietly = {"synchronize_session": False}
    doubted = ReceivedMail.contact_id == contact_id, ReceivedMail.standing == Standing.DOUBTFUL
    looked_at = {"standing": Standing.TRUSTED, "doubt": ""}
    session.execute(update(ReceivedMail).where(*doubted).values(looked_at), execution_options=quietly)
    for state, then in ((InquiryState.OPEN, InquiryState.HANDLED), (InquiryState.SUSPECTED, InquiryState.SPAM)):
        theirs = update(Inquiry).where(Inquiry.contact_id == contact_id, Inquiry.state == state)
        session.execute(theirs.values(state=then), execution_options=quietly)
    lost = lost_stage(session)
    if lost is not None:
        ended = {"closed_at": clock.now(), "moved_at": clock.now(), "stage_id": lost}
        waiting = update(Lead).where(Lead.contact_id == contact_id, Lead.closed_at.is_(None))
        session.execute(waiting.values(ended), execution_options=quietly)

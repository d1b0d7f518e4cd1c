"""Things of which a person has one: two leads, two turns, two wishes, two consents become one of each."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from tpminstitute.contacts import consent
from tpminstitute.contacts.models import Contact
from tpminstitute.core.belonging import referring
from tpminstitute.inbox.models import Conversation, ReplyDraft, Turn
from tpminstitute.inbox.opt_out import opted_out, unsubscribed
from tpminstitute.inbox.wait_models import CourseWait
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.mail.suppression import SENTENCES, suppress
from tpminstitute.merging.choices import Side
from tpminstitute.pipeline.models import Lead
from tpminstitute.sequences.models import FollowUpWish, Pace
from tpminstitute.sequences.stopping import stop_for_contact

SOURCE = "merge of two contacts, one of which had withdrawn it"

NOTE = "Two contacts were merged, and one of them was closed."

STRICTEST_FIRST = (SuppressionReason.COMPLAINT, SuppressionReason.BY_HAND, SuppressionReason.OPT_OUT)
"""What holds for a person, whatever their address; that mail came back says something about one address only."""


def personal_closing(
    session: Session, first: Contact, second: Contact, keys: Sequence[str]
) -> dict[str, SuppressionReason]:
    """Return why the person that the two are is not to be mailed, for each of their addresses; empty if they may be."""
    said = set(session.scalars(select(Suppression.reason).where(Suppression.email_key.in_(keys))))
    left = [opted_out(session, contact) or unsubscribed(session, contact) for contact in (first, second)]
    if any(left):
        said.add(SuppressionReason.OPT_OUT)
    strictest = next((reason for reason in STRICTEST_FIRST if reason in said), None)
    return {} if strictest is None else dict.fromkeys(keys, strictest)


def keep_closed(
    session: Session, contact: Contact, closing: dict[str, SuppressionReason], account_id: int | None
) -> None:
    """Let what closed one of two contacts hold for the one they are now: consent, every address, follow-ups."""
    if not closing:
        return
    for key, reason in closing.items():
        suppress(session, key, reason, NOTE, account_id)
    reason = next(iter(closing.values()))
    if reason is SuppressionReason.OPT_OUT and not (opted_out(session, contact) and unsubscribed(session, contact)):
        consent.withdraw(session, contact.id, SOURCE)
    stop_for_contact(session, contact.id, SENTENCES[reason])


def join_leads(session: Session, ids: tuple[int, int], side: Side) -> None:
    """Of two open leads the chosen one goes on, since when the older one was open; it is one opportunity.

    Whatever refers to the other one refers to it from now on.
    """
    open_leads = {
        lead.contact_id: lead
        for lead in session.scalars(select(Lead).where(Lead.contact_id.in_(ids), Lead.closed_at.is_(None)))
    }
    if len(open_leads) < 2:
        return
    first, second = (open_leads[contact_id] for contact_id in ids)
    kept, gone = (first, second) if side is Side.FIRST else (second, first)
    since = min(kept.opened_at, gone.opened_at)
    leads = Lead.__table__
    assert isinstance(leads, Table)
    connection = session.connection()
    for column in referring(leads):
        if column.primary_key:  # a card, drawn from the lead: it goes with it
            continue
        connection.execute(update(column.table).where(column == gone.id).values({column: kept.id}))
    connection.execute(delete(leads).where(leads.c.id == gone.id))
    connection.execute(update(leads).where(leads.c.id == kept.id).values(opened_at=since))
    session.expire_all()


def join_conversations(session: Session, first_id: int, second_id: int) -> None:
    """If either waits for the institute, it goes on waiting, since the older promise; else the newer word holds."""
    found = {
        turn.contact_id: turn
        for turn in session.scalars(select(Conversation).where(Conversation.contact_id.in_((first_id, second_id))))
    }
    if len(found) < 2:
        return
    turn, since = _joined_turn([(row.turn, row.since) for row in found.values()])
    found[first_id].turn, found[first_id].since = turn, since
    session.flush()


def _joined_turn(turns: Iterable[tuple[Turn, datetime]]) -> tuple[Turn, datetime]:
    both = list(turns)
    waiting = [since for turn, since in both if turn is Turn.INSTITUTE]
    if waiting:
        return Turn.INSTITUTE, min(waiting)
    return max(both, key=lambda one: one[1])


def join_drafts(session: Session, first_id: int, second_id: int) -> None:
    """Of two replies that one staff member left unsent the words of both are kept, one below the other."""
    drafts = session.scalars(select(ReplyDraft).where(ReplyDraft.contact_id.in_((first_id, second_id)))).all()
    of_second = {draft.account_id: draft for draft in drafts if draft.contact_id == second_id}
    for draft in drafts:
        other = of_second.get(draft.account_id)
        if draft.contact_id == first_id and other is not None and other.text.strip():
            draft.text = f"{draft.text}\n\n{other.text}".strip()
    session.flush()


def join_wishes(session: Session, first_id: int, second_id: int) -> None:
    """The stricter of two wishes holds: less often, only the topic, the later end of a pause."""
    found = {
        wish.contact_id: wish
        for wish in session.scalars(select(FollowUpWish).where(FollowUpWish.contact_id.in_((first_id, second_id))))
    }
    if len(found) < 2:
        return
    first, second = found[first_id], found[second_id]
    if Pace.LESS_OFTEN in (first.pace, second.pace):
        first.pace = Pace.LESS_OFTEN
    first.only_topic = first.only_topic or second.only_topic
    ends = [wish.paused_until for wish in (first, second) if wish.paused_until is not None]
    first.paused_until = max(ends) if ends else None
    first.at = max(first.at, second.at)
    session.flush()


def join_waits(session: Session, first_id: int, second_id: int) -> None:
    """Of two places on one waiting list the earlier one holds, and what either was told."""
    found = session.scalars(select(CourseWait).where(CourseWait.contact_id.in_((first_id, second_id)))).all()
    of_second = {wait.waits_for: wait for wait in found if wait.contact_id == second_id}
    for wait in found:
        other = of_second.get(wait.waits_for)
        if wait.contact_id == first_id and other is not None:
            wait.joined_at = min(wait.joined_at, other.joined_at)
            if wait.told_at is None:
                wait.told_at, wait.told_by_id = other.told_at, other.told_by_id
    session.flush()

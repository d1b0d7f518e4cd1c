"""Make one contact of two. Everything of the second goes to the first; what changed is recorded row by row."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts import cards
from tpminstitute.contacts.models import Contact, ContactAddress, ContactCard
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import Message, MessageStatus, Suppression
from tpminstitute.merging import duplicates, joining
from tpminstitute.merging.choices import Choices, Side, chosen_values
from tpminstitute.merging.images import differences, image_of
from tpminstitute.merging.models import Merge
from tpminstitute.merging.ways import move_rows
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.stopping import stop_run
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

SHELL_NAME = "(merged)"

NOT_TWICE = "They get the same follow-ups by another run, since two contacts were merged."

RUNNING = (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)


@dataclass(frozen=True)
class Two:
    """Two contacts, locked: `first` was here first and remains, `second` is merged into it."""

    first: Contact
    second: Contact

    @property
    def ids(self) -> tuple[int, int]:
        """Their ids, who remains first."""
        return self.first.id, self.second.id


def merge(session: Session, one_id: int, other_id: int, choices: Choices, account_id: int) -> int:
    """Make one contact of two; the one that was here first remains. Returns the merge's id.

    Raises `Refusal`, and the caller must roll back, when one of them is a shell already or a mail to one of them is
    being sent at this moment.
    """
    two = locked_two(session, one_id, other_id)
    expect_no_mail_on_its_way(session, two.ids)
    keys = address_keys(session, two.ids)
    before = image_of(session, two.ids, keys)
    leaves = joining.personal_closing(session, two.first, two.second, keys)
    _stop_second_runs(session, two, choices)
    joining.join_leads(session, two.ids, choices.lead)
    joining.join_conversations(session, *two.ids)
    joining.join_wishes(session, *two.ids)
    joining.join_drafts(session, *two.ids)
    joining.join_waits(session, *two.ids)
    values = chosen_values(choices, two.first, two.second, closed_keys(session, keys))
    move_rows(session, two.second.id, two.first.id)
    _become_one(session, two, values, account_id)
    joining.keep_closed(session, two.first, leaves, account_id)
    found = Merge(contact_id=two.first.id, merged_id=two.second.id, account_id=account_id, at=clock.now())
    session.add(found)
    session.flush()
    rows = differences(before, image_of(session, two.ids, keys))
    for row in rows:
        row.merge_id = found.id
    session.add_all(rows)
    sentence = "Another contact turned out to be the same person and was merged into this one."
    record(session, two.first.id, ActivityKind.CONTACTS_MERGED, sentence, account_id=account_id)
    subject = f"contact {two.second.public_id} into {two.first.public_id}"
    record_audit(session, "contacts_merged", subject, account_id=account_id, contact_id=two.first.id)
    duplicates.forget(session, two.second.id)
    session.execute(delete(ContactCard).where(ContactCard.contact_id == two.second.id))
    cards.rebuild(session, [two.first.id])
    duplicates.compare_again(session, [two.first.id])
    session.flush()
    merge_id = found.id
    session.expire_all()
    return merge_id


def locked_two(session: Session, one_id: int, other_id: int) -> Two:
    """Return two contacts, locked in the order of their ids, so that two merges wait for each other and no more.

    Raises `Refusal` when they are one, or one of them is a shell.
    """
    query = select(Contact).where(Contact.id.in_((one_id, other_id))).order_by(Contact.id)
    found = session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    if len(found) != 2 or any(contact.gone for contact in found):
        raise Refusal("These are not two contacts any more: one was merged or erased meanwhile. Nothing was changed.")
    first, second = sorted(found, key=lambda contact: (contact.first_seen_at, contact.id))
    return Two(first, second)


def address_keys(session: Session, contact_ids: Sequence[int]) -> list[str]:
    """Return every address of these contacts, as addresses are compared."""
    own = session.scalars(select(Contact.email_key).where(Contact.id.in_(contact_ids)))
    further = session.scalars(select(ContactAddress.email_key).where(ContactAddress.contact_id.in_(contact_ids)))
    return [*own, *further]


def closed_keys(session: Session, keys: Sequence[str]) -> dict[str, bool]:
    """Return which of these addresses take no mail."""
    closed = set(session.scalars(select(Suppression.email_key).where(Suppression.email_key.in_(keys))))
    return {key: key in closed for key in keys}


def both_run(session: Session, first_id: int, second_id: int) -> dict[int, tuple[Enrollment, Enrollment]]:
    """Return, by sequence, the runs of the first and the second contact that can't both go on."""
    runs = session.scalars(
        select(Enrollment).where(Enrollment.contact_id.in_((first_id, second_id)), Enrollment.status.in_(RUNNING))
    ).all()
    of_first = {run.sequence_id: run for run in runs if run.contact_id == first_id}
    of_second = {run.sequence_id: run for run in runs if run.contact_id == second_id}
    return {sequence: (of_first[sequence], of_second[sequence]) for sequence in of_first.keys() & of_second.keys()}


def expect_no_mail_on_its_way(session: Session, contact_ids: Sequence[int]) -> None:
    """Hold the mails of these contacts, so that no worker changes one meanwhile.

    Raises `Refusal` when one is with a mail server right now. Nobody waits here: a worker that holds a mail while it
    waits for us could wait forever.
    """
    theirs = select(Message.id).where(Message.contact_id.in_(contact_ids))
    held = session.scalars(theirs.order_by(Message.id).with_for_update(skip_locked=True)).all()
    sending = session.scalar(theirs.where(Message.status == MessageStatus.SENDING).limit(1))
    if sending is not None or len(held) != len(session.scalars(theirs).all()):
        raise Refusal("A mail to this person is being sent at this moment. Nothing was changed: try again in a minute.")


def _stop_second_runs(session: Session, two: Two, choices: Choices) -> None:
    """Of two runs through one sequence the chosen one goes on, by default the one that is further along."""
    for sequence_id, (of_first, of_second) in both_run(session, *two.ids).items():
        side = choices.runs.get(sequence_id) or usual_run(of_first, of_second)
        stop_run(session, (of_second if side is Side.FIRST else of_first).id, NOT_TWICE)


def usual_run(of_first: Enrollment, of_second: Enrollment) -> Side:
    """Return whose run goes on if nobody says: the one that is further along, so that no mail comes twice."""
    return Side.SECOND if of_second.next_position > of_first.next_position else Side.FIRST


def _become_one(session: Session, two: Two, values: dict[str, object], account_id: int) -> None:
    """Turn the second contact into a shell, and let the first one be as it was chosen; no address is lost."""
    now = clock.now()
    own = {two.first.email_key: two.first.email, two.second.email_key: two.second.email}
    shell: dict[str, object] = {
        "name": SHELL_NAME,
        "email": "merged@invalid",
        "email_key": f"merged:{two.second.id}",
        "phone_typed": "",
        "merged_into_id": two.first.id,
        "number": two.second.number + 1,
    }
    shell |= dict.fromkeys(("phone_e164", "time_zone", "time_zone_source", "background", "background_source"))
    since = min(two.first.first_seen_at, two.second.first_seen_at)
    first = {**values, "first_seen_at": since, "number": two.first.number + 1}
    connection = session.connection()
    connection.execute(update(Contact).where(Contact.id == two.second.id).values({**shell, "owner_id": None}))
    connection.execute(update(Contact).where(Contact.id == two.first.id).values(first))
    further = next(key for key in own if key != values["email_key"])
    session.add(
        ContactAddress(contact_id=two.first.id, email=own[further], email_key=further, account_id=account_id, at=now)
    )
    session.flush()

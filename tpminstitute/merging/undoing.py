"""Undo a merge: both contacts as they were, and what came in since with the one that it belongs to."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts import cards
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, jobs
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.conversations import settle
from tpminstitute.merging import duplicates, since
from tpminstitute.merging.models import Merge, MergedRow
from tpminstitute.merging.restoring import put_contact_back, put_rows_back, remove_added
from tpminstitute.merging.service import expect_no_mail_on_its_way
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


def unmerge(session: Session, merge_id: int, account_id: int) -> None:
    """Make two contacts again of what a merge made one.

    Every row is as it was, unless it was changed since: then it keeps what it says now. What came in since stays with
    who remained, but for what names an address of the other one. Raises `Refusal`, and the caller must roll back, when
    the merge can't be undone (`why_not`) or a mail to them is being sent at this moment.
    """
    found = session.scalar(select(Merge).where(Merge.id == merge_id).with_for_update())
    if found is None:
        raise Refusal("There is no such merge. Nothing was changed.")
    problem = why_not(session, found)
    if problem:
        raise Refusal(f"{problem} Nothing was changed.")
    first, second = _locked(session, found)
    expect_no_mail_on_its_way(session, (first.id, second.id))
    rows = session.scalars(select(MergedRow).where(MergedRow.merge_id == found.id).order_by(MergedRow.id)).all()
    closed_since, left_since = since.closed(session, found), since.left(session, found)
    kept = "suppressions" if closed_since or left_since else ""
    remove_added(session, rows, but=kept)
    for contact in (first, second):  # in this order: the one that remained may hold the other one's address
        put_contact_back(session, rows, contact)
    cards.rebuild(session, [first.id, second.id])  # a lead's card is drawn from them
    put_rows_back(session, rows, but=kept)
    session.expire_all()
    since.divide(session, found)
    if left_since:
        since.leave(session, (first, second), account_id)
    settle(session, first.id)
    found.undone_at, found.undone_by_id = clock.now(), account_id
    _say(session, first, second, account_id)
    session.flush()
    session.expire_all()
    jobs.hint(session, jobs.Job.DELIVER)


def why_not(session: Session, found: Merge) -> str:
    """Return why a merge can't be undone now, or '' when it can."""
    if found.undone_at is not None:
        return "This merge was undone already."
    first = session.get_one(Contact, found.contact_id)
    if first.erased_at is not None:
        return "The person was erased, and with them what the merge had changed."
    if first.merged_into_id is not None:
        return "The contact that remained was merged into another one later. Undo that merge first."
    later = select(Merge.id).where(Merge.contact_id == found.contact_id, Merge.id > found.id, Merge.undone_at.is_(None))
    if session.scalar(later.limit(1)) is not None:
        return "Another contact was merged into the same one later. Undo that merge first."
    return ""


def _locked(session: Session, found: Merge) -> tuple[Contact, Contact]:
    query = select(Contact).where(Contact.id.in_((found.contact_id, found.merged_id))).order_by(Contact.id)
    both = session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    by_id = {contact.id: contact for contact in both}
    return by_id[found.contact_id], by_id[found.merged_id]


def _say(session: Session, first: Contact, second: Contact, account_id: int) -> None:
    sentence = "A merge with another contact was undone: they are two people."
    for contact in (first, second):
        record(session, contact.id, ActivityKind.CONTACTS_UNMERGED, sentence, account_id=account_id)
    subject = f"contact {second.public_id} from {first.public_id}"
    record_audit(session, "contacts_unmerged", subject, account_id=account_id, contact_id=first.id)
    duplicates.say_two(session, first.id, second.id, account_id)
    duplicates.compare_again(session, [first.id, second.id])
    cards.rebuild(session, [first.id, second.id])

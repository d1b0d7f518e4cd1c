"""Rename, merge and remove a tag on every contact; follow-ups look for tags, so this stands above them."""

from collections.abc import Sequence as Row
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, cast, delete, exists, func, insert, literal, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.models import ContactTag
from tpminstitute.contacts.tags import normal
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences.conditions import NotTagged, Tagged, parse
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence, SequenceStep, SequenceVersion
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

PAGE = 50
"""Tags on one page."""

COUNTED = 1_000
"""Contacts of a tag that are counted on the list, for each of its tags; beyond that it is “more than”."""

OFFERED = 200
"""Tags that a field offers while one types; whoever has more of them types the others."""

_NEXT_TAGS = text(
    "WITH RECURSIVE next(tag) AS ("
    "SELECT (SELECT min(tag) FROM contact_tags WHERE tag > :after) "
    "UNION ALL SELECT (SELECT min(tag) FROM contact_tags WHERE tag > next.tag) FROM next WHERE next.tag IS NOT NULL) "
    "SELECT tag FROM next WHERE tag IS NOT NULL LIMIT :most"
)
"""The tags that come after one, each found by one step down the index, however many contacts have it."""


@dataclass(frozen=True)
class TagUse:
    """A tag, and how many contacts have it (at most `COUNTED` and one)."""

    tag: str
    contacts: int


@dataclass(frozen=True)
class TagPreview:
    """What would change with a tag: how many contacts have it, how many of them have `other` too, who looks for it."""

    tag: str
    contacts: int
    with_both: int
    other_contacts: int
    sequences: Row[str]


class TagProblem(Refusal):
    """A tag can't be changed as asked; the sentence says why."""


def tags_after(session: Session, after: str = "") -> tuple[list[TagUse], str | None]:
    """Return a page of the tags that come after `after` by the alphabet, and the last one if there are more."""
    found = list(session.scalars(_NEXT_TAGS, {"after": after, "most": PAGE + 1}))
    uses = [TagUse(tag, _capped(session, tag)) for tag in found[:PAGE]]
    return uses, found[PAGE - 1] if len(found) > PAGE else None


def known_tags(session: Session) -> Row[str]:
    """Return the tags that a field offers: the first `OFFERED` by the alphabet."""
    return session.scalars(_NEXT_TAGS, {"after": "", "most": OFFERED}).all()


def preview(session: Session, tag: str, other: str = "") -> TagPreview:
    """Return what would change when `tag` is renamed to, or merged into, `other`."""
    second = aliased(ContactTag)
    both = select(func.count()).where(
        ContactTag.tag == tag,
        exists().where(second.contact_id == ContactTag.contact_id, second.tag == other),
    )
    return TagPreview(
        tag,
        _count(session, tag),
        session.scalar(both) or 0 if other else 0,
        _count(session, other) if other else 0,
        looked_for_by(session, tag),
    )


def looked_for_by(session: Session, tag: str) -> list[str]:
    """Return the names of the sequences of which a mail that may still go out looks for a tag."""
    newest = select(func.max(SequenceVersion.id)).group_by(SequenceVersion.sequence_id)
    running = select(Enrollment.version_id).where(
        Enrollment.status.in_((EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED))
    )
    steps = (
        select(Sequence.name, SequenceStep.conditions)
        .join(SequenceVersion, SequenceVersion.id == SequenceStep.version_id)
        .join(Sequence, Sequence.id == SequenceVersion.sequence_id)
        .where(
            or_(
                SequenceVersion.id.in_(newest) & Sequence.archived_at.is_(None),
                SequenceVersion.id.in_(running.distinct()),
            )
        )
        .order_by(Sequence.id)
    )
    wanted = tag.casefold()
    found = [
        name
        for name, stored in session.execute(steps)
        if any(isinstance(one, Tagged | NotTagged) and one.tag.casefold() == wanted for one in parse(stored))
    ]
    return list(dict.fromkeys(found))


def rename_tag(session: Session, tag: str, typed: str, account_id: int) -> int:
    """Call a tag otherwise on every contact; returns on how many.

    Raises `TagProblem` where follow-ups look for it, and when some contacts have the other one already.
    """
    to = _other(tag, typed)
    if _count(session, to):
        raise TagProblem(f"Some contacts have the tag “{to}” already. Merge the two instead.")
    return _replace(session, tag, to, "tag_renamed", account_id)


def merge_tag(session: Session, tag: str, typed: str, account_id: int) -> int:
    """Put `typed` on every contact that has `tag`, in its place; returns on how many.

    Raises `TagProblem` where follow-ups look for `tag`, and when nobody has the other one.
    """
    to = _other(tag, typed)
    if not _count(session, to):
        raise TagProblem(f"No contact has the tag “{to}”. Choose one that is in use, or rename this one.")
    return _replace(session, tag, to, "tag_merged", account_id)


def remove_tag_everywhere(session: Session, tag: str, account_id: int) -> int:
    """Take a tag off every contact; returns off how many. Raises `TagProblem` where follow-ups look for it."""
    _expect_free(session, tag)
    removed = _note(session, tag, f"The tag “{tag}” was removed everywhere.", account_id)
    session.connection().execute(delete(ContactTag).where(ContactTag.tag == tag))
    record_audit(session, "tag_removed", f"“{tag}”, {removed} contacts", account_id=account_id)
    return removed


def _replace(session: Session, tag: str, to: str, action: str, account_id: int) -> int:
    _expect_free(session, tag)
    changed = _note(session, tag, f"The tag “{tag}” became “{to}” everywhere.", account_id)
    connection = session.connection()
    having = select(ContactTag.contact_id).where(ContactTag.tag == to)
    connection.execute(delete(ContactTag).where(ContactTag.tag == tag, ContactTag.contact_id.in_(having)))
    connection.execute(update(ContactTag).where(ContactTag.tag == tag).values(tag=to))
    session.expire_all()
    record_audit(session, action, f"“{tag}” to “{to}”, {changed} contacts", account_id=account_id)
    return changed


def _note(session: Session, tag: str, sentence: str, account_id: int) -> int:
    """Write the change on the timeline of everybody who has the tag; returns how many they are."""
    session.flush()
    facts = select(
        ContactTag.contact_id,
        literal(ActivityKind.TAGS_CHANGED, Activity.kind.type),
        literal(clock.now(), Activity.at.type),
        literal(Actor.STAFF, Activity.actor.type),
        cast(literal(account_id), Integer),
        literal(sentence),
    ).where(ContactTag.tag == tag)
    columns = ["contact_id", "kind", "at", "actor", "account_id", "sentence"]
    having = _count(session, tag)
    session.connection().execute(insert(Activity).from_select(columns, facts))
    return having


def _other(tag: str, typed: str) -> str:
    to = normal(typed)
    if to == tag:
        raise TagProblem(f"It is called “{to}” already. Nothing was changed.")
    return to


def _expect_free(session: Session, tag: str) -> None:
    names = looked_for_by(session, tag)
    if names:
        listed = ", ".join(f"“{name}”" for name in names)
        raise TagProblem(f"The follow-ups {listed} look for the tag “{tag}”. Change them first; nothing was changed.")
    if not _count(session, tag):
        raise TagProblem(f"No contact has the tag “{tag}” any more. Nothing was changed.")


def _count(session: Session, tag: str) -> int:
    return session.scalar(select(func.count()).where(_is(tag))) or 0


def _capped(session: Session, tag: str) -> int:
    some = select(ContactTag.contact_id).where(_is(tag)).limit(COUNTED + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _is(tag: str) -> ColumnElement[bool]:
    return ContactTag.tag == tag

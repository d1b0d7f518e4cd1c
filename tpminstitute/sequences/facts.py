"""Read the facts that conditions look at, for many readers at once.

Where a lead stands is kept by the pipeline, a room above this one, since winning or losing a lead stops what runs here.
So its tables are named here by what is read of them, and nothing else of that room is known.
"""

from collections.abc import Collection

from sqlalchemy import Integer, String, bindparam, column, func, select, table
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact, ContactTag
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.config import Settings
from tpminstitute.core.text import first_name
from tpminstitute.sequences.conditions import Facts
from tpminstitute.sequences.models import Enrollment
from tpminstitute.timeline.models import Activity, ActivityKind


def facts_of(session: Session, settings: Settings, runs: Collection[Enrollment]) -> dict[int, Facts]:
    """Return what conditions look at, for the reader of each run, by the run's id."""
    whose = {"contacts": list({run.contact_id for run in runs})}
    people = {contact_id: (name, background) for contact_id, name, background in session.execute(_PEOPLE, whose)}
    stages = {contact_id: (name, number) for contact_id, name, number in session.execute(_STAGE_OF_NEWEST_LEAD, whose)}
    names: dict[int, set[str]] = {}
    for name, stage_id in session.execute(_STAGE_NAMES):
        names.setdefault(stage_id, set()).add(name)
    replies = dict(session.execute(_NEWEST_REPLY, whose).all())
    tags: dict[int, set[str]] = {}
    for contact_id, tag in session.execute(_TAGS, whose):
        tags.setdefault(contact_id, set()).add(tag)
    topics = topics_of(session)
    found = {}
    for run in runs:
        name, background = people[run.contact_id]
        stage, stage_id = stages.get(run.contact_id, (None, 0))
        replied_at = replies.get(run.contact_id)
        found[run.id] = Facts(
            topics=topics,
            name=first_name(name) or "the reader",
            topic=topics.key_of(run.topic),
            stage=stage,
            stage_names=frozenset(names.get(stage_id, ())),
            tags=frozenset(tags.get(run.contact_id, ())),
            background=background,
            replied_at=replied_at and replied_at.astimezone(settings.institute_zone),
        )
    return found


_THEIRS = bindparam("contacts", type_=Integer, expanding=True)
_LEADS = table("leads", column("id"), column("contact_id"), column("stage_id"))
_STAGES = table("stages", column("id"), column("name"))

_NAMES = table("stage_names", column("name", String), column("stage_id", Integer))
_STAGE_NAMES = select(_NAMES.c.name, _NAMES.c.stage_id)

_PEOPLE = select(Contact.id, Contact.name, Contact.background).where(Contact.id.in_(_THEIRS))
_TAGS = select(ContactTag.contact_id, ContactTag.tag).where(ContactTag.contact_id.in_(_THEIRS))
_STAGE_OF_NEWEST_LEAD = (
    select(_LEADS.c.contact_id, _STAGES.c.name, _STAGES.c.id)
    .join(_STAGES, _STAGES.c.id == _LEADS.c.stage_id)
    .where(
        _LEADS.c.id.in_(
            select(func.max(_LEADS.c.id)).where(_LEADS.c.contact_id.in_(_THEIRS)).group_by(_LEADS.c.contact_id)
        )
    )
)
_NEWEST_REPLY = (
    select(Activity.contact_id, func.max(Activity.at))
    .where(Activity.contact_id.in_(_THEIRS), Activity.kind == ActivityKind.REPLY_RECEIVED)
    .group_by(Activity.contact_id)
)

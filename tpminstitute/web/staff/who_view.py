"""What a contact's page says of who they are, and what may be chosen instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from tpminstitute.contacts.background import LABELS
from tpminstitute.contacts.models import BackgroundSource, Contact
from tpminstitute.contacts.owners import owner_of
from tpminstitute.contacts.tags import LONGEST, tags_of
from tpminstitute.inbox.along import newest_pathway
from tpminstitute.pipeline.endings import ending_in_words, ending_of
from tpminstitute.pipeline.models import Stage
from tpminstitute.pipeline.service import lead_of, stages
from tpminstitute.web.staff.access import list_place, may_act, me
from tpminstitute.web.staff.lookups import who_may_act
from tpminstitute.web.staff.views import Action


@dataclass(frozen=True)
class Choice:
    """One value that a fact may have."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Fact:
    """One fact: what it says, what it may say instead, and where the choice is posted ('' for who only looks).

    `action` is a button of its own for the likeliest choice.
    """

    label: str
    name: str
    says: str
    note: str
    choices: Sequence[Choice]
    url: str
    action: Action | None = None


@dataclass(frozen=True)
class PathwayLine:
    """The newest pathway that somebody brought along: where it is shown, what it says, and since when it's known."""

    url: str
    says: str
    at: datetime


@dataclass(frozen=True)
class WhoView:
    """The facts that are chosen, the tags, and a pathway where one was brought along."""

    facts: Sequence[Fact]
    tags: Sequence[str]
    pathway: "PathwayLine | None"
    tag_url: str
    untag_url: str
    longest_tag: int = LONGEST


def who_view(session: Session, contact: Contact) -> WhoView:
    """Return who a contact is, as staff say it."""
    stage = _stage(session, contact)
    return WhoView(
        facts=[*([stage] if stage else []), _background(contact), _owner(session, contact)],
        tags=tags_of(session, contact.id),
        pathway=_pathway(session, contact),
        tag_url=_url("tag_contact", contact),
        untag_url=_url("untag_contact", contact),
    )


def _pathway(session: Session, contact: Contact) -> PathwayLine | None:
    found = newest_pathway(session, contact.id)
    if found is None:
        return None
    along, inquiry = found
    url = url_for("site.pathway", code=along.pathway)
    return PathwayLine(url, along.pathway_words.partition(" · ")[0], inquiry.received_at)


def _stage(session: Session, contact: Contact) -> Fact | None:
    lead = lead_of(session, contact.id)
    if lead is None:
        return None
    known = stages(session)
    choices = [Choice(str(stage.id), stage.name, stage.id == lead.stage_id) for stage in known]
    says = session.get_one(Stage, lead.stage_id).name
    ending = ending_of(session, lead.id) if lead.closed_at else None
    note = ending_in_words(session, ending) if ending else ""
    return Fact("Stage", "stage", says, note, choices, _url("move_to_stage", contact, **{"from": lead.stage_id}))


def _owner(session: Session, contact: Contact) -> Fact:
    acting = may_act()
    able = who_may_act() if acting else ()  # asked first: the owner is mostly among them, and isn't looked up again
    owner = owner_of(session, contact)
    says = owner.name if owner else "Nobody"
    if not acting:
        return Fact("Looked after by", "owner", says, "", [], "")
    url = url_for("staff.assign_contact", public_id=contact.public_id, instead_of=contact.owner_id, **list_place())
    choices = [Choice("", "Nobody", owner is None)]
    choices += [Choice(str(one.id), one.name, one is owner) for one in able]
    if owner and not any(choice.chosen for choice in choices):
        choices.append(Choice(str(owner.id), f"{owner.name} (account closed)", True))
    mine = url_for(
        "staff.assign_contact", public_id=contact.public_id, instead_of=contact.owner_id, owner=me().id, **list_place()
    )
    take = None if owner is not None and owner.id == me().id else Action("Assign to me", mine, "a")
    return Fact("Looked after by", "owner", says, "", choices, url, take)


def _background(contact: Contact) -> Fact:
    choices = [Choice("", "Not known", contact.background is None)]
    choices += [Choice(where.value, label, where is contact.background) for where, label in LABELS.items()]
    says = next(choice.label for choice in choices if choice.chosen)
    checked = contact.background_source is BackgroundSource.PATHWAY_CHECK
    note = "as their pathway check says" if checked else ""
    url = _url("say_background", contact, instead_of=contact.background and contact.background.value)
    return Fact("Where they stand", "background", says, note, choices, url)


def _url(endpoint: str, contact: Contact, **seen: Any) -> str:
    """Return where a change is posted, with what the page showed; '' for who only looks."""
    return url_for(f"staff.{endpoint}", public_id=contact.public_id, **seen, **list_place()) if may_act() else ""

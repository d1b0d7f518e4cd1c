"""What is to come for a contact, at the top of their story: follow-ups, with why then, and replies for later."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import url_for

from tpminstitute.contacts.models import Contact
from tpminstitute.core import zones
from tpminstitute.core.text import visible
from tpminstitute.inbox.sending import Waiting
from tpminstitute.sequences.queries import Run
from tpminstitute.web.staff.access import list_place, may_act
from tpminstitute.web.staff.run_views import ahead_note
from tpminstitute.web.staff.views import Action

SHOWN = 3
"""Stations ahead that are shown at once; the later ones are folded."""


@dataclass(frozen=True)
class Ahead:
    """One thing to come: what, when and why then."""

    at: datetime
    label: str
    note: str
    kind: str
    actions: list[Action] = field(default_factory=list)
    words: str = ""


@dataclass(frozen=True)
class AheadView:
    """What is to come, the furthest first, so that it leads down to now: `later` is folded, `soon` is not."""

    later: list[Ahead]
    soon: list[Ahead]


def ahead_views(contact: Contact, zone: ZoneInfo, runs: Sequence[Run], replies: Sequence[Waiting]) -> AheadView:
    """Return what is to come as things stand: follow-ups, and replies that were written for later.

    Parameters: `zone`, the clock that the contact lives by.
    """
    coming = [
        Ahead(mail.at, mail.subject, f"{ahead_note(mail, run)} Follow-up of “{run.sequence}”.", "follow-up")
        for run in runs
        for mail in run.to_come
    ]
    coming += [_reply(contact, zone, reply) for reply in replies if not reply.held_back]
    coming.sort(key=lambda station: station.at, reverse=True)
    return AheadView(coming[:-SHOWN], coming[-SHOWN:])


def held_views(contact: Contact, zone: ZoneInfo, replies: Sequence[Waiting]) -> list[Ahead]:
    """Return the replies that don't go by themselves any more, and what can be done with them."""
    return [_reply(contact, zone, reply) for reply in replies if reply.held_back]


def _reply(contact: Contact, zone: ZoneInfo, reply: Waiting) -> Ahead:
    place = {"public_id": contact.public_id, "message_id": reply.message_id, **list_place()}
    actions = [Action("Take back and change", url_for("staff.take_reply_back", **place))] if may_act() else []
    if reply.held_back and may_act():
        actions.insert(0, Action("Send it now", url_for("staff.send_held_back", **place)))
    note = f"Goes on {zones.written(reply.goes_at, zone)}." if not reply.held_back else reply.held_back
    label = f"{visible(reply.writer)}’s reply, “{visible(reply.subject)}”"
    return Ahead(reply.goes_at, label, note, "reply", actions, visible(reply.text))

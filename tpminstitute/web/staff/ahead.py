"""What is to come for a contact, at the top of their story: the mails of follow-ups, with why then and not earlier."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tpminstitute.sequences.queries import Run
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


@dataclass(frozen=True)
class AheadView:
    """What is to come, the furthest first, so that it leads down to now: `later` is folded, `soon` is not."""

    later: list[Ahead]
    soon: list[Ahead]


def ahead_views(runs: Sequence[Run]) -> AheadView:
    """Return the follow-ups to come, as things stand."""
    coming = [
        Ahead(mail.at, mail.subject, f"{ahead_note(mail, run)} Follow-up of “{run.sequence}”.", "follow-up")
        for run in runs
        for mail in run.to_come
    ]
    coming.sort(key=lambda station: station.at, reverse=True)
    return AheadView(coming[:-SHOWN], coming[-SHOWN:])

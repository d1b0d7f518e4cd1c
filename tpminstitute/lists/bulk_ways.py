"""What it means to do one thing with many contacts: what is asked for, and the way in which a kind of thing is done.

Each way works on a batch whose rows are held. `before` is what has to be known to take it back, as JSON.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from tpminstitute.lists.models import BulkAction, BulkKind
from tpminstitute.pipeline.endings import Ending

Before = dict[str, Any]
Reasons = Sequence[tuple[str, ColumnElement[bool]]]
"""Why somebody is left as they are, in order, each with the condition on their card."""

NOBODY = "nobody"


@dataclass(frozen=True)
class Doing:
    """One thing to do: `target` is an account's id or `NOBODY`, a tag, or a stage's id, with how leads end there."""

    kind: BulkKind
    target: str = ""
    ending: Ending = field(default_factory=Ending)


def doing_of(action: BulkAction) -> Doing:
    """Return what an action does."""
    return Doing(action.kind, action.target, Ending(**action.ending))


@dataclass(frozen=True)
class Way:
    """How a kind of thing is done: `says` in words (raises `Refusal` for a target that is none), `left` whom it leaves,
    `do` it for some contacts, returning what was there before, and `undo` it, returning why not by contact.
    """

    says: Callable[[Session, Doing], str]
    left: Callable[[str], Reasons]
    do: Callable[[Session, BulkAction, Collection[int]], Mapping[int, Before]]
    undo: Callable[[Session, BulkAction, Mapping[int, Before]], Mapping[int, str]]


def reason_of(action: BulkAction) -> str:
    """Return the reason that a run stopped by an action carries; no other has the same."""
    return f"They were stopped by hand, together with others (number {action.id})."

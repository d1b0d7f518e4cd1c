"""Read what somebody chose from the parameters of an address, and write it back: the one form that filters travel in.

A saved view, the form on the page, a bulk action and an export all use it. What can't be understood is told, and then
nobody is listed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from tpminstitute.contacts import tags
from tpminstitute.contacts.models import ConsentStanding, FollowUps, Origin
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.inbox.models import Turn
from tpminstitute.lists.filters import ME, NOBODY, Chosen
from tpminstitute.pipeline.models import Outcome

MOST = 50
"""Values of one filter."""

LONGEST_WAIT = 36_500
"""Days."""

_LONGEST_ID = 9
_LONGEST_TOPIC = 40

Kind = TypeVar("Kind", bound=StrEnum)


class Parameters(Protocol):
    """The parameters of an address, each with any number of values."""

    def getlist(self, key: str) -> list[str]:
        """Return the values of a parameter in their order."""


@dataclass
class _Reader:
    args: Parameters
    unread: list[str] = field(default_factory=list)

    def words(self, name: str) -> list[str]:
        """Return a filter's values without repetitions; empty ones are those of a form that was left empty."""
        given = list(dict.fromkeys(value.strip() for value in self.args.getlist(name) if value.strip()))
        if len(given) > MOST:
            self.unread.append(f"There are more than {MOST} values for “{LABELS[name]}”.")
        return given[:MOST]

    def each(self, name: str, read: Callable[[str], Any]) -> tuple[Any, ...]:
        """Return what `read` makes of each value; None is what it can't make anything of."""
        found = []
        for word in self.words(name):
            value = read(word)
            if value is None:
                self.unread.append(f"“{one_line(word, 40)}” can’t be read as “{LABELS[name]}”.")
            else:
                found.append(value)
        return tuple(dict.fromkeys(found))

    def one(self, name: str, read: Callable[[str], Any]) -> Any:
        """Return the last value, or None without one."""
        found = self.each(name, read)
        return found[-1] if found else None


LABELS = {
    "stage": "stage",
    "outcome": "outcome",
    "owner": "looked after by",
    "topic": "topic",
    "tag": "tag",
    "source": "came by",
    "consent": "consent",
    "turn": "whose turn",
    "follow_ups": "follow-ups",
    "running": "now in",
    "began": "ever in",
    "never_began": "never in",
    "seen_from": "first seen from",
    "seen_until": "first seen until",
    "touched_from": "last touch from",
    "touched_until": "last touch until",
    "quiet": "days without a touch",
    "apart": "set apart",
}
"""The parameters, and what the page calls them."""


def read_chosen(args: Parameters, zone: ZoneInfo, me: int) -> Chosen:
    """Return what the parameters of an address choose.

    Parameters: `zone`, by whose clock days begin and end; `me`, the account of whoever looks.
    """
    reader = _Reader(args)
    return Chosen(
        zone,
        me,
        stages=reader.each("stage", _id_or("none")),
        outcomes=reader.each("outcome", _member(Outcome)),
        owners=reader.each("owner", lambda word: ME if word == "me" else _id_or("nobody")(word)),
        topics=reader.each("topic", lambda word: word if len(word) <= _LONGEST_TOPIC and "\0" not in word else None),
        tags=reader.each("tag", _tag),
        sources=reader.each("source", _member(Origin)),
        consents=reader.each("consent", _member(ConsentStanding)),
        turns=reader.each("turn", _member(Turn)),
        follow_ups=reader.each("follow_ups", _member(FollowUps)),
        running=reader.one("running", _id),
        began=reader.one("began", _id),
        never_began=reader.one("never_began", _id),
        seen_from=reader.one("seen_from", _day),
        seen_until=reader.one("seen_until", _day),
        touched_from=reader.one("touched_from", _day),
        touched_until=reader.one("touched_until", _day),
        quiet_days=reader.one("quiet", _days),
        apart=reader.one("apart", lambda word: word == "yes" or None) or False,
        unread=tuple(reader.unread),
    )


def parameters(chosen: Chosen) -> list[tuple[str, str]]:
    """Return what was chosen as the parameters of an address, each filter in the order of `LABELS`.

    What could not be read is not among them.
    """
    return [
        *_repeated("stage", ({NOBODY: "none"}.get(stage, str(stage)) for stage in chosen.stages)),
        *_repeated("outcome", chosen.outcomes),
        *_repeated("owner", ({NOBODY: "nobody", ME: "me"}.get(owner, str(owner)) for owner in chosen.owners)),
        *_repeated("topic", chosen.topics),
        *_repeated("tag", chosen.tags),
        *_repeated("source", chosen.sources),
        *_repeated("consent", chosen.consents),
        *_repeated("turn", chosen.turns),
        *_repeated("follow_ups", chosen.follow_ups),
        *_single("running", chosen.running),
        *_single("began", chosen.began),
        *_single("never_began", chosen.never_began),
        *_single("seen_from", chosen.seen_from),
        *_single("seen_until", chosen.seen_until),
        *_single("touched_from", chosen.touched_from),
        *_single("touched_until", chosen.touched_until),
        *_single("quiet", chosen.quiet_days),
        *([("apart", "yes")] if chosen.apart else []),
    ]


def _repeated(name: str, values: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, str(value)) for value in values]


def _single(name: str, value: int | date | None) -> Sequence[tuple[str, str]]:
    return [] if value is None else [(name, str(value))]


def _id(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdigit() and len(word) <= _LONGEST_ID and int(word) else None


def _id_or(nobody: str) -> Callable[[str], int | None]:
    return lambda word: NOBODY if word == nobody else _id(word)


def _member(kind: type[Kind]) -> Callable[[str], Kind | None]:
    known = {member.value: member for member in kind}
    return known.get


def _tag(word: str) -> str | None:
    try:
        return tags.normal(word)
    except Refusal:
        return None


def _day(word: str) -> date | None:
    try:
        return date.fromisoformat(word) if 1900 <= int(word[:4]) <= 9990 else None
    except ValueError:
        return None


def _days(word: str) -> int | None:
    days = int(word) if word.isascii() and word.isdigit() and len(word) <= _LONGEST_ID else None
    return days if days is not None and days <= LONGEST_WAIT else None

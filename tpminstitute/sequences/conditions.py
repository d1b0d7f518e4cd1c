"""For whom a step's mail is: typed conditions, kept as JSON, told in words, and looked at when the mail is due.

One class a kind: its fields are its JSON, `phrase` says whom it lets through, and `misses` what is otherwise.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from tpminstitute.contacts.models import Background
from tpminstitute.contacts.topics import Topics
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line

WORDS = {
    Background.NEW: "are new to the field",
    Background.ENGINEERING: "are engineers moving over",
    Background.PROJECT_MANAGEMENT: "are project managers moving up",
}
"""The results of the pathway check, in words."""


@dataclass(frozen=True)
class Facts:
    """What conditions look at: the reader as they stand now; `name` is what a sentence calls them.

    `topics` are all there are, in words; `topic` is the key of theirs; `stage_names` are
    those that their lead's stage had before.
    """

    topics: Topics
    name: str
    topic: str
    stage: str | None
    tags: frozenset[str]
    background: Background | None
    replied_at: datetime | None
    stage_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Condition(ABC):
    """One condition of a step."""

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type["Condition"]]] = {}

    def __init_subclass__(cls, kind: str) -> None:
        """Make the kind known to `parse`."""
        cls.kind = kind
        cls.kinds[kind] = cls

    @abstractmethod
    def phrase(self, topics: Topics) -> str:
        """Return what those do or are who get the mail, such as ``haven't replied``."""

    @abstractmethod
    def misses(self, facts: Facts) -> str:
        """Return what is otherwise, such as ``Ada replied on 3 May 2026``, or "" when the condition is met."""


@dataclass(frozen=True)
class TopicIs(Condition, kind="topic"):
    """What they wrote about is one of `one_of`, by the topics' keys."""

    one_of: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse no choice."""
        _check_choices(self.one_of, None, "topic")

    def phrase(self, topics: Topics) -> str:
        """Return what those do or are who get the mail."""
        return f"wrote about {_listed([_quoted(topics.label(key)) for key in self.one_of])}"

    def misses(self, facts: Facts) -> str:
        """Return what is otherwise."""
        return "" if facts.topic in self.one_of else f"{facts.name} wrote about “{facts.topics.label(facts.topic)}”"


@dataclass(frozen=True)
class StageIs(Condition, kind="stage"):
    """Their newest lead stands in one of the stages of these names."""

    one_of: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse no choice."""
        _check_choices(self.one_of, None, "stage")

    def phrase(self, topics: Topics) -> str:
        """Return what those do or are who get the mail."""
        return f"have a lead in {_listed([_quoted(name) for name in self.one_of])}"

    def misses(self, facts: Facts) -> str:
        """Return what is otherwise."""
        if facts.stage in self.one_of or facts.stage_names & set(self.one_of):
            return ""
        return f"{facts.name} has no lead" if facts.stage is None else f"{facts.name}'s is in “{facts.stage}”"


@dataclass(frozen=True)
class Tagged(Condition, kind="tagged"):
    """Staff put this tag on them."""

    tag: str

    def __post_init__(self) -> None:
        """Refuse an empty tag."""
        _check_choices((self.tag,), None, "tag")

    def phrase(self, topics: Topics) -> str:
        """Return what those do or are who get the mail."""
        return f"have the tag “{self.tag}”"

    def misses(self, facts: Facts) -> str:
        """Return what is otherwise."""
        return "" if _has(facts, self.tag) else f"{facts.name} doesn't have it"


@dataclass(frozen=True)
class NotTagged(Condition, kind="not_tagged"):
    """Staff put no such tag on them."""

    tag: str

    def __post_init__(self) -> None:
        """Refuse an empty tag."""
        _check_choices((self.tag,), None, "tag")

    def phrase(self, topics: Topics) -> str:
        """Return what those do or are who get the mail."""
        return f"don't have the tag “{self.tag}”"

    def misses(self, facts: Facts) -> str:
        """Return what is otherwise."""
        return f"{facts.name} has it" if _has(facts, self.tag) else ""


@dataclass(frozen=True)
class BackgroundIs(Condition, kind="background"):
    """Where they stand on the path, as the pathway check found, is one of these."""

    one_of: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse no choice, and a result that the check doesn't have."""
        _check_choices(self.one_of, list(Background), "result of the pathway check")

    def phrase(self, topics: Topics) -> str:
        """Return what those do or are who get the mail."""
        return _listed([WORDS[Background(key)] for key in self.one_of])

    def misses(self, facts: Facts) -> str:
        """Return what is otherwise."""
        if facts.background in self.one_of:
            return ""
        if facts.background is None:
            return f"nobody knows where {facts.name} stands"
        return f"{facts.name} is among those who {WORDS[facts.background]}"


@dataclass(frozen=True)
class Replied(Condition, kind="replied"):
    """They wrote back to us at some time."""

    def phrase(self, topics: Topics) -> str:
        """Return what those do or are who get the mail."""
        return "have replied"

    def misses(self, facts: Facts) -> str:
        """Return what is otherwise."""
        return f"{facts.name} hasn't" if facts.replied_at is None else ""


@dataclass(frozen=True)
class NotReplied(Condition, kind="not_replied"):
    """They never wrote back to us."""

    def phrase(self, topics: Topics) -> str:
        """Return what those do or are who get the mail."""
        return "haven't replied"

    def misses(self, facts: Facts) -> str:
        """Return what is otherwise."""
        at = facts.replied_at
        return "" if at is None else f"{facts.name} replied on {at.day} {at:%B %Y}"


def parse(stored: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """Read conditions from their JSON.

    Raises `Refusal` with a sentence for a kind or a field that is unknown or missing, an empty choice, and one that
    there isn't.
    """
    return tuple(_read(one) for one in stored)


def as_json(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """Return conditions as they are stored."""
    return [{"kind": one.kind} | _plain(asdict(one)) for one in conditions]


def describe(condition: Condition, topics: Topics) -> str:
    """Return when a condition is met, as staff read it, such as ``they haven't replied``."""
    return f"they {condition.phrase(topics)}"


def unmet(condition: Condition, facts: Facts) -> str | None:
    """Return why a mail isn't for its reader, as a sentence, or None when the condition is met."""
    otherwise = condition.misses(facts)
    if not otherwise:
        return None
    return f"Skipped: it is for people who {condition.phrase(facts.topics)}, and {otherwise}."


def _read(stored: Mapping[str, Any]) -> Condition:
    kind = Condition.kinds.get(str(stored.get("kind")))
    if kind is None:
        raise Refusal(f"There is no condition “{one_line(str(stored.get('kind')), 40)}”. Choose another one.")
    names = {field.name for field in fields(kind)}
    given = {name: value for name, value in stored.items() if name != "kind"}
    if given.keys() != names:
        wrong = one_line(min(given.keys() ^ names), 40)
        raise Refusal(f"The condition “{kind.kind}” is incomplete or says too much (“{wrong}”). Choose it again.")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _check_choices(chosen: tuple[str, ...], known: Sequence[str] | None, what: str) -> None:
    if not isinstance(chosen, tuple) or not chosen or not all(isinstance(one, str) and one.strip() for one in chosen):
        raise Refusal(f"Choose at least one {what} for this condition: without any, the mail would go to nobody.")
    stranger = next((one for one in chosen if known is not None and one not in known), None)
    if stranger is not None:
        raise Refusal(f"There is no {what} “{one_line(stranger, 40)}”. Choose another one.")


def _has(facts: Facts, tag: str) -> bool:
    return tag.casefold() in {one.casefold() for one in facts.tags}


def _quoted(words: str) -> str:
    return f"“{words}”"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"

"""What was chosen, in words: a phrase for each filter, and the sentence that they make together."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import ConsentStanding, FollowUps, Origin
from tpminstitute.contacts.topics import Topics, topics_of
from tpminstitute.inbox.models import Turn
from tpminstitute.lists.filters import ME, NOBODY, Chosen, Order
from tpminstitute.pipeline.models import Outcome, Stage
from tpminstitute.sequences.models import Sequence

ORIGINS = {
    Origin.FORM: "the form",
    Origin.MAIL: "mail",
    Origin.IMPORT: "an import",
    Origin.BY_HAND: "hand",
}
CONSENTS = {
    ConsentStanding.GRANTED: "agreed to follow-ups",
    ConsentStanding.WITHDRAWN: "took their consent back",
    ConsentStanding.NONE: "never agreed",
}
TURNS = {Turn.INSTITUTE: "we write next", Turn.VISITOR: "they write next", Turn.NOBODY: "nobody has to write"}
FOLLOW_UPS = {
    FollowUps.RUNNING: "follow-ups are running",
    FollowUps.ENDED: "follow-ups are over",
    FollowUps.NEVER: "follow-ups never began",
}
OUTCOMES = {Outcome.OPEN: "open", Outcome.WON: "won", Outcome.LOST: "lost"}
ORDERS = {
    Order.TOUCHED_LAST: "last touch first",
    Order.TOUCHED_FIRST: "longest without a touch first",
    Order.NEWEST: "newest first",
    Order.OLDEST: "oldest first",
    Order.NAME: "by name",
    Order.NAME_BACK: "by name, from the end",
}


@dataclass(frozen=True)
class Names:
    """What stages, accounts and sequences are called, by their ids."""

    stages: Mapping[int, str]
    accounts: Mapping[int, str]
    sequences: Mapping[int, str]
    topics: Topics


@dataclass(frozen=True)
class Phrase:
    """One filter in words; `name` is its parameter, and `value` the one of its values that is meant, or ''."""

    name: str
    text: str
    value: str = ""


def names(session: Session) -> Names:
    """Return what everything that a filter may name is called, in the order in which it is offered."""
    stages = session.execute(select(Stage.id, Stage.name).order_by(Stage.position))
    accounts = session.execute(select(Account.id, Account.name).order_by(Account.name, Account.id))
    sequences = session.execute(select(Sequence.id, Sequence.name).order_by(Sequence.name, Sequence.id))
    return Names(_by_id(stages), _by_id(accounts), _by_id(sequences), topics_of(session))


def _by_id(rows: Iterable[Any]) -> dict[int, str]:
    return {row[0]: row[1] for row in rows}


def phrases(chosen: Chosen, known: Names) -> list[Phrase]:
    """Return each filter that was chosen in words."""
    topics = known.topics.labels
    found = [
        _one_of("stage", "in the stage {}", chosen.stages, _named(known.stages, {NOBODY: "none"}, "that is gone")),
        _one_of("outcome", "whose lead is {}", chosen.outcomes, OUTCOMES.__getitem__),
        _one_of("owner", "looked after by {}", chosen.owners, _accounts(known)),
        _one_of("topic", "about {}", chosen.topics, lambda topic: f"“{topics.get(topic, topic)}”"),
        *(Phrase("tag", f"tagged “{tag}”", tag) for tag in chosen.tags),
        _one_of("source", "came by {}", chosen.sources, ORIGINS.__getitem__),
        _one_of("consent", "{}", chosen.consents, CONSENTS.__getitem__),
        _one_of("turn", "{}", chosen.turns, TURNS.__getitem__),
        _one_of("follow_ups", "{}", chosen.follow_ups, FOLLOW_UPS.__getitem__),
        _sequence("running", "now in “{}”", chosen.running, known),
        _sequence("began", "ever in “{}”", chosen.began, known),
        _sequence("never_began", "never in “{}”", chosen.never_began, known),
        _day("seen_from", "first seen from {} on", chosen.seen_from),
        _day("seen_until", "first seen until {}", chosen.seen_until),
        _day("touched_from", "last touch from {} on", chosen.touched_from),
        _day("touched_until", "last touch until {}", chosen.touched_until),
        _quiet(chosen.quiet_days),
        Phrase("apart", "set apart as suspected or spam") if chosen.apart else None,
    ]
    return [phrase for phrase in found if phrase is not None]


def sentence(chosen: Chosen, known: Names) -> str:
    """Return all that was chosen as one sentence, such as “Contacts in the stage “New”, looked after by nobody.”"""
    if chosen.unread:
        return "Nobody, since a filter can’t be read. " + " ".join(chosen.unread)
    said = [phrase.text for phrase in phrases(chosen, known)]
    return f"Contacts {', '.join(said)}." if said else "All contacts."


def _one_of(name: str, words: str, values: Iterable[Any], say: Callable[[Any], str]) -> Phrase | None:
    said = [say(value) for value in values]
    return Phrase(name, words.format(" or ".join(said))) if said else None


def _named(known: Mapping[int, str], special: Mapping[int, str], gone: str) -> Callable[[int], str]:
    return lambda key: special.get(key) or (f"“{known[key]}”" if key in known else gone)


def _accounts(known: Names) -> Callable[[int], str]:
    special = {NOBODY: "nobody", ME: "whoever looks"}
    return lambda key: special.get(key) or known.accounts.get(key, "somebody who is gone")


def _sequence(name: str, words: str, sequence_id: int | None, known: Names) -> Phrase | None:
    return None if sequence_id is None else Phrase(name, words.format(known.sequences.get(sequence_id, "gone")))


def _day(name: str, words: str, day: date | None) -> Phrase | None:
    return None if day is None else Phrase(name, words.format(f"{day:%-d %b %Y}"))


def _quiet(days: int | None) -> Phrase | None:
    return None if days is None else Phrase("quiet", f"not touched for {days} days")

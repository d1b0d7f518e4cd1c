"""What the names in a row may mean: our stages, topics, colleagues, and places on the path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts import background
from tpminstitute.contacts.models import Background
from tpminstitute.contacts.topics import topics_of
from tpminstitute.exchange.fields import Field
from tpminstitute.pipeline.models import StageName
from tpminstitute.pipeline.service import stages

_WHAT = {
    Field.STAGE: "There is no stage {}; there are {}.",
    Field.TOPIC: "There is no topic {}; there are {}.",
    Field.OWNER: "Nobody at the desk is called {} or has that address.",
    Field.BACKGROUND: "There is no place on the path called {}; there are {}.",
}


@dataclass(frozen=True)
class Known:
    """For each field that is one of a list: what it is stored as, by its name in small letters; and the list."""

    names: Mapping[Field, Mapping[str, str | int]]
    offered: Mapping[Field, Sequence[str]]

    def unknown(self, field: Field, typed: str) -> str:
        """Return a sentence that says that there is none called `typed`, and which there are."""
        return _WHAT[field].format(typed, ", ".join(f"“{name}”" for name in self.offered[field]))


def known_names(session: Session) -> Known:
    """Return all names that a row may use."""
    there = stages(session)
    named = select(StageName.name, StageName.stage_id).where(StageName.stage_id.in_([stage.id for stage in there]))
    colleagues = session.execute(select(Account.id, Account.name, Account.email).where(Account.active)).all()
    by_name = [_small(name) for _, name, _ in colleagues]
    owners: dict[str, str | int] = {
        _small(name): account_id for account_id, name, _ in colleagues if by_name.count(_small(name)) == 1
    }
    owners |= {email: account_id for account_id, _, email in colleagues}
    topics = topics_of(session)
    about: dict[str, str | int] = {_small(label): key for label, key in topics.names.items()}
    places: dict[str, str | int] = {_small(label): where.value for where, label in background.LABELS.items()}
    return Known(
        {
            Field.STAGE: {_small(name): stage_id for name, stage_id in session.execute(named)},
            Field.TOPIC: about | {key: key for key in topics.labels},
            Field.OWNER: owners,
            Field.BACKGROUND: places | {where.value: where.value for where in Background},
        },
        {
            Field.STAGE: [stage.name for stage in there],
            Field.TOPIC: [choice.label for choice in topics.offered],
            Field.OWNER: [],
            Field.BACKGROUND: list(background.LABELS.values()),
        },
    )


def _small(name: str) -> str:
    return " ".join(name.casefold().split())

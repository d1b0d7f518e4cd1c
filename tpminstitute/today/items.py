"""What needs a person, of whichever kind, and whose it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from tpminstitute.accounts.models import Account, Role


@dataclass(frozen=True)
class Item:
    """One thing that needs a person.

    `source` is the key of the source it comes from and `ref` names it there, for an address; `moment` and `id` are its
    place among its own: since when it waits, or, with a time of its own, when it is due. `due` is when it is due in any
    case. `contact_public_id` is None for what is about nobody. `number` is that of its words where `excerpt` holds all
    of them, so that they can be decided about where they stand.
    """

    source: str
    ref: str
    id: int
    moment: datetime
    due: datetime
    label: str
    name: str
    contact_public_id: str | None
    owner_id: int | None
    about: str
    excerpt: str
    number: int | None = None


@dataclass(frozen=True)
class Place:
    """A place among the items of one source: only what stands after it is asked for."""

    moment: datetime
    id: int


@dataclass(frozen=True)
class Whose:
    """Whose items are asked for: an account's, those of contacts nobody looks after, or by default everybody's."""

    account_id: int | None = None
    nobodys: bool = False

    def of(self, owner: Any) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions on `owner`, the column of the account that looks after a thing.

        Whose account was closed, or only reads by now, looks after nothing.
        """
        if self.nobodys:
            return (or_(owner.is_(None), owner.in_(_IDLE)),)
        return () if self.account_id is None else (owner == self.account_id,)


EVERYBODYS = Whose()
NOBODYS = Whose(nobodys=True)

_IDLE = select(Account.id).where(or_(Account.active.is_(False), Account.role == Role.READER))

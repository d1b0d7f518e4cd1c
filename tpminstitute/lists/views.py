"""Saved views of the list of contacts: own and shared ones, kept, renamed, replaced and removed by who made them."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, Role
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.lists.asking import parameters
from tpminstitute.lists.filters import Chosen, Order
from tpminstitute.lists.models import ListHabit, SavedView
from tpminstitute.lists.rows import USUAL, Column, read_columns

LONGEST = 60
"""Characters of a view's name."""

MOST = 50
"""Views of one person."""

GONE = "This view is gone, or it is a colleague’s own. Nothing was changed."


@dataclass(frozen=True)
class Look:
    """What a view holds: whom it lists, in which order, with which columns."""

    chosen: Chosen
    order: Order
    columns: Sequence[Column]

    @property
    def query(self) -> str:
        """Filters and order as an address says them."""
        return urlencode([*parameters(self.chosen), ("order", self.order.value)])

    @property
    def column_words(self) -> list[str]:
        """The columns as they are kept."""
        return [column.value for column in self.columns]


def views_for(session: Session, account: Account) -> Sequence[SavedView]:
    """Return the views that somebody sees: their own first, then the shared ones, each by name."""
    seen = or_(SavedView.account_id == account.id, SavedView.shared)
    own_first = SavedView.account_id != account.id
    return session.scalars(select(SavedView).where(seen).order_by(own_first, SavedView.name, SavedView.id)).all()


def view_for(session: Session, account: Account, view_id: int) -> SavedView | None:
    """Return a view that somebody may see, or None."""
    view = session.get(SavedView, view_id, populate_existing=True)
    return view if view is not None and (view.shared or view.account_id == account.id) else None


def parameters_of(view: SavedView) -> list[tuple[str, str]]:
    """Return the parameters of an address that a view stands for."""
    return parse_qsl(view.query, max_num_fields=1_000)


def save(session: Session, account: Account, typed: str, look: Look, *, shared: bool) -> SavedView:
    """Keep a new view of somebody's.

    Raises `Refusal` without a name, for a name that they gave before, for a filter that can't be read, and for one more
    than `MOST`.
    """
    name = _name(session, account.id, typed)
    _expect_readable(look.chosen)
    own = session.scalars(select(SavedView.id).where(SavedView.account_id == account.id)).all()
    if len(own) >= MOST:
        raise Refusal(f"You have {MOST} views, and more would be hard to find. Nothing was saved: remove one first.")
    view = SavedView(
        account_id=account.id,
        name=name,
        shared=shared,
        query=look.query,
        columns=look.column_words,
        at=clock.now(),
    )
    session.add(view)
    session.flush()
    return view


def replace(session: Session, account: Account, view_id: int, number: int, look: Look) -> SavedView:
    """Let a view hold something else from now on; `number` is as the page knew it.

    Raises `Refusal` for a view that isn't theirs to change, one that changed since, and a filter that can't be read.
    """
    view = _theirs(session, account, view_id, number)
    _expect_readable(look.chosen)
    view.query, view.columns = look.query, look.column_words
    return _changed(session, view)


def rename(session: Session, account: Account, view_id: int, number: int, typed: str, *, shared: bool) -> SavedView:
    """Give a view another name, and say whether it is shared; `number` is as the page knew it.

    Raises `Refusal` for a view that isn't theirs to change, one that changed since, and a name that can't be.
    """
    view = _theirs(session, account, view_id, number)
    if view.name != one_line(typed, LONGEST + 1).strip():
        view.name = _name(session, view.account_id, typed)
    view.shared = shared
    return _changed(session, view)


def remove(session: Session, account: Account, view_id: int, number: int) -> str:
    """Forget a view; returns its name. Raises `Refusal` as `replace` does."""
    view = _theirs(session, account, view_id, number)
    session.delete(view)
    session.flush()
    return view.name


def may_change(account: Account, view: SavedView) -> bool:
    """Return whether a view is somebody's to change: their own, or a shared one for administrators."""
    return view.account_id == account.id or (view.shared and account.role is Role.ADMINISTRATOR)


def habit_of(session: Session, account: Account) -> ListHabit:
    """Return how somebody likes their list; before they chose anything it is the usual one."""
    kept = session.get(ListHabit, account.id, populate_existing=True)
    return kept or ListHabit(account_id=account.id, view_id=None, columns=[column.value for column in USUAL])


def choose_columns(session: Session, account: Account, words: Sequence[str]) -> None:
    """Show somebody these columns wherever no view says others; names that are none are passed over."""
    habit = habit_of(session, account)
    habit.columns = [column.value for column in read_columns(words)]
    session.add(habit)
    session.flush()


def open_with(session: Session, account: Account, view_id: int | None) -> None:
    """Open somebody's list with this view from now on, or with everybody (None).

    Raises `Refusal` for a view that they can't see.
    """
    if view_id is not None and view_for(session, account, view_id) is None:
        raise Refusal(GONE)
    habit = habit_of(session, account)
    habit.view_id = view_id
    session.add(habit)
    session.flush()


def _theirs(session: Session, account: Account, view_id: int, number: int) -> SavedView:
    view = session.scalar(
        select(SavedView).where(SavedView.id == view_id).with_for_update().execution_options(populate_existing=True)
    )
    if view is None or not (view.shared or view.account_id == account.id):
        raise Refusal(GONE)
    if not may_change(account, view):
        raise Refusal("This view is a colleague’s, who shares it with you. Nothing was changed: save one of your own.")
    if view.number != number:
        raise Refusal("This view was changed since you opened it. Nothing was changed: open it again and look first.")
    return view


def _changed(session: Session, view: SavedView) -> SavedView:
    view.number += 1
    session.flush()
    return view


def _name(session: Session, account_id: int, typed: str) -> str:
    name = one_line(typed, LONGEST + 1).strip()
    if not name:
        raise Refusal("A view needs a name. Nothing was saved.")
    if len(name) > LONGEST:
        raise Refusal(f"A view’s name has {LONGEST} characters at most. Nothing was saved.")
    if session.scalar(select(SavedView.id).where(SavedView.account_id == account_id, SavedView.name == name)):
        raise Refusal(f"There is a view “{name}” already. Nothing was saved: choose another name, or replace that one.")
    return name


def _expect_readable(chosen: Chosen) -> None:
    if chosen.unread:
        raise Refusal(f"Nothing was saved, since a filter can’t be read. {' '.join(chosen.unread)}")

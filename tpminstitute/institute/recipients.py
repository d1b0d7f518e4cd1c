"""Who is told of what: the institute's own address, chosen colleagues, further addresses."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import record_audit
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.institute_settings import checked_mail_address
from tpminstitute.institute.service import keep_value, saved_value, touch

MOST_ADDRESSES = 10


class NoticeKind(StrEnum):
    """What somebody at the institute is told of by mail."""

    INQUIRY = "inquiry"
    REPLY = "reply"
    PROMISE = "promise"
    FAILED_MAIL = "failed_mail"
    COMMENT = "comment"
    WEEKLY_SUMMARY = "weekly_summary"


NOTICE_LABELS = {
    NoticeKind.INQUIRY: "A new inquiry",
    NoticeKind.REPLY: "An answer that a visitor writes",
    NoticeKind.PROMISE: "A reply promise that is about to be broken",
    NoticeKind.FAILED_MAIL: "A mail that could not be delivered",
    NoticeKind.COMMENT: "A comment that waits for approval",
    NoticeKind.WEEKLY_SUMMARY: "The weekly summary",
}

MAY_BE_TOLD_NOBODY = frozenset({NoticeKind.FAILED_MAIL, NoticeKind.COMMENT, NoticeKind.WEEKLY_SUMMARY})
"""What is only looked up: the desk shows it to whoever asks, and nobody waits for an answer."""


@dataclass(frozen=True)
class Told:
    """Whom an administrator chose for one kind of notice."""

    institute: bool = True
    accounts: tuple[int, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipient:
    """Somebody at the institute to whom a notice goes; `is_institute` is its own address."""

    name: str
    email: str
    is_institute: bool = False


class ToldProblem(Refusal):
    """A choice that can't be kept; the sentence says why."""


def told(session: Session, kind: NoticeKind) -> tuple[Told, int]:
    """Return who is told of `kind`, the institute alone by default, and how often that was saved."""
    value, number = saved_value(session, _name(kind))
    return (Told() if value is None else _of_json(value)), number


def recipients(session: Session, settings: Settings, kind: NoticeKind) -> list[Recipient]:
    """Return to whom a notice of `kind` goes, each address once.

    Accounts that are switched off are left out. Where nobody is left of a kind that somebody must hear of, it is the
    institute.
    """
    chosen, _ = told(session, kind)
    institute = Recipient(settings.institute_name, settings.institute_email, is_institute=True)
    found = [institute] if chosen.institute else []
    if chosen.accounts:
        who = select(Account.name, Account.email).where(Account.id.in_(chosen.accounts), Account.active)
        found += [Recipient(name, email) for name, email in session.execute(who.order_by(Account.id))]
    found += [Recipient("", address) for address in chosen.addresses]
    if not found and kind not in MAY_BE_TOLD_NOBODY:
        return [institute]
    once: dict[str, Recipient] = {}
    for recipient in found:
        once.setdefault(recipient.email.lower(), recipient)
    return list(once.values())


def save_told(session: Session, kind: NoticeKind, chosen: Told, shown: int, account_id: int) -> bool:
    """Keep who is told of `kind`.

    Parameters: `shown`, the number that the page was shown with. Returns False when it was so already.
    Raises `ToldProblem` for a choice that can't be, and when somebody else saved another one since.
    """
    touch(session)
    before, number = told(session, kind)
    checked = Told(chosen.institute, _known(session, chosen.accounts), _readable(chosen.addresses))
    if checked == before:
        return False
    if number != shown:
        raise ToldProblem(
            f"Somebody else saved {in_words(session, before)} while you were choosing. Yours was not saved and is "
            "still here: save again to put it in its place."
        )
    if checked == Told(institute=False) and kind not in MAY_BE_TOLD_NOBODY:
        raise ToldProblem("Choose somebody: a visitor waits for an answer, so somebody has to hear of it.")
    value = {"institute": checked.institute, "accounts": checked.accounts, "addresses": checked.addresses}
    keep_value(session, _name(kind), value, account_id)
    sentence = f"Who is told of “{NOTICE_LABELS[kind]}”: {in_words(session, before)} to {in_words(session, checked)}"
    record_audit(session, "setting_changed", sentence, account_id=account_id)
    return True


def in_words(session: Session, chosen: Told) -> str:
    """Return a choice as a list of names, such as ``the institute, Alice``."""
    names = session.scalars(select(Account.name).where(Account.id.in_(chosen.accounts)).order_by(Account.id)).all()
    who = [*(["the institute"] if chosen.institute else []), *names, *chosen.addresses]
    return ", ".join(who) or "nobody"


def _name(kind: NoticeKind) -> str:
    return f"told_{kind.value}"


def _of_json(value: Any) -> Told:
    return Told(bool(value["institute"]), tuple(value["accounts"]), tuple(value["addresses"]))


def _known(session: Session, accounts: Iterable[int]) -> tuple[int, ...]:
    wanted = set(accounts)
    known = session.scalars(select(Account.id).where(Account.id.in_(wanted)).order_by(Account.id)).all()
    if wanted - set(known):
        raise ToldProblem("One of those chosen has no account any more. Choose again.")
    return tuple(known)


def _readable(addresses: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(address.strip() for address in addresses if address.strip()))
    if len(found) > MOST_ADDRESSES:
        raise ToldProblem(f"Write {MOST_ADDRESSES} further addresses at most: these are {len(found)}.")
    for address in found:
        try:
            checked_mail_address(address)
        except ValueError as problem:
            raise ToldProblem(f"“{address[:80]}” can't be used: {problem}.") from None
    return found

"""How staff sign the mails that they write."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.institute_settings import LONGEST_LINES, MOST_LINES
from tpminstitute.core.text import visible
from tpminstitute.institute.models import Signature


def signature_of(session: Session, settings: Settings, account: Account | None) -> str:
    """Return what stands under a mail by `account`: their own signature, else their name and the institute's.

    `account` is None for who answers from the institute's shared mailbox.
    """
    if account is None:
        return settings.institute_name
    own = own_signature(session, account.id)
    return own or f"{account.name}\n{settings.institute_name}"


def own_signature(session: Session, account_id: int) -> str:
    """Return the signature that somebody wrote for themselves, or ''."""
    return session.scalar(select(Signature.text).where(Signature.account_id == account_id)) or ""


def keep_signature(session: Session, account_id: int, typed: str) -> None:
    """Keep somebody's signature; an empty one takes it back. Raises `Refusal` for one that is too long."""
    text = "\n".join(line.rstrip() for line in visible(typed).strip().splitlines())
    if len(text) > LONGEST_LINES or text.count("\n") >= MOST_LINES:
        raise Refusal(
            f"Shorten the signature to {MOST_LINES} lines and {LONGEST_LINES} characters. Yours was not saved."
        )
    kept = session.get(Signature, account_id)
    if not text:
        if kept is not None:
            session.delete(kept)
    elif kept is None:
        session.add(Signature(account_id=account_id, text=text, at=clock.now()))
    else:
        kept.text, kept.at = text, clock.now()
    session.flush()

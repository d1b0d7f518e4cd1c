"""Recovery codes: ten on paper, each good for one sign-in without the second factor."""

import secrets

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.factor_models import RecoveryCode
from tpminstitute.core import clock, tokens

HOW_MANY = 10
LENGTH = 16
"""Characters of Crockford's base 32: 80 bits, so that a digest is enough to keep and gives nothing away."""


def make_codes(session: Session, account_id: int) -> list[str]:
    """Make ten codes for an account; those from before stop working. They can be shown now and never again."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    codes = ["".join(secrets.choice(tokens.ALPHABET) for _ in range(LENGTH)) for _ in range(HOW_MANY)]
    session.add_all(RecoveryCode(account_id=account_id, digest=_digest(account_id, code)) for code in codes)
    record_audit(session, "recovery_codes_made", f"account {account_id}", account_id=account_id)
    return ["-".join(code[at : at + 4] for at in range(0, LENGTH, 4)) for code in codes]


def use_code(session: Session, account_id: int, typed: str) -> bool:
    """Return whether `typed` is an unused code of the account, and use it up; hyphens, spaces and case don't matter."""
    code = read_code(typed)
    if code is None:
        return False
    used = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.digest == _digest(account_id, code), RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    ).one_or_none()
    if used is not None:
        record_audit(session, "recovery_code_used", f"account {account_id}", account_id=account_id)
    return used is not None


def read_code(typed: str) -> str | None:
    """Return what was typed as a code is kept, letters that look like digits read as those, or None for no code."""
    plain = "".join(typed.lower().replace("-", " ").split()).translate(str.maketrans("oil", "011"))
    return plain if len(plain) == LENGTH and set(plain) <= set(tokens.ALPHABET) else None


def _digest(account_id: int, code: str) -> str:
    return tokens.digest(f"recovery:{account_id}:{code}")

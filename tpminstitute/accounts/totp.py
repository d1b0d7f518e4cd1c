"""Codes of an authenticator app (RFC 6238): six digits, half a minute each, and each of them once."""

import base64
import os
from urllib.parse import quote

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.twofactor import InvalidToken as WrongCode
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.factor_models import TotpSecret
from tpminstitute.core import clock

STEP = 30
"""Seconds."""

DRIFT = 1
"""How many steps a phone's clock may be off, either way (RFC 6238, 5.2)."""


def new_secret() -> str:
    """Return a secret of 160 bits in base 32, as apps take it typed (RFC 4226, 4)."""
    return base64.b32encode(os.urandom(20)).decode("ascii")


def address_for_app(secret: str, email: str, issuer: str) -> str:
    """Return what the QR code says: an otpauth address that names the account and who it is with."""
    label = quote(f"{issuer}:{email}", safe="@")
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer, safe='')}"


def set_up(session: Session, secret_key: str, account_id: int, secret: str, code: str) -> bool:
    """Keep the secret of an account's app, encrypted, if `code` shows that the app has it; returns whether it does.

    The secret of an app before stops working.
    """
    step = _step_of(secret, code)
    if step is None:
        return False
    session.execute(delete(TotpSecret).where(TotpSecret.account_id == account_id))
    sealed = seal(secret_key, secret)
    session.add(TotpSecret(account_id=account_id, sealed=sealed, last_step=step, added_at=clock.now()))
    record_audit(session, "totp_added", f"account {account_id}", account_id=account_id)
    return True


def check_code(session: Session, secret_key: str, account_id: int, code: str) -> bool:
    """Return whether `code` is one that the account's app shows now; the same one is taken once."""
    row = session.get(TotpSecret, account_id)
    secret = None if row is None else unseal(secret_key, row.sealed)
    if row is None or secret is None:
        return False
    step = _step_of(secret, code)
    if step is None:
        return False
    taken = session.execute(
        update(TotpSecret)
        .where(TotpSecret.account_id == account_id, TotpSecret.last_step < step)
        .values(last_step=step)
        .returning(TotpSecret.account_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return taken is not None


def remove(session: Session, account_id: int) -> bool:
    """Forget the secret of an account's app; returns whether there was one."""
    gone = delete(TotpSecret).where(TotpSecret.account_id == account_id).returning(TotpSecret.account_id)
    if session.execute(gone).one_or_none() is None:
        return False
    record_audit(session, "totp_removed", f"account {account_id}", account_id=account_id)
    return True


def has_app(session: Session, account_id: int) -> bool:
    """Return whether an account has an app."""
    return session.scalar(select(TotpSecret.account_id).where(TotpSecret.account_id == account_id)) is not None


def seal(secret_key: str, secret: str) -> str:
    """Return a secret encrypted with a key derived from SECRET_KEY."""
    return _cipher(secret_key).encrypt(secret.encode("ascii")).decode("ascii")


def unseal(secret_key: str, sealed: str) -> str | None:
    """Return what `seal` encrypted, or None where SECRET_KEY is another one now."""
    try:
        return _cipher(secret_key).decrypt(sealed.encode("ascii")).decode("ascii")
    except InvalidToken:
        return None


def _cipher(secret_key: str) -> Fernet:
    key = HKDF(SHA256(), 32, salt=None, info=b"tpminstitute.totp").derive(secret_key.encode("utf-8"))
    return Fernet(base64.urlsafe_b64encode(key))


def _step_of(secret: str, code: str) -> int | None:
    """Return the time step near now whose code this is, or None."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    app = TOTP(base64.b32decode(secret), 6, SHA1(), STEP, enforce_key_length=False)
    now = int(clock.now().timestamp()) // STEP
    for step in range(now - DRIFT, now + DRIFT + 1):
        if _is_code_of(app, step, digits):
            return step
    return None


def _is_code_of(app: TOTP, step: int, digits: str) -> bool:
    try:
        app.verify(digits.encode("ascii"), step * STEP)
    except WrongCode:
        return False
    return True

"""Passkeys (WebAuthn, level 3): an account's phone, computer or security key proves itself."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.factor_models import Passkey
from tpminstitute.accounts.models import Account
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line

MOST = 20
"""Passkeys of one account."""

LONGEST_ANSWER = 100_000
"""Characters of what a browser says; an attestation is a few thousand."""

BROKEN = (WebAuthnException, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)
"""What reading a made-up answer can end in."""

NOT_PROVEN = "The passkey could not be checked. Nothing was changed. Try once more, or use another way."


class PasskeyError(Refusal):
    """What a browser said about a passkey proves nothing."""


def are_possible(settings: Settings) -> bool:
    """Return whether browsers offer passkeys at PUBLIC_URL: it needs a name, and https unless it is this machine."""
    parts = urlsplit(settings.public_url)
    host = parts.hostname or ""
    is_number = ":" in host or host.replace(".", "").isdigit()
    return not is_number and (parts.scheme == "https" or host == "localhost")


def to_add(settings: Settings, account: Account, kept: Sequence[Passkey]) -> tuple[str, str]:
    """Return what the browser needs to make a passkey (JSON), and the challenge to keep until it answers."""
    options = generate_registration_options(
        rp_id=_host(settings),
        rp_name=settings.institute_name,
        user_id=tokens.digest(f"passkey:{account.id}").encode("ascii"),
        user_name=account.email,
        user_display_name=account.name,
        exclude_credentials=[_descriptor(passkey) for passkey in kept],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def add(session: Session, settings: Settings, account_id: int, answer: str, challenge: str, name: str) -> Passkey:
    """Keep the passkey that a browser made; `name` tells it from the others.

    Raises `PasskeyError` when the answer isn't one to `challenge`, or the passkey is kept already.
    """
    called = one_line(name, 80) or "Passkey"
    try:
        parsed = parse_registration_credential_json(answer[:LONGEST_ANSWER])
        made = verify_registration_response(
            credential=parsed,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=_host(settings),
            expected_origin=_origin(settings),
        )
    except BROKEN:
        raise PasskeyError(NOT_PROVEN) from None
    credential_id = bytes_to_base64url(made.credential_id)
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == credential_id)) is not None:
        raise PasskeyError("This passkey is kept already. Nothing was changed.")
    if len(passkeys_of(session, account_id)) >= MOST:
        raise PasskeyError(f"There are {MOST} passkeys already. Remove one first.")
    passkey = Passkey(
        account_id=account_id,
        credential_id=credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=[transport.value for transport in parsed.response.transports or ()],
        name=called,
        added_at=clock.now(),
    )
    session.add(passkey)
    session.flush()
    record_audit(session, "passkey_added", f"account {account_id}, passkey {passkey.id}", account_id=account_id)
    return passkey


def to_prove(settings: Settings, kept: Sequence[Passkey] = ()) -> tuple[str, str]:
    """Return what the browser needs to use a passkey (JSON), and the challenge to keep until it answers.

    Parameters: `kept`, the account's, where it is known; without it any passkey that says itself whose it is, and the
    device has to recognise its owner, since then there is no password.
    """
    options = generate_authentication_options(
        rp_id=_host(settings),
        allow_credentials=[_descriptor(passkey) for passkey in kept] or None,
        user_verification=UserVerificationRequirement.PREFERRED if kept else UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def prove(session: Session, settings: Settings, answer: str, challenge: str, account_id: int | None = None) -> int:
    """Check what a browser said with a passkey; returns whose it is.

    Parameters: `account_id`, whose it has to be; None for anybody's, and then the device has to have recognised its
    owner. Raises `PasskeyError` when it proves nothing.
    """
    try:
        parsed = parse_authentication_credential_json(answer[:LONGEST_ANSWER])
        passkey = session.scalar(select(Passkey).where(Passkey.credential_id == parsed.id).with_for_update())
        if passkey is None or account_id not in (None, passkey.account_id):
            raise PasskeyError(NOT_PROVEN)
        proven = verify_authentication_response(
            credential=parsed,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=_host(settings),
            expected_origin=_origin(settings),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=account_id is None,
        )
    except BROKEN:
        raise PasskeyError(NOT_PROVEN) from None
    session.execute(
        update(Passkey)
        .where(Passkey.id == passkey.id)
        .values(sign_count=proven.new_sign_count, used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return passkey.account_id


def passkeys_of(session: Session, account_id: int) -> Sequence[Passkey]:
    """Return the passkeys of an account, oldest first."""
    return session.scalars(select(Passkey).where(Passkey.account_id == account_id).order_by(Passkey.id)).all()


def remove(session: Session, account_id: int, passkey_id: int) -> bool:
    """Forget a passkey of an account; returns whether it was there."""
    gone = delete(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == account_id).returning(Passkey.id)
    if session.execute(gone).one_or_none() is None:
        return False
    record_audit(session, "passkey_removed", f"account {account_id}, passkey {passkey_id}", account_id=account_id)
    return True


def _host(settings: Settings) -> str:
    return urlsplit(settings.public_url).hostname or ""


def _origin(settings: Settings) -> str:
    parts = urlsplit(settings.public_url)
    return f"{parts.scheme}://{parts.netloc}"


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    known = {transport.value for transport in AuthenticatorTransport}
    transports = [AuthenticatorTransport(name) for name in passkey.transports if name in known]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id), transports=transports or None)

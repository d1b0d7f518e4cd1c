"""Passwords at the desk: how one is chosen, checked, and slowly tried."""

from datetime import timedelta
from functools import lru_cache
from typing import Any

from flask import Response, after_this_request, request
from flask_security import hash_password
from flask_security.utils import verify_password
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length, ValidationError

from tpminstitute.accounts import throttle
from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import MIN_PASSWORD_LENGTH
from tpminstitute.web.common import session

LONGEST = 256
"""Characters."""

NOT_IT = "That is not your password."


def password_field() -> PasswordField:
    """Return a field for a password that is chosen anew."""
    too_short = f"Choose a password of {MIN_PASSWORD_LENGTH} characters or more."
    return PasswordField(
        validators=[InputRequired("Choose a password."), Length(MIN_PASSWORD_LENGTH, LONGEST, too_short), _not_obvious]
    )


def _not_obvious(form: Any, field: PasswordField) -> None:
    """Refuse what is guessed first: one character again and again, or the address beside it."""
    typed = (field.data or "").lower()
    address = str(getattr(form, "address", "") or (form.email.data if "email" in form else "") or "").lower()
    if len(set(typed)) < 4 or (address and typed == address):
        raise ValidationError("Choose a password that is harder to guess: four unrelated words are good.")


def hashed(password: str) -> str:
    """Return the argon2 hash of a password as typed; composed and decomposed characters are the same."""
    return hash_password(_normal(password))


def is_password_of(account: Account | None, password: str) -> bool:
    """Return whether a password is an account's; without an account it takes as long and isn't."""
    right = verify_password(_normal(password)[:LONGEST], account.password if account else _of_nobody())
    return right and account is not None


@lru_cache(maxsize=1)
def _of_nobody() -> str:
    return hash_password("the password of an account that there isn't")


def _normal(password: str) -> str:
    from flask_security.proxies import _security

    return str(_security.password_util.normalize(password))


# --- trying --------------------------------------------------------------------------------------------------


class Attempt:
    """One try of something that can be guessed, counted as failed until `succeeded` says otherwise."""

    def __init__(self, what: str, name: str, account_id: int | None) -> None:
        """Count a try of `what` on the account called `name`; what is counted stays, whatever becomes of the request.

        Parameters: `account_id`, the account if there is one: the networks that it knows are its owner's.
        """
        network = network_here()
        known = account_id is not None and throttle.knows(session(), account_id, network)
        self._limits = throttle.limits_on(what, name, network, known=known)
        self.wait = begin(self._limits)

    def succeeded(self) -> None:
        """Take back that it failed."""
        throttle.succeeded(session(), self._limits)


def begin(limits: dict[str, throttle.Limit]) -> str:
    """Count a try; returns '' or the sentence that says how long to wait first, and answers with 429 then."""
    wait = throttle.begin(session(), limits)
    session().commit()
    if wait is None:
        return ""
    after_this_request(lambda response: _too_many(response, wait))
    return f"There were too many tries. Wait {throttle.in_words(wait)}, then try again."


def network_here() -> str:
    """Return the network that the request comes from."""
    return throttle.network_of(request.remote_addr or "")


def _too_many(response: Response, wait: timedelta) -> Response:
    response.status_code = 429
    response.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
    return response

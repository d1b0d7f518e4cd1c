"""The second step of signing in: who is asked for one, who has one, and taking it off."""

from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.factor_models import AccessRules, Passkey, RecoveryCode, SecondStep, TotpSecret
from tpminstitute.accounts.models import Account, Role
from tpminstitute.accounts.service import end_sessions


@dataclass(frozen=True)
class Factors:
    """What an account has beside its password: an app that shows codes, passkeys, unused recovery codes."""

    app: bool
    passkeys: int
    recovery_codes: int

    @property
    def any(self) -> bool:
        """Whether there is a second step at all; recovery codes alone are none."""
        return self.app or self.passkeys > 0


_RULE = select(AccessRules.second_step)
"""Made once: every page of the desk asks."""


def rule(session: Session) -> SecondStep:
    """Return who is asked for a second step."""
    return session.scalars(_RULE).one()


def set_rule(session: Session, chosen: SecondStep, account_id: int) -> bool:
    """Change who is asked for a second step; returns whether that was a change."""
    before = session.scalars(select(AccessRules).with_for_update()).one()
    if before.second_step is chosen:
        return False
    subject = f"from {before.second_step.value} to {chosen.value}"
    before.second_step = chosen
    record_audit(session, "second_step_rule_changed", subject, account_id=account_id)
    return True


def factors_of(session: Session, account_id: int) -> Factors:
    """Return what an account has beside its password."""
    app = exists().where(TotpSecret.account_id == account_id)
    passkeys = select(func.count()).where(Passkey.account_id == account_id).scalar_subquery()
    codes = select(func.count()).where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))
    return Factors(*session.execute(select(app, passkeys, codes.scalar_subquery())).one())


def with_factors(session: Session) -> set[int]:
    """Return the ids of the accounts that have a second step."""
    return {*session.scalars(select(TotpSecret.account_id)), *session.scalars(select(Passkey.account_id).distinct())}


def is_asked(session: Session, account_id: int) -> bool:
    """Return whether an account, its password given, is asked for its second step: it has one, and it isn't off."""
    return rule(session) is not SecondStep.OFF and factors_of(session, account_id).any


def is_required(session: Session, account: Account) -> bool:
    """Return whether an account has to have a second step."""
    asked = rule(session)
    return asked is SecondStep.EVERYBODY or (asked is SecondStep.ADMINISTRATORS and account.role is Role.ADMINISTRATOR)


def must_set_up(session: Session, account: Account) -> bool:
    """Return whether an account has to set up a second step before it can do anything else."""
    return is_required(session, account) and not factors_of(session, account.id).any


def take_off(session: Session, account_id: int, by: int | None) -> bool:
    """Remove everything an account has beside its password, and sign it out everywhere; returns whether it had any.

    For who lost both the second step and the recovery codes: an administrator's word, or the operator's (None).
    """
    had = factors_of(session, account_id)
    for model in (TotpSecret, Passkey, RecoveryCode):
        session.execute(delete(model).where(model.account_id == account_id))
    if not had.any:
        return False
    end_sessions(session, account_id)
    record_audit(session, "second_step_taken_off", f"account {account_id}", account_id=by)
    return True

"""The switch that holds all outgoing mail: while it is on, everything waits and nothing is lost."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock, jobs
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import MailControl

LONGEST_REASON = 500


_CONTROL = select(MailControl).where(MailControl.id == 1).execution_options(populate_existing=True)
"""Made once: every page of the desk asks."""


def control(session: Session) -> MailControl:
    """Return whether outgoing mail is held, why, and since when."""
    return session.scalars(_CONTROL).one()


def hold(session: Session, reason: str, account_id: int | None) -> None:
    """Hold all outgoing mail from the commit on; what a worker is sending at this moment still goes out.

    Parameters: `reason`, what everybody at the desk reads; `account_id`, who does it, None for the command line.
    Mail that is held already stays held since then, for the new reason. Raises `Refusal` without a reason.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal("Write why the mail is held: everybody at the desk reads it. Nothing was changed.")
    if len(reason) > LONGEST_REASON:
        raise Refusal(f"Shorten the reason to {LONGEST_REASON} characters. Nothing was changed.")
    changed = session.scalar(
        update(MailControl)
        .where(MailControl.held.is_(False))
        .values(held=True, reason=reason, since=clock.now())
        .execution_options(synchronize_session=False)
        .returning(MailControl.id)
    )
    if changed is None:
        session.execute(update(MailControl).values(reason=reason).execution_options(synchronize_session=False))
    record_audit(session, "mail_held", reason, account_id=account_id)


def let_out(session: Session, account_id: int | None) -> bool:
    """Let outgoing mail go again and ask for its delivery; returns False when it wasn't held."""
    changed = session.scalar(
        update(MailControl)
        .where(MailControl.held.is_(True))
        .values(held=False, reason="", since=clock.now())
        .execution_options(synchronize_session=False)
        .returning(MailControl.id)
    )
    if changed is None:
        return False
    record_audit(session, "mail_released", "outgoing mail", account_id=account_id)
    jobs.hint(session, jobs.Job.DELIVER)
    return True

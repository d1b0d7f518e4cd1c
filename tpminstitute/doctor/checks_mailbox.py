"""Mail that comes in: the mailbox that is read, and the addresses by which answers find their contact."""

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.doctor.checks_settings import is_this_machine
from tpminstitute.doctor.checks_work import MISSED, SHORTEST_PATIENCE, ago, duration
from tpminstitute.doctor.findings import Finding, ok, unknown, wrong
from tpminstitute.inbox.mailbox import IDLE_SECONDS, MailboxAddress, mailbox_of, state_of
from tpminstitute.inbox.models import MailboxState

MAILBOX, REPLIES = "Mailbox", "Replies"

START = "Start it: `tpm run`, or `tpm mailbox` by itself."


def check_mailbox(db: Database, settings: Settings) -> list[Finding]:
    """Look when the mailbox was last looked at, what came, and what was in the way."""
    address = mailbox_of(settings)
    if address is None:
        says = "No mailbox is read. With IMAP_URL, answers come to the desk and stop the follow-ups by themselves."
        return [ok(MAILBOX, says)]
    with db.read() as session:
        state = state_of(session, address.name)
    return [*_encryption(address), *_reading(address, state, settings)]


def _reading(address: MailboxAddress, state: MailboxState | None, settings: Settings) -> list[Finding]:
    if state is None:
        do = f"{START} If it has just started, wait a moment and look again."
        return [wrong(MAILBOX, f"{address.name} was never looked at.", do)]
    if state.error and state.error_at is not None:
        return [wrong(MAILBOX, f"{state.error} (First {ago(state.error_at)}; last look: {_last_look(state)}.)", "")]
    if state.looked_at is None:
        return [wrong(MAILBOX, f"{address.name} was never looked at to the end.", START)]
    every = IDLE_SECONDS if state.waits else settings.sweep_seconds
    if (clock.now() - state.looked_at).total_seconds() > max(MISSED * every, SHORTEST_PATIENCE):
        says = f"{address.name} was last looked at {ago(state.looked_at)}; every {duration(every)} is expected."
        return [wrong(MAILBOX, says, f"Its reader has stopped. {START}")]
    how = "the server tells of new mail (IDLE)" if state.waits else f"asked every {duration(every)} (no IDLE)"
    return [ok(MAILBOX, f"{address.name}, {how}; last look {ago(state.looked_at)}, {_last_mail(state)}.")]


def _last_look(state: MailboxState) -> str:
    return ago(state.looked_at) if state.looked_at is not None else "never"


def _last_mail(state: MailboxState) -> str:
    if state.taken_at is None:
        return "no mail came yet"
    lag = "" if state.lag_seconds is None else f", {duration(state.lag_seconds)} after it arrived"
    return f"last mail {ago(state.taken_at)}{lag}"


def _encryption(address: MailboxAddress) -> list[Finding]:
    if address.scheme != "imap" or is_this_machine(address.host):
        return []
    says = f"Mail and password come from {address.host} unencrypted."
    return [wrong(MAILBOX, says, "Write `IMAP_URL` with `imaps://` or `imap+starttls://`.")]


def check_replies(settings: Settings) -> list[Finding]:
    """Say whether answers have addresses of their own; that they arrive, only a mail can tell."""
    if not settings.reply_address:
        says = (
            "REPLY_ADDRESS is not set: answers find their contact by their thread and their sender, which mostly works."
        )
        return [ok(REPLIES, says)]
    local, _, domain = settings.reply_address.rpartition("@")
    says = f"Answers go to {local}+…@{domain}. Whether the mail server takes such addresses, only a mail can tell."
    do = (
        f"Send a mail to `{local}+try@{domain}` from an account of your own. It has to arrive where the mail for "
        f"{settings.reply_address} does; if it comes back, let the server take plus-addresses "
        "(Postfix: `recipient_delimiter = +`)."
    )
    return [unknown(REPLIES, says, do)]

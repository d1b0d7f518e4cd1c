"""Places where a test may end the process, to prove that nothing is lost there.

`FAIL_POINT=<name>` (or `<name>:<n>`, the n-th time it is reached) in the environment makes the process kill itself
with SIGKILL right there. Nothing else reads that variable, and without it a fail point costs one comparison.
"""

import os
import signal
from enum import StrEnum


class FailPoint(StrEnum):
    """Every place, in the order an inquiry and its mails pass them."""

    INTAKE_BEFORE_STORE = "01-intake-before-store"
    INTAKE_BEFORE_COMMIT = "02-intake-before-commit"
    INTAKE_AFTER_COMMIT = "03-intake-after-commit"
    CLAIM_BEFORE_COMMIT = "04-claim-before-commit"
    CLAIM_AFTER_COMMIT = "05-claim-after-commit"
    AFTER_CONNECT = "06-after-connect"
    AFTER_MAIL = "07-after-mail"
    AFTER_RCPT = "08-after-rcpt"
    SENDING_AFTER_COMMIT = "09-sending-after-commit"
    AFTER_DATA = "10-after-data"
    IN_CONTENT = "11-in-content"
    AFTER_DOT = "12-after-dot"
    AFTER_250 = "13-after-250"
    SETTLE_BEFORE_COMMIT = "14-settle-before-commit"
    SETTLE_AFTER_COMMIT = "15-settle-after-commit"
    FOLLOW_UP_BEFORE_COMMIT = "16-follow-up-before-commit"
    FOLLOW_UP_AFTER_COMMIT = "17-follow-up-after-commit"
    MAILBOX_BEFORE_MARK = "18-mailbox-before-mark"
    MAILBOX_AFTER_MARK = "19-mailbox-after-mark"
    IMPORT_BEFORE_COMMIT = "20-import-before-commit"
    IMPORT_AFTER_COMMIT = "21-import-after-commit"


_name, _, _times = os.environ.get("FAIL_POINT", "").partition(":")
_left = int(_times or 1)


def awaited(point: FailPoint) -> bool:
    """Return whether a test waits for `point`: for places that have to be made before they can be reached."""
    return point == _name


def reach(point: FailPoint) -> None:
    """Pass `point`, unless a test asked for the process to end here."""
    global _left
    if point != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

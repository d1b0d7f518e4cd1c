"""Take a mail from standard input, as a local mail server hands it over, and answer in its language: exit codes.

The codes are those of sysexits.h, and a sentence begins with an enhanced status code (RFC 3463). Postfix goes by that
one first, so that nothing of ours ever makes it send a visitor's mail back.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import BinaryIO

from tpminstitute.core.config import load_settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import SettingsError
from tpminstitute.core.logs import set_up_logs
from tpminstitute.inbox.models import Door
from tpminstitute.inbox.receive import LARGEST, Incoming, receive
from tpminstitute.institute.service import effective

_CHUNK = 1024 * 1024


def take_in(mail: BinaryIO, recipients: Sequence[str]) -> int:
    """Store the one mail that `mail` gives, and return the exit code: 0 only after the commit.

    Parameters: `recipients`, the addresses of its envelope. Returns EX_TEMPFAIL (75) when it could not be stored now
    and has to be brought again, EX_CONFIG (78) for a wrong setting, EX_NOINPUT (66) when there was no mail.
    """
    try:
        settings = load_settings()
    except SettingsError as problem:
        return _refuse(os.EX_CONFIG, "4.3.5", f"{problem} Nothing was stored; bring the mail again.")
    set_up_logs(settings.log_format)
    try:
        content = _read(mail)
        if not content.strip():
            return _refuse(os.EX_NOINPUT, "5.6.0", "There was no mail on standard input. Nothing was stored.")
        with closing(Database(settings.database_url)) as db:
            receive(db, effective(db, settings), Incoming(content, Door.COMMAND, recipients))
    except Exception as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines() or [type(problem).__name__]
        sentence = f"The mail could not be stored now ({reason[0][:200]}). Nothing was kept; bring it again."
        return _refuse(os.EX_TEMPFAIL, "4.3.0", sentence)
    return os.EX_OK


def _read(mail: BinaryIO) -> bytes:
    """Return what can be kept of the mail, and one octet more; the rest is read too, since somebody is writing it."""
    content = mail.read(LARGEST + 1)
    while mail.read(_CHUNK):
        pass
    return content


def _refuse(code: int, status: str, sentence: str) -> int:
    print(status, sentence, file=sys.stderr)
    return code

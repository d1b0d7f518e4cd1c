"""What the tests of the mailbox share: mails as they lie in one, and its reader as a process of its own."""

import itertools
from pathlib import Path

from sqlalchemy import select

from tests.factories import ADA
from tests.faults.processes import Process
from tests.journeys.steps import wait_until
from tests.parts.forked import PARTS, Forked
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import MailboxState, ReceivedMail

MARKED = {"\\Seen", "$TPMInstitute"}
SECRET = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_numbers = itertools.count(1)


def a_mail(
    subject: str = "Re: Your letter", body: bytes = b"Thank you.\r\n", sender: str = ADA, **headers: str
) -> bytes:
    """A mail as it comes in; each is another one."""
    lines = [
        f"From: Ada Lovelace <{sender}>",
        "To: info@tpminstitute.org",
        f"Subject: {subject}",
        f"Message-ID: <{next(_numbers)}@mail.example.org>",
        "Date: Sun, 22 Nov 2026 10:00:00 +0000",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Reader:
    """`tpm mailbox` on one database and one mailbox, and what it has done."""

    def __init__(self, folder: Path, database_url: str, imap_url: str, **environment: str) -> None:
        """Prepare it; `environment` adds to its settings."""
        defaults = {
            "DATA_DIR": str(folder / "var"),
            "DATABASE_URL": database_url,
            "IMAP_URL": imap_url,
            "SECRET_KEY": SECRET,
            "SWEEP_SECONDS": "1",
            "PYTHONUNBUFFERED": "1",
            "LANG": "C.UTF-8",
        }
        self._folder = folder
        self._values = defaults | environment
        self._db = Database(database_url)
        self._processes: list[Process | Forked] = []

    def start(self) -> Forked:
        """Start one."""
        process = Forked(PARTS, ["mailbox"], self._values)
        process.start(self._log)
        self._processes.append(process)
        return process

    def start_from_nothing(self, **once: str) -> Process:
        """Start one as `tpm mailbox` does; `once` stands in its environment as well, as FAIL_POINT does."""
        process = Process("mailbox", "mailbox", self._values, self._folder, once)
        process.start()
        self._processes.append(process)
        return process

    @property
    def _log(self) -> Path:
        return self._folder / "mailbox.log"

    @property
    def log(self) -> str:
        """What all of them have said."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    @property
    def state(self) -> MailboxState | None:
        """The mailbox's row, once there is one."""
        with self._db.read() as session:
            return session.scalars(select(MailboxState)).one_or_none()

    @property
    def subjects(self) -> list[str]:
        """The subjects of the mails that were stored, in the order of storing."""
        with self._db.read() as session:
            return list(session.scalars(select(ReceivedMail.subject).order_by(ReceivedMail.id)))

    def wait_for(self, *subjects: str, timeout: float = 20) -> None:
        """Wait until just these were stored and the reader has said how far it is."""
        wait_until(lambda: sorted(self.subjects) == sorted(subjects), f"{subjects} in the database", timeout)

    def wait_for_look(self) -> MailboxState:
        """Wait until somebody has looked into the mailbox."""
        wait_until(lambda: (s := self.state) and s.looked_at, "a look")
        assert self.state is not None
        return self.state

    def wait_for_error(self, words: str) -> str:
        """Wait until the mailbox's row has a sentence with these words for staff. Returns: the sentence."""
        return wait_until(lambda: s.error if (s := self.state) and words in s.error else "", f"an error with {words!r}")

    def wait_for_log(self, words: str) -> None:
        """Wait until it has said something."""
        wait_until(lambda: words in self.log, f"{words!r} in the log")

    def close(self) -> None:
        """End all."""
        for process in self._processes:
            process.kill()
        self._db.close()

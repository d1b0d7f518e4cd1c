"""The conversation with an IMAP server (RFC 3501): look, fetch, mark, and wait for its word (IDLE, RFC 2177).

Nothing in here deletes, moves or expunges.
"""

import re
import select
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from imapclient import SEEN, IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError

from tpminstitute.inbox.mailbox import MailboxAddress

KEYWORD = b"$TPMInstitute"
"""Marks, for people and their mail programs, what this service has taken in."""

CONNECT_SECONDS = 15
"""Until a mail server that doesn't answer counts as unreachable."""

ANSWER_SECONDS = 30
"""To wait for an answer; a server that gives none any more is left."""

LATER = "Mail stays in the mailbox and is read as soon as it can be."

_PLAIN_NAME = re.compile(r"[A-Za-z0-9@._+-]+")


class MailboxError(Exception):
    """The mailbox can't be read; its text says what happened and what to do. `refused` is for a wrong login."""

    def __init__(self, happened: str, do: str, *, refused: bool = False) -> None:
        """Make the sentence of what happened, what is kept, and what to `do`."""
        super().__init__(f"{happened} {LATER} {do}")
        self.refused = refused


CONNECTION_LOST = (OSError, IMAPClientAbortError)
"""What is raised when the conversation is over, as opposed to a server that only says no."""


@dataclass(frozen=True)
class Fetched:
    """A mail as the mailbox holds it, at most so much of it as was asked for, and when it came in there."""

    content: bytes
    arrived_at: datetime | None


class OpenMailbox:
    """One connection, with the folder opened. Its methods raise `CONNECTION_LOST`, or IMAPClientError for a no."""

    def __init__(self, client: IMAPClient, opened: dict[bytes, Any]) -> None:
        """Take a client that has selected a folder, and what the server said to that."""
        self._client = client
        self.uid_validity = int(opened.get(b"UIDVALIDITY", 0))
        self.waits: bool = client.has_capability("IDLE")
        allowed = opened.get(b"PERMANENTFLAGS", ())
        self._marks = [SEEN, KEYWORD] if b"\\*" in allowed or KEYWORD in allowed else [SEEN]
        self.may_be_marked = b"READ-WRITE" in opened
        self._known = self._told()

    def uids_behind(self, uid: int) -> list[int]:
        """Return the UIDs greater than `uid`, in their order."""
        self._client.noop()  # only now does every server tell of mail that came meanwhile
        self._known = self._told()
        found = self._client.search(["UID", f"{uid + 1}:*"])
        return sorted(number for number in found if number > uid)  # n:* is never empty (RFC 3501, 6.4.8)

    def last_uid_before(self, day: date) -> int:
        """Return the UID behind which the mails lie that came in on `day` or later."""
        since = self._client.search(["SINCE", day])
        if since:
            return int(min(since)) - 1
        return max(self._client.search(["UID", "*"]), default=0)

    def fetch(self, uid: int, most: int) -> Fetched | None:
        """Return a mail without marking it, or None when it is gone; of one larger than `most` octets that many."""
        about = self._client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
        if about is None:
            return None
        whole = int(about.get(b"RFC822.SIZE", 0)) <= most
        item = "BODY.PEEK[]" if whole else f"BODY.PEEK[]<0.{most}>"
        answer = self._client.fetch([uid], [item]).get(uid, {})
        content = next((value for key, value in answer.items() if key.startswith(b"BODY[")), None)
        if not isinstance(content, bytes):
            raise IMAPClientError(f"The server names the mail with UID {uid} and doesn't give it.")
        return Fetched(content, about.get(b"INTERNALDATE"))

    def mark(self, uid: int) -> None:
        """Mark a mail as seen and, where the server keeps keywords, as taken in."""
        self._client.add_flags([uid], self._marks, silent=True)

    def wait(self, idle_seconds: float, poll_seconds: float) -> None:
        """Wait until the server says something (IDLE), at most `idle_seconds`; else just for `poll_seconds`."""
        if not self.waits:
            time.sleep(poll_seconds)
            return
        if self._told() != self._known:  # while others were fetched and marked; IDLE doesn't tell of it once more
            return
        self._client.idle()
        if not _was_heard_already(self._client):
            select.select([self._client.socket()], [], [], idle_seconds)
        # Whatever it was is looked for afterwards, so this only ends IDLE, and finds out whether anybody is there.
        self._client.idle_done()

    def _told(self) -> bytes:
        """Return how many mails the folder holds, as the server told last, with whatever answer."""
        said: list[bytes] = self._client._imap.untagged_responses.get("EXISTS", [])
        return said[-1] if said else b""


def _was_heard_already(client: IMAPClient) -> bool:
    """Return whether more of the server's words were read than its answer to IDLE.

    A mail that came just before IDLE is told in the same packet, which is then in imaplib's buffer, where the socket
    knows nothing of it: the mail would lie there until the next one. imaplib shows its buffer to nobody.
    """
    imap = client._imap
    if hasattr(imap, "_readbuf"):  # Python 3.14
        return bool(imap._readbuf)
    connection = client.socket()
    connection.settimeout(0)
    try:
        return bool(imap.file.peek(1))
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        connection.settimeout(ANSWER_SECONDS)


@contextmanager
def open_mailbox(address: MailboxAddress) -> Iterator[OpenMailbox]:
    """Connect, log in and open the folder; whatever ends the conversation is raised as `MailboxError`."""
    client = _connect(address)
    try:
        _log_in(client, address)
        yield OpenMailbox(client, _select(client, address))
    except (*CONNECTION_LOST, IMAPClientError) as error:
        do = "It is tried again by itself; if it stays so, ask whoever keeps the mail server."
        raise MailboxError(f"{address.host} broke off the conversation ({_reason(error)}).", do) from error
    finally:
        with suppress(OSError):
            client.shutdown()


def _connect(address: MailboxAddress) -> IMAPClient:
    context = ssl.create_default_context()
    waits = SocketTimeout(CONNECT_SECONDS, ANSWER_SECONDS)
    try:
        client = IMAPClient(
            address.host, address.port, ssl=address.scheme == "imaps", ssl_context=context, timeout=waits
        )
        client.normalise_times = False
        client._imap.debug = 0  # it would write out each mail to nobody: 120 MB of memory for one of 25 MB
        if address.scheme == "imap+starttls":
            client.starttls(context)
    except ssl.SSLCertVerificationError as error:
        happened = f"The TLS certificate of {address.host} isn't valid ({error.verify_message})."
        do = "Use in IMAP_URL the name that stands in the certificate, or have the server's keeper renew it."
        raise MailboxError(happened, do) from error
    except CapabilityError as error:
        do = "Use imaps:// with port 993 in IMAP_URL."
        raise MailboxError(f"{address.host}:{address.port} offers no STARTTLS.", do) from error
    except (*CONNECTION_LOST, IMAPClientError) as error:
        do = "Is the address in IMAP_URL right, and may this machine connect there?"
        raise MailboxError(f"{address.host}:{address.port} can't be reached ({_reason(error)}).", do) from error
    return client


def _log_in(client: IMAPClient, address: MailboxAddress) -> None:
    try:
        # LOGIN knows ASCII only, and imaplib puts no quotes around the name.
        if address.password.isascii() and _PLAIN_NAME.fullmatch(address.user):
            client.login(address.user, address.password)
        else:
            client.plain_login(address.user, address.password)
    except LoginError as error:
        if "[UNAVAILABLE]" in str(error):  # RFC 5530: not the password's fault
            raise IMAPClientAbortError(str(error)) from error
        do = "Correct them in IMAP_URL, with @ written as %40, and restart; many providers want an app password."
        happened = f"{address.host} refuses the name or password ({_reason(error)})."
        raise MailboxError(happened, do, refused=True) from error


def _select(client: IMAPClient, address: MailboxAddress) -> dict[bytes, Any]:
    try:
        opened: dict[bytes, Any] = client.select_folder(address.folder)
    except IMAPClientAbortError:
        raise
    except IMAPClientError as error:
        do = "Correct it at the end of IMAP_URL, and restart; INBOX is the one that every mailbox has."
        raise MailboxError(f"The folder {address.folder} can't be opened ({_reason(error)}).", do) from error
    return opened


def _reason(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())[:200]

"""What the delivery of mail needs of a mail server, as small as it can be said."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from tpminstitute.mail.models import DeliveryEventKind


@dataclass(frozen=True)
class Answer:
    """What a mail server said: the kind decides what happens next, code and text are for people."""

    kind: DeliveryEventKind
    text: str
    code: int | None = None
    connection_lost: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the server said yes."""
        return self.kind is DeliveryEventKind.ACCEPTED


class Unreachable(Exception):
    """The mail server can't be reached or won't talk to us; its text says why."""


class Connection(Protocol):
    """One open connection to a mail server; it is kept for a batch."""

    def offer(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Say who writes to whom (MAIL, RCPT); nothing of the content is sent yet."""

    def hand_over(self, content: bytes) -> Answer:
        """Send the content (DATA) and wait for the server's word; uncertain when that word never came."""


class Transport(Protocol):
    """A way to a mail server."""

    def open(self) -> AbstractContextManager[Connection]:
        """Connect; raises `Unreachable`."""

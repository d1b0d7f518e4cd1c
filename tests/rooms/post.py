"""A mail server that exists only in memory, for the rules of delivery (the real one is in tests/doors)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.parts import lint
from tpminstitute.mail.models import DeliveryEventKind
from tpminstitute.mail.transport import Answer, Unreachable

ACCEPTED = Answer(DeliveryEventKind.ACCEPTED, "250 OK", 250)
BUSY = Answer(DeliveryEventKind.DEFERRED, "451 Try later", 451)
NO_SUCH_USER = Answer(DeliveryEventKind.REFUSED, "550 No such user", 550)
CLOSING = Answer(DeliveryEventKind.DEFERRED, "421 Closing", 421, connection_lost=True)
NO_ANSWER = Answer(DeliveryEventKind.UNCERTAIN, "Connection lost", connection_lost=True)


class Killed(BaseException):
    """The worker's process ends here."""


@dataclass
class Post:
    """Accepts everything, unless told what to say to whom; keeps a ledger of what it accepted, and lints it."""

    says: dict[str, Answer] = field(default_factory=dict)
    says_after_content: dict[str, Answer] = field(default_factory=dict)
    unreachable: str = ""
    before_content: Callable[[str], None] = lambda recipient: None
    after_content: Callable[[str], None] = lambda recipient: None
    ledger: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0
    _lane: threading.local = field(default_factory=threading.local)

    @contextmanager
    def open(self) -> Iterator["Post"]:
        if self.unreachable:
            raise Unreachable(self.unreachable)
        self.connections += 1
        yield self

    def offer(self, sender: str, recipient: str, content: bytes) -> Answer:
        self._lane.recipient = recipient
        answer = self.says.get(recipient, ACCEPTED)
        if answer.accepted:
            self.before_content(recipient)
        return answer

    def hand_over(self, content: bytes) -> Answer:
        answer = self.says_after_content.get(self._lane.recipient, ACCEPTED)
        if answer.accepted:
            self.ledger.append((self._lane.recipient, content))
            lint.check(content, [self._lane.recipient])
        self.after_content(self._lane.recipient)
        return answer

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.ledger]

"""Deliver what is due: claim under a lease, recheck, send, settle (DESIGN.md 4.4).

A message is `claimed` while a worker may still give it back, and `sending` from just before its content goes out.
A worker that dies leaves `claimed` ones to be sent by the next, and `sending` ones uncertain: the institute's notice
goes again with the same Message-ID, everything else waits for a person.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

import structlog
from sqlalchemy.orm import Session

from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.failpoints import FailPoint, reach
from tpminstitute.core.heartbeat import Pulse, beat
from tpminstitute.mail import settlement
from tpminstitute.mail.claim import BATCH, Claimed, claim, give_back, recover_expired, waiting
from tpminstitute.mail.dkim import DkimKey, SigningError, sign, signing_key
from tpminstitute.mail.ledger import Ledger, OneByOne
from tpminstitute.mail.models import DeliveryEventKind, Message
from tpminstitute.mail.settlement import Leased, Subject
from tpminstitute.mail.transport import Answer, Connection, Transport, Unreachable

log = structlog.get_logger(__name__)

LANES = 8
"""Connections at once, when there is more to send than one batch."""


@dataclass(frozen=True)
class Way:
    """What the lanes of one delivery share."""

    db: Database
    ledger: Ledger
    transport: Transport
    settings: Settings
    key: DkimKey | None
    began: datetime
    stopping: Event


def deliver(db: Database, transport: Transport, settings: Settings, stopping: Event | None = None) -> int:
    """Send every message that is due by now; any number of workers may run at once.

    What becomes due meanwhile has its own wake-up: else this would never end while mails keep coming, and nothing
    else would get its turn.

    Parameters: `transport`, the way to the mail server; `settings`, for the lease and the limits; `stopping`, which
    is set when the worker has to stop: then only the mails on their way are brought to their end.
    Returns how many messages the server accepted. Raises nothing for a mail or server that fails: both are recorded.
    """
    with db.write() as session:
        beat(session, Pulse.DELIVERY)
        recover_expired(session)
        lanes = min(LANES, -(-waiting(session, LANES * BATCH) // BATCH))
    if not lanes:
        return 0
    with Ledger(db) as ledger:
        way = Way(db, ledger, transport, settings, signing_key(settings), clock.now(), stopping or Event())
        if lanes == 1:
            return _drain(way)
        with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
            return sum(pool.map(lambda context: context.run(_drain, way), [copy_context() for _ in range(lanes)]))


def _drain(way: Way) -> int:
    """Send batch after batch until nothing is due, the worker has to stop or the server can't be reached.

    Returns how many were accepted.
    """
    accepted = 0
    while not way.stopping.is_set():
        token = tokens.secret()
        with way.db.write() as session:
            batch = claim(session, way.settings, token, way.began)
            reach(FailPoint.CLAIM_BEFORE_COMMIT)
        reach(FailPoint.CLAIM_AFTER_COMMIT)
        if not batch:
            return accepted
        sent, reachable = _send_batch(way, batch, token)
        log.info("mails_delivered", accepted=sent, of=len(batch))
        accepted += sent
        if not reachable:
            break
    return accepted


def _send_batch(way: Way, batch: Sequence[Claimed], token: str) -> tuple[int, bool]:
    """Send a batch over one connection; returns how many were accepted and whether the server could be reached.

    When the connection breaks on one message, that one waits and the ones behind it go on over a new connection.
    """
    left = list(batch)
    lane = Lane(way, token)
    try:
        with way.transport.open() as connection:
            reach(FailPoint.AFTER_CONNECT)
            while left and not lane.connection_lost and not way.stopping.is_set():
                lane.send(connection, left.pop(0))
            lane.settle_last()
    except Unreachable as problem:
        log.warning("mail_server_unreachable", reason=str(problem), waiting=len(left))
        answer = Answer(DeliveryEventKind.UNREACHABLE, str(problem))
        with way.db.write() as session:
            for message in left:
                _wait_or_give_up(session, message, token, answer)
        return lane.accepted, False
    if left:
        with way.db.write() as session:
            give_back(session, Message.lease_token == token)
    return lane.accepted, True


class Lane:
    """One connection's way through a batch: a mail is being settled while the next one is offered, never later."""

    def __init__(self, way: Way, token: str) -> None:
        """Send under the lease of `token`."""
        self._way = way
        self._token = token
        self._settling: Future[None] | None = None
        self.accepted = 0
        self.connection_lost = False

    def send(self, connection: Connection, message: Claimed) -> None:
        """Send one message, unless it is found not to be ours or not to be sent any more."""
        content = _signed(message, self._way.key)
        answer = connection.offer(message.sender, message.recipient, content)
        if answer.accepted:
            until = clock.now() + timedelta(seconds=self._way.settings.lease_seconds)
            begun = self._way.ledger.commit(_begin, (message, self._token, until))
            self.settle_last()
            if not begun.result():
                return
            reach(FailPoint.SENDING_AFTER_COMMIT)
            answer = connection.hand_over(content)
        self.settle_last()
        self._settling = self._way.ledger.commit(_settle, (message, self._token, answer))
        self.accepted += answer.accepted
        self.connection_lost = answer.connection_lost

    def settle_last(self) -> None:
        """Wait until the last message is settled; raises what kept it from being."""
        if self._settling is not None:
            settling, self._settling = self._settling, None
            settling.result()
            reach(FailPoint.SETTLE_AFTER_COMMIT)


def _signed(message: Claimed, key: DkimKey | None) -> bytes:
    """Return the mail's bytes, signed where there is a key; a mail that can't be signed goes out all the same."""
    try:
        return sign(message.content, key) if key else message.content
    except SigningError as problem:
        log.error("mail_unsigned", message=message.id, problem=str(problem))
        return message.content


def _begin(session: Session, about: Sequence[tuple[Claimed, str, datetime]]) -> Sequence[bool]:
    until = min(until for _, _, until in about)
    if settlement.begin_sending(session, [Leased(_subject(message), token) for message, token, _ in about], until):
        return [True] * len(about)
    if len(about) > 1:
        raise OneByOne
    ((message, token, _),) = about
    settlement.not_begun(session, _subject(message), token, message.recipient_key)
    return [False]


def _settle(session: Session, outcomes: Sequence[tuple[Claimed, str, Answer]]) -> Sequence[None]:
    taken = [outcome for outcome in outcomes if outcome[2].accepted]
    if taken and not settlement.accepted(
        session, [Leased(_subject(message), token) for message, token, _ in taken], [answer for _, _, answer in taken]
    ):
        if len(outcomes) > 1:
            raise OneByOne
        settlement.lease_lost(taken[0][0].id)
    for message, token, answer in outcomes:
        if not answer.accepted:
            _settle_failure(session, message, token, answer)
        reach(FailPoint.SETTLE_BEFORE_COMMIT)
    return [None] * len(outcomes)


def _settle_failure(session: Session, message: Claimed, token: str, answer: Answer) -> None:
    subject = _subject(message)
    match answer.kind:
        case DeliveryEventKind.REFUSED:
            reason = f"The mail server refused it: {answer.text}"
            settlement.failed(session, subject, token, answer, reason)
        case DeliveryEventKind.UNCERTAIN:
            settlement.unknown(session, subject, token)
        case _:
            _wait_or_give_up(session, message, token, answer)


def _wait_or_give_up(session: Session, message: Claimed, token: str, answer: Answer) -> None:
    attempts = message.attempts + 1
    if not settlement.given_up(message.created_at):
        settlement.deferred(session, _subject(message), token, answer, attempts)
        return
    settlement.failed(session, _subject(message), token, answer, settlement.given_up_reason(attempts, answer.text))


def _subject(message: Claimed) -> Subject:
    return Subject(message.id, message.kind, message.contact_id, message.subject, message.created_at)

"""Count what was promised, what was stored and what arrived."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sqlalchemy import func, select

from tests.faults.postbox import Acceptance
from tests.faults.visitors import Letter
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail.models import DeliveryEvent, DeliveryEventKind, Message, MessageKind, MessageStatus
from tpminstitute.sequences.models import Enrollment

EXPLAINED = {MessageStatus.HELD, MessageStatus.CANCELLED, MessageStatus.SUPPRESSED, MessageStatus.FAILED}
EXPLAINED |= {MessageStatus.UNCERTAIN}


@dataclass
class Count:
    """One row's numbers; what is wrong is also said in sentences."""

    thanks: int = 0
    inquiries: int = 0
    due: int = 0
    accepted: int = 0
    uncertain: int = 0
    failed: int = 0
    lost: int = 0
    doubled: int = 0
    doubled_outside: int = 0
    wrong: list[str] = field(default_factory=list)

    def lose(self, sentence: str) -> None:
        """Count something lost."""
        self.lost += 1
        self.wrong.append(f"lost: {sentence}")

    def double(self, sentence: str, *, outside: bool) -> None:
        """Count something doubled."""
        self.doubled += 1
        if outside:
            self.doubled_outside += 1
            self.wrong.append(f"doubled outside the gap: {sentence}")


def audit(
    db: Database,
    letters: Sequence[Letter],
    acceptances: Sequence[Acceptance],
    *,
    follow_ups: bool = False,
    quits_unsettled: bool = False,
) -> Count:
    """Hold the visitors' thank-yous, the rows and the mail server's ledger against each other.

    Parameters: `follow_ups`, whether each enrollment owes its first follow-up; `quits_unsettled`, whether a
    settlement may have been kept from being committed in a way that lets the worker still end its connection in order.
    """
    with db.read() as session:
        inquiries = {public_id: (id_, email) for id_, public_id, email in _inquiries(session)}
        mails = {mail.dedupe_key: mail for mail in session.scalars(select(Message))}
        enrollments = session.scalars(select(Enrollment.id)).all() if follow_ups else []
        settled = {id_: number for id_, number in session.execute(_settlements())}  # noqa: C416
    count = Count(thanks=sum(bool(letter.thanks) for letter in letters), inquiries=len(inquiries))
    for letter in letters:
        if letter.thanks and letter.thanks not in inquiries:
            count.lose(f"{letter.email} was thanked for {letter.thanks}, which is not stored")
    _one_inquiry_a_letter(count, [email for _, email in inquiries.values()])
    owed = [f"inquiry:{id_}:{kind}" for id_, _ in inquiries.values() for kind in ("notice", "ack")]
    owed += [f"enrollment:{id_}:step:1" for id_ in enrollments]
    count.due = len(owed)
    arrived = _by_message_id(acceptances)
    for key in owed:
        _owed_mail(count, key, mails.get(key), arrived)
    known = {mail.message_id: mail for mail in mails.values()}
    for message_id, taken in arrived.items():
        mail = known.get(message_id)
        if mail is None:
            count.double(f"{message_id} arrived and is in no row", outside=True)
        elif len(taken) > 1:
            reason = _outside_the_gap(taken, settled.get(mail.id, 0), quits_unsettled)
            count.double(f"{mail.dedupe_key} arrived {len(taken)} times: {reason}", outside=bool(reason))
    return count


def _inquiries(session):
    return session.execute(select(Inquiry.id, Inquiry.public_id, Inquiry.email)).all()


def _settlements():
    return (
        select(DeliveryEvent.message_id, func.count())
        .where(DeliveryEvent.kind == DeliveryEventKind.ACCEPTED)
        .group_by(DeliveryEvent.message_id)
    )


def _one_inquiry_a_letter(count: Count, emails: Sequence[str]) -> None:
    for email in {email for email in emails if emails.count(email) > 1}:
        count.double(f"the letter of {email} is stored {emails.count(email)} times", outside=True)


def _by_message_id(acceptances: Sequence[Acceptance]) -> dict[str, list[Acceptance]]:
    found: dict[str, list[Acceptance]] = defaultdict(list)
    for one in sorted(acceptances, key=lambda one: one.at):
        found[one.message_id].append(one)
    return found


def _owed_mail(count: Count, key: str, mail: Message | None, arrived: dict[str, list[Acceptance]]) -> None:
    if mail is None:
        count.lose(f"{key} was never queued")
        return
    count.accepted += mail.message_id in arrived
    count.uncertain += mail.status is MessageStatus.UNCERTAIN
    count.failed += mail.status is MessageStatus.FAILED
    if mail.status is MessageStatus.UNCERTAIN and mail.kind is MessageKind.NOTICE:
        count.wrong.append(f"{key} is uncertain, and a notice has to go again by itself")
    if mail.message_id in arrived:
        return
    if mail.status is MessageStatus.SENT:
        count.lose(f"{key} says sent and never arrived")
    elif mail.status not in EXPLAINED or not mail.reason:
        count.lose(f"{key} is still {mail.status}, attempts {mail.attempts}: {mail.reason or 'no reason'}")


def _outside_the_gap(taken: Sequence[Acceptance], settlements: int, quits_unsettled: bool) -> str:
    """Return why a mail that arrived several times can't have been doubled in the gap; empty when it was.

    In the gap, the client offers another mail at most (MAIL, RCPT): then its process ended or stood still, or its
    connection was cut. A client that says DATA again has committed the settlement before; only when the database
    refused that commit, or the worker was told to drop everything, may it say QUIT with the mail unsettled.
    """
    if settlements > 1:
        return f"it was settled as accepted {settlements} times"
    for one, after in pairwise(taken):
        heard_before = one.next_word and one.next_at < after.at
        if heard_before and not (one.next_word == "QUIT" and quits_unsettled):
            return f"its client had said {one.next_word} {after.at - one.next_at:.1f} s before it came again"
    return ""

"""Links of follow-ups that were opened: counted only where staff turned it on, by an address of our own."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.mail.models import Message
from tpminstitute.sequences.models import Enrollment, LinkClick, Sequence
from tpminstitute.sequences.versions import step_key

_PURPOSE = "link"


@dataclass(frozen=True)
class Link:
    """A link of one run's mail: where it leads, and which mail it stands in."""

    enrollment_id: int
    number: int
    url: str


def counted_address(settings: Settings, link: Link) -> str:
    """Return the address of ours that counts and then leads on; only we can make one, so it leads nowhere else."""
    token = Signer(settings.secret_key, _PURPOSE).sign([link.enrollment_id, link.number, link.url])
    return f"{settings.public_url}/go/{token}"


def read_address(settings: Settings, token: str) -> Link:
    """Return the link behind an address of `counted_address`; raises `BadToken` when it isn't one of ours."""
    value = Signer(settings.secret_key, _PURPOSE).read(token)
    if not isinstance(value, list) or len(value) != 3:
        raise BadToken("The token has another shape.")
    return Link(*value)


def count_click(session: Session, link: Link) -> bool:
    """Keep that a link was opened; returns False when the mail is gone or its sequence doesn't count any more."""
    message_id = session.scalar(
        select(Message.id)
        .join(Enrollment, Enrollment.id == link.enrollment_id)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        .where(Message.dedupe_key == step_key(link.enrollment_id, link.number), Sequence.counts_clicks)
    )
    if message_id is None:
        return False
    session.add(LinkClick(message_id=message_id, url=link.url, at=clock.now()))
    return True


def any_counts(session: Session) -> bool:
    """Return whether any sequence counts opened links, for the privacy note."""
    return session.scalar(select(Sequence.id).where(Sequence.counts_clicks).limit(1)) is not None

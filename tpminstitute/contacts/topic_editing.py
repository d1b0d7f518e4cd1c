"""Add, rename, order and archive topics: their keys stay, so what was written about one is still about it."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.models import InquiryTopic, TopicLabel
from tpminstitute.contacts.topics import Topic, forget_topics
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.own_keys import own_keys
from tpminstitute.core.text import one_line
from tpminstitute.institute.service import touch

LONGEST_LABEL = 80
LONGEST_HEADING = 60
LONGEST_KEY = 40
MOST = 40
"""Topics on the form: it is read by people with a phone in hand."""


@dataclass(frozen=True)
class TopicFacts:
    """What staff say about a topic: its label, and the heading it stands under on the form, '' for none."""

    label: str
    heading: str = ""


class TopicProblem(Refusal):
    """A topic can't be kept as it is; `field` is what has to be mended."""

    def __init__(self, field: str, sentence: str) -> None:
        """Say where and why."""
        super().__init__(sentence)
        self.field = field


def every_topic(session: Session) -> list[InquiryTopic]:
    """Return the topics in the order of the form, those in the archive last."""
    archived = InquiryTopic.archived_at.is_not(None)
    return list(session.scalars(select(InquiryTopic).order_by(archived, InquiryTopic.position)))


def add_topic(session: Session, facts: TopicFacts, account_id: int) -> InquiryTopic:
    """Add a topic at the end of the form, before “Something else”; returns it.

    Raises `TopicProblem` for a label that can't be or that another topic has or had.
    """
    touch(session)
    checked = _checked(session, facts, None)
    shown = session.scalar(select(func.count()).where(InquiryTopic.archived_at.is_(None))) or 0
    if shown >= MOST:
        raise TopicProblem("label", f"Archive a topic first: {MOST} are the most that a form should offer.")
    taken = set(session.scalars(select(InquiryTopic.key)))
    key = next(key for key in own_keys(checked.label, LONGEST_KEY) if key not in taken)
    topic = InquiryTopic(key=key, label=checked.label, heading=checked.heading, position=0, archived_at=None, number=1)
    session.add(topic)
    session.flush()
    session.add(TopicLabel(label=checked.label, topic_key=key))
    in_order = [each for each in every_topic(session) if each is not topic]
    place = next((at for at, each in enumerate(in_order) if each.key == Topic.OTHER), len(in_order))
    _number([*in_order[:place], topic, *in_order[place:]])
    _changed(session, "topic_added", f"{key}, “{checked.label}”", account_id)
    return topic


def change_topic(session: Session, key: str, number: int, facts: TopicFacts, account_id: int) -> None:
    """Give a topic another label or heading.

    Parameters: `number`, the one that the page was shown with. Raises `TopicProblem` for a label that can't be, and
    when somebody changed the topic since.
    """
    touch(session)
    topic = _topic(session, key)
    if topic.number != number:
        raise TopicProblem(
            "label",
            f"Somebody changed this topic to “{topic.label}” while you were writing. Yours was not saved and is still "
            "here: save again to put it in its place.",
        )
    checked = _checked(session, facts, key)
    if (checked.label, checked.heading) == (topic.label, topic.heading):
        return
    told = f"{key}, “{topic.label}” to “{checked.label}”"
    if checked.heading != topic.heading:
        told += f", under “{checked.heading}”"
    if session.get(TopicLabel, checked.label) is None:
        session.add(TopicLabel(label=checked.label, topic_key=key))
    topic.label, topic.heading, topic.number = checked.label, checked.heading, topic.number + 1
    _changed(session, "topic_changed", told, account_id)


def move_topic(session: Session, key: str, places: int, account_id: int) -> None:
    """Move a topic up (-1) or down (1) on the form; one at the end stays there."""
    touch(session)
    topic = _topic(session, key)
    in_order = every_topic(session)
    at = in_order.index(topic)
    to = at + places
    if not 0 <= to < len(in_order) or in_order[to].archived_at is not None:
        return
    in_order.insert(to, in_order.pop(at))
    _number(in_order)
    _changed(session, "topic_moved", f"{key} to place {to + 1}", account_id)


def archive_topic(session: Session, key: str, account_id: int) -> None:
    """Offer a topic no longer; inquiries keep it, and a page opened before can still be sent.

    Raises `Refusal` for “Something else”, which mails count as, and for one in the archive already.
    """
    touch(session)
    topic = _topic(session, key)
    if key == Topic.OTHER:
        raise Refusal(f"“{topic.label}” stays on the form: it is what mails and everything else count as.")
    if topic.archived_at is not None:
        raise Refusal(f"“{topic.label}” is in the archive already. Nothing was changed.")
    topic.archived_at, topic.number = clock.now(), topic.number + 1
    _changed(session, "topic_archived", f"{key}, “{topic.label}”", account_id)


def offer_topic(session: Session, key: str, account_id: int) -> None:
    """Offer a topic of the archive again. Raises `Refusal` for one that is on the form."""
    touch(session)
    topic = _topic(session, key)
    if topic.archived_at is None:
        raise Refusal(f"“{topic.label}” is on the form already. Nothing was changed.")
    topic.archived_at, topic.number = None, topic.number + 1
    _changed(session, "topic_offered", f"{key}, “{topic.label}”", account_id)


def _topic(session: Session, key: str) -> InquiryTopic:
    topic = session.get(InquiryTopic, key, populate_existing=True)
    if topic is None:
        raise Refusal("There is no such topic. Nothing was changed.")
    return topic


def _checked(session: Session, facts: TopicFacts, key: str | None) -> TopicFacts:
    label, heading = (one_line(text, len(text)).strip() for text in (facts.label, facts.heading))
    if not label:
        raise TopicProblem("label", "Write what the topic is called: visitors choose it by this.")
    if len(label) > LONGEST_LABEL:
        raise TopicProblem("label", f"Shorten it to {LONGEST_LABEL} characters: it has {len(label)}.")
    if len(heading) > LONGEST_HEADING:
        raise TopicProblem("heading", f"Shorten the heading to {LONGEST_HEADING} characters: it has {len(heading)}.")
    holder = session.scalar(select(TopicLabel.topic_key).where(func.lower(TopicLabel.label) == label.lower()).limit(1))
    if holder not in (None, key):
        raise TopicProblem("label", f"Another topic is or was called “{label}”. Give this one another name.")
    return TopicFacts(label, heading)


def _number(in_order: list[InquiryTopic]) -> None:
    for place, topic in enumerate(in_order):
        topic.position = place


def _changed(session: Session, action: str, told: str, account_id: int) -> None:
    session.flush()
    forget_topics(session)
    record_audit(session, action, told, account_id=account_id)

"""How many inquiries came: over time, about what, and from where. Spam, and what is suspected of it, isn't counted."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.topics import topics_of
from tpminstitute.inbox.letters import BY_MAIL, PAGES
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.reports.periods import Bucket, Period

COUNTED = (InquiryState.OPEN, InquiryState.HANDLED)

COUNTS = func.coalesce(Inquiry.state, Inquiry.state).in_(COUNTED)
"""Said so that no database goes by the index of the states, through all inquiries and not those of the time."""


@dataclass(frozen=True)
class Count:
    """How many inquiries, for something with a name."""

    name: str
    inquiries: int


@dataclass(frozen=True)
class InquiryReport:
    """Inquiries of a period: for each of its pieces by topic, and in all by topic and by source, most first."""

    by_piece: list[dict[str, int]]
    topics: list[Count]
    sources: list[Count]

    @property
    def total(self) -> int:
        """How many came in the whole period."""
        return sum(topic.inquiries for topic in self.topics)


def inquiry_report(session: Session, chosen: Period) -> InquiryReport:
    """Return how many inquiries came in a period."""
    by_piece = [_by_topic(session, bucket) for bucket in chosen.buckets]
    topics = Counter[str]()
    for counts in by_piece:
        topics.update(counts)
    return InquiryReport(by_piece, _most_first(topics), _most_first(_by_source(session, chosen)))


def _by_topic(session: Session, bucket: Bucket) -> dict[str, int]:
    rows = session.execute(
        select(Inquiry.topic, func.count())
        .where(Inquiry.received_at >= bucket.begins, Inquiry.received_at < bucket.ends, COUNTS)
        .group_by(Inquiry.topic)
    )
    topics = topics_of(session)
    return {topics.label(topic): number for topic, number in rows}


def _by_source(session: Session, chosen: Period) -> Counter[str]:
    rows = session.execute(
        select(Inquiry.source_page, Inquiry.source_referrer, func.count())
        .where(Inquiry.received_at >= chosen.begins, Inquiry.received_at < chosen.ends, COUNTS)
        .group_by(Inquiry.source_page, Inquiry.source_referrer)
    )
    sources = Counter[str]()
    for page, referrer, number in rows:
        sources[_source(page, referrer)] += number
    return sources


def _source(page: str, referrer: str) -> str:
    """Return the site somebody came from, if another one sent them here, else how they wrote."""
    if page == BY_MAIL:
        return "By mail"
    site = (urlsplit(referrer).hostname or "").removeprefix("www.")
    return site or f"Straight to {PAGES.get(page, page)}"


def _most_first(counts: Counter[str]) -> list[Count]:
    return [Count(name, number) for name, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]

"""What people write to us about, and what the letters of a sequence are about: rows that administrators edit."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import InquiryTopic, TopicLabel


class Topic(StrEnum):
    """The topics that came with the service, by their keys; a key is never used again for another."""

    BECOMING_A_TPM = "becoming_a_tpm"
    CSM = "csm"
    PMP = "pmp"
    CAL = "cal"
    SPC = "spc"
    COURSES = "courses"
    OTHER = "other"
    """What nobody chose a topic for, such as a mail; it stays on the form."""


@dataclass(frozen=True)
class TopicChoice:
    """One topic: `heading` is what it stands under on the form, '' for nothing; an archived one isn't offered there."""

    key: str
    label: str
    heading: str = ""
    archived: bool = False


@dataclass(frozen=True)
class Topics:
    """Every topic in the order of the form; `names` has each label that one ever had, with its key."""

    choices: tuple[TopicChoice, ...]
    names: Mapping[str, str]

    @property
    def offered(self) -> list[TopicChoice]:
        """Those that can be chosen now."""
        return [choice for choice in self.choices if not choice.archived]

    @property
    def labels(self) -> dict[str, str]:
        """The label of every topic by its key, in order, archived ones as well."""
        return {choice.key: choice.label for choice in self.choices}

    def __contains__(self, key: object) -> bool:
        """Return whether there is such a topic, archived or not."""
        return any(choice.key == key for choice in self.choices)

    def label(self, key: str) -> str:
        """Return the label of a topic; one that was added since these were read counts as something else."""
        labels = self.labels
        return labels.get(key, labels[Topic.OTHER])

    def key_of(self, label: str) -> str:
        """Return the topic that people read or once read as `label`; words that are none of ours are something else."""
        return self.names.get(label, Topic.OTHER.value)

    def offered_beside(self, chosen: Collection[str]) -> dict[str, str]:
        """Return the labels by key of those offered and those in `chosen`, for a form that was filled in before."""
        return {one.key: one.label for one in self.choices if not one.archived or one.key in chosen}


_AS_SHIPPED = (
    TopicChoice(Topic.BECOMING_A_TPM.value, "Becoming a technical program manager", "The path"),
    TopicChoice(Topic.CSM.value, "Certified Scrum Master (CSM)", "Certifications"),
    TopicChoice(Topic.PMP.value, "Project Management Professional (PMP)", "Certifications"),
    TopicChoice(Topic.CAL.value, "Certified Agile Leadership (CAL)", "Certifications"),
    TopicChoice(Topic.SPC.value, "SAFe Program Consultant (SPC)", "Certifications"),
    TopicChoice(Topic.COURSES.value, "Courses", "Other"),
    TopicChoice(Topic.OTHER.value, "Something else", "Other"),
)
SHIPPED = Topics(_AS_SHIPPED, {choice.label: choice.key for choice in _AS_SHIPPED})
"""The topics as they came: what the form offers where no database could be asked yet."""

_CACHE = "topics"


def topics_of(session: Session) -> Topics:
    """Return every topic; read once in a transaction."""
    if _CACHE not in session.info:
        session.info[_CACHE] = _read(session)
    topics: Topics = session.info[_CACHE]
    return topics


def keep_topics(session: Session, topics: Topics) -> None:
    """Let a session that only reads go by topics that its caller has read already."""
    session.info.setdefault(_CACHE, topics)


def forget_topics(session: Session) -> None:
    """Read the topics again when they are asked for next, since one of them was changed."""
    session.info.pop(_CACHE, None)


def _read(session: Session) -> Topics:
    rows = session.execute(
        select(InquiryTopic.key, InquiryTopic.label, InquiryTopic.heading, InquiryTopic.archived_at).order_by(
            InquiryTopic.position
        )
    )
    choices = tuple(
        TopicChoice(key, label, heading, archived_at is not None) for key, label, heading, archived_at in rows
    )
    names = dict(session.execute(select(TopicLabel.label, TopicLabel.topic_key)).all())
    return Topics(choices, names)

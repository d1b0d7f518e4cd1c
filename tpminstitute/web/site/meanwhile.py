"""A chapter of the guide that is worth reading until an answer comes."""

from collections.abc import Collection

from tpminstitute.contacts.topics import Topic
from tpminstitute.guide.chapters import Chapter, Guide

_CERTIFICATIONS = "educational-background-and-certifications"
_ABOUT = {
    Topic.BECOMING_A_TPM.value: "understanding-the-role-of-a-program-manager-in-tech",
    Topic.CSM.value: _CERTIFICATIONS,
    Topic.PMP.value: _CERTIFICATIONS,
    Topic.CAL.value: _CERTIFICATIONS,
    Topic.SPC.value: _CERTIFICATIONS,
    Topic.COURSES.value: "gaining-relevant-experience",
}
"""The chapter that a topic is nearest to, by its anchor."""


def chapter_meanwhile(guide: Guide, topic: str, read: Collection[str]) -> Chapter | None:
    """Return the chapter nearest to `topic`, or where that is read already, the next one that isn't; None if all are.

    Parameters: `read`, the titles of the chapters that a letter's writer said they read.
    """
    unread = [chapter for chapter in guide.on_the_way if chapter.title not in read]
    nearest = (chapter for chapter in unread if chapter.slug == _ABOUT.get(topic))
    return next(nearest, unread[0] if unread else None)

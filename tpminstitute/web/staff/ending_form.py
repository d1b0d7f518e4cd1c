"""The fields that ask how a lead ended: why it was lost, or which course was won."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tpminstitute.contacts.topics import Topic, topics_of
from tpminstitute.core import clock
from tpminstitute.pipeline import endings
from tpminstitute.pipeline.endings import Ending
from tpminstitute.pipeline.models import LeadEnding
from tpminstitute.sequences.course_dates import course_dates
from tpminstitute.web.common import session, settings


@dataclass
class TypedEnding:
    """The fields as they were typed, with a sentence for each that needs a change."""

    reason: str = ""
    course_date: str = ""
    course: str = ""
    note: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    def ending(self) -> Ending:
        """Return what they say of the ending."""
        return Ending(number_in(self.reason), number_in(self.course_date), self.course, self.note)


def typed_ending(sent: Mapping[str, str], prefix: str = "") -> TypedEnding:
    """Return the fields of a form or an address, whose names may begin with `prefix`."""
    return TypedEnding(
        reason=sent.get(f"{prefix}reason", "")[:10],
        course_date=sent.get(f"{prefix}course_date", "")[:10],
        course=sent.get(f"{prefix}course", "")[:1000],
        note=sent.get(f"{prefix}note", "")[:1000],
    )


def kept_ending(ending: LeadEnding | None) -> TypedEnding:
    """Return the fields filled with what is kept of an ending, or empty without one."""
    if ending is None:
        return TypedEnding()
    return TypedEnding(
        reason=str(ending.lost_reason_id or ""),
        course_date=str(ending.course_date_id or ""),
        course=ending.course if ending.course_date_id is None else "",
        note=ending.note,
    )


def ending_choices(typed: TypedEnding) -> dict[str, Any]:
    """Return what the fields show and offer, for `_ending_fields.html`."""
    now = clock.now()
    dates = [use.course for use in course_dates(session())]
    topics = topics_of(session()).offered
    return {
        "ending": typed,
        "reasons": endings.lost_reasons(session()),
        "courses": [course for course in dates if course.begins_at > now or str(course.id) == typed.course_date],
        "past": [course for course in dates if course.begins_at <= now and str(course.id) != typed.course_date],
        "suggestions": [topic.label for topic in topics if topic.key not in (Topic.OTHER, Topic.COURSES)],
        "zone": settings().institute_zone,
        "longest_course": endings.LONGEST_COURSE,
        "longest_note": endings.LONGEST_NOTE,
    }


def number_in(text: str) -> int | None:
    """Return the number of a row that a field holds, or None when it holds none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

"""A course as search engines read it: JSON-LD in the words of schema.org, and nothing that isn't known."""

from typing import Any

from tpminstitute.core import zones
from tpminstitute.core.config import Settings
from tpminstitute.core.structured import for_page
from tpminstitute.courses.catalogue import PublicCourse, PublicDate


def course_as_json_ld(settings: Settings, course: PublicCourse) -> str:
    """Return a course with its dates to come, fit to stand inside a `<script>` of data.

    A price is never told, since fees are words here: only that something costs, or that it is free.
    """
    address = f"{settings.public_url}/courses/{course.slug}"
    told: dict[str, Any] = {
        "@type": "Course",
        "@id": address,
        "url": address,
        "name": course.title,
        "description": course.description or course.title,
        "provider": {"@type": "Organization", "name": settings.institute_name, "url": f"{settings.public_url}/"},
    }
    instances = [_instance(date) for date in course.to_come]
    if instances:
        told["hasCourseInstance"] = instances
    return for_page(told)


def _instance(date: PublicDate) -> dict[str, Any]:
    told: dict[str, Any] = {
        "@type": "CourseInstance",
        "startDate": zones.local(date.begins_at, date.zone).isoformat(),
    }
    if date.ends_at is not None:
        told["endDate"] = zones.local(date.ends_at, date.zone).isoformat()
    if date.online or date.place:
        told["courseMode"] = "Blended" if date.online and date.place else "Online" if date.online else "Onsite"
    if date.place:
        told["location"] = {"@type": "Place", "name": date.place, "address": date.place}
    if date.places is not None:
        told["maximumAttendeeCapacity"] = date.places
    if date.free or date.fee:
        told["offers"] = {"@type": "Offer", "category": "Free" if date.free else "Paid"}
        if date.full:
            told["offers"]["availability"] = "https://schema.org/SoldOut"
    if date.link:
        told["url"] = date.link
    return told

"""What a letter brings along: read from what the page put into its form, named so that its writer can see it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask import current_app
from sqlalchemy.orm import Session

from tpminstitute.courses.asking import AskedCourse, asked_course
from tpminstitute.guide.chapters import Guide
from tpminstitute.inbox.along import Along
from tpminstitute.inbox.waiting_list import join
from tpminstitute.web.common import shared
from tpminstitute.web.pathway_table import along_of_pathway
from tpminstitute.web.site.form import LetterForm


def guide() -> Guide:
    """Return the guide as it was read at the start."""
    loaded: Guide = current_app.extensions["tpm"].guide
    return loaded


def _titles() -> Mapping[str, str]:
    return {chapter.slug: chapter.title for chapter in guide().chapters}


def about_words(key: str) -> str:
    """Return what is asked about, as its writer and staff read it; '' for a key that names nothing of ours.

    Parameters: `key`, the anchor of a chapter or of a part of one, such as ``skill-leadership``,
    or what names a course.
    """
    if key in _titles():
        return f"the chapter “{_titles()[key]}”"
    parts = (part for chapter in guide().chapters for part in chapter.parts)
    named = next((f"the {part.kind} “{part.name}”" for part in parts if part.anchor == key), "")
    course = None if named else course_asked_about(key)
    return course.words if course else named


def course_asked_about(key: str) -> AskedCourse | None:
    """Return the course, or the date of one, that a letter is about; None for any other letter."""
    return asked_course(shared().courses, key)


def join_waiting_list(session: Session, inquiry_public_id: str, key: str) -> None:
    """Put an inquiry's writer on the waiting list, if that is what they ask for."""
    asked = course_asked_about(key)
    if asked is not None and asked.waits:
        join(session, inquiry_public_id, asked)


def read_titles(typed: str) -> Sequence[str]:
    """Return the titles of the chapters that a form names as read, in their order, each once.

    Parameters: `typed`, anchors of chapters with spaces between; whatever else stands there is left out.
    """
    named = set(typed.split())
    return [chapter.title for chapter in guide().on_the_way if chapter.slug in named]


def along_of(form: LetterForm) -> Along:
    """Return what `form` brings along; what names nothing of ours is left out, the letter itself is never refused."""
    return replace(
        along_of_pathway(form.pathway.data or ""),
        about=about_words(form.about.data or ""),
        edition=guide().edition,
        read=read_titles(form.read.data or ""),
    )

"""What a letter brings along: read from what the page put into its form, named so that its writer can see it."""

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


def about_words(key: str) -> str:
    """Return what is asked about, as its writer and staff read it; '' for a key that names nothing of ours."""
    titles = {chapter.slug: chapter.title for chapter in guide().chapters}
    if key in titles:
        return f"the chapter “{titles[key]}”"
    course = course_asked_about(key)
    return course.words if course else ""


def course_asked_about(key: str) -> AskedCourse | None:
    """Return the course, or the date of one, that a letter is about; None for any other letter."""
    return asked_course(shared().courses, key)


def join_waiting_list(session: Session, inquiry_public_id: str, key: str) -> None:
    """Put an inquiry's writer on the waiting list, if that is what they ask for."""
    asked = course_asked_about(key)
    if asked is not None and asked.waits:
        join(session, inquiry_public_id, asked)


def along_of(form: LetterForm) -> Along:
    """Return what `form` brings along; what names nothing of ours is left out, the letter itself is never refused."""
    pathway = along_of_pathway(form.pathway.data or "")
    return replace(pathway, about=about_words(form.about.data or ""), edition=guide().edition)

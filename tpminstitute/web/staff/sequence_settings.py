"""What a sequence is called, what starts it, and which course it leads up to."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences import editing, switching
from tpminstitute.sequences.course_dates import course_dates
from tpminstitute.sequences.models import Sequence
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.sequences import sequence_or_404


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>/settings")
def sequence_settings(sequence_id: int) -> str:
    """Show the name of a sequence, what starts it, and which course it leads up to."""
    sequence = sequence_or_404(sequence_id)
    return _page(sequence, sequence.name, list(sequence.starts_for), str(sequence.course_date_id or ""), {})


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/settings")
@acting
def save_sequence_settings(sequence_id: int) -> Response | tuple[str, int]:
    """Keep all of it, or nothing when one of them can't be."""
    sequence = sequence_or_404(sequence_id)
    name, topics = request.form.get("name", ""), request.form.getlist("starts_for")
    course = request.form.get("course", "")
    errors = {}
    changes: dict[str, Callable[[], None]] = {
        "name": lambda: editing.rename(session(), sequence_id, name, me().id),
        "starts_for": lambda: editing.set_start_rule(session(), sequence_id, topics, me().id),
        "course": lambda: switching.set_course_date(session(), settings(), sequence_id, _course_id(course), me().id),
    }
    for field, change in changes.items():
        try:
            change()
        except Refusal as refusal:
            errors[field] = [str(refusal)]
    if errors:
        session().expire(sequence)
        return _page(sequence, name, topics, course, errors), 422
    flash("Saved.", "success")
    return redirect(url_for("staff.sequence", sequence_id=sequence_id), 303)


def _course_id(text: str) -> int | None:
    """Return the course that was chosen, None for none, and 0, which is no course, for what can't be one."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _page(sequence: Sequence, name: str, topics: list[str], course: str, errors: dict[str, list[str]]) -> str:
    now = clock.now()
    courses = [use.course for use in course_dates(session())]
    return render_template(
        "staff/sequence_settings.html",
        sequence=sequence,
        name=name,
        starts_for=topics,
        chosen_course=course,
        errors=errors,
        topics=topics_of(session()).offered_beside(topics),
        courses=[one for one in courses if one.begins_at > now or one.id == sequence.course_date_id],
        zone=settings().institute_zone,
        longest_name=editing.LONGEST_NAME,
        may_act=may_act(),
    )

"""The sequences of follow-ups: the list, one as an itinerary, its history, who is in it, and what is done to it."""

from collections.abc import Callable, Iterable
from collections.abc import Sequence as Row
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.templates import current_subjects
from tpminstitute.sequences import editing, switching
from tpminstitute.sequences.listing import listed_sequences, running_in
from tpminstitute.sequences.models import CourseDate, Sequence
from tpminstitute.sequences.moving import Moved, move_over
from tpminstitute.sequences.plan_checks import StepDraft
from tpminstitute.sequences.plan_differences import difference
from tpminstitute.sequences.standing import Group, concerned
from tpminstitute.sequences.words import about, conditions_of, wait_of, window_of
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.messages import ROW_ID


@dataclass(frozen=True)
class Stop:
    """One mail of a plan as the itinerary shows it."""

    letter_key: str
    subject: str
    wait: str
    window: str
    conditions: str
    topics: str


@dataclass(frozen=True)
class Placed:
    """Runs that stand at the same place, the mail that is next for them, and where they would go on."""

    group: Group
    subject: str
    goes_on: str


@staff.get("/sequences")
def sequences() -> str:
    """Show every sequence, what starts it and how many run through it; archived ones are folded."""
    listed = listed_sequences(session())
    return render_template(
        "staff/sequences.html",
        sequences=[row for row in listed if row.sequence.archived_at is None],
        archived=[row for row in listed if row.sequence.archived_at is not None],
        about=partial(about, topics=topics_of(session())),
        may_act=may_act(),
    )


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>")
def sequence(sequence_id: int) -> str:
    """Show a sequence as an itinerary: which mail follows when, and for whom."""
    found = sequence_or_404(sequence_id)
    newest = editing.versions_of(session(), sequence_id)[0]
    problems = [] if found.active or found.archived_at else switching.why_not_ready(session(), found)
    return render_template(
        "staff/sequence.html",
        sequence=found,
        version=newest,
        stops=stops_of(newest.steps),
        starts_for=about(found.starts_for, topics_of(session())),
        course=session().get(CourseDate, found.course_date_id) if found.course_date_id else None,
        problems=problems,
        running=running_in(session(), sequence_id),
        may_act=may_act(),
    )


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>/versions")
def sequence_versions(sequence_id: int) -> str:
    """Show every version of a sequence, who saved it when, and what it changed."""
    found = sequence_or_404(sequence_id)
    versions = editing.versions_of(session(), sequence_id)
    subjects = current_subjects(session())
    running: dict[int, int] = {}
    for group in concerned(session(), sequence_id):
        running[group.version] = running.get(group.version, 0) + group.runs
    topics = topics_of(session())
    changes = {
        newer.number: difference(older.steps, newer.steps, subjects, topics) for newer, older in pairwise(versions)
    }
    return render_template(
        "staff/sequence_versions.html",
        sequence=found,
        versions=versions,
        changes=changes,
        running=running,
        may_act=may_act() and found.archived_at is None,
    )


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>/people")
def sequence_people(sequence_id: int) -> str:
    """Show who is in the middle of a sequence, and where those on earlier versions would go on in the newest."""
    found = sequence_or_404(sequence_id)
    newest = editing.versions_of(session(), sequence_id)[0]
    groups = placed(concerned(session(), sequence_id), newest.steps)
    return render_template(
        "staff/sequence_people.html",
        sequence=found,
        version=newest,
        groups=groups,
        behind=sum(place.group.runs for place in groups if place.group.version != newest.number),
        may_act=may_act(),
    )


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/move")
@acting
def move_people(sequence_id: int) -> Response:
    """Let everybody in the middle of a sequence go on in its newest version, if it still is the one they saw."""
    sequence_or_404(sequence_id)
    newest = editing.versions_of(session(), sequence_id)[0]
    if request.form.get("version") != str(newest.number):
        flash(f"{newest.author} saved version {newest.number} meanwhile. Nobody was moved; look once more.", "warning")
    else:
        flash(told_of(move_over(session(), settings(), sequence_id, newest.number, me().id)), "success")
    return redirect(url_for("staff.sequence_people", sequence_id=sequence_id), 303)


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/switch-on")
@acting
def switch_on_sequence(sequence_id: int) -> Response:
    """Let a sequence begin for whoever fits."""
    return _done(sequence_id, switching.switch_on, "It is on. It begins for whoever fits from now on.")


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/switch-off")
@acting
def switch_off_sequence(sequence_id: int) -> Response:
    """Let a sequence rest: nobody begins it, and who is in it waits."""
    return _done(sequence_id, switching.switch_off, "It is off. None of its mails goes out until it is on again.")


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/archive")
@acting
def archive_sequence(sequence_id: int) -> Response:
    """Put a sequence away, and stop who is in the middle of it."""
    return _done(sequence_id, switching.archive, "It is in the archive. Who was in the middle gets no more of it.")


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/unarchive")
@acting
def unarchive_sequence(sequence_id: int) -> Response:
    """Take a sequence out of the archive, switched off."""
    return _done(sequence_id, switching.unarchive, "It is out of the archive, and switched off.")


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/copy")
@acting
@acts_once("This was sent twice, and copied once.")
def copy_sequence(sequence_id: int) -> Response:
    """Begin another sequence that says the same."""
    sequence_or_404(sequence_id)
    copied = editing.copy(session(), sequence_id, me().id)
    flash(f"This is “{copied.name}”. It is switched off, and nothing starts it yet.", "success")
    return redirect(url_for("staff.sequence", sequence_id=copied.id), 303)


def sequence_or_404(sequence_id: int) -> Sequence:
    """Return the sequence of that id; a page that isn't there without one."""
    found = session().get(Sequence, sequence_id)
    if found is None:
        abort(404)
    return found


def stops_of(steps: Row[StepDraft]) -> list[Stop]:
    """Return the mails of a plan in words."""
    subjects = current_subjects(session())
    return [
        Stop(
            letter_key=step.letter_key,
            subject=subjects.get(step.letter_key, step.letter_key),
            wait=wait_of(step, first=place == 1),
            window=window_of(step),
            conditions=conditions_of(step.conditions, topics_of(session())),
            topics=about(step.topics, topics_of(session())),
        )
        for place, step in enumerate(steps, 1)
    ]


def placed(groups: Iterable[Group], steps: Row[StepDraft]) -> list[Placed]:
    """Say of each group which mail is next for them, and with which they would go on among `steps`."""
    subjects = current_subjects(session())
    numbers = [step.number or 0 for step in steps]
    found = []
    for group in groups:
        place = group.goes_on_at(numbers)
        goes_on = "they are through: nothing in it is left for them"
        if place is not None:
            goes_on = f"they go on with mail {place}, “{subjects.get(steps[place - 1].letter_key, '')}”"
        found.append(Placed(group, subjects.get(group.letter_key, group.letter_key), goes_on))
    return found


def told_of(moved: Moved) -> str:
    """Say what became of those who were moved over."""
    told = [f"{people(moved.going_on)} on in the new version."] if moved.going_on else []
    if moved.through:
        told.append(f"{moved.through} had all of it and {'is' if moved.through == 1 else 'are'} through.")
    if moved.in_decision:
        told.append(f"{moved.in_decision} stay, since a draft for them waits for a decision.")
    return " ".join(told) or "Nobody is in the middle of an earlier version."


def people(number: int) -> str:
    """Return ``1 person goes`` or ``3 people go``."""
    return "1 person goes" if number == 1 else f"{number} people go"


def _done(sequence_id: int, change: Callable[[Session, int, int], Any], what: str) -> Response:
    sequence_or_404(sequence_id)
    try:
        change(session(), sequence_id, me().id)
        flash(what, "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(url_for("staff.sequence", sequence_id=sequence_id), 303)

"""Write a sequence: add, remove and move its mails, see who is concerned, and save a version."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.templates import current_subjects
from tpminstitute.pipeline.service import stages
from tpminstitute.pipeline.stages import former_names
from tpminstitute.sequences import editing
from tpminstitute.sequences.conditions import WORDS
from tpminstitute.sequences.models import Sequence
from tpminstitute.sequences.moving import move_over
from tpminstitute.sequences.plan_checks import PlanError, letters_for_plans, problems_of
from tpminstitute.sequences.plan_differences import difference
from tpminstitute.sequences.standing import concerned
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, id_argument, me
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.sequence_form import REPLIES, UNITS, WEEKDAYS, TypedPlan, TypedStep
from tpminstitute.web.staff.sequences import placed, sequence_or_404, told_of

MOVE = "move"
"""What the page about those concerned sends when they are to go on in the new version."""


@staff.get("/sequences/new")
@acting
def new_sequence() -> str:
    """Show the form of a new sequence, with one mail in it."""
    return _form(None, TypedPlan([TypedStep(0)]))


@staff.post("/sequences/new")
@acting
def create_sequence() -> Response | str | tuple[str, int]:
    """Add a sequence; a button for a mail changes the page only."""
    plan, name, button = TypedPlan.sent(request.form), request.form.get("name", ""), _button()
    if button != "save":
        plan.press(button)
        return _form(None, plan, name=name)
    try:
        added = editing.create(session(), name, plan.drafts(), me().id)
    except PlanError as error:
        plan.show(error.problems)
        return _form(None, plan, name=name), 422
    except Refusal as refusal:
        plan.show(problems_of(session(), plan.drafts(), has_course=False, sends=False))
        return _form(None, plan, name=name, name_error=str(refusal)), 422
    flash("Saved. It is switched off until you say so, and nothing starts it yet.", "success")
    return redirect(url_for("staff.sequence", sequence_id=added.id), 303)


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>/edit")
@acting
def edit_sequence(sequence_id: int) -> str:
    """Show the form of a sequence; `?from=` is an earlier version that it begins from."""
    sequence = sequence_or_404(sequence_id)
    versions = editing.versions_of(session(), sequence_id)
    wanted = id_argument("from")
    begins = next((version for version in versions if version.number == wanted), versions[0])
    if wanted is not None and begins.number != wanted:
        abort(404)
    return _form(sequence, TypedPlan.of(begins.steps), base=versions[0].number, begins=begins)


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/edit")
@acting
def save_sequence(sequence_id: int) -> Response | str | tuple[str, int]:
    """Save a version, after a look at who is concerned; a button for a mail changes the page only."""
    sequence, plan, button = sequence_or_404(sequence_id), TypedPlan.sent(request.form), _button()
    if button not in ("save", "confirm"):
        plan.press(button)
        return _form(sequence, plan, base=_base())
    before = editing.versions_of(session(), sequence_id)[0].number
    if button == "save" and before == _base() and (asked := _ask(sequence, plan)):
        return asked
    try:
        version = editing.save_version(session(), sequence_id, _base(), plan.drafts(), me().id)
    except PlanError as error:
        plan.show(error.problems)
        return _form(sequence, plan, base=_base()), 422
    except editing.StaleVersion as stale:
        return _meanwhile(sequence, plan, stale), 409
    except Refusal as refusal:
        return _form(sequence, plan, base=_base(), warning=str(refusal)), 409
    said = f"Saved as version {version.number}. Whoever begins from now on follows it."
    if request.form.get("running") == MOVE:
        said += " " + told_of(move_over(session(), settings(), sequence_id, version.number, me().id))
    flash(said, "success")
    return redirect(url_for("staff.sequence", sequence_id=sequence_id), 303)


def _ask(sequence: Sequence, plan: TypedPlan) -> str | None:
    """Return the page about who is concerned, or None where nobody is or where saving has something to say first."""
    groups = concerned(session(), sequence.id)
    drafts = plan.drafts()
    has_course = sequence.course_date_id is not None
    if not groups or problems_of(session(), drafts, has_course=has_course, sends=sequence.active):
        return None
    earlier = editing.versions_of(session(), sequence.id)
    steps = editing.numbered(earlier, drafts)
    changes = difference(earlier[0].steps, steps, current_subjects(session()), topics_of(session()))
    if not changes:
        return None
    return render_template(
        "staff/sequence_concerned.html",
        sequence=sequence,
        number=earlier[0].number + 1,
        changes=changes,
        groups=placed(groups, steps),
        runs=sum(group.runs for group in groups),
        typed=[(name, text) for name, text in request.form.items(multi=True) if name not in ("do", "csrf_token")],
    )


def _meanwhile(sequence: Sequence, plan: TypedPlan, stale: editing.StaleVersion) -> str:
    """Show the plan again beside what somebody else saved; saving it once more puts it on top."""
    versions = editing.versions_of(session(), sequence.id)
    subjects = current_subjects(session())
    base = next((version for version in versions if version.number == _base()), versions[-1])
    mine = editing.numbered(versions, plan.drafts())
    return _form(
        sequence,
        plan,
        base=stale.newest.number,
        stale={
            "why": str(stale),
            "theirs": difference(base.steps, stale.newest.steps, subjects, topics_of(session())),
            "yours": difference(stale.newest.steps, mine, subjects, topics_of(session())),
        },
    )


def _form(sequence: Sequence | None, plan: TypedPlan, **shown: Any) -> str:
    return render_template(
        "staff/sequence_edit.html",
        sequence=sequence,
        plan=plan,
        letters=letters_for_plans(session()),
        units=UNITS,
        weekdays=WEEKDAYS,
        replies=REPLIES,
        topics=topics_of(session()).offered_beside(plan.topics()),
        backgrounds=WORDS,
        stages=_stages(plan),
        longest_name=editing.LONGEST_NAME,
        **shown,
    )


def _stages(plan: TypedPlan) -> dict[str, str]:
    """Return the stages to choose from, and those ticked by a name that they had before."""
    former = former_names(session())
    ticked = {name for step in plan.steps for name in step.stages if name in former}
    return {stage.name: stage.name for stage in stages(session())} | {
        name: f"{name} (“{former[name]}” now)" for name in sorted(ticked)
    }


def _button() -> str:
    return request.form.get("do", "save")[:20]


def _base() -> int:
    text = request.form.get("base", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1

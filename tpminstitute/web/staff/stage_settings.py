"""The stages of the pipeline and the reasons for lost leads, as administrators change them."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core.errors import Refusal
from tpminstitute.pipeline import reasons, stages
from tpminstitute.pipeline.models import Outcome
from tpminstitute.web.common import kept, session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.settings_pages import administering, change, number_sent

PLACES = {"left": -1, "right": 1, "up": -1, "down": 1}


@dataclass(frozen=True)
class Typed:
    """A form as it was typed: `which` names it, such as ``stage-3``; `problem` says what has to be mended."""

    which: str
    name: str
    problem: str


@staff.get("/settings/stages")
@administering
def stage_settings() -> str:
    """Show the stages and the reasons in their order."""
    return _page(None)


@staff.post("/settings/stages")
@administering
def add_stage() -> Response | tuple[str, int]:
    """Add a stage."""
    outcome = request.form.get("outcome", "")
    if outcome not in {each.value for each in Outcome}:
        abort(400)
    return _keep(
        "stage-new", lambda name: stages.add_stage(session(), name, Outcome(outcome), me().id), "It was added."
    )


@staff.post(f"/settings/stages/<{ROW_ID}:stage_id>")
@administering
def rename_stage(stage_id: int) -> Response | tuple[str, int]:
    """Rename a stage."""
    return _keep(
        f"stage-{stage_id}",
        lambda name: stages.rename_stage(session(), stage_id, number_sent(), name, me().id),
        "Saved.",
    )


@staff.post(f"/settings/stages/<{ROW_ID}:stage_id>/move/<direction>")
@administering
def move_stage(stage_id: int, direction: str) -> Response:
    """Move a stage to the left or right on the board."""
    places = _places(direction)
    return change("It was moved.", _PAGE, lambda s: stages.move_stage(s, stage_id, places, me().id))


@staff.post(f"/settings/stages/<{ROW_ID}:stage_id>/archive")
@administering
def archive_stage(stage_id: int) -> Response:
    """Take a stage off the board; its leads move along to the one that was chosen."""

    done = "It is in the archive, and its leads stand in the stage that you chose."
    along_to = number_sent("along_to") or None
    if along_to is None:
        done = "It is in the archive."
    return change(done, _PAGE, lambda s: stages.archive_stage(s, stage_id, along_to, me().id))


@staff.post(f"/settings/stages/<{ROW_ID}:stage_id>/restore")
@administering
def restore_stage(stage_id: int) -> Response:
    """Put a stage of the archive back on the board."""
    return change("It is on the board again.", _PAGE, lambda s: stages.restore_stage(s, stage_id, me().id))


@staff.post("/settings/reasons")
@administering
def add_reason() -> Response | tuple[str, int]:
    """Add a reason for lost leads."""
    return _keep("reason-new", lambda name: reasons.add_reason(session(), name, me().id), "It was added.")


@staff.post(f"/settings/reasons/<{ROW_ID}:reason_id>")
@administering
def rename_reason(reason_id: int) -> Response | tuple[str, int]:
    """Word a reason otherwise."""
    return _keep(
        f"reason-{reason_id}",
        lambda name: reasons.rename_reason(session(), reason_id, number_sent(), name, me().id),
        "Saved.",
    )


@staff.post(f"/settings/reasons/<{ROW_ID}:reason_id>/move/<direction>")
@administering
def move_reason(reason_id: int, direction: str) -> Response:
    """Move a reason up or down."""
    places = _places(direction)
    return change("It was moved.", _PAGE, lambda s: reasons.move_reason(s, reason_id, places, me().id))


@staff.post(f"/settings/reasons/<{ROW_ID}:reason_id>/archive")
@administering
def archive_reason(reason_id: int) -> Response:
    """Let a reason be chosen no longer."""
    done = "It is in the archive. Leads that were lost for it keep it."
    return change(done, _PAGE, lambda s: reasons.archive_reason(s, reason_id, me().id))


@staff.post(f"/settings/reasons/<{ROW_ID}:reason_id>/restore")
@administering
def restore_reason(reason_id: int) -> Response:
    """Let a reason of the archive be chosen again."""
    return change("It can be chosen again.", _PAGE, lambda s: reasons.restore_reason(s, reason_id, me().id))


_PAGE = "staff.stage_settings"


def _places(direction: str) -> int:
    if direction not in PLACES:
        abort(404)
    return PLACES[direction]


def _keep(which: str, keep: Callable[[str], object], done: str) -> Response | tuple[str, int]:
    """Keep a name that was typed, or show it again with what has to be mended."""
    name = request.form.get("name", "")[:500]
    try:
        keep(name)
    except Refusal as refusal:
        return _page(Typed(which, name, str(refusal))), 422
    kept().forget()
    flash(done, "success")
    return redirect(url_for(_PAGE), 303)


def _page(typed: Typed | None) -> str:
    uses = stages.stage_uses(session())
    lost = reasons.reason_uses(session())
    return render_template(
        "staff/settings_stages.html",
        stages=[use for use in uses if use.stage.archived_at is None],
        archived=[use for use in uses if use.stage.archived_at is not None],
        reasons=[use for use in lost if use.reason.archived_at is None],
        archived_reasons=[use for use in lost if use.reason.archived_at is not None],
        typed=typed,
        counted=stages.COUNTED,
        longest_stage=stages.LONGEST_NAME,
        longest_reason=reasons.LONGEST_NAME,
    )

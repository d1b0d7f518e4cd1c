"""What a contact's page is given of a run through a sequence: its mails as stations, and what can be done with it."""

from dataclasses import dataclass, field

from flask import url_for

from tpminstitute.core import zones
from tpminstitute.sequences.forecast import Expected
from tpminstitute.sequences.models import EnrollmentStatus, StepOutcome
from tpminstitute.sequences.queries import Past, Run
from tpminstitute.web.staff.access import list_place, may_act
from tpminstitute.web.staff.views import Action


@dataclass(frozen=True)
class RunView:
    """One run through a sequence, with its steps as stations."""

    sequence: str
    status: str
    status_kind: str
    explanation: str
    stations: list[dict[str, str]]
    actions: list[Action] = field(default_factory=list)


def run_view(run: Run, contact_public_id: str, *, in_question: bool = False) -> RunView:
    """Return a run as stations on its way: what was decided and why, then the mails to come with their local times.

    `in_question` says that its next mail waits for a word as a draft.
    """
    waits = run.status is EnrollmentStatus.PAUSED
    kinds = {
        EnrollmentStatus.ACTIVE: "grey",
        EnrollmentStatus.PAUSED: "amber",
        EnrollmentStatus.FINISHED: "done",
    }
    return RunView(
        sequence=run.sequence,
        status="Waiting" if waits else run.status.value.capitalize(),
        status_kind=kinds.get(run.status, "grey"),
        explanation=_run_explanation(run, in_question),
        stations=[_passed(past, run) for past in run.past]
        + [_ahead(mail, run, first=number == 0) for number, mail in enumerate(run.to_come)],
        actions=_run_actions(run, contact_public_id, in_question) if may_act() else [],
    )


def _run_actions(run: Run, contact_public_id: str, in_question: bool) -> list[Action]:
    place = {"public_id": contact_public_id, **list_place()}
    actions = []
    if run.status is EnrollmentStatus.PAUSED and not in_question:
        actions.append(Action("Let them go on", url_for("staff.let_follow_ups_go_on", **place)))
    if run.status in (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED):
        actions.append(Action("Stop these follow-ups", url_for("staff.stop_follow_ups", run_id=run.id, **place)))
    return actions


def _run_explanation(run: Run, in_question: bool) -> str:
    match run.status:
        case EnrollmentStatus.ACTIVE:
            return f"{len(run.to_come)} to come, as things stand." if run.to_come else "Nothing more is to come."
        case EnrollmentStatus.PAUSED if run.waits_until:
            return f"{run.reason} They go on by themselves on {zones.written(run.waits_until, run.zone)}."
        case EnrollmentStatus.PAUSED if in_question:
            return f"{run.reason} They go on when you have decided about the follow-up above."
        case EnrollmentStatus.PAUSED if run.drafts:
            return f"{run.reason} The next mail will wait for your word."
        case EnrollmentStatus.PAUSED:
            return f"{run.reason} They wait until one of you lets them go on."
        case EnrollmentStatus.FINISHED:
            return "Every mail of it had its turn."
        case _:
            return run.reason


OUTCOMES = {
    StepOutcome.QUEUED: "Written",
    StepOutcome.MOVED: "Moved",
    StepOutcome.HELD: "Held back",
    StepOutcome.SKIPPED: "Skipped",
    StepOutcome.STOPPED: "Stopped",
    StepOutcome.DRAFTED: "Waits for your word",
    StepOutcome.DROPPED: "Not sent",
}


def _passed(past: Past, run: Run) -> dict[str, str]:
    what = f"Mail {past.mail_status.value}" if past.mail_status else OUTCOMES[past.outcome]
    told = [f"{what}, {zones.written(past.at, run.zone)}.", past.sentence, past.mail_reason]
    return {"label": past.subject, "state": "passed", "note": " ".join(part for part in told if part)}


def _ahead(mail: Expected, run: Run, *, first: bool) -> dict[str, str]:
    return {"label": mail.subject, "state": "here" if first else "ahead", "note": ahead_note(mail, run)}


def ahead_note(mail: Expected, run: Run) -> str:
    """Return when a mail is to come, by the clock of its reader, why not earlier, and what it depends on."""
    when = "Will wait for your word from" if mail.draft else "To come on"
    told = [f"{when} {zones.written(mail.at, run.zone)}.", mail.why, *mail.depends_on]
    return " ".join(part for part in told if part)

"""The time machine: what a sequence would do for somebody over the coming 90 days, read on one page."""

from flask import abort, make_response, render_template, request
from werkzeug.wrappers import Response

from tpminstitute.contacts.background import LABELS
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import zones
from tpminstitute.inbox.previews import Reader, newest_readers, reader_of
from tpminstitute.sequences.models import Sequence
from tpminstitute.simulation.machine import DAYS, Outcome, run
from tpminstitute.web.common import CONTENT_SECURITY_POLICY, database, session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.letters import inert_letter
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.trial_form import COUNTED, THROWS, TrialForm, trial_of, typed


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>/time-machine")
def time_machine(sequence_id: int) -> Response:
    """Show the form, and, once the address says for whom, all that would happen; the address can be kept."""
    sequence = _sequence(sequence_id)
    form = typed(request.args, settings())
    outcome = _run(sequence, form) if request.args else None
    text = render_template(
        "staff/time_machine.html",
        sequence=sequence,
        form=form,
        outcome=outcome,
        mails=[entry for entry in outcome.entries if entry.mail] if outcome else [],
        readers=_readers(form.reader),
        topics=topics_of(session()).labels,
        zones=zones.places(),
        backgrounds=LABELS,
        throws=THROWS,
        counted=[throw.value for throw in COUNTED],
        days=DAYS,
        again=form.as_address(),
    )
    answer = make_response(text, 422 if form.errors else 200)
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return answer


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>/time-machine/mails/<{ROW_ID}:mail>")
def simulated_mail(sequence_id: int, mail: int) -> Response:
    """Show one mail of a run by itself, for the frame in its page: the run is made once more, and nothing is kept."""
    outcome = _run(_sequence(sequence_id), typed(request.args, settings()))
    mails = [entry.mail for entry in outcome.entries if entry.mail] if outcome else []
    if not 1 <= mail <= len(mails):
        abort(404)
    return inert_letter(mails[mail - 1].html)


def _sequence(sequence_id: int) -> Sequence:
    sequence = session().get(Sequence, sequence_id)
    if sequence is None:
        abort(404)
    return sequence


def _readers(chosen: str) -> list[Reader]:
    """Return the real contacts to choose from: the newest, and whom the address names."""
    newest = [reader for reader in newest_readers(session()) if reader.contact_id is not None]
    known = chosen in [reader.public_id for reader in newest]
    return newest if known or not chosen else [reader_of(session(), chosen), *newest]


def _run(sequence: Sequence, form: TrialForm) -> Outcome | None:
    trial = trial_of(session(), settings(), form, sequence.id, me().id)
    return run(database(), settings(), trial) if trial is not None else None

"""The background work: whether anybody does it, and what has piled up."""

from datetime import datetime

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.heartbeat import Pulse, last_beats
from tpminstitute.doctor.findings import Finding, at_risk, ok, wrong
from tpminstitute.lists.search_upkeep import count_waiting
from tpminstitute.mail.models import MailControl
from tpminstitute.reports.queries import MailBacklog, mail_backlog

WORKER, MAIL_QUEUE, SEARCH = "Worker", "Mail queue", "Search"

MANY_CHANGES = 5_000
"""Changes that the search index reads in a minute or two; with more of them, a search doesn't find everything."""

FOLLOW_UP_SECONDS = 60
"""How often the scheduler asks for follow-ups."""

MISSED = 3
"""Times in a row that work may be late before somebody has to look."""

SHORTEST_PATIENCE = 60
LATE_SECONDS = 600
"""A mail that is due for longer than this is late; the same figure as the alarm on /metrics."""

START = "Start it: `tpm run`, or `tpm worker` and `tpm scheduler` by themselves."


def check_worker(db: Database, settings: Settings) -> list[Finding]:
    """Look when mail and follow-ups were last looked at."""
    with db.read() as session:
        beats = last_beats(session)
    delivery = _late(beats.get(Pulse.DELIVERY), settings.sweep_seconds)
    follow_ups = _late(beats.get(Pulse.FOLLOW_UPS), FOLLOW_UP_SECONDS)
    if not beats:
        do = f"{START} If it has just started, wait {settings.sweep_seconds} s and look again."
        return [wrong(WORKER, "No worker has ever looked at the mail.", do)]
    if delivery is not None:
        says = f"The mail was {delivery}; every {settings.sweep_seconds} s is expected."
        return [wrong(WORKER, says, f"The worker has stopped, or the scheduler and the broker have. {START}")]
    if follow_ups is not None:
        says = f"Follow-ups were {follow_ups}; every {FOLLOW_UP_SECONDS} s is expected."
        return [wrong(WORKER, says, "The scheduler has stopped. Start it: `tpm run`, or `tpm scheduler` by itself.")]
    return [
        ok(WORKER, f"It looked at the mail {ago(beats[Pulse.DELIVERY])}, at follow-ups {ago(beats[Pulse.FOLLOW_UPS])}.")
    ]


def _late(last: datetime | None, every: int) -> str | None:
    """Return that nobody looked for too long, in words, or None when the last look is recent enough."""
    if last is None:
        return "never looked at"
    patience = max(MISSED * every, SHORTEST_PATIENCE)
    return f"last looked at {ago(last)}" if (clock.now() - last).total_seconds() > patience else None


def check_search(db: Database) -> list[Finding]:
    """Look how many changes the search index has yet to read."""
    with db.read() as session:
        waiting = count_waiting(session, MANY_CHANGES)
    if waiting < MANY_CHANGES:
        return [ok(SEARCH, f"{waiting or 'No'} changes wait to be read into the index.")]
    says = f"{MANY_CHANGES:,} changes and more wait to be read into the index, so a search doesn't find everything yet."
    return [at_risk(SEARCH, says, "After an upgrade or an import, wait; the worker reads them. Or type `tpm reindex`.")]


def check_mail_queue(db: Database) -> list[Finding]:
    """Look at what waits, failed or is uncertain, and whether mail is held."""
    with db.read() as session:
        backlog = mail_backlog(session)
        control = session.get(MailControl, 1)
    held = control is not None and control.held
    found = _decisions(backlog)
    if control is not None and held:
        says = f"Outgoing mail is held since {control.since:%a %-d %b %Y %H:%M} UTC: {control.reason}"
        found.insert(
            0,
            at_risk(
                MAIL_QUEUE,
                says,
                "When the reason is gone, type `tpm mail release`, or let it go at the desk under Mail.",
            ),
        )
    elif backlog.oldest_due_seconds > LATE_SECONDS:
        says = f"The oldest due mail waits for {duration(backlog.oldest_due_seconds)}; {backlog.waiting} wait in all."
        do = "Look at the worker, the broker and the mail server in this list; the log says what each try met."
        found.insert(0, wrong(MAIL_QUEUE, says, do))
    return found or [ok(MAIL_QUEUE, f"{_mails(backlog.waiting)} waiting, none late.")]


def _decisions(backlog: MailBacklog) -> list[Finding]:
    found = []
    if backlog.uncertain:
        says = f"{_mails(backlog.uncertain)} may or may not have arrived: the connection ended after the content."
        found.append(at_risk(MAIL_QUEUE, says, "Decide about each at the desk, under Mail: send again, or leave it."))
    if backlog.failed:
        says = f"{_mails(backlog.failed)} failed for good."
        found.append(at_risk(MAIL_QUEUE, says, "Read why at the desk, under Mail: mend and send again, or leave it."))
    return found


def _mails(number: int) -> str:
    return "1 mail" if number == 1 else f"{number or 'No'} mails"


def ago(moment: datetime) -> str:
    """Return how long ago `moment` was, in words."""
    return f"{duration((clock.now() - moment).total_seconds())} ago"


def duration(seconds: float) -> str:
    """Return a length of time in its greatest unit."""
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return f"{max(0, int(seconds))} s"

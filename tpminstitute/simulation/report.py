"""What a simulation came to, as text for a terminal."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from tpminstitute.mail.models import MessageKind
from tpminstitute.sequences.models import EnrollmentStatus, StepOutcome
from tpminstitute.simulation.totals import Totals

BARS = "▁▂▃▄▅▆▇█"
WIDEST = 60
"""Characters of the line that shows the load."""

MAILS = {
    MessageKind.FOLLOW_UP: "follow-ups",
    MessageKind.ACKNOWLEDGEMENT: "acknowledgements",
    MessageKind.REPLY: "answers by staff",
}
RUNS = {
    EnrollmentStatus.FINISHED: "came to their end",
    EnrollmentStatus.ACTIVE: "are running still",
    EnrollmentStatus.PAUSED: "wait",
    EnrollmentStatus.STOPPED: "were stopped",
}
STEPS = {
    StepOutcome.MOVED: "moved",
    StepOutcome.HELD: "held back",
    StepOutcome.SKIPPED: "left out",
    StepOutcome.DRAFTED: "waited for a person's word",
    StepOutcome.DROPPED: "not sent, by a person's word",
}


def as_text(totals: Totals, begins: date, days: int) -> str:
    """Return what `days` days from `begins` on came to: mails, stops and why, load, rules."""
    load = totals.load(begins, days)
    runs = sum(totals.runs.values())
    parts = [
        _table("Mails sent", [(MAILS[kind], totals.mails[kind]) for kind in MAILS], total=True),
        _table("Follow-ups begun", [(RUNS[status], totals.runs[status]) for status in RUNS], total=True),
        _table("Stopped, because", totals.stops.most_common()) if runs else "",
        _table("Mails that were", [(STEPS[outcome], totals.steps[outcome]) for outcome in STEPS]),
        _load(load, begins),
        _rules(totals),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(title: str, rows: Iterable[tuple[str, int]], *, total: bool = False) -> str:
    rows = list(rows)
    lines = [f"  {number:>9,}  {label}" for label, number in rows if number]
    head = f"{title}: {sum(number for _, number in rows):,}" if total else title
    return "\n".join([head, *lines]) if lines else ""


def _load(load: Sequence[int], begins: date) -> str:
    busiest = max(range(len(load)), key=load.__getitem__)
    p95 = sorted(load)[max(-(-len(load) * 95 // 100) - 1, 0)]
    day = begins + timedelta(days=busiest)
    return (
        f"Mails a day: median {median(load):,.0f}, p95 {p95:,}, "
        f"most {load[busiest]:,} on {day:%a} {day.day} {day:%b %Y}\n  {_line(load)}"
    )


def _line(load: Sequence[int]) -> str:
    """Return the load as bars; where there are more days than characters, each bar is the mean of several."""
    width = min(len(load), WIDEST)
    bounds = [len(load) * part // width for part in range(width + 1)]
    means = [sum(load[first:last]) / (last - first) for first, last in pairwise(bounds)]
    most = max(means) or 1
    return "".join(BARS[min(int(mean / most * len(BARS)), len(BARS) - 1)] for mean in means)


def _rules(totals: Totals) -> str:
    if not totals.broken:
        return "Broken rules: none"
    more = totals.broken - len(totals.rules)
    lines = [f"  {rule}" for rule in totals.rules] + ([f"  … and {more:,} more"] if more else [])
    return "\n".join([f"Broken rules: {totals.broken:,}", *lines])

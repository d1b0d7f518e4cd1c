"""Reports as sheets: a table each, drawn as lines where that says more."""

from collections.abc import Sequence
from dataclasses import dataclass

from tpminstitute.pipeline.models import Outcome, Stage
from tpminstitute.reports.answers import Answers, AnswersReport
from tpminstitute.reports.follow_ups import SequenceLine
from tpminstitute.reports.funnel import FunnelReport
from tpminstitute.reports.inquiries import Count, InquiryReport
from tpminstitute.reports.periods import Period
from tpminstitute.reports.workload import DOINGS, Load

MOST_LINES = 5
"""Topics with a line of their own; the others share one."""

Cell = str | int


@dataclass(frozen=True)
class Sheet:
    """One table: its heading and rows, the first column names the row. A plotted one is drawn, a line a column."""

    key: str
    title: str
    heading: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    plotted: bool = False
    note: str = ""

    @property
    def ticks(self) -> list[Cell]:
        """What the rows are called."""
        return [row[0] for row in self.rows]

    @property
    def series(self) -> list[dict[str, object]]:
        """The columns, as the plot takes them."""
        return [
            {"name": name, "values": [row[place] for row in self.rows]}
            for place, name in enumerate(self.heading[1:], start=1)
        ]


def inquiry_sheets(report: InquiryReport, chosen: Period) -> list[Sheet]:
    """Return inquiries over time by topic, and in all by topic and by source."""
    shown = [count.name for count in report.topics[:MOST_LINES]]
    rest = [count.name for count in report.topics[MOST_LINES:]]
    names = [*shown, *(["Other topics"] if rest else [])]
    over_time: list[list[Cell]] = [
        [
            chosen.name_of(bucket),
            *(counts.get(name, 0) for name in shown),
            *([sum(counts.get(name, 0) for name in rest)] if rest else []),
        ]
        for bucket, counts in zip(chosen.buckets, report.by_piece, strict=True)
    ]
    return [
        Sheet("over-time", "Inquiries over time", [_piece(chosen), *names], over_time, plotted=True),
        Sheet("topics", "By topic", ["Topic", "Inquiries", "Share"], _shares(report.topics, report.total)),
        Sheet(
            "sources",
            "By source",
            ["Came from", "Inquiries", "Share"],
            _shares(report.sources, report.total),
            note="The site whose link led here, where the browser named one.",
        ),
    ]


def answer_sheets(report: AnswersReport, chosen: Period) -> list[Sheet]:
    """Return what became of the promise, and how long the first answers took."""
    pieces = list(zip([chosen.name_of(bucket) for bucket in chosen.buckets], report.by_piece, strict=True))
    kept: list[list[Cell]] = [[name, one.in_time, one.late + one.overdue, one.waiting] for name, one in pieces]
    took = [_took(name, one) for name, one in pieces] + [_took("All", report.total)]
    return [
        Sheet(
            "promise",
            "The promise",
            [_piece(chosen), "In time", "Too late", "Waiting"],
            kept,
            plotted=True,
            note="Counted when the inquiry came. Too late is what was answered late, or waits longer than promised.",
        ),
        Sheet(
            "first-answers",
            "Working hours until the first answer",
            [_piece(chosen), "Median", "90% within", "In time", "Closed without an answer"],
            took,
            note="An answer is a mail or a noted call by a person. Only working hours count.",
        ),
    ]


def lead_sheets(report: FunnelReport, chosen: Period) -> list[Sheet]:
    """Return the funnel of all leads, and of each cohort."""
    opened = report.total()
    funnel: list[tuple[str, int]] = [("Opened", opened), ("Answered by a person", report.answered)] + [
        (stage.name, report.total(stage)) for stage in report.stages
    ]
    cohorts: list[list[Cell]] = [
        [
            chosen.name_of(bucket),
            cohort.opened,
            cohort.answered,
            *(cohort.in_stages.get(stage.id, 0) for stage in report.stages),
            _share(sum(cohort.in_stages.get(stage.id, 0) for stage in report.stages if _won(stage)), cohort.opened),
        ]
        for bucket, cohort in zip(chosen.buckets, report.cohorts, strict=True)
    ]
    names = [stage.name for stage in report.stages]
    shares = [_with_share(name, number, opened) for name, number in funnel]
    return [
        Sheet("funnel", "Leads opened in this time", ["", "Leads", "Share"], shares),
        Sheet(
            "cohorts",
            "By when they were opened",
            ["Opened", "Leads", "Answered", *names, "Won"],
            cohorts,
            note="Each lead counts in the stage where it stands now.",
        ),
    ]


def follow_up_sheets(lines: Sequence[SequenceLine]) -> list[Sheet]:
    """Return what the follow-ups did that began in the time."""
    heading = ["Sequence", "Begun", "Mails", "Running", "Through", "Answered", "Unsubscribed", "Stopped otherwise"]
    rows: list[list[Cell]] = [
        [
            line.name,
            line.begun,
            line.mails,
            line.running,
            line.finished,
            line.answered,
            line.unsubscribed,
            line.stopped_otherwise,
        ]
        for line in lines
    ]
    return [
        Sheet(
            "sequences",
            "Follow-ups that began in this time",
            heading,
            rows,
            note="Each sequence's own page tells what each of its mails did.",
        )
    ]


def people_sheets(loads: Sequence[Load]) -> list[Sheet]:
    """Return what each person did, and what lies with them."""
    rows: list[list[Cell]] = [
        [
            load.name if load.active else f"{load.name} (closed account)",
            *load.done.values(),
            load.contacts,
            load.waiting,
        ]
        for load in loads
    ]
    return [
        Sheet(
            "people",
            "What each person did",
            ["Person", *DOINGS, "Contacts now", "Of them waiting"],
            rows,
            note="The last two columns say how it is now; the others count what was done in this time.",
        )
    ]


def _won(stage: Stage) -> bool:
    return stage.outcome is Outcome.WON


def _piece(chosen: Period) -> str:
    return {"day": "Day", "week": "Week of", "month": "Month"}[chosen.piece]


def _took(name: str, one: Answers) -> list[Cell]:
    kept = "–" if one.kept is None else f"{one.kept:.0%}"
    return [name, _hours(one.median), _hours(one.p90), kept, one.closed]


def _hours(hours: float | None) -> str:
    return "–" if hours is None else f"{hours:.1f} h"


def _shares(counts: Sequence[Count], total: int) -> list[list[Cell]]:
    return [_with_share(count.name, count.inquiries, total) for count in counts]


def _with_share(name: str, number: int, total: int) -> list[Cell]:
    return [name, number, _share(number, total)]


def _share(number: int, total: int) -> str:
    return f"{number / total:.0%}" if total else "–"

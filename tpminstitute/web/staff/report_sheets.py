"""Reports as sheets: a table each, drawn as lines where time passes, else as bars."""

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

MOST_BARS = 12
"""Rows that are drawn as bars; the table has them all."""

Cell = str | int
Line = dict[str, object]


@dataclass(frozen=True)
class Sheet:
    """One table: its heading and rows, the first column names the row, and how it is drawn.

    A plotted one is drawn a line a column, and its table lies down. `lines` are drawn above the table at `line_ticks`,
    their figures in `lines_of`; `barred` names the columns that are drawn as bars, a group of them a row.
    """

    key: str
    title: str
    heading: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    plotted: bool = False
    note: str = ""
    lines: Sequence[Line] = ()
    line_ticks: Sequence[str] = ()
    lines_of: str = ""
    barred: Sequence[str] = ()

    @property
    def tells(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.rows) and len(self.heading) > 1

    @property
    def bars(self) -> list[dict[str, object]]:
        """The rows with something to draw, as bars are drawn of them."""
        places = [list(self.heading).index(name) for name in self.barred]
        rows = [(row[0], [int(row[place]) for place in places]) for row in self.rows]
        return [{"name": name, "values": values} for name, values in rows if any(values)]

    @property
    def ticks(self) -> list[Cell]:
        """What the rows are called."""
        return [row[0] for row in self.rows]

    @property
    def series(self) -> list[Line]:
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
        Sheet(
            "topics",
            "By topic",
            ["Topic", "Inquiries", "Share"],
            _shares(report.topics, report.total),
            barred=["Inquiries"],
        ),
        Sheet(
            "sources",
            "By source",
            ["Came from", "Inquiries", "Share"],
            _shares(report.sources, report.total),
            note="The site whose link led here, where the browser named one.",
            barred=["Inquiries"],
        ),
    ]


def answer_sheets(report: AnswersReport, chosen: Period, promised: float) -> list[Sheet]:
    """Return what became of the promise, in working hours, and how long the first answers took."""
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
            lines=_hours_lines(report.by_piece, promised),
            line_ticks=[name for name, _ in pieces],
            lines_of=" h",
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
        Sheet(
            "funnel",
            "Leads opened in this time",
            ["", "Leads", "Share"],
            shares,
            note=_took_to_win(report),
            barred=["Leads"],
        ),
        Sheet(
            "cohorts",
            "By when they were opened",
            ["Opened", "Leads", "Answered", *names, "Won"],
            cohorts,
            note="Each lead counts in the stage where it stands now.",
            lines=_cohort_lines(report),
            line_ticks=[chosen.name_of(bucket) for bucket in chosen.buckets],
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
            note="Each sequence’s own page tells what each of its mails did.",
            barred=["Begun", "Answered", "Unsubscribed"],
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
            barred=["Answers", "Calls", "Contacts now"],
        )
    ]


def _hours_lines(pieces: Sequence[Answers], promised: float) -> list[Line]:
    """Return the median and the 90th percentile as lines beside the promise; none while nothing was answered."""
    took: dict[str, list[float | None]] = {
        "90% within": [None if one.p90 is None else round(one.p90, 1) for one in pieces],
        "Median": [None if one.median is None else round(one.median, 1) for one in pieces],
        "Promise": [round(promised, 1) for _ in pieces],
    }
    answered = any(one.median is not None for one in pieces)
    return [{"name": name, "values": values} for name, values in took.items()] if answered else []


def _cohort_lines(report: FunnelReport) -> list[Line]:
    """Return the leads of each cohort, and of them the answered and the won, as lines; none without a lead."""
    won = [stage.id for stage in report.stages if _won(stage)]
    numbers = {
        "Leads": [cohort.opened for cohort in report.cohorts],
        "Answered": [cohort.answered for cohort in report.cohorts],
        "Won": [sum(cohort.in_stages.get(stage_id, 0) for stage_id in won) for cohort in report.cohorts],
    }
    return [{"name": name, "values": values} for name, values in numbers.items()] if report.total() else []


def _took_to_win(report: FunnelReport) -> str:
    if report.days_to_win is None:
        return ""
    return f"Half of those that were won were won within {report.days_to_win:.0f} days."


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

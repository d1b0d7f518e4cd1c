"""The mails of this room to the institute's own people: a warning of promises at risk, and the morning digest."""

from collections.abc import Sequence
from dataclasses import dataclass

from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.mail.letters import Frame, Letter, LetterSource, render
from tpminstitute.mail.to_staff import ONLY

_WORDS = 100
"""Characters of what anybody typed in a line."""

_BEFORE_DUE = "An answer to {name_1} is due by {due_1}"
_OVERDUE = "An answer to {name_1} was due by {due_1}"
_SEVERAL = "{count} people wait for an answer that is due"
_PROMISED = "The time in which we promise an answer is nearly over, or over already:"
_THEN = (
    "Answer on their page, or mark the conversation as done there. "
    "This mail comes once for each wait, before the promise ends."
)


@dataclass(frozen=True)
class Line:
    """A thing that needs a person as a line of a mail: whom it is about, what it is, and the times as sentences.

    `due` is by when, as a clock shows it; `over` whether that is past; `url` leads there.
    """

    name: str
    about: str
    due: str
    over: bool
    url: str


def warning_letter(settings: Settings, lines: Sequence[Line], more: int, reason: str) -> Letter:
    """Make the warning that people wait for an answer, the oldest promise first.

    Parameters: `more`, how many wait beside those of `lines`; `reason`, why whoever gets it does.
    """
    subject = _SEVERAL if len(lines) + more > 1 else _OVERDUE if lines[0].over else _BEFORE_DUE
    values = {"count": str(len(lines) + more)}
    body = [_PROMISED, _listed(lines, values), *_rest(settings, more, values), _THEN]
    return _letter(settings, subject, "{name_1}, {about_1}", body, values, reason)


def digest_letter(settings: Settings, headline: str, lines: Sequence[Line], more: int, reason: str) -> Letter:
    """Make the morning digest.

    Parameters: `headline`, how much there is of what, as a sentence without an end; the others as in `warning_letter`.
    """
    desk = f"{settings.public_url}/staff"
    values = {"headline": headline, "today_url": f"{desk}/", "news_url": f"{desk}/news"}
    body = [
        "Good morning,",
        "this needs you today, the oldest promise first:",
        _listed(lines, values),
        *_rest(settings, more, values),
        "All of it, and what has come in since, is on the page [Today]({today_url}).",
        "When you want this mail, you choose on the page [What you are told]({news_url}).",
    ]
    return _letter(settings, "Today: {headline}", "{name_1}, {about_1}", body, values, reason)


def _listed(lines: Sequence[Line], values: dict[str, str]) -> str:
    """Return the list in Markdown; what anybody typed goes into `values`, which are put in as text."""
    listed = []
    for number, line in enumerate(lines, start=1):
        values[f"name_{number}"] = one_line(line.name, _WORDS) or "Nobody named"
        values[f"about_{number}"] = one_line(line.about, _WORDS) or "without words"
        values[f"due_{number}"] = line.due
        values[f"line_{number}_url"] = line.url
        due = "was due by" if line.over else "due by"
        listed.append(f"- [{{name_{number}}}]({{line_{number}_url}}): {{about_{number}}}, {due} {{due_{number}}}")
    return "\n".join(listed)


def _rest(settings: Settings, more: int, values: dict[str, str]) -> list[str]:
    if not more:
        return []
    values |= {"more": str(more), "today_url": f"{settings.public_url}/staff/"}
    return ["And {more} more on the page [Today]({today_url})."]


def _letter(
    settings: Settings, subject: str, preheader: str, body: Sequence[str], values: dict[str, str], reason: str
) -> Letter:
    frame = Frame(settings.institute_name, settings.institute_email, settings.postal_address, reason=f"{reason} {ONLY}")
    return render(LetterSource(subject, preheader, "\n\n".join(body) + "\n"), values, frame)

"""A letter that a staff member writes to one person: their words, their name, and what it answers."""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line, visible
from tpminstitute.mail.letters import SIZE_LIMIT, SUBJECT_LIMIT, Letter, environment, weight

LONGEST = 30_000
"""Characters of a reply."""

WITHOUT_SUBJECT = "Your message"
"""The subject of a reply that has none of its own."""

_QUOTED = 5_000
_PREHEADER_LIMIT = 140
_OWN_LINE = "-- \nWhat we hold about you: "
"""What stands at the foot of the text, before a link."""

_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


class ReplyError(Refusal):
    """A reply can't be sent as it is; the sentence says why."""


@dataclass(frozen=True)
class Quoted:
    """What a reply answers: who wrote it and when, as a sentence such as ``On 3 Nov 2026, Ada wrote:``."""

    introduction: str
    text: str


def render_personal(subject: str, text: str, signature: str, own_url: str, quoted: Quoted | None = None) -> Letter:
    """Make the letter that carries `text` as it was typed, signed, with what it answers below.

    Parameters: `own_url`, where the reader sees what is held about them.
    Characters that hide or reorder others are written out. Raises `ReplyError` for an empty or far too long text.
    """
    words = visible(text).strip()
    if not words:
        raise ReplyError("Write something first: the reply is empty.")
    if len(words) > LONGEST:
        raise ReplyError(f"Shorten the reply to {LONGEST} characters: it has {len(words)}. Nothing was sent.")
    subject = one_line(subject, SUBJECT_LIMIT) or WITHOUT_SUBJECT
    values = {
        "subject": subject,
        "preheader": one_line(words, _PREHEADER_LIMIT),
        "signature": visible(signature),
        "introduction": quoted.introduction if quoted else "",
        "own_url": own_url,
        "own_line": f"{_OWN_LINE}{own_url}\n",
    }
    earlier = visible(quoted.text)[:_QUOTED] if quoted else ""
    text_form, html_form = _forms(values, words, earlier)
    if weight(text_form, html_form) > SIZE_LIMIT:
        text_form, html_form = _forms(values, words, "")
    return Letter(subject, values["preheader"], text_form, html_form)


def answer_in(text: str) -> str:
    """Return what was newly written in the text of a letter that `render_personal` made: without what it quotes."""
    text = text.replace("\r\n", "\n")
    written, line, _ = text.rpartition(_OWN_LINE)
    lines = (written if line else text).rstrip().splitlines()
    whole = len(lines)
    while lines and lines[-1].startswith(">"):
        lines.pop()
    if len(lines) < whole and lines:
        lines.pop()  # who wrote what is quoted, and when
    return "\n".join(lines).strip()


def _forms(values: dict[str, str], words: str, earlier: str) -> tuple[str, str]:
    quoted = "\n".join(f"> {line}".rstrip() for line in earlier.splitlines())
    text = environment().get_template("personal.txt").render(**values, body=words, quoted=quoted)
    html = environment().get_template("personal.html").render(**values, body=_linked(words), quoted=earlier)
    return text, html


def _linked(text: str) -> Markup:
    """Return `text` as HTML, its web addresses as links."""
    parts, at = [], 0
    for found in _LINK.finditer(text):
        parts.append(escape(text[at : found.start()]))
        parts.append(Markup('<a href="{0}" style="color:#0f5c4d">{0}</a>').format(found[0]))
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])

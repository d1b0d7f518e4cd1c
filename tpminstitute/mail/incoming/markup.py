"""HTML turned into the text that people read, with what its own markup says about quotes and signatures.

One pass from left to right that looks at no character more than a few times; the standard library's parser takes
quadratic time on some broken markup.
"""

import html as entities
import re
from dataclasses import dataclass
from enum import StrEnum

from tpminstitute.mail.incoming.encodings import storable

HTML_LIMIT = 1_000_000
_DEPTH_LIMIT = 100
_SHOWN_DEPTH = 10
_LINK_LIMIT = 500
_CITE = "cite"
_HIDDEN = "hidden"


class Mark(StrEnum):
    """What a mail program's markup says about a line."""

    QUOTED = "quoted"
    DIVIDER = "divider"
    SIGNATURE = "signature"


_BLOCKS = frozenset(
    ("address", "article", "aside", "center", "dd", "div", "dl", "dt", "fieldset", "footer", "form", "header", "main",
     "nav", "section", "table", "tbody", "thead", "tr", "blockquote", "body", "html")
)  # fmt: skip
_SPACED = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "ul"))
_RAW = frozenset(("script", "style", "title", "template", "noscript", "object", "select", "iframe", "svg", "textarea"))
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))
_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
_TAG_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_ATTRIBUTE = re.compile(r"\b(alt|href)\s*=\s*(?:\"([^\"]{0,2000})|'([^']{0,2000})|([^\s\"'>]{1,2000}))", re.I)
_HIDES = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|\bmax-height\s*:\s*0|font-size\s*:\s*0(?![.\d])"
    r"|\bopacity\s*:\s*0(?![.\d])|\shidden(?=[\s=]|$)",
    re.I,
)
_INDENTED_ONLY = re.compile(r"border\s*:\s*none", re.I)
_CITED = re.compile(r"\bcite\b|gmail_quote", re.I)
_QUOTED = re.compile(
    r"\b(gmail_attr|moz-cite-prefix|yahoo_quoted|protonmail_quote|zmail_extra|tutanota_quote|OutlookMessageHeader"
    r"|moz-email-headers-table)\b|\bname=\"?quote\b",
    re.I,
)
_DIVIDER = re.compile(
    r"(divRplyFwdMsg|appendonsend|mail-editor-reference-message-container|ms-outlook-mobile-reference-message)\b"
    r"|border-top:\s*solid\s*#(?:E1E1E1|B5C4DF)",
    re.I,
)
_SIGNATURE = re.compile(
    r"\b(gmail_signature|moz-signature|ms-outlook-mobile-signature|AppleMailSignature\w*"
    r"|protonmail_signature_block)\b"
    r"|\bid=\"?(?:x_)?Signature\b",
    re.I,
)
_WHITE = re.compile(r"[ \t\r\n\f\xa0]+")
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
_JOINERS = re.compile(r"(?:[\u034f\u200c\u200d\xad][ \xa0]*){3,}")


@dataclass
class _Element:
    """An element that stands open and means something, and how many of its name stand open inside it."""

    name: str
    meaning: Mark | str
    nested: int = 0


class _Reading:
    """The text so far, and the elements that stand open and mean something."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.marks: dict[int, Mark] = {}
        self.pieces: list[str] = []
        self.blank_before = False
        self.open: list[_Element] = []
        self.link: tuple[str, int] | None = None
        self.in_pre = 0
        self.tight = False
        self.spacer = False

    def end_line(self, blank: bool = False) -> None:
        """End the line, and leave one empty where a paragraph ends."""
        text = "".join(self.pieces) if self.in_pre else "".join(self.pieces).strip(" ")
        if text.strip():
            self.put(text)
        elif self.spacer:
            blank = True
        self.pieces, self.spacer = [], False
        self.blank_before = self.blank_before or (blank and bool(self.lines))

    @property
    def in_line(self) -> bool:
        """Whether the line says something."""
        return any(piece != " " for piece in self.pieces)

    def put(self, text: str) -> None:
        depth = min(sum(element.meaning == _CITE for element in self.open), _SHOWN_DEPTH)
        prefix = "> " * depth
        if self.blank_before:
            self.add(prefix.rstrip())
            self.blank_before = False
        self.add(prefix + text)

    def add(self, text: str) -> None:
        for element in self.open:
            if isinstance(element.meaning, Mark):
                self.marks[len(self.lines)] = element.meaning
        self.lines.append(text)


def readable(html: str) -> tuple[list[str], dict[int, Mark]]:
    """Return the lines of `html` as people read it, of its first million characters, and the marks of some lines.

    Quotations get "> " before each line. Scripts, styles, comments and hidden text are left out; a link whose
    address isn't its text is followed by the address in angle brackets.
    """
    html = html[:HTML_LIMIT]
    reading = _read(html, leave_hidden_out=True) or _read(html, leave_hidden_out=False)
    assert reading is not None
    return reading.lines, reading.marks


def _read(html: str, *, leave_hidden_out: bool) -> _Reading | None:
    """Return what was read, or None where a hidden element is never closed, and so might have hidden the mail."""
    reading = _Reading()
    at, never_closed = 0, set[str]()
    while at < len(html):
        begun = _MARKUP.search(html, at)
        opens = begun.start() if begun else -1
        if opens != at and not _is_hidden(reading):
            _text(reading, html[at : opens if opens >= 0 else len(html)])
        if opens < 0:
            break
        at = _after_tag(reading, html, opens, never_closed, leave_hidden_out)
    reading.end_line()
    return None if _is_hidden(reading) else reading


def _after_tag(reading: _Reading, html: str, opens: int, never_closed: set[str], leave_hidden_out: bool) -> int:
    """Do what the tag or comment at `opens` says; return where the text goes on."""
    if html.startswith("<!--", opens):
        ends = -1 if "--" in never_closed else html.find("-->", opens + 4)
        if ends < 0:
            never_closed.add("--")
            return opens + 4
        return ends + 3
    closes = -1 if ">" in never_closed else html.find(">", opens)
    if closes < 0:
        never_closed.add(">")
        if not _is_hidden(reading):
            reading.pieces.append("<")
        return opens + 1
    named = _TAG_NAME.match(html, opens + 1)
    if named is None:
        return closes + 1
    tag, name = html[opens + 1 : closes], named[1].lower()
    if tag.startswith("/"):
        _close(reading, name)
        return closes + 1
    if name in _RAW and name not in never_closed and not tag.endswith("/"):
        end = re.compile(f"</{name}[^>]*>?", re.I).search(html, closes)
        if end:
            return end.end()
        never_closed.add(name)
    _open(reading, name, tag, leave_hidden_out)
    return closes + 1


def _is_hidden(reading: _Reading) -> bool:
    return bool(reading.open) and reading.open[-1].meaning == _HIDDEN


def _text(reading: _Reading, text: str) -> None:
    if "&" in text:
        text = storable(entities.unescape(_LONG_REFERENCE.sub("\ufffd", text)))
    text = _JOINERS.sub("", text)
    if reading.in_pre:
        *whole, last = text.split("\n")
        for line in whole:
            reading.put("".join([*reading.pieces, line]))
            reading.pieces = []
        reading.pieces.append(last)
        return
    reading.spacer = reading.spacer or "\xa0" in text
    text = _WHITE.sub(" ", text)
    if not reading.pieces or reading.pieces[-1].endswith(" "):
        text = text.lstrip(" ")
    if text:
        reading.pieces.append(text)


def _open(reading: _Reading, name: str, tag: str, leave_hidden_out: bool) -> None:
    if _is_hidden(reading):
        if reading.open[-1].name == name:
            reading.open[-1].nested += 1
        return
    if name == "br":
        _line_break(reading)
    elif name == "hr":
        reading.end_line(blank=True)
    elif name == "li":
        reading.end_line()
        reading.pieces = ["- "]
    elif name in ("td", "th"):
        _text(reading, " ")
    elif name == "img":
        shown = _attribute(tag, "alt")
        if 0 < len(shown) <= 4:
            reading.pieces.append(shown)
    elif name in _BLOCKS or name in _SPACED:
        reading.tight = name == "p" and "MsoNormal" in tag
        reading.end_line(blank=name in _SPACED and not reading.tight)
        reading.in_pre += name == "pre"
    elif name == "a" and reading.link is None:
        reading.link = (_attribute(tag, "href"), len(reading.pieces))
    what = _meaning(name, tag, leave_hidden_out)
    if what and name not in _VOID and len(reading.open) < _DEPTH_LIMIT and not tag.endswith("/"):
        reading.open.append(_Element(name, what))
    elif reading.open and reading.open[-1].name == name:
        reading.open[-1].nested += 1
    if what is Mark.DIVIDER:
        reading.marks.setdefault(len(reading.lines), Mark.DIVIDER)


def _line_break(reading: _Reading) -> None:
    if reading.in_line:
        reading.end_line()
    else:
        reading.blank_before = bool(reading.lines)


def _meaning(name: str, tag: str, leave_hidden_out: bool) -> Mark | str | None:
    if name == "blockquote":
        return None if _INDENTED_ONLY.search(tag) and not _CITED.search(tag) else _CITE
    if "=" not in tag:
        return None
    if leave_hidden_out and name not in ("html", "body", "a") and _HIDES.search(tag):
        return _HIDDEN
    if _DIVIDER.search(tag):
        return Mark.DIVIDER
    if _QUOTED.search(tag):
        return Mark.QUOTED
    return Mark.SIGNATURE if _SIGNATURE.search(tag) else None


def _close(reading: _Reading, name: str) -> None:
    hidden = _is_hidden(reading)
    if not hidden:
        if name == "a":
            _end_link(reading)
        elif name in _BLOCKS or name in _SPACED or name == "li":
            reading.end_line(blank=name in _SPACED and not (name == "p" and (reading.tight or not reading.in_line)))
            reading.in_pre -= name == "pre" and reading.in_pre > 0
    for back, element in enumerate(reversed(reading.open)):
        if element.name == name:
            if element.nested:
                element.nested -= 1
            else:
                del reading.open[len(reading.open) - back - 1 :]
            return
        if hidden:
            return


def _end_link(reading: _Reading) -> None:
    if reading.link is None:
        return
    (address, start), reading.link = reading.link, None
    label = "".join(reading.pieces[start:]).strip()
    bare = address.partition(":")[2] if address.lower().startswith(("mailto:", "tel:")) else address
    known = address.lower().startswith(("http://", "https://", "mailto:", "tel:"))
    if known and label and bare.strip("/") not in label.strip("/") and label not in bare:
        reading.pieces[-1] = reading.pieces[-1].rstrip()
        reading.pieces.append(f" <{address[:_LINK_LIMIT]}>")


def _attribute(tag: str, name: str) -> str:
    for found in _ATTRIBUTE.finditer(tag[:8_000]):
        if found[1].lower() == name:
            value = found[2] or found[3] or found[4] or ""
            return storable(entities.unescape(_LONG_REFERENCE.sub("", value))).strip()
    return ""

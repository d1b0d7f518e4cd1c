"""The text of a mail as people read it: which part says it, in what words, and where its markup sees quotes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tpminstitute.mail.incoming.encodings import is_known, read_octets, storable
from tpminstitute.mail.incoming.markup import HTML_LIMIT, Mark, readable
from tpminstitute.mail.incoming.structure import Part, Structure

TEXT_LIMIT = 500_000
"""Characters of a text that are read; a mail that says more than a long book is read as far as this."""

_OCTETS_LIMIT = 4_000_000
_LINES_LIMIT = 20_000
_SAYS_NOTHING = re.compile(
    r"\W*(?:(?:please )?(?:use|your|this|the|to) .{0,60}(?:does not support|doesn't support|html"
    r"|view(?:er)?)\b.{0,160}"
    r"|this is a multi-?part message in mime format\.?)\W*",
    re.I | re.S,
)


@dataclass
class Body:
    """The lines of a text, and what HTML's markup says about some of them by their number."""

    lines: list[str] = field(default_factory=list)
    marks: dict[int, Mark] = field(default_factory=dict)
    plain: bool = True

    @property
    def says_something(self) -> bool:
        """Whether a person finds words in it."""
        return any(line and not line.isspace() for line in self.lines)

    def add(self, other: "Body") -> None:
        """Put `other` below."""
        if not other.says_something:
            return
        if self.says_something:
            self.lines.append("")
        start = len(self.lines)
        self.lines += other.lines
        self.marks.update({start + number: mark for number, mark in other.marks.items()})
        self.plain = self.plain and other.plain


def is_text(part: Part) -> bool:
    """Return whether `part` is text to be read here, and no file."""
    return part.media_type in ("text/plain", "text/html") and part.disposition != "attachment" and not part.filename


def text_parts(structure: Structure) -> list[Part]:
    """Return the parts that are the text; where all texts have file names, the first that isn't called a file."""
    found = [part for part in structure.leaves if is_text(part)]
    if found:
        return found
    named = (part for part in structure.leaves if part.media_type in ("text/plain", "text/html"))
    unreadable = structure.leaves == [structure.root] and structure.root.media_type.startswith("multipart/")
    return [part for part in named if part.disposition != "attachment"][:1] or [structure.root] * unreadable


def read_body(structure: Structure, parts: list[Part], problems: list[str]) -> tuple[Body, str]:
    """Return the text that `parts` say, and the mail's own HTML, or ''; add what was broken to `problems`."""
    chosen = {id(part) for part in parts}
    texts: dict[int, str] = {id(part): _text(part, problems) for part in parts}
    body = _body(structure.root, chosen, texts)
    if len(body.lines) > _LINES_LIMIT or sum(map(len, body.lines)) > TEXT_LIMIT:
        problems.append("The text is longer than can be shown here; its end was left in the mail.")
        body.lines = list(_cut(body.lines))
    html = "\n".join(texts[id(part)] for part in parts if part.media_type == "text/html")
    return body, html


def _cut(lines: list[str]) -> Iterator[str]:
    left = TEXT_LIMIT
    for line in lines[:_LINES_LIMIT]:
        if left <= 0:
            return
        yield line[:left]
        left -= len(line) + 1


def _body(part: Part, chosen: set[int], texts: dict[int, str]) -> Body:
    """Return the text of a part; as deep as `read_structure` lets parts nest, and no deeper."""
    if id(part) in chosen:
        return _from_html(texts[id(part)]) if part.media_type == "text/html" else _from_plain(part, texts[id(part)])
    if part.media_type == "multipart/alternative":
        return _best([_body(child, chosen, texts) for child in _worthwhile(part, chosen, texts)])
    whole = Body()
    for child in part.children:
        whole.add(_body(child, chosen, texts))
    return whole


def _worthwhile(part: Part, chosen: set[int], texts: dict[int, str]) -> Iterator[Part]:
    """Return the alternatives, without the HTML where a plain one says it all, since reading HTML takes longest."""
    plain = [child for child in part.children if id(child) in chosen and child.media_type == "text/plain"]
    enough = any(texts[id(child)].strip() and not _SAYS_NOTHING.fullmatch(texts[id(child)][:400]) for child in plain)
    return iter(plain if enough else part.children)


def _best(bodies: list[Body]) -> Body:
    speaking = [body for body in bodies if body.says_something]
    full = [body for body in speaking if not _SAYS_NOTHING.fullmatch("\n".join(body.lines)[:400])]
    return next(iter([body for body in full if body.plain] or full or speaking), Body())


def _text(part: Part, problems: list[str]) -> str:
    octets, whole = part.octets(_OCTETS_LIMIT)
    if not whole:
        problems.append("A part of the text is broken or too long; it was read as far as it goes.")
    charset = part.type_values.get("charset", "")
    if charset and not is_known(charset):
        problems.append("The text is in a character set that nobody here knows; it was read as well as could be.")
    text = storable(read_octets(octets, charset))
    if "\ufffd" in text:
        problems.append("Some characters of the text couldn't be read and are shown as �.")
    return text[: HTML_LIMIT if part.media_type == "text/html" else None]


def _from_html(text: str) -> Body:
    lines, marks = readable(text)
    return Body(lines, marks, plain=False)


def _from_plain(part: Part, text: str) -> Body:
    lines = text.split("\n")
    if part.type_values.get("format", "").lower() == "flowed":
        lines = _unflowed(lines, part.type_values.get("delsp", "").lower() == "yes")
    return Body([line if line == "-- " else line.rstrip() for line in lines])


def _unflowed(lines: list[str], delete_space: bool) -> list[str]:
    """Return the paragraphs that were broken into `lines` on the way (RFC 3676)."""
    whole: list[str] = []
    pieces: list[str] = []
    flowing = -1
    for line in lines:
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        if flowing == depth and bare.rstrip("\r") != "-- ":
            pieces.append(bare)
        else:
            whole += ["".join(pieces)] if pieces else []
            pieces = [(">" * depth + " " if depth else "") + bare]
        ends_soft = bare.endswith(" ") and bare != "-- "
        if ends_soft and delete_space:
            pieces[-1] = pieces[-1][:-1]
        flowing = depth if ends_soft else -1
    return whole + (["".join(pieces)] if pieces else [])

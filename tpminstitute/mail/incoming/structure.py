"""The parts of a MIME mail (RFC 2045, 2046), found without recursion and within limits.

The standard library's parser is several times slower, recurses as deep as a mail nests, and builds every part of ten
thousand; this one keeps places in the mail's own bytes.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property

from tpminstitute.mail.incoming.encodings import decoded
from tpminstitute.mail.incoming.headers import Headers, parameters, split_header

_DEPTH_LIMIT = 40
_PARTS_LIMIT = 1_000
_MARKS_LIMIT = 50_000
_GUESSED_BOUNDARY = re.compile(rb"(?:\A|\n)--([A-Za-z0-9'()+_,./:=?-]{1,70})[ \t]*\r?\n")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")


@dataclass
class Part:
    """One part of a mail: its header, and the place of its body in the mail's bytes."""

    headers: Headers
    content: bytes
    start: int
    end: int
    default_type: str = "text/plain"
    children: list["Part"] = field(default_factory=list)

    @cached_property
    def _content_type(self) -> tuple[str, dict[str, str]]:
        named, values = parameters(self.headers.get("content-type"))
        return named if _MEDIA_TYPE.fullmatch(named) else self.default_type, values

    @cached_property
    def _content_disposition(self) -> tuple[str, dict[str, str]]:
        return parameters(self.headers.get("content-disposition"))

    @property
    def media_type(self) -> str:
        """What the mail says it is, in lower case, without parameters."""
        return self._content_type[0]

    @property
    def type_values(self) -> dict[str, str]:
        """The parameters of Content-Type."""
        return self._content_type[1]

    @property
    def disposition(self) -> str:
        """`attachment`, `inline` or ''."""
        return self._content_disposition[0]

    @property
    def filename(self) -> str:
        """The name of the file as the mail gives it, unsafe, or ''."""
        return self._content_disposition[1].get("filename") or self.type_values.get("name", "")

    @property
    def encoding(self) -> str:
        """The transfer encoding, in lower case."""
        return self.headers.get("content-transfer-encoding").partition(";")[0].strip(" \t\"'").lower()[:40]

    @property
    def body(self) -> bytes:
        """The body as it stands in the mail."""
        return self.content[self.start : self.end]

    def octets(self, limit: int) -> tuple[bytes, bool]:
        """Return the body without its transfer encoding, of at most `limit` encoded octets, and whether it is whole."""
        stop = min(self.end, self.start + limit)
        octets, whole = decoded(self.content[self.start : stop], self.encoding)
        return octets, whole and stop == self.end


@dataclass
class Structure:
    """A mail in parts: the whole, the parts that hold no others in their order, and what was wrong."""

    root: Part
    leaves: list[Part]
    problems: list[str]


def read_structure(content: bytes) -> Structure:
    """Return the parts of a mail: at most 1,000 of them, 40 deep; `problems` says what is beyond that."""
    if b"\n" not in content[:100_000]:
        content = content.replace(b"\r", b"\n")
    headers, body = split_header(content, 0, len(content))
    root = Part(headers, content, body, len(content))
    problems: dict[str, None] = {}
    if headers.cut:
        problems["The header is longer than any honest one; its end was left out."] = None
    leaves: list[Part] = []
    waiting, parts = [(root, 0)], 1
    while waiting:
        part, depth = waiting.pop()
        if not part.media_type.startswith("multipart/"):
            leaves.append(part)
            continue
        if depth >= _DEPTH_LIMIT:
            problems[f"Parts nested more than {_DEPTH_LIMIT} deep were left as they are."] = None
            leaves.append(part)
            continue
        part.children, complaint = _children(part, _PARTS_LIMIT - parts)
        parts += len(part.children)
        if complaint:
            problems[complaint] = None
        if not part.children:
            leaves.append(part)
        waiting.extend((child, depth + 1) for child in reversed(part.children))
    return Structure(root, leaves, list(problems))


def _children(part: Part, limit: int) -> tuple[list[Part], str]:
    complaint = ""
    places, closed, more = _delimiters(part, part.type_values.get("boundary", "").encode("utf-8", "replace"), limit)
    if not places:
        guess = _GUESSED_BOUNDARY.search(part.content, part.start, part.end)
        places, closed, more = _delimiters(part, guess[1] if guess else b"", limit)
        complaint = "The parts of the mail aren't separated as it says; they were told apart as well as could be."
    elif not closed and not more:
        complaint = "The mail ends in the middle of a part."
    if more:
        complaint = f"The mail has more than {_PARTS_LIMIT:,} parts; the others were left in it."
    kind = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
    children = []
    for start, end in places:
        headers, body = split_header(part.content, start, end)
        children.append(Part(headers, part.content, min(body, end), end, kind))
    return children, complaint


def _delimiters(part: Part, boundary: bytes, limit: int) -> tuple[list[tuple[int, int]], bool, bool]:
    """Return the places between the lines of `boundary`, whether the last of these closed, and whether more follow."""
    boundary = boundary.rstrip()
    if not boundary or limit <= 0:
        return [], False, limit <= 0
    content, mark = part.content, b"\n--" + boundary
    places: list[tuple[int, int]] = []
    at = part.start - 1 if content.startswith(mark[1:], part.start) else content.find(mark, part.start, part.end)
    opened, seen = -1, 0
    while at >= part.start - 1 and seen < _MARKS_LIMIT:
        newline = content.find(b"\n", at + len(mark), part.end)
        line_end = part.end if newline < 0 else newline
        rest = content[at + len(mark) : min(line_end, at + len(mark) + 200)].strip()
        if rest in (b"", b"--"):
            if opened >= 0:
                places.append((opened, max(at - (content[at - 1 : at] == b"\r"), opened)))
            if rest or len(places) >= limit:
                return places, bool(rest), not rest
            opened = min(line_end + 1, part.end)
        seen += 1
        found = content.find(mark, line_end, part.end)
        at = found if found >= 0 else part.start - 2
    if opened >= 0:
        places.append((opened, part.end))
    return places, False, False

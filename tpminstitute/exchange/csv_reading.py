"""Reading CSV as it comes: any delimiter, rows of any length, quotation marks that don't fit.

A quotation mark that opens and never closes would swallow the rest of the file. So a row that can't be whole is given
up at its first line, with a fault that names it, and reading goes on with the next line.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tpminstitute.core.errors import Refusal
from tpminstitute.core.sheets import plain_cell
from tpminstitute.exchange.encodings import UNREADABLE
from tpminstitute.exchange.records import Place, Record

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

MOST_COLUMNS = 2000

LONGEST_ROW = 1_000_000
"""Characters; a longer one has a quotation mark that isn't closed."""

MOST_LINES = 2000
"""Lines of one row; more of them mean the same."""

_TRIED = 50
"""Rows that are looked at to find the delimiter."""

OPEN = "A quotation mark opens in this line and isn't closed, so the row can't be read."
ODD = "A cell in quotation marks holds others that aren't doubled: look whether it was read right."
WRONG_LETTERS = "Some letters can't be read in the chosen character set; each stands as �."

csv.field_size_limit(LONGEST_ROW)


@dataclass(frozen=True)
class Shape:
    """How a CSV file is laid out; `width` is how many columns its heading has."""

    delimiter: str
    has_heading: bool
    width: int
    begins: Place
    """Where its first row is, the heading if there is one."""


class _Lines:
    """The lines of a plain file with the bytes they take; those that were read too far can be put back."""

    def __init__(self, file: BinaryIO, start: Place) -> None:
        file.seek(start.offset)
        self._file, self._back = file, list[bytes]()
        self.place = start

    def next(self) -> str | None:
        raw = self._back.pop() if self._back else self._file.readline()
        if not raw:
            return None
        self.place = Place(self.place.offset + len(raw), self.place.line + 1)
        return raw.decode()

    def put_back(self, lines: list[str]) -> None:
        for line in reversed(lines):
            raw = line.encode()
            self._back.append(raw)
            self.place = Place(self.place.offset - len(raw), self.place.line - 1)


def find_shape(plain: bytes, chosen: str | None = None) -> Shape:
    """Return how a CSV file is laid out, from its first lines, with a delimiter that was `chosen` if one was.

    Raises `Refusal` for one with too many columns.
    """
    begins, told = _told_delimiter(plain)
    delimiter = chosen or told or max(DELIMITERS, key=lambda sign: _fits(plain, begins, sign))
    first = next(rows(io.BytesIO(plain), Shape(delimiter, False, 0, begins), begins), None)
    cells = first.cells if first else ()
    if len(cells) > MOST_COLUMNS:
        raise Refusal(
            f"The file has {len(cells):,} columns, and {MOST_COLUMNS:,} are the most that can be read. "
            "Nothing was taken in. Take out the columns you don't need and bring it again."
        )
    return Shape(delimiter, _is_heading(cells), len(cells), begins)


def rows(file: BinaryIO, shape: Shape, start: Place) -> Iterator[Record]:
    """Yield the rows of a plain file from `start` on, empty ones left out; each is padded to the shape's width."""
    lines = _Lines(file, start)
    while True:
        line = lines.place.line
        text = lines.next()
        if text is None:
            return
        cells, doubt = _row(text, lines, shape.delimiter)
        if cells is None:
            yield Record(line, (text.rstrip("\n"),), lines.place, fault=OPEN)
        elif any(not cell.isspace() for cell in cells if cell):
            yield _record(line, [plain_cell(cell) for cell in cells], lines.place, shape.width, doubt)


def _record(line: int, cells: list[str], after: Place, width: int, doubt: str) -> Record:
    extra = [cell for cell in cells[width:] if cell.strip()] if width else []
    if extra:
        fault = f"The row has {len(cells)} cells where the heading has {width}, so they may stand in the wrong columns."
        return Record(line, tuple(cells), after, fault=fault)
    if any(UNREADABLE in cell for cell in cells):
        doubt = f"{doubt} {WRONG_LETTERS}".strip()
    padded = (*cells, *("" for _ in range(width - len(cells))))
    return Record(line, padded[: width or None], after, remark=doubt)


def _row(text: str, lines: _Lines, delimiter: str) -> tuple[list[str] | None, str]:
    """Return the cells of the row that begins with `text`, and what is doubtful about them; None when it has no end."""
    if '"' not in text:
        return text.rstrip("\n").split(delimiter), ""
    more: list[str] = []
    size = len(text)
    while True:
        found = _parsed([text, *more], delimiter) if not more or '"' in more[-1] else _OPEN
        if isinstance(found, list):
            return found, ""
        following = None if found is _MALFORMED or len(more) >= MOST_LINES or size > LONGEST_ROW else lines.next()
        if following is None:
            lines.put_back(more)
            return _leniently(text, delimiter)
        more.append(following)
        size += len(following)


_OPEN, _MALFORMED = object(), object()


def _parsed(lines: list[str], delimiter: str) -> list[str] | object:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
    except csv.Error as error:
        return _OPEN if "unexpected end" in str(error) else _MALFORMED
    return cells if reader.line_num == len(lines) else _MALFORMED


def _leniently(text: str, delimiter: str) -> tuple[list[str] | None, str]:
    """Read one line whose quotation marks don't fit, if its last cell at least has an end."""
    try:
        cells = next(csv.reader([text.rstrip("\n") + "\n"], delimiter=delimiter))
    except csv.Error:
        return None, ""
    if cells[-1].endswith("\n"):  # the last quotation mark is still open
        return None, ""
    return cells, ODD


def _told_delimiter(plain: bytes) -> tuple[Place, str]:
    """Return where the rows begin and the delimiter that a first line such as ``sep=;`` tells, as Excel writes it."""
    first, end, _ = plain.partition(b"\n")
    if end and first.lower().startswith(b"sep=") and len(first) == len(b"sep=;"):
        sign = first[-1:].decode("ascii", "replace")
        if sign in DELIMITERS:
            return Place(len(first) + 1, 2), sign
    return Place(), ""


def _fits(plain: bytes, begins: Place, sign: str) -> tuple[float, int]:
    """Return how well a delimiter fits: how many rows have as many cells as most have, and how many cells that is."""
    widths: Counter[int] = Counter()
    for record in rows(io.BytesIO(plain), Shape(sign, False, 0, begins), begins):
        if not record.fault:
            widths[len(record.cells)] += 1
        if widths.total() >= _TRIED:
            break
    if not widths:
        return 0.0, 0
    width, times = widths.most_common(1)[0]
    return (times / widths.total() if width > 1 else 0.0), width


def _is_heading(cells: tuple[str, ...]) -> bool:
    """Whether a first row names columns: none of its cells is an address, a number or a date."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and not any("@" in cell or not any(c.isalpha() for c in cell) for cell in filled)

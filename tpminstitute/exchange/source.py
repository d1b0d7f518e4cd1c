"""A file that somebody brings: what it is, how it is laid out, and its rows."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from tpminstitute.core.errors import Refusal
from tpminstitute.exchange import card_reading, csv_reading, json_reading
from tpminstitute.exchange.csv_reading import DELIMITERS, Shape
from tpminstitute.exchange.encodings import LETTERS, find_encoding, sample, write_plain
from tpminstitute.exchange.fields import Field
from tpminstitute.exchange.guesses import guess, guess_by_values
from tpminstitute.exchange.records import Place, Record


class FileKind(StrEnum):
    """What a file is."""

    CSV = "csv"
    VCARD = "vcard"
    JSON = "json"


KIND_NAMES = {FileKind.CSV: "CSV", FileKind.VCARD: "vCard", FileKind.JSON: "JSON"}

SHOWN = 50
"""Rows that are read for the page on which the columns get their meaning."""

_NONE_OF_OURS = (
    (b"PK\x03\x04", "This is a workbook (.xlsx, .ods) or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook (.xls)"),
    (b"\x1f\x8b", "This is a packed file (gzip)"),
    (b"%PDF", "This is a PDF"),
    (b"\x89PNG", "This is a picture"),
    (b"\xff\xd8\xff", "This is a picture"),
    (b"SQLite format 3", "This is a database"),
    (b"{\\rtf", "This is a text document (RTF)"),
)
_SAVE_AS = "Open it in your spreadsheet program, save it as “CSV UTF-8”, and bring that file. Nothing was taken in."


@dataclass(frozen=True)
class Layout:
    """How a file is read: its kind and letters, for CSV its delimiter and heading, and the columns it has."""

    kind: FileKind
    encoding: str
    delimiter: str
    has_heading: bool
    begins: Place
    headings: tuple[str, ...]
    samples: tuple[Record, ...] = ()

    @property
    def guesses(self) -> list[Field | None]:
        """What each column is probably for."""
        if self.has_heading:
            return guess(self.headings)
        rows = [record.cells for record in self.samples if not record.fault]
        return guess_by_values(rows, len(self.headings))


def recognise(path: Path) -> FileKind:
    """Return what a file is. Raises `Refusal`, which says what to do instead, for one that can't be read."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise Refusal("The file is empty. Nothing was taken in. Look whether the export that made it worked.")
    for beginning, what in _NONE_OF_OURS:
        if head.startswith(beginning):
            raise Refusal(f"{what}, and not a table as text. {_SAVE_AS}")
    text = sample(path, find_encoding(path), len(head)).decode().lstrip()
    if text[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise Refusal(f"This is a web page or XML, and not a table as text. {_SAVE_AS}")
    if sum(c < " " and c not in "\t\n\f" for c in text) > len(text) * 0.02:
        raise Refusal(f"This isn't a file of text. {_SAVE_AS}")
    if text.upper().startswith("BEGIN:VCARD"):
        return FileKind.VCARD
    return FileKind.JSON if text.startswith(("{", "[")) else FileKind.CSV


def lay_out(
    path: Path, kind: FileKind, encoding: str, delimiter: str | None = None, has_heading: bool | None = None
) -> Layout:
    """Return how a file is read, with its first rows.

    Parameters: `delimiter` and `has_heading` of a CSV file, found out by looking where they are None.
    Raises `Refusal` for a file without any row, one with too many columns, and letters or a delimiter that we don't
    know.
    """
    if encoding not in LETTERS or (delimiter is not None and delimiter not in DELIMITERS):
        raise Refusal("Choose the character set and the delimiter from the lists. Nothing was changed.")
    plain = sample(path, encoding)
    if kind is FileKind.JSON:
        plain = json_reading.objects_in(plain)
        headings = json_reading.columns(plain)
        layout = Layout(kind, encoding, "", True, Place(), tuple(headings))
    elif kind is FileKind.VCARD:
        layout = Layout(kind, encoding, "", True, Place(), tuple(card_reading.COLUMNS))
    else:
        layout = _of_csv(plain, encoding, delimiter, has_heading)
    samples = []
    for record in rows(io.BytesIO(plain), layout, layout.begins):
        samples.append(record)
        if len(samples) == SHOWN:
            break
    if not samples:
        raise Refusal("The file has no row but its heading. Nothing was taken in.")
    return replace(layout, samples=tuple(samples))


def _of_csv(plain: bytes, encoding: str, delimiter: str | None, has_heading: bool | None) -> Layout:
    shape = csv_reading.find_shape(plain, delimiter)
    with_heading = shape.has_heading if has_heading is None else has_heading
    first = next(csv_reading.rows(io.BytesIO(plain), replace(shape, width=0), shape.begins), None)
    if first is None:
        raise Refusal("The file has no row. Nothing was taken in. Look whether the export that made it worked.")
    named = first.cells if with_heading and not first.fault else ("",) * shape.width
    headings = tuple(cell.strip()[:200] or f"Column {number}" for number, cell in enumerate(named, 1))
    begins = first.after if with_heading else shape.begins
    return Layout(FileKind.CSV, encoding, shape.delimiter, with_heading, begins, headings)


def write_readable(path: Path, layout: Layout, target: Path) -> int:
    """Write the file anew so that `rows` can read it from any row on. Returns its size in bytes."""
    size = write_plain(path, layout.encoding, target)
    return json_reading.write_objects(target, target) if layout.kind is FileKind.JSON else size


def rows(readable: BinaryIO, layout: Layout, start: Place) -> Iterator[Record]:
    """Yield the rows of what `write_readable` wrote, from `start` on."""
    if layout.kind is FileKind.JSON:
        return json_reading.rows(readable, list(layout.headings), start)
    if layout.kind is FileKind.VCARD:
        return card_reading.rows(readable, start)
    width = len(layout.headings)
    return csv_reading.rows(readable, Shape(layout.delimiter, layout.has_heading, width, layout.begins), start)


def some_beyond_ascii(records: Sequence[Record], most: int) -> list[Record]:
    """Return the rows by which a person sees whether the letters are right: those with others than English ones."""
    telling = [record for record in records if not "".join(record.cells).isascii()]
    return [*telling, *(record for record in records if record not in telling)][:most]

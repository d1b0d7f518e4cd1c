"""Tables for spreadsheets: a cell that somebody else wrote is text and never a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula (OWASP, CSV injection)."""

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as the machine's own old character set."""


def inert_cell(text: str) -> str:
    """Return `text` as a cell that a spreadsheet shows and doesn't run: a leading apostrophe where needed.

    A text that begins with apostrophes and would need one gets another, so that `plain_cell` undoes exactly this.
    """
    return f"'{text}" if text.lstrip("'").startswith(DANGEROUS) else text


def plain_cell(cell: str) -> str:
    """Return the text that `inert_cell` made `cell` of; any other cell is itself."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(DANGEROUS) else cell


def csv_lines(heading: Sequence[str], rows: Iterable[Sequence[str]], *, marked: bool = True) -> Iterator[str]:
    """Yield a table line by line as CSV (RFC 4180), its cells inert; a million rows need no more memory than one.

    Parameters: `marked`, whether it begins with the byte order mark, which Excel needs and some programs stumble over.
    """
    yield (BYTE_ORDER_MARK if marked else "") + _line(heading)
    for row in rows:
        yield _line([inert_cell(cell) for cell in row])


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()

"""Tables for spreadsheets: a cell that somebody else wrote is text and never a formula."""

import re
from collections.abc import Iterable, Iterator, Sequence

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula (OWASP, CSV injection)."""

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as the machine's own old character set."""

_STARTS, _FORMULA = r"(?:\A|(?<=;))", rf"(?=['\"]*[{re.escape(''.join(DANGEROUS))}])"
"""Where a cell begins, or would begin in a spreadsheet that divides cells at semicolons, as Excel does in much of
Europe; the quotation marks before a formula go then."""

_RUN, _INERT = re.compile(_STARTS + _FORMULA), re.compile(f"{_STARTS}'{_FORMULA}")
_QUOTED = re.compile(r'[",;\t\r\n]')


def inert_cell(text: str) -> str:
    """Return `text` as a cell that a spreadsheet shows and doesn't run: an apostrophe where a formula would begin.

    Where there is one already another is put before it, so that `plain_cell` undoes exactly this.
    """
    return _RUN.sub("'", text)


def plain_cell(cell: str) -> str:
    """Return the text that `inert_cell` made `cell` of; any other cell is itself."""
    return _INERT.sub("", cell)


def csv_lines(heading: Sequence[str], rows: Iterable[Sequence[str]], *, marked: bool = True) -> Iterator[str]:
    """Yield a table line by line as CSV (RFC 4180), its cells inert; a million rows need no more memory than one.

    Parameters: `marked`, whether it begins with the byte order mark, which Excel needs and some programs stumble over.
    """
    yield (BYTE_ORDER_MARK if marked else "") + _line(heading)
    for row in rows:
        yield _line([inert_cell(cell) for cell in row])


def _line(cells: Sequence[str]) -> str:
    return ",".join(map(_quoted, cells)) + "\r\n"


def _quoted(cell: str) -> str:
    """Return a cell in quotation marks where any sign in it could divide cells or rows, whatever the spreadsheet."""
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell

"""What every reader of a file gives: its rows one by one, each with the line it stands on."""

import re
from dataclasses import dataclass

MANY = "\x01"
"""Before each value of a cell that holds several, as those of vCards and JSON do; no letter, and no white space."""

_ITEM = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?=[,;|]|$)|([^,;|]+)')


@dataclass(frozen=True)
class Place:
    """A place in a plain file from which it can be read on: bytes from its beginning, and the line (from one)."""

    offset: int = 0
    line: int = 1


@dataclass(frozen=True)
class Record:
    """One row of a file.

    `fault` says why the row can't be taken in, `remark` what of it was read with doubt; '' for neither. `after` is the
    place where the next one begins.
    """

    line: int
    cells: tuple[str, ...]
    after: Place
    fault: str = ""
    remark: str = ""


def many(values: list[str]) -> str:
    """Return a cell that holds several values."""
    return "".join(f"{MANY}{value}" for value in values)


def split_many(cell: str) -> list[str]:
    """Return the values of a cell that may hold several, between commas, semicolons or bars; one in quotation marks may
    hold such signs itself.
    """
    if cell.startswith(MANY):
        return [value.strip() for value in cell.split(MANY) if value.strip()]
    found = [(quoted.replace('""', '"') if quoted else bare).strip() for quoted, bare in _ITEM.findall(cell)]
    return [value for value in found if value]


def join_many(values: list[str]) -> str:
    """Return one cell of a sheet for several values, from which `split_many` gives the same again."""
    return ", ".join(f'"{v.replace(chr(34), chr(34) * 2)}"' if re.search(r'[,;|"]', v) else v for v in values)


def shown(cell: str) -> str:
    """Return a cell as people read it: several values with commas between them."""
    return cell.removeprefix(MANY).replace(MANY, ", ")

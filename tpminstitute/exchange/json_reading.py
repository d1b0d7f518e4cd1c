"""Reading JSON: a list of objects or an object a line, any size, without ever holding it whole."""

import json
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from tpminstitute.exchange.records import Place, Record, many

BROKEN = "!"
"""Begins a line of the plain file that is no object: its text follows."""

LONGEST_OBJECT = 1_000_000
"""Characters of one object."""

_CHUNK = 65_536
_BETWEEN = " \t\r\n,[]"

FAULT = "This isn't an object as JSON writes one ({…}), so it can't be read."
UNKNOWN = "It has a field that none of the first rows has, which wasn't read: {}."


def write_objects(plain: Path, target: Path) -> int:
    """Write a plain file of JSON anew with one object a line, and what is none after `BROKEN`. Returns its size."""
    unfinished = target.with_suffix(".part")
    with plain.open("r", encoding="utf-8", newline="\n") as text, unfinished.open("w", encoding="utf-8") as lines:
        for line in _objects(text):
            lines.write(f"{line}\n")
    unfinished.replace(target)
    return target.stat().st_size


def objects_in(plain: bytes) -> bytes:
    """Return the first lines of a file as `write_objects` writes them."""
    import io

    text = io.TextIOWrapper(io.BytesIO(plain), encoding="utf-8", newline="\n")
    return "".join(f"{line}\n" for line in _objects(text)).encode()


def columns(objects: bytes) -> list[str]:
    """Return the keys of the objects, in the order in which they first come."""
    found: dict[str, None] = {}
    for line in objects.splitlines():
        if not line.startswith(BROKEN.encode()):
            found |= dict.fromkeys(json.loads(line))
    return list(found)


def rows(file: BinaryIO, headings: list[str], start: Place) -> Iterator[Record]:
    """Yield the objects of a file that `write_objects` wrote, each with a cell for each of `headings`."""
    file.seek(start.offset)
    place, known = start, set(headings)
    for raw in file:
        line, place = place.line, Place(place.offset + len(raw), place.line + 1)
        text = raw.decode().rstrip("\n")
        if text.startswith(BROKEN):
            yield Record(line, (text.removeprefix(BROKEN),), place, fault=FAULT)
            continue
        found = json.loads(text)
        more = sorted(set(found) - known)
        remark = UNKNOWN.format(", ".join(f"“{key}”" for key in more)) if more else ""
        yield Record(line, tuple(_cell(found.get(name)) for name in headings), place, remark=remark)


def _objects(text: TextIOWrapper) -> Iterator[str]:
    decoder, waiting, ended = json.JSONDecoder(), "", False
    while True:
        waiting = waiting.lstrip(_BETWEEN)
        try:
            found, at = decoder.raw_decode(waiting) if waiting else (None, 0)
        except (ValueError, RecursionError):
            at = 0
        if at and isinstance(found, dict):
            yield json.dumps(found, ensure_ascii=False, separators=(",", ":"))
            waiting = waiting[at:]
        elif not ended and len(waiting) < LONGEST_OBJECT:
            more = text.read(_CHUNK)
            waiting, ended = waiting + more, not more
        elif waiting:
            line, _, waiting = waiting.partition("\n")
            yield f"{BROKEN}{line[:LONGEST_OBJECT]}"
        else:
            return


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return many([_cell(item) for item in value])
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

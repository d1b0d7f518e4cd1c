"""Writing contacts as CSV, JSON or vCards, piece by piece; each of them imports back without loss."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from tpminstitute.contacts import background
from tpminstitute.contacts.models import Background
from tpminstitute.core.sheets import csv_lines
from tpminstitute.exchange.card_reading import OWN
from tpminstitute.exchange.fields import LABELS, ONLY_SHOWN, Field
from tpminstitute.exchange.records import join_many
from tpminstitute.exchange.selection import Values
from tpminstitute.exchange.values import NOTE_LINE

_SEVERAL_LINES = re.compile(r"\r\n|\r|\n")
_LONGEST_LINE = 75
"""Bytes of a line of a vCard (RFC 6350, 3.2)."""


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    PLAIN_CSV = "csv_plain"
    JSON = "json"
    JSON_LINES = "jsonl"
    VCARD = "vcard"


FORMAT_LABELS = {
    Format.CSV: "CSV for a spreadsheet (UTF-8, opens in Excel as it is)",
    Format.PLAIN_CSV: "CSV for programs (UTF-8 without a byte order mark)",
    Format.JSON: "JSON, one list",
    Format.JSON_LINES: "JSON, one object a line",
    Format.VCARD: "vCard 4, for address books",
}

FILES = {
    Format.CSV: ("csv", "text/csv"),
    Format.PLAIN_CSV: ("csv", "text/csv"),
    Format.JSON: ("json", "application/json"),
    Format.JSON_LINES: ("jsonl", "application/jsonl"),
    Format.VCARD: ("vcf", "text/vcard"),
}
"""How a file of each format ends, and its media type."""


def write(form: Format, batches: Iterable[list[Values]], fields: Sequence[Field]) -> Iterator[str]:
    """Yield an export of contacts piece by piece."""
    if form in (Format.CSV, Format.PLAIN_CSV):
        return _csv(batches, fields, marked=form is Format.CSV)
    if form is Format.VCARD:
        return _cards(batches)
    return _json(batches, lines=form is Format.JSON_LINES)


def _csv(batches: Iterable[list[Values]], fields: Sequence[Field], *, marked: bool) -> Iterator[str]:
    lines = csv_lines(
        [LABELS[field] for field in fields],
        ([_cell(field, values[field]) for field in fields] for batch in batches for values in batch),
        marked=marked,
    )
    return _in_pieces(lines)


def _json(batches: Iterable[list[Values]], *, lines: bool) -> Iterator[str]:
    objects = (
        json.dumps({field.value: _plain(value) for field, value in values.items()}, ensure_ascii=False)
        for batch in batches
        for values in batch
    )
    if lines:
        return _in_pieces(f"{one}\n" for one in objects)
    return _in_pieces(_listed(objects))


def _listed(objects: Iterable[str]) -> Iterator[str]:
    before = "[\n"
    for one in objects:
        yield before + one
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _cards(batches: Iterable[list[Values]]) -> Iterator[str]:
    return _in_pieces(_card(values) for batch in batches for values in batch)


def _in_pieces(lines: Iterable[str]) -> Iterator[str]:
    """Yield some hundred lines at once: handing a server line by line costs more than making them."""
    piece: list[str] = []
    for line in lines:
        piece.append(line)
        if len(piece) >= 500:
            yield "".join(piece)
            piece = []
    if piece:
        yield "".join(piece)


def _cell(field: Field, value: Any) -> str:
    if value is None or value is False or value == []:
        return ""
    if value is True:
        return "yes"
    if field is Field.NOTE:
        return f"\n\n{NOTE_LINE}\n\n".join(value)
    if isinstance(value, list):
        return join_many(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return _LABELLED[field](value) if field in _LABELLED else str(value)


_LABELLED: dict[Field, Callable[[str], str]] = {
    Field.BACKGROUND: lambda value: background.LABELS[Background(value)],
}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _card(values: Values) -> str:
    """Return one vCard (RFC 6350)."""
    name = values.get(Field.NAME) or values.get(Field.EMAIL) or "?"
    lines = ["BEGIN:VCARD", "VERSION:4.0", f"FN:{_escaped(name)}", f"N:{_escaped(name)};;;;"]
    if values.get(Field.EMAIL):
        lines.append(f"EMAIL;PREF=1:{_escaped(values[Field.EMAIL])}")
    lines += [f"EMAIL:{_escaped(address)}" for address in values.get(Field.MORE_EMAIL, ())]
    if values.get(Field.PHONE):
        lines.append(f"TEL;VALUE=text:{_escaped(values[Field.PHONE])}")
    lines += [f"NOTE:{_escaped(note)}" for note in values.get(Field.NOTE, ())]
    if values.get(Field.TAGS):
        lines.append("CATEGORIES:" + ",".join(_escaped(tag) for tag in values[Field.TAGS]))
    if values.get(Field.TIME_ZONE):
        lines.append(f"TZ:{_escaped(values[Field.TIME_ZONE])}")
    for field, value in values.items():
        if field not in (*_OF_CARDS, *ONLY_SHOWN) and _cell(field, value):
            lines.append(f"{OWN}{field.value.replace('_', '-')}".upper() + f":{_escaped(_cell(field, value))}")
    lines.append("END:VCARD")
    return "".join(_folded(line) for line in lines)


_OF_CARDS = {Field.NAME, Field.EMAIL, Field.MORE_EMAIL, Field.PHONE, Field.NOTE, Field.TAGS, Field.TIME_ZONE}


def _escaped(text: str) -> str:
    """Return a text as a vCard holds it (RFC 6350, 3.4): it can't end its property or begin another."""
    for sign in ("\\", ",", ";"):
        text = text.replace(sign, f"\\{sign}")
    return _SEVERAL_LINES.sub("\\\\n", text)


def _folded(line: str) -> str:
    """Return a line of a vCard, broken so that none is too long, and never inside a letter."""
    if len(line.encode()) <= _LONGEST_LINE:
        return f"{line}\r\n"
    pieces, piece, size = [], "", 0
    for letter in line:
        more = len(letter.encode())
        if size + more > _LONGEST_LINE - 1:
            pieces.append(piece)
            piece, size = "", 0
        piece, size = piece + letter, size + more
    return "\r\n ".join([*pieces, piece]) + "\r\n"

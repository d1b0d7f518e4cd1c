"""Reading vCards of every version that address books write (2.1, RFC 2426, RFC 6350), each by itself.

vobject reads one card. Around what it can't do: a broken card ends its reading of a whole file, so cards are cut apart
here; a photo that isn't whole breaks its card, so what is no text is left out before; quoted-printable has to be
asked for, and a line of it in other letters than it says, as Outlook writes them, breaks its card too.
"""

import quopri
import re
from binascii import Error as Base64Error
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import vobject

from tpminstitute.exchange.encodings import UNREADABLE
from tpminstitute.exchange.fields import EXPORTED, LABELS, Field
from tpminstitute.exchange.records import Place, Record, many

OWN = "x-tpm-"
"""Begins the properties for what no vCard has a name for."""

_PROPERTIES = {
    "Name": "fn",
    "E-mail": "email",
    "Phone": "tel",
    "Notes": "note",
    "Tags": "categories",
    "Time zone": "tz",
    "Company": "org",
    "Job title": "title",
}
OWN_FIELDS = tuple(field for field in EXPORTED if LABELS[field] not in _PROPERTIES and field is not Field.MORE_EMAIL)
COLUMNS = [*_PROPERTIES, *(LABELS[field] for field in OWN_FIELDS)]
"""The columns that cards are read into."""

MOST_LINES = 20_000
"""Lines of one card, its photo among them."""

FAULT = "The card can't be read: {}."
UNENDED = "The card has no end (END:VCARD)."
IN_PART = "Some lines of the card can't be read, and were left out."
WRONG_LETTERS = "Some letters can't be read in the chosen character set; each stands as �."

vobject.base.logger.disabled = True  # it writes strangers' lines into the log as they are

_NO_TEXT = re.compile(
    r"^(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY|X-MS-CARDPICTURE|AGENT)\b[^\n]*\n(?:[ \t][^\n]*\n)*", re.M | re.I
)
_BASE64_REST = re.compile(r"^[A-Za-z0-9+/]{40,}={0,2}\n", re.M)
_QUOTED = re.compile(
    r"^(?P<head>[^:\n]{1,500};)(?:ENCODING=)?QUOTED-PRINTABLE(?P<more>[^:\n]{0,500}):"
    r"(?P<value>(?:[^\n]*=\n)*[^\n]*)$",
    re.M | re.I,
)
_CHARSET = re.compile(r";CHARSET=\"?([\w.:-]+)\"?", re.I)


def rows(file: BinaryIO, start: Place) -> Iterator[Record]:
    """Yield the cards of a plain file from `start` on, each as a row of `COLUMNS`."""
    file.seek(start.offset)
    place, begun, lines = start, 0, list[str]()
    for raw in file:
        line, place = place.line, Place(place.offset + len(raw), place.line + 1)
        text = raw.decode()
        word = text.strip().upper()
        if word == "BEGIN:VCARD":
            if lines:
                yield _unended(begun, lines, Place(place.offset - len(raw), line))
            begun, lines = line, [text]
        elif lines:
            lines.append(text)
            if word == "END:VCARD":
                yield _record(begun, "".join(lines), place)
                lines = []
            elif len(lines) >= MOST_LINES:
                yield _unended(begun, lines, place)
                lines = []
    if lines:
        yield _unended(begun, lines, place)


def _unended(line: int, lines: Sequence[str], after: Place) -> Record:
    return Record(line, ("".join(lines[:20]).rstrip("\n"),), after, fault=UNENDED)


def _record(line: int, text: str, after: Place) -> Record:
    readable = _BASE64_REST.sub("", _NO_TEXT.sub("", text))
    remark = WRONG_LETTERS if UNREADABLE in readable else ""
    try:
        card = _read(readable, ignore=False)
    except _UNREADABLE as error:
        try:
            card, remark = _read(readable, ignore=True), IN_PART
        except _UNREADABLE:
            reason = str(error).partition(": ")[2] or str(error) or type(error).__name__
            return Record(line, (text.rstrip("\n"),), after, fault=FAULT.format(" ".join(reason.split())[:200]))
    return Record(line, tuple(_cells(card)), after, remark=remark)


_UNREADABLE = (
    vobject.base.VObjectError,
    Base64Error,
    UnicodeError,
    AttributeError,
    IndexError,
    KeyError,
    LookupError,
    TypeError,
    ValueError,
    StopIteration,
)
"""What vobject was seen to raise on broken cards."""


def _read(text: str, *, ignore: bool) -> Any:
    """Return one card as vobject reads it; with `ignore` the lines that it can't read are left out."""
    told, quoted = _QUOTED.subn(_with_its_letters, text)
    return vobject.readOne(told, ignoreUnreadable=ignore, allowQP=bool(quoted))


def _with_its_letters(found: re.Match[str]) -> str:
    """Return a quoted-printable line that names the letters it can be read in: its own, UTF-8, else Western ones."""
    parameters = found["head"] + found["more"].removeprefix(";")
    own = _CHARSET.search(parameters)
    raw = quopri.decodestring(found["value"].encode())
    letters = next(name for name in (own[1] if own else "utf-8", "utf-8", "cp1252", "latin-1") if _fits(raw, name))
    kept = _CHARSET.sub("", parameters).removesuffix(";")
    return f"{kept};CHARSET={letters};ENCODING=QUOTED-PRINTABLE:{found['value']}"


def _fits(raw: bytes, letters: str) -> bool:
    try:
        raw.decode(letters)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _cells(card: Any) -> Iterator[str]:
    for label, name in _PROPERTIES.items():
        values = [_text(line.value) for line in _preferred_first(card.contents.get(name, []))]
        if name == "tel":
            values = [value.removeprefix("tel:").replace(";ext=", " ext. ") for value in values]
        if name == "fn" and not any(values):
            values = [_structured(line.value) for line in card.contents.get("n", [])]
        if name == "categories":
            values = [value for line in card.contents.get(name, []) for value in _items(line.value)]
        values = [value for value in values if value.strip()]
        single = label in ("Name", "Time zone", "Company", "Job title")
        yield (values[0] if values else "") if single else many(values)
    for field in OWN_FIELDS:
        lines = card.contents.get(OWN + field.value.replace("_", "-"), [])
        yield _unescaped(_text(lines[0].value)) if lines else ""


def _preferred_first(lines: Sequence[Any]) -> list[Any]:
    return sorted(lines, key=_preference)


def _preference(line: Any) -> int:
    """Return how late a line comes: by its number (RFC 6350, 5.3), after 1 where older cards only say that it is."""
    number = "".join(line.params.get("PREF", []))
    if number.isascii() and number.isdigit():
        return int(number[:3])
    types = [word.upper() for value in line.params.get("TYPE", []) for word in value.split(",")]
    return 1 if "PREF" in types or "PREF" in line.params or ["PREF"] in line.singletonparams else _UNNUMBERED


_UNNUMBERED = 101


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value if str(part).strip())
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _items(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else str(value).split(",")


def _structured(value: Any) -> str:
    parts = (getattr(value, part, "") for part in ("given", "additional", "family"))
    words = [" ".join(part) if isinstance(part, list) else str(part) for part in parts]
    return " ".join(word.strip() for word in words if word.strip())


def _unescaped(text: str) -> str:
    """Return the text of a property that vobject doesn't know, which it leaves escaped (RFC 6350, 3.4)."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)

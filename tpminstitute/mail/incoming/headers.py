"""The header of a mail or of one of its parts: fields, encoded words, parameters, addresses, Message-IDs, dates.

Every pattern here reads its input once from left to right, and every value has a limit, so that no header takes long.
"""

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from tpminstitute.core import clock
from tpminstitute.core.text import one_line
from tpminstitute.mail.incoming.encodings import read_octets, storable
from tpminstitute.mail.incoming.model import Mailbox

_BLOCK_LIMIT = 1_000_000
_VALUE_LIMIT = 20_000
_FIELD_LIMIT = 2_000
_IDS_LIMIT = 100
_ADDRESSES_LIMIT = 500
_NAME_LIMIT = 200
_OLDEST = datetime(1995, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=2)

_BLOCK_END = re.compile(rb"\r?\n\r?\n")
_FIELD_NAME = re.compile(rb"[\x21-\x39\x3b-\x7e]{1,100}")
_ENCODED_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_ENCODED_GAP = re.compile(r"(\?=)\s+(?==\?)")
_PARAMETER = re.compile(r";\s*([A-Za-z0-9_.-]{1,60}(?:\*[0-9]{1,3})?\*?)\s*=\s*(\"(?:[^\"\\]|\\.)*\"?|[^;]*)", re.S)
_CONTINUATION = re.compile(r"([a-z0-9_.-]+)\*([0-9]+)(\*?)")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"")
_ANGLE_ADDRESS = re.compile(r"<([^<>\s]{1,320})>")
_BETWEEN_ADDRESSES = re.compile(r"[\s<>,;:\"()]+")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}>")


class Headers:
    """The fields of a header, in their order; names in lower case, values unfolded and not yet decoded."""

    def __init__(self, fields: list[tuple[str, bytes]], cut: bool = False) -> None:
        self._fields: dict[str, list[bytes]] = {}
        self.cut = cut
        for name, value in fields:
            self._fields.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def names(self) -> Iterator[str]:
        """Return each name once."""
        return iter(self._fields)

    def all(self, name: str) -> list[str]:
        """Return every value of the field `name`, storable text with its encoded words as they are."""
        return [storable(read_octets(value)) for value in self._fields.get(name, ())]

    def get(self, name: str) -> str:
        """Return the first value of the field `name`, or ''."""
        values = self._fields.get(name)
        return storable(read_octets(values[0])) if values else ""

    def text(self, name: str) -> str:
        """Return the first value of the field `name` with its encoded words (RFC 2047) read."""
        return decoded_words(self.get(name))


def split_header(content: bytes, start: int, end: int) -> tuple[Headers, int]:
    """Return the header that begins at `start`, and where the body after it begins.

    A line that is no field ends the header, as where somebody forgot the empty line.
    """
    if content.startswith((b"\n", b"\r\n"), start, end):
        return Headers([]), start + (1 if content.startswith(b"\n", start) else 2)
    blank = _BLOCK_END.search(content, start, min(end, start + _BLOCK_LIMIT))
    stop = blank.start() if blank else min(end, start + _BLOCK_LIMIT)
    fields: list[tuple[str, list[bytes]]] = []
    at = start
    while at < stop:
        newline = content.find(b"\n", at, stop)
        line_end = stop if newline < 0 else newline
        line = content[at:line_end].rstrip(b"\r")
        if line[:1] in (b" ", b"\t"):
            if fields:
                fields[-1][1].append(line)
        else:
            name, colon, value = line.partition(b":")
            if colon and _FIELD_NAME.fullmatch(name.rstrip()):
                fields.append((name.rstrip().decode("ascii").lower(), [value]))
            elif not (at == start and line.startswith((b"From ", b">From "))):
                return _headers(fields), at
        at = line_end + 1
    return _headers(fields, cut=blank is None and stop < end), blank.end() if blank else stop


def _headers(fields: list[tuple[str, list[bytes]]], cut: bool = False) -> Headers:
    kept = [(name, b"".join(lines)[:_VALUE_LIMIT].strip()) for name, lines in fields[:_FIELD_LIMIT]]
    return Headers(kept, cut or len(fields) > _FIELD_LIMIT)


def decoded_words(value: str) -> str:
    """Return `value` with its encoded words (RFC 2047) read; words of one charset are joined before that."""
    if "=?" not in value:
        return value
    pieces: list[str] = []
    pending, charset, at = b"", "", 0
    value = _ENCODED_GAP.sub(r"\1", value)
    for match in _ENCODED_WORD.finditer(value):
        octets = _word_octets(match[2], match[3])
        if match.start() > at or match[1].lower() != charset:
            pieces.append(read_octets(pending, charset))
            pieces.append(value[at : match.start()])
            pending, charset = b"", match[1].lower()
        pending += octets
        at = match.end()
    pieces += [read_octets(pending, charset), value[at:]]
    return storable("".join(pieces))


def _word_octets(encoding: str, text: str) -> bytes:
    raw = text.encode("ascii", "replace")
    if encoding in "qQ":
        return a2b_qp(raw.replace(b" ", b"=20"), header=True)
    try:
        return a2b_base64(raw + b"=" * (-len(raw) % 4))
    except BinasciiError:
        return raw


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Return the first word of a structured field in lower case, and its parameters, decoded (RFC 2045, 2231)."""
    value = value[:8_000]
    first = value.partition(";")[0].strip().lower()
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in _PARAMETER.finditer(value):
        name, text = match[1].lower(), _unquoted(match[2].strip())
        if numbered := _CONTINUATION.fullmatch(name):
            pieces.setdefault(numbered[1], {})[int(numbered[2])] = (text, bool(numbered[3]))
        elif name.endswith("*"):
            plain[name[:-1]] = _extended([(text, True)])
        else:
            plain.setdefault(name, decoded_words(text))
    for name, parts in pieces.items():
        plain[name] = _extended([parts[number] for number in sorted(parts)])
    return first, plain


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:].removesuffix('"'))


def _extended(pieces: list[tuple[str, bool]]) -> str:
    charset = ""
    first, encoded = pieces[0]
    if encoded and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
        pieces = [(first, True), *pieces[1:]]
    octets = b"".join(unquote_to_bytes(t) if encoded else t.encode("utf-8", "replace") for t, encoded in pieces)
    return storable(read_octets(octets, charset))


def mailbox(value: str) -> Mailbox:
    """Return the first mailbox in a From or Reply-To: its name, decoded, on one line, and its address as written."""
    bare = _QUOTED.sub(lambda found: " " * len(found[0]), value)
    angle = _ANGLE_ADDRESS.search(bare)
    if angle is None:
        found = addresses(value)
        return Mailbox("", found[0]) if found else Mailbox(one_line(decoded_words(value), _NAME_LIMIT), "")
    name = value[: angle.start()].rpartition(">")[2].strip(" \t,")
    name = decoded_words(_QUOTED.sub(lambda found: _unquoted(found[0]), name))
    email = angle[1] if "@" in angle[1].strip("@") else ""
    return Mailbox(one_line(name.strip().strip("\"'"), _NAME_LIMIT), email)


def addresses(value: str) -> list[str]:
    """Return every address in a field, as written, each once."""
    words = _BETWEEN_ADDRESSES.split(_QUOTED.sub(" ", value))
    found = (word.strip("'[]") for word in words if "@" in word)
    kept = dict.fromkeys(word for word in found if len(word) <= 320 and word.strip("@").count("@") >= 1)
    return list(kept)[:_ADDRESSES_LIMIT]


def message_ids(value: str) -> list[str]:
    """Return every Message-ID in a field, in angle brackets, in its order; of very many the first and last fifty."""
    found = _MESSAGE_ID.findall(value)
    if not found and "@" in value:
        found = [f"<{word}>" for word in value.strip("<> ").split() if "@" in word and len(word) <= 500][:1]
    half = _IDS_LIMIT // 2
    return found if len(found) <= _IDS_LIMIT else found[:half] + found[-half:]


def moment(value: str) -> datetime | None:
    """Return what a Date says, aware, or None where it says nothing that can be: before 1995, or days ahead."""
    try:
        said = parsedate_to_datetime(value[:200])
        said = said.replace(tzinfo=UTC) if said.tzinfo is None else said
        within = _OLDEST <= said <= clock.now() + _AHEAD
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return said if within else None

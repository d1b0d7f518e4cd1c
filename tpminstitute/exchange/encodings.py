"""In which letters a file is written: found out by looking, and turned into plain UTF-8 lines to be read."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

CHUNK = 1024 * 1024
"""Bytes that are held in memory at once."""

LETTERS = {
    "utf-8": "UTF-8",
    "cp1252": "Western European (Windows-1252, Latin-1)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "utf-16": "UTF-16 (“Unicode text” of Excel)",
    "mac_roman": "Western European (old Mac)",
    "shift_jis": "Japanese (Shift JIS)",
    "gb18030": "Chinese (GB 18030)",
}
"""What a person may choose, by the codec's name."""

UNREADABLE = "\ufffd"
"""Stands for what is no letter in the chosen set."""

_BROKEN = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_MOSTLY = 10
"""UTF-8 that is broken here and there is believed when whole letters are so many times more."""


@dataclass
class _Seen:
    """What a look through a file as UTF-8 has counted."""

    letters: int = 0
    broken: int = 0


def find_encoding(path: Path) -> str:
    """Return in which of `LETTERS` a file is written: by its mark, by the zeros of UTF-16, else by whether all of it is
    UTF-8; a file of single bytes counts as Western European, which a preview shows to be right or wrong.
    """
    with path.open("rb") as file:
        head = file.read(4096)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _has_zeros_in_turn(head):
            return "utf-16"
        file.seek(0)
        seen = _as_utf8(file)
    if seen.broken and seen.letters <= _MOSTLY * seen.broken:
        return "cp1252"
    return "utf-8"


def sample(path: Path, encoding: str, most: int = CHUNK) -> bytes:
    """Return the first lines of a file as plain UTF-8, read from its first `most` bytes."""
    with path.open("rb") as file:
        text = "".join(_decoded(_limited(file, most), encoding))
    whole, _, rest = text.rpartition("\n")
    cut = path.stat().st_size > most and whole
    return (f"{whole}\n" if cut else whole + ("\n" if _ else "") + rest).encode()


def write_plain(source: Path, encoding: str, target: Path) -> int:
    """Write a file anew as UTF-8 whose lines end in a newline, without a mark and without U+0000.

    What is no letter in `encoding` becomes U+FFFD. The target appears when it is whole. Returns its size in bytes.
    """
    unfinished = target.with_suffix(".part")
    with source.open("rb") as file, unfinished.open("wb") as plain:
        for text in _decoded(_limited(file, None), encoding):
            plain.write(text.encode())
    unfinished.replace(target)
    return target.stat().st_size


def _limited(file: BinaryIO, most: int | None) -> Iterator[bytes]:
    left = most
    while left is None or left > 0:
        chunk = file.read(CHUNK if left is None else min(CHUNK, left))
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        yield chunk


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[str]:
    """Yield the text with all line ends as newlines; a pair that two chunks share is one."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)(errors="replace")
    if encoding == "utf-16":
        first = next(chunks, b"")
        decoder = codecs.getincrementaldecoder(_utf16(first))(errors="replace")
        chunks = _with(first, chunks)
    waiting = ""
    for chunk in chunks:
        text = waiting + decoder.decode(chunk)
        waiting = "\r" if text.endswith("\r") else ""
        yield _plain(text.removesuffix("\r"))
    rest = waiting + decoder.decode(b"", final=True)
    yield _plain(rest)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").replace("\ufeff", "")


def _with(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _utf16(head: bytes) -> str:
    """Return which of the two byte orders a file has: its mark says so, else where the zeros of Latin letters are."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-16-be" if head[:4096:2].count(0) > head[1:4096:2].count(0) else "utf-16-le"


def _has_zeros_in_turn(head: bytes) -> bool:
    """Whether every other byte of a text is zero, as UTF-16 writes Latin letters."""
    halves = head[::2].count(0), head[1::2].count(0)
    return len(head) >= 4 and max(halves) > len(head) * 0.35 and min(halves) < len(head) * 0.05


def _as_utf8(file: BinaryIO) -> _Seen:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    seen = _Seen()
    while chunk := file.read(CHUNK):
        _count(decoder.decode(chunk), seen)
    _count(decoder.decode(b"", final=True), seen)
    return seen


def _count(text: str, seen: _Seen) -> None:
    if text.isascii():
        return
    broken = len(_BROKEN.findall(text))
    seen.broken += broken
    seen.letters += len(_BEYOND_ASCII.findall(text)) - broken

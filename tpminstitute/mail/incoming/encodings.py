"""From octets to text that can be stored: transfer encodings, charsets, and what no database takes."""

import codecs
import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp
from functools import lru_cache

_CHARSETS = re.compile(
    r"ascii|utf[-_](7|8|8-sig|16|16-[lb]e|32|32-[lb]e)|iso8859-\d{1,2}|cp\d{3,4}|koi8-[rut]|kz1048|mac-\w+|gb2312|gbk"
    r"|gb18030|hz|big5|big5hkscs|shift_jis\w*|euc_\w+|johab|iso2022_\w+|tis-620|hp-roman8|ptcp154"
)
"""Python's names of the codecs that are charsets; its others are no texts, or take long."""

_WIDER = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949",
          "shift_jis": "cp932", "iso8859-9": "cp1254", "tis-620": "cp874"}  # fmt: skip
"""Charsets that mail programs name when they mean a larger one, as the WHATWG's encoding standard lists them."""

_UNSTORABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\ufff9-\ufffb\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


def storable(text: str) -> str:
    """Return `text` with newlines as line ends, and without NUL, control, bidi and zero-width characters.

    Lone surrogates become U+FFFD; joiners stay, since some scripts and emoji need them.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text)
    text = _UNSTORABLE.sub("", text)
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def read_octets(octets: bytes, charset: str = "") -> str:
    """Return `octets` as text: UTF-8 where they are that, else in `charset`, else as Windows-1252."""
    if not octets:
        return ""
    codec = _codec(charset)
    if codec not in {"utf_16", "utf_32", "utf_7", "hz"} and not codec.startswith(("iso2022", "utf_16", "utf_32")):
        if octets.isascii():
            return octets.decode("ascii")
        if codec in {"", "utf_8", "cp1252"}:
            try:
                return octets.decode("utf-8")
            except UnicodeDecodeError:
                codec = codec or "cp1252"
    return octets.decode(codec or "utf-8", "replace")


def is_known(charset: str) -> bool:
    """Return whether `charset` names one that can be read."""
    return bool(_codec(charset))


@lru_cache(maxsize=256)
def _codec(charset: str) -> str:
    name = charset.strip().strip("\"'").lower()
    if not name or len(name) > 40 or not name.isascii():
        return ""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    if not _CHARSETS.fullmatch(found):
        return ""
    return _WIDER.get(found, found).replace("-", "_") if not found.startswith("mac") else found


def decoded(body: bytes, encoding: str) -> tuple[bytes, bool]:
    """Return what a transfer encoding hides, as well as it can be read, and whether it was whole (RFC 2045, 6)."""
    if encoding == "base64":
        return _from_base64(body)
    if encoding == "quoted-printable":
        return a2b_qp(body), True
    return body, True


def _from_base64(body: bytes) -> tuple[bytes, bool]:
    try:
        return a2b_base64(body), True
    except BinasciiError:
        letters = body.translate(None, _NOT_BASE64)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        return a2b_base64(letters + b"=" * (-len(letters) % 4)), False

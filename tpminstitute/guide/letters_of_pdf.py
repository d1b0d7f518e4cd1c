"""Letters that the fonts of every PDF reader have: WinAnsi (PDF 1.7, annex D), as Python's cp1252."""

import unicodedata

_STAND_INS = {
    "\u2010": "-", "\u2011": "-", "\u2012": "–", "\u2015": "—", "\u2212": "–", "\u2192": "->", "\u2190": "<-",
    "\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u2032": "'", "\u2033": '"', "\u02bc": "’", "\u00ad": "",
    "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ı": "i", "ẞ": "SS",
}  # fmt: skip
"""Characters that have no decomposition, and stand for the same in another way."""


def printable(text: str) -> str:
    """Return `text` in letters that the standard fonts have.

    Another letter loses its accent or is replaced by what stands for it; what has nothing of the kind is written out,
    as in [U+4E2D], so that nobody reads on as if nothing were missing.
    """
    return "".join(_printable(char) for char in unicodedata.normalize("NFC", text))


def _printable(char: str) -> str:
    if char in "\n\t" or _is_there(char):
        return char
    if char in _STAND_INS:
        return _STAND_INS[char]
    if char.isspace():
        return " "
    apart = "".join(one for one in unicodedata.normalize("NFKD", char) if not unicodedata.combining(one))
    if apart and all(_is_there(one) for one in apart):
        return apart
    return f"[U+{ord(char):04X}]"


def _is_there(char: str) -> bool:
    """Whether the fonts have it; control characters count as missing, though the encoding has some."""
    try:
        char.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return not unicodedata.category(char).startswith("C")

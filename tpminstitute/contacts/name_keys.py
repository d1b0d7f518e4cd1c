"""Names as they are sorted and looked up by: small letters without accents, alike in Python and in both databases."""

import unicodedata
from collections.abc import Iterator

LONGEST = 200
"""Characters of a contact's name."""

_ALPHABETS = ((0xC0, 0x180), (0x386, 0x3D0), (0x400, 0x530), (0x1E00, 0x1F00))
"""Latin with its extensions, Greek, Cyrillic: where letters have capitals and accents."""

_MARKS = "".join(map(chr, range(0x300, 0x370)))
"""Accents that stand as characters of their own."""

_WITHOUT_PARTS = dict(zip("ßæœøđðłþıħŧŋ", "saooddltihtn", strict=True))
"""Letters that Unicode takes for letters of their own; each stands for one, so that no name gets longer."""


def _folded_letters() -> Iterator[tuple[str, str]]:
    for first, last in _ALPHABETS:
        for letter in map(chr, range(first, last)):
            small = letter.lower()
            parts = unicodedata.normalize("NFKD", small)
            plain = "".join(part for part in parts if not unicodedata.combining(part))
            folded = _WITHOUT_PARTS.get(small, plain)
            if len(folded) == 1 and folded != letter:
                yield letter, folded


_FOLDED = dict(_folded_letters())

LETTERS, PLAIN = "".join(_FOLDED) + _MARKS, "".join(_FOLDED.values())
"""Each letter of the one becomes the letter at its place in the other, and goes where there is none."""

_TABLE = str.maketrans(dict.fromkeys(_MARKS, "") | _FOLDED | {chr(65 + n): chr(97 + n) for n in range(26)})


def name_key(name: str) -> str:
    """Return the key that `name` is sorted by: in small letters, without accents."""
    return name.translate(_TABLE)


def name_key_sql(name: str, dialect: str) -> str:
    """Return the SQL expression that makes the same key of the SQL expression `name`."""
    if dialect == "postgresql":
        return f"translate(lower({name} COLLATE \"C\"), '{LETTERS}', '{PLAIN}')"
    # SQLite folds ASCII only and has no translate(), so a name with other letters is put together letter by letter.
    places = ", ".join(f"({place})" for place in range(1, LONGEST + 1))
    return (
        f"CASE WHEN {name} NOT GLOB '*[^ -~]*' THEN lower({name}) ELSE (SELECT group_concat(letter, '') FROM ("
        f"SELECT CASE instr('{LETTERS}', letter) WHEN 0 THEN letter "
        f"ELSE substr('{PLAIN}', instr('{LETTERS}', letter), 1) END AS letter FROM ("
        f"SELECT substr(lower({name}), column1, 1) AS letter FROM (VALUES {places}) "
        f"WHERE column1 <= length({name}) ORDER BY column1))) END"
    )

"""Marks on a contact's card: a bit for each tag and each sequence, so that a list can pass over who hasn't them.

There are fewer bits than tags, so two may have the same: a mark that is missing says no for certain, one that is there
says perhaps, and whoever meets it looks. They are reckoned alike in Python and in both databases.
"""

BITS = 62
"""As many as a signed integer of 64 bits holds, with one to spare for the sum of all."""


def tag_mark(tag: str) -> int:
    """Return the mark of a tag, which isn't empty."""
    second = ord(tag[1]) if len(tag) > 1 else 0
    return 1 << (ord(tag[0]) * 31 + second * 17 + ord(tag[-1]) * 7 + len(tag)) % BITS


def sequence_mark(sequence_id: int) -> int:
    """Return the mark of a sequence."""
    return 1 << sequence_id % BITS


def tag_bit_sql(dialect: str) -> str:
    """Return the SQL of the place of a tag's bit."""
    code = "ascii" if dialect == "postgresql" else "unicode"
    second = f"CASE WHEN length(tag) > 1 THEN {code}(substr(tag, 2, 1)) ELSE 0 END"
    first, last = f"{code}(substr(tag, 1, 1))", f"{code}(substr(tag, length(tag), 1))"
    return f"({first} * 31 + ({second}) * 17 + {last} * 7 + length(tag)) % {BITS}"


SEQUENCE_BIT = f"sequence_id % {BITS}"


def marks_sql(bit: str, source: str) -> str:
    """Return the SQL of all marks together, of the rows that `source`, from FROM on, gives; `bit` is each one's place.

    A sum of different powers of two is what an OR of them would be, which SQLite has no aggregate for.
    """
    return f"(SELECT CAST(coalesce(sum(DISTINCT CAST(1 AS BIGINT) << ({bit})), 0) AS BIGINT) {source})"

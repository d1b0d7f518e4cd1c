"""What strangers type, made safe to show, to put on one line, and to greet with."""

import re
import unicodedata

_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Unicode calls letters, marks or symbols and that nevertheless show nothing."""

_SHOWN_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
"""Format characters that have a shape of their own: Arabic and Syriac signs of number, year and verse."""

_JOINERS = frozenset("\u200c\u200d")
_LAST_LATIN = "\u02ff"
_MAX_MARKS = 4
_MAX_FIRST_NAME = 40

_TITLES = frozenset(
    (
        "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "lord", "lady",
        "rev", "reverend", "capt", "captain", "sgt", "herr", "frau", "dipl", "ing", "dott",
        "monsieur", "madame", "mme", "mlle", "m", "señor", "señora", "sr", "sra", "srta", "dhr",
        "mevr", "engr",
    )
)  # fmt: skip
_SUFFIXES = frozenset(
    (
        "jr", "sr", "ii", "iii", "iv", "esq", "phd", "ph.d", "md", "m.d", "dds", "mba", "msc",
        "bsc", "ma", "ba", "meng", "beng", "pe", "cpa", "rn", "pmp", "csm", "cal", "spc", "capm",
        "pgmp", "psm", "itil",
    )
)  # fmt: skip
_COMMANDS = frozenset(
    (
        "click", "visit", "buy", "call", "claim", "confirm", "verify", "download", "ignore",
        "disregard", "urgent", "free", "congratulations", "please", "reply", "send", "forward",
        "login", "open", "subscribe", "unsubscribe", "follow", "read", "act", "earn", "get",
        "your", "you", "the", "this", "http", "https", "www",
    )
)  # fmt: skip
_NEVER_IN_A_NAME = re.compile(r"[/@:;<>{}\[\]=$%#*|\\!?&+~^_]|\w\.\w{2,}", re.UNICODE)
_ASIDE = re.compile(r"\([\w\s/,.'’-]*\)")
_APOSTROPHES_AND_HYPHENS = "'’ʼ‘`-‐‑"


def visible(text: str) -> str:
    """Return `text` with every character that hides or reorders others written out, as in ⟨U+202E⟩.

    Line ends become a newline; newlines and tabs stay. Joiners stay inside an emoji and between letters of
    scripts that need them (Persian, the Indic scripts), and are written out everywhere else.
    """
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"⟨U+{ord(char):04X}⟩" if _is_hidden(text, at) else char for at, char in enumerate(text))


def without_hidden(text: str) -> str:
    """Return `text` on its own lines, without the characters that `visible` would write out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for at, char in enumerate(text) if not _is_hidden(text, at))


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line of at most `limit` characters, for a header, a heading or a log line.

    White space of any kind becomes one space; control, bidi and other invisible characters are removed; what
    is too long ends in an ellipsis, never between a letter and its marks.
    """
    kept = text
    if not (text.isascii() and text.isprintable()):
        kept = "".join(char for at, char in enumerate(text) if char.isspace() or not _is_hidden(text, at))
    line = " ".join(kept.split())
    if len(line) <= limit:
        return line
    cut = max(limit - 1, 0)
    while cut > 1 and (unicodedata.category(line[cut]).startswith("M") or line[cut] in _JOINERS):
        cut -= 1
    return (line[:cut].rstrip() + "…")[:limit]


def masked(address: str) -> str:
    """Return a mail address so that whoever knows it recognises it and nobody learns it: ``a…@example.org``."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}"


def first_name(name: str) -> str:
    """Return the first name in `name`, fit for a greeting, or '' where that is not safe to tell.

    Only letters with their marks, apostrophes and hyphens, at most 40 characters. Titles, degrees and remarks
    in brackets are left out ("Dr. Ada Lovelace", "LOVELACE, Ada", "Ada Lovelace, PhD" all give "Ada"). '' for
    anything like an address, a number, a template or an instruction, for a title with a family name only, and
    where the family name may stand first: a greeting without a name is never wrong.
    """
    plain = one_line(unicodedata.normalize("NFKC", name), 200)
    plain = _ASIDE.sub(" ", "".join(char for char in plain if char not in _JOINERS))
    if _NEVER_IN_A_NAME.search(_without_dotted_titles(plain)) or any(
        unicodedata.category(char).startswith("N") for char in plain
    ):
        return ""
    plain = "".join(" " if unicodedata.category(char).startswith("S") else char for char in plain)
    word = _given_word(plain)
    return word if word and _is_a_name(word) else ""


def _is_hidden(text: str, at: int) -> bool:
    char = text[at]
    if char in "\n\t":
        return False
    if char in _FILLERS:
        return True
    category = unicodedata.category(char)
    if char in _JOINERS:
        return not (_needs_joiner(text, at - 1) and _needs_joiner(text, at + 1))
    if category == "Cf":
        return char not in _SHOWN_FORMATS
    return category in {"Cc", "Cs", "Co", "Zl", "Zp"} or ord(char) & 0xFFFE == 0xFFFE


def _needs_joiner(text: str, at: int) -> bool:
    if not 0 <= at < len(text) or text[at] <= _LAST_LATIN or text[at] in _FILLERS:
        return False
    return unicodedata.category(text[at])[0] in "LM" or unicodedata.category(text[at]) in {"So", "Sk"}


def _without_dotted_titles(text: str) -> str:
    """Return `text` with the dot of each title opened up, since "Dr.Ada" is no web address."""
    return re.sub(r"\b(\w+)\.(?=\w)", lambda m: f"{m[1]}. " if m[1].casefold() in _TITLES else m[0], text)


def _given_word(plain: str) -> str:
    parts = [part.split() for part in _without_dotted_titles(plain).split(",")]
    parts = [part for part in parts if part and not all(_bare(word) in _SUFFIXES for word in part)]
    if not 1 <= len(parts) <= 2:
        return ""
    family_is_apart = len(parts) == 2
    words = parts[-1]
    titled = False
    while words and _bare(words[0]) in _TITLES:
        words, titled = words[1:], True
    if not words or len(words) > 8 or (len(words) == 1 and titled and not family_is_apart):
        return ""
    if len(words) > 1 and _is_initial(words[0]):
        words = words[1:] if len(words) > 2 or family_is_apart else [""]
    elif len(words) > 1 and _may_put_family_first(words[0]) and not family_is_apart:
        return ""
    return _settled_case(words[0].strip(_APOSTROPHES_AND_HYPHENS + '."“”„«»'), plain)


def _bare(word: str) -> str:
    return word.strip(".").casefold()


def _is_initial(word: str) -> bool:
    letters = word.strip(".")
    return (len(letters) == 1 and letters.upper() != letters.lower()) or bool(re.fullmatch(r"(\w\.)+", word))


def _may_put_family_first(word: str) -> bool:
    return any("\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7ff" for char in word)


def _settled_case(word: str, name: str) -> str:
    """Return `word` without shouting, where the whole name is in capitals."""
    if len(word) < 3 or not word.isupper() or not name.isupper():
        return word
    return re.sub(r"[^\W\d_]+", lambda m: m[0].capitalize(), word)


def _is_a_name(word: str) -> bool:
    if len(word) > _MAX_FIRST_NAME or word.casefold() in _COMMANDS or not word[0].isalpha():
        return False
    marks = 0
    for char in word:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        if marks > _MAX_MARKS:
            return False
        if not (char.isalpha() or marks or char in _APOSTROPHES_AND_HYPHENS):
            return False
    return True

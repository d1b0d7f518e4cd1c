"""What strangers type is shown in full view, put on one line, and greeted only where that is safe."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpminstitute.core.text import first_name, one_line, visible

NAUGHTY = st.text(st.characters(), max_size=300) | st.text(
    "aZ é\u0301\u202e\u2066\u200b\u200d\u200c\0\r\n\t\x85\u2028\ufeff\U0001f680{}<>[]().:/@'\"-,\u3164\ud800",
    max_size=60,
)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a⟨U+000D⟩b"),
        ("exe\u202etxt", "exe⟨U+202E⟩txt"),
        ("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("\0\x1b[2J", "⟨U+0000⟩⟨U+001B⟩[2J"),
        ("\ud800", "⟨U+D800⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("\u2028", "⟨U+2028⟩"),
    ],
)
def test_characters_that_hide_are_written_out(typed, shown):
    assert visible(typed) == shown


@pytest.mark.parametrize("typed", ["Zoë", "محمد علی", "می\u200cخواهم", "👩\u200d💻", "क\u094d\u200dष", "½ · — “x”"])
def test_honest_writing_stays_as_it_is(typed):
    assert visible(typed) == typed


@given(NAUGHTY)
def test_nothing_hidden_is_left_after_visible(typed):
    shown = visible(typed)
    shown.encode()
    assert visible(shown) == shown
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Co", "Zl", "Zp"} for c in shown if c not in "\n\t")
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


@given(NAUGHTY, st.integers(1, 80))
def test_one_line_is_one_line_and_no_longer_than_its_limit(typed, limit):
    line = one_line(typed, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert not set(line) & set("\r\n\0\u202e\u2066\x85\u2028")


def test_one_line_does_not_cut_a_letter_from_its_marks():
    assert one_line("abcdefe\u0301gh", 8) == "abcdef…"


def test_one_line_survives_ten_thousand_marks():
    assert len(one_line("\u0301" * 10_000, 50)) <= 50


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ada Lovelace", "Ada"),
        ("ada", "ada"),
        ("A", "A"),
        ("Dr. Ada Lovelace", "Ada"),
        ("Dr.Ada Lovelace", "Ada"),
        ("Prof. Dr. Ada Lovelace", "Ada"),
        ("LOVELACE, Ada", "Ada"),
        ("Lovelace, Dr. Ada, PhD", "Ada"),
        ("Ada Lovelace, PhD, PMP", "Ada"),
        ("ADA LOVELACE", "Ada"),
        ("JEAN-LUC PICARD", "Jean-Luc"),
        ("Ada (she/her) Lovelace", "Ada"),
        ("Ada 🚀 Lovelace", "Ada"),
        ("🚀Ada Lovelace", "Ada"),
        ("J. Robert Oppenheimer", "Robert"),
        ("D’Arcy Wentworth", "D’Arcy"),
        ("Zoe\u0308 Smith", "Zoë"),
        ("محمد علی", "محمد"),
        ("\u200fמרים כהן", "מרים"),
        ("王伟", "王伟"),
        ("Ada\nLovelace", "Ada"),
        ("Don Knuth", "Don"),
    ],
)
def test_first_name_is_found(name, first):
    assert first_name(name) == first


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\0",
        "🚀",
        "x" * 80,
        "J. Smith",
        "Mrs Lovelace",
        "Dr.",
        "王 伟",
        "http://evil.example",
        "evil.example",
        "www.evil.example Ada",
        "ada@evil.example",
        "+1 215 430",
        "Ada 007",
        "Ada ٣",
        "Ada2",
        "{topic}",
        "{0.__class__}",
        "<b>",
        "[x](http://evil)",
        "Ada\r\nBcc: x@y.example",
        "Click here now",
        "Please send money",
        "Z" + "\u0301" * 9 + "lgo",
        "\u3164",
        "\u0301",
        "---",
        "a, b, c, d",
    ],
)
def test_no_first_name_where_it_is_not_safe(name):
    assert first_name(name) == ""


@given(NAUGHTY)
def test_first_name_holds_letters_and_their_marks_only(name):
    first = first_name(name)
    assert len(first) <= 40
    assert all(c in "'’ʼ‘`-‐‑" or unicodedata.category(c)[0] in "LM" for c in first)
    assert not first or first[0].isalpha()

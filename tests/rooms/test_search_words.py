"""Words are folded alike wherever they stand, and near words are known as such."""

from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tpminstitute.lists.search_expressions import Term, is_true, places
from tpminstitute.lists.search_typed import MOST_PARTS, read_typed
from tpminstitute.lists.search_vocabulary import _keys_of_two_edits, edits
from tpminstitute.lists.search_words import near_keys, phones_in, prepared, spots_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Müller, Łódź & Ångström", ["muller", "lodz", "angstrom"]),
        ("Mu\u0308ller", ["muller"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("O’Brien's don't", ["obriens", "dont"]),
        ("well-known e-mail", ["well", "known", "e", "mail"]),
        ("ada_l@example.org", ["ada", "l", "@", "example", "org"]),
        ("write to @ada @ noon", ["write", "to", "@", "ada", "noon"]),
        ("İstanbul ışık", ["istanbul", "isik"]),
        ("Ａｄａ ① ﬁne", ["ada", "1", "fine"]),
        ("pro\u00adgram pro\u200bgram \u202eprogram", ["program", "program", "program"]),
        ("مُحَمَّد أحمد", ["محمد", "احمد"]),
        ("学习 program", ["学", "习", "program"]),
        ("한국어", ["한", "국", "어"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("٢٠٢٦ im Jahr", ["2026", "im", "jahr"]),
        ("\x00 <b> ' \" ()", ["b"]),
        ("", []),
    ],
)
def test_words_are_folded(text, words):
    assert words_of(text) == words


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_what_is_marked_are_the_words_that_are_found(text):
    text = prepared(text)
    assert [spot.word for spot in spots_of(text)] == words_of(text)


@given(st.text(alphabet=st.characters(codec="utf-8")), st.text(alphabet=st.characters(codec="utf-8")))
def test_the_words_of_a_text_are_those_of_its_parts(one, other):
    assert words_of(f"{one} {other}") == words_of(one) + words_of(other)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("call +1 (215) 430-2201 or 430.22.01", ["12154302201", "4302201"]),
        ("in 2026, on 3.4.", []),
        ("1234567890123456789", []),
    ],
)
def test_phone_numbers_in_a_text_are_known_by_their_digits(text, digits):
    assert list(phones_in(text)) == digits


# --- what was typed ----------------------------------------------------------------------------------------


def typed(text):
    return [(part.words, part.whole) for part in read_typed(text).parts]


def test_words_phrases_and_addresses_are_told_apart():
    assert typed('ada "learn by doing" @example.org') == [
        (("ada",), False),
        (("learn", "by", "doing"), True),
        (("@", "example", "org"), False),
    ]


def test_a_quotation_mark_that_is_never_closed_means_nothing():
    assert typed('say "hello') == [(("say",), False), (("hello",), False)]


def test_typographic_quotation_marks_are_quotation_marks():
    assert typed("„learn by“ “doing well”") == [(("learn", "by"), True), (("doing", "well"), True)]


def test_more_than_anybody_needs_is_cut_and_told():
    read = read_typed(" ".join(f"word{number}x" for number in range(MOST_PARTS + 1)))
    assert (len(read.parts), read.cut) == (MOST_PARTS, True)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_anything_can_be_typed(text):
    for part in read_typed(text).parts:
        assert part.words


@pytest.mark.parametrize("number", ["2154302201", "+1 215 430 2201", "(215) 430-2201", "001-215-430-2201", "4302201"])
def test_a_number_is_found_from_its_end(number):
    (part,) = read_typed(number).parts
    assert any(is_true(one, ["#10220345121"]) for one in part.instead)


@pytest.mark.parametrize("reference", ["7k3m-9q2x", "7K3M9Q2X", "7K3M 9Q2X"])
def test_a_reference_is_known_as_it_is_read_out(reference):
    (part,) = read_typed(reference).parts
    assert Term(("7k3m9q2x",)) in (Term(part.words), *part.instead)


def test_a_reference_is_known_as_it_is_heard():
    (part,) = read_typed("OIL0-1234").parts
    assert Term(("01101234",)) in part.instead


# --- places ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "at"),
    [
        (Term(("by",)), [1]),
        (Term(("learn", "by")), [0]),
        (Term(("by", "learn")), []),
        (Term(("do",), begins=True), [2, 4]),
        (Term(("by", "do"), begins=True), [1]),
        (Term(("do",)), [4]),
    ],
)
def test_a_phrase_is_found_where_its_words_stand_together(term, at):
    assert list(places(term, ["learn", "by", "doing", "x", "do"])) == at


# --- near words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("program", "program", 0),
        ("program", "progam", 1),
        ("program", "prrogram", 1),
        ("program", "prpgram", 1),
        ("program", "porgram", 1),
        ("program", "porgam", 2),
        ("program", "xxogram", 2),
        ("program", "proxyam", 2),
        ("program", "xxxgram", 3),
        ("program", "pro", 3),
        ("", "ab", 2),
    ],
)
def test_edits_are_counted_and_two_exchanged_letters_are_one(one, other, distance):
    assert edits(one, other, 2) == distance
    assert edits(other, one, 2) == distance


WORDS = st.text(alphabet="abcé", min_size=1, max_size=8)


@given(WORDS, WORDS)
def test_whatever_is_one_edit_away_shares_a_key(one, other):
    if edits(one, other, 2) <= 1:
        assert near_keys(one) & near_keys(other)


@given(WORDS, WORDS)
def test_whatever_is_two_edits_away_is_asked_for(one, other):
    letters = {*one, *other}
    if edits(one, other, 2) <= 2 and letters <= set("abc"):
        assert _keys_of_two_edits(one) & near_keys(other)


def test_no_distance_is_told_as_too_small():
    words = ["".join(letters) for size in range(4) for letters in product("ab", repeat=size)]
    for one, other in product(words, words):
        assert edits(one, other, 2) >= min(abs(len(one) - len(other)), 3)

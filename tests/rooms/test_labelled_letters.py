"""The labelled letters: no honest one is set apart for what it says, and nine in ten of the spam are."""

import pytest

from tests.conftest import on_sqlite
from tests.screening import WAYS, honest, spam, weigh
from tpminstitute.screening.points import CLEAR_AT
from tpminstitute.screening.service import Evidence, screen

SECRET = "a secret of the tests, long enough"


def test_the_set_is_large_enough_to_say_something_and_holds_no_letter_twice():
    for letters in (honest(), spam()):
        assert len(letters) >= 150
        assert len({(letter.email, letter.text) for letter in letters}) == len(letters)
        assert all(letter.name and letter.email and letter.text for letter in letters)


def test_no_honest_letter_is_set_apart_for_what_it_says():
    apart = [(letter.label, weigh(letter).told) for letter in honest() if weigh(letter).suspected]
    assert apart == []


def test_nine_in_ten_of_the_spam_are_set_apart_for_what_they_say():
    assert sum(weigh(letter).suspected for letter in spam()) >= 0.9 * len(spam())


@pytest.mark.parametrize("way", WAYS)
def test_an_honest_letter_that_is_sent_in_an_odd_way_is_at_most_asked_for_a_proof(way):
    verdicts = [weigh(letter, **WAYS[way]) for letter in honest()]
    assert all(verdict.score < CLEAR_AT for verdict in verdicts)
    assert sum(verdict.suspected for verdict in verdicts) <= 0.02 * len(verdicts)


@on_sqlite
def test_twenty_who_write_from_one_office_within_an_hour_are_clear(db):
    with db.write() as session:
        verdicts = [
            screen(session, SECRET, Evidence(letter.name, letter.email, letter.text, address="203.0.113.9"))
            for letter in honest()[:20]
        ]
    assert not any(verdict.suspected for verdict in verdicts)

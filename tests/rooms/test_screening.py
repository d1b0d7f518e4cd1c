"""What looks like spam, and what doesn't."""

from datetime import timedelta

import pytest

from tpminstitute.screening.service import Evidence, suspicions

HONEST = {"name": "Ada Lovelace", "message": "How do I begin?", "trap": "", "time_to_fill": timedelta(minutes=1)}


@pytest.mark.parametrize(
    "honest",
    [
        {},
        {"message": "My profile: https://example.org/ada and https://example.org/work"},
        {"name": "李"},
        {"time_to_fill": timedelta(days=3)},
        {"time_to_fill": None},
    ],
)
def test_an_honest_letter_is_clear(honest):
    assert suspicions(Evidence(**(HONEST | honest))) == []


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"trap": "https://pills.example"}, "can't see"),
        ({"time_to_fill": timedelta(seconds=1)}, "less than 2 seconds"),
        ({"name": "Win at https://casino.example"}, "name holds a web address"),
        ({"message": "http://a http://b http://c http://d http://e"}, "5 web addresses"),
    ],
)
def test_a_suspicion_comes_with_its_reason(odd, reason):
    (sentence,) = suspicions(Evidence(**(HONEST | odd)))
    assert reason in sentence

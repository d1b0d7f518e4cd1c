"""What a plan says, in words that people use, and what changed in it."""

from dataclasses import replace

import pytest

from tests.factories import TOPICS
from tests.rooms.plans import CERTIFICATIONS, EXPERIENCE, SKILLS, a_step
from tpminstitute.sequences.models import WaitUnit
from tpminstitute.sequences.plan_differences import difference
from tpminstitute.sequences.words import wait_of, window_of

THREE = (a_step(EXPERIENCE), a_step(CERTIFICATIONS), a_step(SKILLS))
WEEKDAYS = {"days": "12345", "opens_minute": 540, "closes_minute": 1020}


@pytest.mark.parametrize(
    ("fields", "first", "says"),
    [
        ({"wait_amount": 0}, True, "at once"),
        ({"wait_amount": 0}, False, "right after the mail before it"),
        ({"wait_amount": 1}, False, "1 day later"),
        ({"wait_unit": WaitUnit.WORKING_DAYS}, False, "3 working days later"),
        ({"wait_unit": WaitUnit.HOURS}, True, "3 hours after the start"),
        ({"wait_unit": WaitUnit.BEFORE_COURSE}, True, "3 days before the course begins"),
    ],
)
def test_a_wait_reads_as_people_say_it(fields, first, says):
    assert wait_of(replace(a_step(), **fields), first=first) == says


@pytest.mark.parametrize(
    ("days", "opens", "closes", "says"),
    [
        ("1234567", 0, 1440, "any day, at any hour"),
        ("12345", 540, 1020, "weekdays 09:00–17:00 where they live"),
        ("67", 0, 1440, "weekends, at any hour"),
        ("1234", 510, 1440, "Mon–Thu 08:30–24:00 where they live"),
        ("135", 0, 60, "Mon, Wed and Fri 00:00–01:00 where they live"),
        ("2", 0, 1440, "Tue, at any hour"),
        ("12", 0, 1440, "Mon and Tue, at any hour"),
    ],
)
def test_a_window_reads_as_people_say_it(days, opens, closes, says):
    assert window_of(a_step(days=days, opens_minute=opens, closes_minute=closes)) == says


SUBJECTS = {EXPERIENCE: "Experience", CERTIFICATIONS: "Certificates", SKILLS: "Skills"}


def numbered(*steps):
    return [replace(step, number=number) for number, step in enumerate(steps, 1)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a, b, c: [a, b, c], []),
        (lambda a, b, c: [a, c], ["Mail 2, “Certificates”, was taken out."]),
        (
            lambda a, b, c: [replace(a, letter_key="x", number=4), a, b, c],
            ["Mail 1, “x”, is new: 3 days after the start, any day, at any hour."],
        ),
        (lambda a, b, c: [c, a, b], ["Mail 1, “Skills”, was mail 3 before."]),
        (lambda a, b, c: [a, replace(b, letter_key=SKILLS)], None),
        (
            lambda a, b, c: [replace(a, wait_amount=5), b, c],
            ["Mail 1, “Experience”: 5 days later instead of 3 days later."],
        ),
        (
            lambda a, b, c: [replace(a, topics=("csm",), **WEEKDAYS), b, c],
            [
                "Mail 1, “Experience”: out weekdays 09:00–17:00 where they live instead of any day, at any hour.",
                "Mail 1, “Experience”: about Certified Scrum Master (CSM) instead of every topic.",
            ],
        ),
    ],
)
def test_a_difference_is_told_in_sentences(change, says):
    old = numbered(*THREE)
    told = difference(old, change(*old), SUBJECTS, TOPICS)
    if says is None:
        says = [
            "Mail 2, “Skills”: it takes the place of “Certificates”.",
            "Mail 3, “Skills”, was taken out.",
        ]
    assert told == says

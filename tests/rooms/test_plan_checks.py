"""A plan while it is written: what cannot be is told at its field, and steps keep their numbers."""

from dataclasses import replace

import pytest

from tests.factories import store_letter
from tests.rooms.plans import CERTIFICATIONS, EXPERIENCE, SKILLS, Writer, a_step, before_course
from tpminstitute.sequences.models import WaitUnit
from tpminstitute.sequences.plan_checks import MOST_STEPS, letters_for_plans, problems_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

THREE = (a_step(EXPERIENCE), a_step(CERTIFICATIONS), a_step(SKILLS))


@pytest.fixture
def alice(db):
    return Writer(db)


@pytest.fixture
def check(db):
    """`check(*steps)`: the places and sentences of what keeps a plan from being saved."""

    def check(*steps, has_course=False, sends=False):
        with db.read() as session:
            found = problems_of(session, steps, has_course=has_course, sends=sends)
        return [(problem.position, problem.field, problem.sentence) for problem in found]

    return check


# --- what is refused ---------------------------------------------------------------------------------------


def test_a_plan_without_a_mail_is_refused(check):
    assert check() == [(0, "", "Add a mail: follow-ups without one would do nothing.")]


def test_a_plan_of_more_than_fifty_mails_is_refused(check):
    assert check(*[a_step()] * (MOST_STEPS + 1)) == [(0, "", "Take some mails out: these are 51, and 50 are the most.")]


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"letter_key": ""}, "letter_key", "Choose the letter of this mail."),
        ({"letter_key": "gone"}, "letter_key", "Choose another letter: this one is not there any more."),
        ({"letter_key": "acknowledgement"}, "letter_key", "this one answers an inquiry at once"),
        ({"wait_amount": None}, "wait", "Write the wait as a whole number, such as 3."),
        ({"wait_unit": None}, "wait", "Choose what the wait is counted in."),
        ({"wait_amount": -1}, "wait", "A wait can't be shorter than nothing"),
        ({"wait_amount": 732}, "wait", "A wait of more than two years would be forgotten"),
        ({"wait_amount": 10**30}, "wait", "A wait of more than two years would be forgotten"),
        ({"wait_amount": 732 * 24, "wait_unit": WaitUnit.HOURS}, "wait", "A wait of more than two years"),
        ({"days": ""}, "days", "This mail would never go out: choose at least one weekday for it."),
        ({"opens_minute": 1020, "closes_minute": 540}, "hours", "its hours begin at 17:00 and end at 09:00"),
        ({"opens_minute": 540, "closes_minute": 540}, "hours", "This mail would never go out"),
        ({"opens_minute": None}, "hours", "Write both hours, such as 09:00 and 17:00."),
        ({"closes_minute": None}, "hours", "Write both hours"),
        ({"topics": ("csm", "gardening")}, "topics", "one of these is not there any more"),
        ({"conditions": ({"kind": "weather"},)}, "conditions", ""),
    ],
)
def test_what_cannot_be_is_told_at_its_field(check, fields, field, says):
    ((position, where, sentence),) = check(a_step(CERTIFICATIONS), replace(a_step(), **fields))
    assert (position, where) == (2, field)
    assert says in sentence


def test_every_problem_is_told_at_once_in_the_order_of_the_mails(check):
    found = check(a_step("gone", None), a_step(SKILLS, days=""))
    assert [(position, field) for position, field, _ in found] == [(1, "letter_key"), (1, "wait"), (2, "days")]


def test_nobody_gets_the_same_letter_twice(check):
    ((position, field, sentence),) = check(a_step(), a_step(SKILLS), a_step())
    assert (position, field) == (3, "letter_key")
    assert "“Follow-up: experience” is mail 1 already" in sentence


def test_a_letter_with_a_variable_that_follow_ups_do_not_know_is_refused(db, check, alice):
    store_letter(db, alice.id, SKILLS, body="Your reference is {reference}.")
    ((_, field, sentence),) = check(a_step(SKILLS))
    assert field == "letter_key"
    assert sentence.startswith("Mend the letter “Follow-up: skills” first, or choose another.")
    assert "{reference}, and there is no such variable" in sentence


def test_a_letter_without_a_text_may_be_planned_but_not_sent(check, alice):
    key = alice.letter("Later", text="")
    assert check(a_step(key)) == []
    ((_, field, sentence),) = check(a_step(key), sends=True)
    assert (field, "no text yet" in sentence) == ("letter_key", True)


# --- mails before a course ---------------------------------------------------------------------------------


def test_a_mail_before_a_course_needs_the_course(check):
    assert check(before_course(EXPERIENCE, 10), has_course=True) == []
    ((_, field, sentence),) = check(before_course(EXPERIENCE, 10))
    assert (field, "Choose the course" in sentence) == ("wait", True)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((before_course(EXPERIENCE, 3), before_course(SKILLS, 10)), "due before the mail above it"),
        ((before_course(EXPERIENCE, 3), before_course(SKILLS, 3)), "due before the mail above it"),
        ((before_course(EXPERIENCE, 10), a_step(SKILLS, 7), before_course(CERTIFICATIONS, 4)), "due before the mail"),
        ((before_course(EXPERIENCE, 3), a_step(SKILLS, 4)), "come after the course began"),
        ((before_course(EXPERIENCE, 3), a_step(SKILLS, 72, wait_unit=WaitUnit.HOURS)), "come after the course began"),
        ((before_course(EXPERIENCE, 0),), "these follow-ups end when the course begins"),
    ],
)
def test_mails_before_a_course_that_turn_in_a_circle_are_refused(check, steps, says):
    ((position, field, sentence),) = check(*steps, has_course=True)
    assert (position, field) == (len(steps), "wait")
    assert says in sentence


def test_mails_may_come_before_and_between_those_that_lead_up_to_a_course(check):
    plan = (a_step(EXPERIENCE, 2), before_course(SKILLS, 10), a_step(CERTIFICATIONS, 5))
    assert check(*plan, has_course=True) == []


# --- numbers -----------------------------------------------------------------------------------------------


def test_a_step_keeps_its_number_however_the_plan_is_turned_around(alice):
    sequence_id = alice.sequence(*THREE)
    one, two, three = alice.steps(sequence_id)
    alice.save(sequence_id, three, one, replace(two, wait_amount=9))
    assert alice.numbers(sequence_id) == [(SKILLS, 3), (EXPERIENCE, 1), (CERTIFICATIONS, 2)]


def test_a_new_step_gets_a_number_that_no_version_ever_had(alice):
    sequence_id = alice.sequence(*THREE)
    one, two, _ = alice.steps(sequence_id)
    alice.save(sequence_id, one, two)
    fresh = alice.letter("Fresh")
    alice.save(sequence_id, one, a_step(fresh), two)
    assert alice.numbers(sequence_id) == [(EXPERIENCE, 1), (fresh, 4), (CERTIFICATIONS, 2)]


def test_a_step_whose_letter_is_replaced_keeps_its_number(alice):
    sequence_id = alice.sequence(*THREE)
    one, two, three = alice.steps(sequence_id)
    better = alice.letter("Better")
    alice.save(sequence_id, one, replace(two, letter_key=better), three)
    assert alice.numbers(sequence_id) == [(EXPERIENCE, 1), (better, 2), (SKILLS, 3)]


def test_two_steps_that_swap_their_letters_swap_their_numbers(alice):
    sequence_id = alice.sequence(*THREE)
    one, two, three = alice.steps(sequence_id)
    alice.save(sequence_id, replace(one, letter_key=CERTIFICATIONS), replace(two, letter_key=EXPERIENCE), three)
    assert alice.numbers(sequence_id) == [(CERTIFICATIONS, 2), (EXPERIENCE, 1), (SKILLS, 3)]


def test_a_letter_that_was_taken_out_comes_back_under_its_old_number(alice):
    sequence_id = alice.sequence(*THREE)
    one, _, three = alice.steps(sequence_id)
    alice.save(sequence_id, one, three)
    alice.save(sequence_id, one, three, a_step(CERTIFICATIONS))
    assert alice.numbers(sequence_id) == [(EXPERIENCE, 1), (SKILLS, 3), (CERTIFICATIONS, 2)]


@pytest.mark.parametrize("number", [0, -1, 99, 2])
def test_a_number_that_is_none_of_the_steps_or_anothers_is_not_believed(alice, number):
    sequence_id = alice.sequence(a_step(EXPERIENCE), a_step(CERTIFICATIONS))
    one, two = alice.steps(sequence_id)
    alice.save(sequence_id, one, two, a_step(SKILLS, number=number))
    assert alice.numbers(sequence_id) == [(EXPERIENCE, 1), (CERTIFICATIONS, 2), (SKILLS, 3)]


def test_the_letters_for_a_plan_are_all_but_the_acknowledgements(db, alice):
    key = alice.letter("Mine")
    with db.read() as session:
        offered = [letter.key for letter in letters_for_plans(session)]
    assert {EXPERIENCE, CERTIFICATIONS, SKILLS, key} <= set(offered)
    assert not {"acknowledgement", "acknowledgement-again"} & set(offered)

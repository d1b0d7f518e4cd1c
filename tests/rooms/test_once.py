"""A form is taken once, whichever of two comes first."""

import threading

import time_machine

from tests.factories import count
from tpminstitute.core import clock, once
from tpminstitute.core.once import KEPT_FOR, TakenForm


def taken(db, key="a note", leads_to="/the-first"):
    """Take a form in a transaction of its own; where it was led when it was taken before, else ''."""
    with db.write() as session:
        led_to = once.take(session, key)
        if not led_to:
            once.lead_to(session, key, leads_to)
        return led_to


def test_the_second_is_led_where_the_first_was_led(db):
    assert taken(db) == ""
    assert taken(db, leads_to="/the-second") == "/the-first"
    assert count(db, TakenForm) == 1


def test_another_key_is_another_form(db):
    taken(db)
    assert taken(db, "another note") == ""


def test_what_was_rolled_back_was_not_taken(db):
    with db.write() as session:
        once.take(session, "a note")
        once.lead_to(session, "a note", "/nowhere")
        session.rollback()
    assert taken(db) == ""


def test_of_ten_at_once_one_is_the_first(db):
    start, led = threading.Barrier(10), []

    def send(number):
        start.wait(30)
        led.append(taken(db, leads_to=f"/{number}"))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (first,) = {address for address in led if address}
    assert sorted(led) == ["", *[first] * 9]


def test_a_form_is_forgotten_when_nobody_has_it_open_any_more(db):
    taken(db)
    for age, left in ((KEPT_FOR / 2, 1), (KEPT_FOR * 1.01, 0)):
        with time_machine.travel(clock.now() + age), db.write() as session:
            once.tidy_forms(session)
        assert count(db, TakenForm) == left

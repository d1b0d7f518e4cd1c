"""The same letter sent again, on purpose or not, is one inquiry; another letter is another."""

import threading

from tests.doors.people import LETTER, Visitor
from tests.factories import count
from tpminstitute.contacts.models import Consent, Contact
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail.models import Message
from tpminstitute.pipeline.models import Lead
from tpminstitute.sequences.models import Enrollment

TABLES = (Inquiry, Contact, Lead, Message, Consent, Enrollment)


def counts(db):
    return {table.__name__: count(db, table) for table in TABLES}


ONE = {"Inquiry": 1, "Contact": 1, "Lead": 1, "Message": 2, "Consent": 1, "Enrollment": 1}


def test_a_replay_is_answered_as_the_first_and_stores_nothing(db, visitor):
    token = visitor.open_form()
    places = {visitor.send(token, consent="y").location for _ in range(3)}
    assert len(places) == 1
    assert counts(db) == ONE


def test_going_back_and_sending_the_same_words_once_more_is_one_inquiry(db, visitor):
    token = visitor.open_form()
    first = visitor.send(token, consent="y")
    visitor.client.get(first.location)
    again = visitor.send(token, consent="y", message=LETTER["message"] + "")
    assert again.location == first.location
    assert counts(db) == ONE


def test_a_replay_that_only_differs_in_line_ends_is_the_same(db, visitor):
    token = visitor.open_form()
    places = {visitor.send(token, message=text).location for text in ("One\r\ntwo", "One\ntwo")}
    assert len(places) == 1
    assert count(db, Inquiry) == 1


def test_going_back_and_changing_the_words_is_a_second_inquiry(db, visitor):
    token = visitor.open_form()
    first, second = visitor.send(token), visitor.send(token, message="And what does it cost?")
    assert first.location != second.location
    assert (count(db, Inquiry), count(db, Contact), count(db, Lead), count(db, Message)) == (2, 1, 1, 4)


def test_the_same_words_from_a_form_that_was_opened_anew_are_a_second_inquiry(db, visitor):
    visitor.send()
    visitor.send()
    assert count(db, Inquiry) == 2


def test_twenty_parallel_replays_make_one_inquiry(app, db, visitor):
    token, start = visitor.open_form(), threading.Barrier(20)
    answers = []

    def replay():
        client = Visitor(app.test_client())
        start.wait(30)
        answers.append(client.send(token, consent="y"))

    threads = [threading.Thread(target=replay) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [303] * 20
    assert len({answer.location for answer in answers}) == 1
    assert counts(db) == ONE


def test_refreshing_the_thank_you_page_stores_nothing(db, visitor):
    place = visitor.send().location
    before = counts(db)
    pages = {visitor.client.get(place).text for _ in range(3)}
    assert len(pages) == 1
    assert counts(db) == before

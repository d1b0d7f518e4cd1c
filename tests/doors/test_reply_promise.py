"""What the form and the page after it promise: what is kept, by when, and nothing before a proof that is asked for."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, event, select, update

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.factories import make_settings
from tpminstitute.inbox.models import BroughtAlong, Inquiry, InquiryState
from tpminstitute.sequences.models import Holiday

pytestmark = on_sqlite

MONDAY_NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
"""Noon in New York, while the office is open."""
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(tmp_path, database_url):
    return make_settings(
        tmp_path, database_url=database_url, office_hours="Mon-Fri 09:00-17:00", promise_working_hours=8
    )


@pytest.fixture
def clockwork():
    with time_machine.travel(MONDAY_NOON, tick=False) as clockwork:
        yield clockwork


def beside_the_button(client, address):
    return read(client.get(address).text).first("div", class_="letter-end").words


@pytest.fixture
def thanked(db, clockwork, visitor):
    """`thanked(**fields)`: what the page after sending says, of a letter whose row is changed so."""

    def see(**fields):
        place = visitor.send().location
        with db.write() as session:
            session.execute(update(Inquiry).values(**fields or {"score": Inquiry.score}))
        return lambda: read(visitor.client.get(place).text).first("main")

    return see


def test_the_form_says_within_what_time_an_answer_comes(client, clockwork):
    for address in ("/", "/contact"):
        told = beside_the_button(client, address)
        assert "a person answers. We answer within one working day." in told
        assert "closed" not in told


def test_a_kept_guide_says_that_the_office_closed_and_when_it_opens(client, clockwork):
    known = client.get("/").headers["ETag"]
    clockwork.shift(4 * HOUR)
    assert client.get("/", headers={"If-None-Match": known}).status_code == 304
    clockwork.shift(HOUR)
    assert "is closed now and opens on Tuesday at 9:00 (New York time)." in beside_the_button(client, "/")
    clockwork.shift(12 * HOUR)
    assert "is closed now and opens today at 9:00" in beside_the_button(client, "/")
    clockwork.shift(4 * HOUR)
    assert "closed" not in beside_the_button(client, "/")


def test_a_new_holiday_is_told_within_minutes(client, clockwork, db):
    client.get("/contact")
    with db.write() as session:
        session.add(Holiday(day=MONDAY_NOON.date(), name="A day of rest"))
    clockwork.shift(timedelta(minutes=5))
    assert "opens on Tuesday" in beside_the_button(client, "/contact")


def test_no_page_asks_for_the_usual_time_while_it_is_known(client, clockwork, db, app):
    client.get("/contact")
    asked = []
    event.listen(app.extensions["tpm"].db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    for _ in range(3):
        clockwork.shift(timedelta(minutes=1))
        client.get("/contact")
    assert not [statement for statement in asked if "inquiries" in statement]


def test_the_thanks_say_by_when_an_answer_comes(thanked):
    assert "By Tuesday 24 November, 12:00, New York time" in thanked()().words


def test_a_promise_that_was_broken_is_said_to_be_late(thanked, clockwork):
    page = thanked()
    clockwork.shift(timedelta(days=2))
    assert "Promised by Tuesday 24 November, 12:00, New York time, and late." in page().words


def test_a_letter_that_a_proof_is_asked_for_is_promised_nothing_before_it(thanked):
    told = thanked(state=InquiryState.SUSPECTED, score=12)().words
    assert "New York time" not in told
    assert "your message" in told.lower()


@pytest.mark.parametrize("state", [InquiryState.SUSPECTED, InquiryState.SPAM])
def test_clear_spam_is_promised_the_same_and_is_late_as_well(thanked, clockwork, state):
    page = thanked(state=state, score=18)
    assert "By Tuesday 24 November, 12:00, New York time" in page().words
    clockwork.shift(timedelta(days=2))
    assert "Promised by Tuesday 24 November, 12:00, New York time, and late." in page().words


def test_a_letter_that_was_seen_to_waits_for_nothing(thanked):
    told = thanked(state=InquiryState.HANDLED)().words
    assert "A person at the institute read it" in told
    assert "New York time" not in told


def test_the_chapter_to_read_meanwhile_is_near_the_topic(thanked):
    addresses = {link["href"]: link.words for link in thanked(topic="pmp")().all("a")}
    assert addresses["/#educational-background-and-certifications"] == "Educational Background and Certifications"


def test_a_chapter_that_was_read_is_not_offered_again(thanked, db):
    page = thanked(topic="pmp")
    with db.write() as session:
        inquiry = session.scalars(select(Inquiry)).one()
        titles = ["Introduction", "Educational Background and Certifications"]
        session.execute(delete(BroughtAlong))
        session.add(
            BroughtAlong(
                inquiry_id=inquiry.id, about="", edition="0123abcd", chapters_read=titles, pathway="", pathway_words=""
            )
        )
    told = page().words
    assert "worth reading until then: Understanding the Role" in told

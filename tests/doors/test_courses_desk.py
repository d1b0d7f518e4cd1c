"""Courses at the desk: written, published, dated and waited for; two who write at once, and who only looks."""

import pytest
import time_machine

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import labels
from tests.factories import contact_of
from tests.rooms.courses_kept import a_course, a_date, joins, said_full, stored
from tpminstitute.accounts.models import Account, Role
from tpminstitute.inbox.models import ReplyDraft
from tpminstitute.inbox.wait_models import CourseWait
from tpminstitute.sequences.models import Course, CourseDate

pytestmark = on_sqlite

HOME = "/staff/courses"
TEXT = {"title": "Leading programs", "topic": "csm", "for_whom": "For leads.", "learns": "To lead.", "link": ""}
DATE = {"begins": "2027-05-03T09:00", "ends": "2027-05-03T17:00", "place": "Philadelphia", "cost": "free"}


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel("2027-03-02 15:00Z") as clockwork:
        yield clockwork


@pytest.fixture
def alice(db, desk):
    with db.read() as session:
        return session.query(Account).filter_by(name="Alice").one().id


@pytest.fixture
def course(db, alice):
    return a_course(db, alice)


def says(desk, answer):
    assert answer.status_code == 303, answer.text
    return " ".join(notice.words for notice in led_to(desk, answer).all("div", class_="notice", role="status"))


def led_to(desk, answer):
    return desk.page(answer.location.partition("#")[0])


def kept(db, model):
    with db.read() as session:
        return session.query(model).order_by(model.id).all()


def test_a_course_is_written_published_and_dated_and_visitors_see_each_at_once(db, desk, client):
    answer = desk.press("Add course", desk.page(f"{HOME}/new"), **TEXT)
    assert says(desk, answer) == "It was added. Visitors see it once it is published."
    home = answer.location
    assert client.get("/courses/leading-programs").status_code == 404
    assert says(desk, desk.press("Publish", desk.page(home))) == "It is published."
    assert says(desk, desk.press("Add the date", desk.page(f"{home}/dates/new"), **DATE)) == "The date was added."
    assert "Monday, 3 May 2027, 09:00 to 17:00, New York time (UTC−4)" in client.get("/courses/leading-programs").text
    assert says(desk, desk.press("It is full", desk.page(home))).startswith("It is full.")
    assert "Join the waiting list" in client.get("/courses/leading-programs").text
    assert says(desk, desk.press("Hide", desk.page(home))).startswith("It is hidden.")
    assert client.get("/courses/leading-programs").status_code == 404


def test_what_cannot_be_kept_comes_back_at_its_field(db, desk, course):
    answer = desk.press("Add course", desk.page(f"{HOME}/new"), **TEXT | {"link": "http://example.org", "title": ""})
    shown = read(answer.text)
    assert answer.status_code == 422
    assert shown.with_id("title-error").words == "Write what the course is called."
    assert shown.with_id("link")["value"] == "http://example.org"
    answer = desk.press("Add the date", desk.page(f"{HOME}/{course}/dates/new"), **DATE | {"ends": "2027-05-03T08:00"})
    shown = read(answer.text)
    assert answer.status_code == 422
    assert shown.with_id("ends-error").words == "Choose an end after the beginning, or leave it empty."
    assert shown.with_id("place")["value"] == "Philadelphia"
    assert kept(db, CourseDate) == []


def test_two_who_edit_a_course_at_once_see_both_texts_and_nothing_is_lost(db, desk, course):
    first, second = desk.page(f"{HOME}/{course}/edit"), desk.page(f"{HOME}/{course}/edit")
    assert says(desk, desk.press("Save", first, learns="Bob’s words")) == "Saved."
    answer = desk.press("Save", second, learns="Alice’s words")
    assert answer.status_code == 409
    shown = read(answer.text)
    shown.attrs["address"] = f"{HOME}/{course}/edit"
    assert "Bob’s words" in shown.first("div", role="alert").words
    assert shown.first("form", class_="course-form").fields["learns"] == "Alice’s words"
    assert says(desk, desk.press("Save", shown)) == "Saved."
    assert kept(db, Course)[-1].learns == "Alice’s words"


def test_two_who_change_a_date_at_once_see_both(db, desk, course, alice):
    a_date(db, course, alice)
    (date,) = kept(db, CourseDate)
    address = f"{HOME}/{course}/dates/{date.id}"
    first, second = desk.page(address), desk.page(address)
    assert says(desk, desk.press("Save", first, begins="2027-06-07T09:00")) == "Saved."
    answer = desk.press("Save", second, place="Boston")
    assert answer.status_code == 409
    assert "Monday, 7 June 2027, 09:00" in read(answer.text).first("div", role="alert").words
    assert stored(db, date.id).place == ""


def test_who_waits_is_written_to_by_a_draft_and_taken_off_for_a_reason(db, settings, desk, course, alice):
    date_id = a_date(db, course, alice)
    said_full(db, settings, date_id, alice)
    joins(db, settings, course)
    home = f"{HOME}/{course}"
    assert "1 waits for a place." in desk.page(home).words
    assert says(desk, desk.press("A place is free", desk.page(home))).startswith("A place is free again. Nobody")
    shown = desk.page(home)
    assert "1 waits, a place is free." in shown.words
    answer = desk.press("Write to them", shown)
    assert answer.location == f"/staff/contacts/{contact_of(db).public_id}#reply-text"
    assert "a place is free in “Leading programs”" in led_to(desk, answer).with_id("reply-text").text
    with db.read() as session:
        assert session.query(ReplyDraft).count() == 1
    assert "A letter to them was begun meanwhile." in says(desk, desk.press("Write to them", shown))
    again = desk.page(home)
    assert "Alice began a letter" in again.words
    answer = desk.press("Take off the list", again, why="")
    assert answer.status_code == 422
    assert "Nobody was taken off." in answer.text
    assert says(desk, desk.press("Take off the list", again, why="Has a place")).startswith("They are off the list.")
    assert kept(db, CourseWait)[0].left_why == "Has a place"
    assert "Nobody waits." in desk.page(home).words


def test_a_date_is_taken_back_and_who_waited_waits_for_the_next(db, settings, desk, course, alice):
    said_full(db, settings, a_date(db, course, alice), alice)
    joins(db, settings, course)
    answer = desk.press("Remove the date", desk.page(f"{HOME}/{course}"))
    assert says(desk, answer) == "The date is gone. One person waits for the next one now."
    assert "For the next date there is" in desk.page(f"{HOME}/{course}").words


def test_a_date_of_the_calendar_is_taken_over(db, desk, course):
    desk.press("Add course", desk.page("/staff/calendar"), name="CSM, evenings", begins="2027-04-20T09:00")
    shown = desk.page(f"{HOME}/{course}")
    assert says(desk, desk.press("Take it over", shown, date="1")) == "It is a date of this course now."
    calendar = desk.page("/staff/calendar")
    assert "It is a date of a course: move or change it there." in calendar.words
    assert "Save" not in labels(calendar)
    assert "was removed" in says(desk, desk.press("Take it over", shown, date="x"))


def test_the_settings_of_follow_ups_name_the_course_with_its_date(db, desk, course, alice):
    a_date(db, course, alice)
    options = [option.words for option in desk.page("/staff/sequences/1/settings").with_id("course").all("option")]
    assert "Leading programs, Mon 3 May 2027, 09:00" in options


@pytest.mark.parametrize("told", ["x", "2027-03-02", "2027-03-02T15:00:00", "2027-03-02T15:00:00+00:00"])
def test_a_forged_press_changes_nothing(db, settings, desk, course, alice, told):
    joins(db, settings, course, dated=False)
    where = f"{HOME}/{course}/waits/1/tell"
    answer = desk.client.post(where, data={"csrf_token": desk.token, "told": told})
    assert "Nothing was changed" in says(desk, answer)
    assert kept(db, CourseWait)[0].told_at is None


@pytest.mark.parametrize("where", ["999", "1/dates/999", "999/edit", "999/dates/new", "0", "99999999999999999999"])
def test_what_is_not_there_is_no_page(desk, where):
    assert desk.client.get(f"{HOME}/{where}").status_code == 404


def test_a_reader_looks_and_is_offered_nothing(db, settings, desk_of, course, alice):
    said_full(db, settings, a_date(db, course, alice), alice)
    joins(db, settings, course)
    reader = desk_of("Rita", Role.READER)
    for address in (HOME, f"{HOME}/{course}"):
        shown = reader.page(address)
        assert "Leading programs" in shown.words
        assert set(labels(shown)) <= {"Sign out", "Keys", "Close"}

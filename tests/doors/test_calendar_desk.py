"""The calendar at the desk: dates of courses, holidays, and the federal ones looked over before they are saved."""

from datetime import date

import pytest
import time_machine
from sqlalchemy import select

from tests.doors.html import read
from tests.doors.people import labels
from tpminstitute.accounts.models import Role
from tpminstitute.sequences.models import CourseDate, Holiday

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOME = "/staff/calendar"
COURSE = {"name": "CSM, evenings", "begins": "2026-04-20T09:00"}


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel("2026-03-02 15:00Z") as clockwork:
        yield clockwork


def says(desk, answer):
    assert answer.status_code == 303, answer.text
    return " ".join(n.words for n in desk.page(answer.location).all("div", class_="notice", role="status"))


def stored(db, model):
    with db.read() as session:
        return session.scalars(select(model)).all()


def test_an_empty_calendar_says_what_would_be_there(desk):
    page = desk.page(HOME)
    assert "No course has a date yet. Once one has, a sequence can lead up to it" in page.words
    assert "No holiday of 2026 is in the list" in page.words


def test_a_course_begins_by_the_institutes_clock(db, desk):
    assert says(desk, desk.press("Add course", desk.page(HOME), **COURSE)) == "It was added."
    (course,) = stored(db, CourseDate)
    assert f"{course.begins_at:%Y-%m-%d %H:%M %Z}" == "2026-04-20 13:00 UTC"
    page = desk.page(HOME)
    assert "Mon 20 Apr 2026, 09:00" in page.words
    assert page.with_id(f"course-{course.id}-begins")["value"] == COURSE["begins"]


def test_a_time_that_the_clock_skips_begins_right_after_it(db, desk):
    desk.press("Add course", desk.page(HOME), **COURSE | {"begins": "2026-03-08T02:30"})
    (course,) = stored(db, CourseDate)
    assert f"{course.begins_at:%H:%M}" == "07:00"


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"name": " "}, "course-new-name", "Write which course it is."),
        ({"begins": "2026-02-29T09:00"}, "course-new-begins", "Write the day and the time"),
        ({"begins": "9999-12-31T23:00"}, "course-new-begins", "Write the day and the time"),
        ({"begins": "2099-01-01T09:00"}, "course-new-begins", "Choose a day within the next ten years"),
        ({"begins": "2026-01-01T09:00"}, "course-new-begins", "Choose a day that is still to come"),
        ({"begins": "2026-04-20T09:00+05:00"}, "course-new-begins", "Write the day and the time"),
    ],
)
def test_a_course_that_cannot_be_is_told_at_its_field_and_kept_as_typed(db, desk, fields, field, sentence):
    answer = desk.press("Add course", desk.page(HOME), **COURSE | fields)
    assert answer.status_code == 422
    page = read(answer.text)
    assert sentence in page.with_id(f"{field}-error").words
    assert page.with_id("course-new-name")["value"] == (COURSE | fields)["name"]
    assert stored(db, CourseDate) == []


def test_a_course_is_changed_and_a_stale_page_is_refused(db, desk):
    desk.press("Add course", desk.page(HOME), **COURSE)
    shown = desk.page(HOME)
    assert says(desk, desk.press("Save", shown, begins="2026-05-04T09:00", full="1")) == "Saved."
    answer = desk.press("Save", shown, name="Other")
    assert answer.status_code == 409
    assert "it begins on Mon 4 May 2026 09:00 (America/New_York) now" in answer.text
    (course,) = stored(db, CourseDate)
    assert (course.name, course.number, course.full_at is not None) == (COURSE["name"], 2, True)
    assert "Full" in [tag.words for tag in desk.page(HOME).all("span", class_="tag")]


def test_a_course_that_nothing_leads_up_to_is_removed(db, desk):
    desk.press("Add course", desk.page(HOME), **COURSE)
    assert says(desk, desk.press("Remove", desk.page(HOME))) == "It was removed."
    assert stored(db, CourseDate) == []


def test_federal_holidays_are_looked_over_before_they_are_saved(db, desk):
    page = desk.page(f"{HOME}?year=2027&federal=1")
    offered = [label.words for label in page.first("fieldset", class_="choose").all("label")]
    assert "Thu 25 Nov, Thanksgiving Day" in offered
    assert stored(db, Holiday) == []
    form = page.first("fieldset", class_="choose").parents[-1]
    ticked = [*(box["value"] for box in form.all("input", name="day")[:2]), "2027-08-03", "x"]
    data = {"csrf_token": desk.token, "year": "2027", "day": ticked}
    assert says(desk, desk.client.post(form["action"], data=data)) == "2 holidays were added."
    assert [holiday.day for holiday in stored(db, Holiday)] == [date(2027, 1, 1), date(2027, 1, 18)]
    assert len(desk.page(f"{HOME}?year=2027&federal=1").first("fieldset", class_="choose").all("label")) == (
        len(offered) - 2
    )


def test_a_holiday_is_added_to_the_year_it_falls_in_and_removed(db, desk):
    answer = desk.press("Add holiday", desk.page(HOME), day="2027-08-02", name="Summer break")
    assert answer.location == f"{HOME}?year=2027#holidays"
    page = desk.page(f"{HOME}?year=2027")
    assert "Summer break Mon 2 Aug" in page.words
    assert says(desk, desk.press("Remove", page)) == "“Summer break” was removed."
    assert stored(db, Holiday) == []


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"day": "2027-02-29"}, "day", "Choose a day."),
        ({"day": "2099-01-01"}, "day", "Choose a day between 2025 and 2036."),
        ({"name": ""}, "name", "Write which holiday it is."),
    ],
)
def test_a_holiday_that_cannot_be_is_told_at_its_field(db, desk, fields, field, sentence):
    answer = desk.press("Add holiday", desk.page(HOME), **{"day": "2026-08-03", "name": "Summer break"} | fields)
    assert answer.status_code == 422
    assert sentence in read(answer.text).with_id(f"holiday-{field}-error").words
    assert stored(db, Holiday) == []


@pytest.mark.parametrize("year", ["1999", "99999", "x", "٢٠٢٦"])
def test_a_year_that_cannot_be_looked_at_is_this_one(desk, year):
    assert "Holidays 2026" in desk.page(f"{HOME}?year={year}").words


def test_a_reader_looks_and_can_change_nothing(app, db, desk, desk_of):
    desk.press("Add course", desk.page(HOME), **COURSE)
    reader = desk_of("Rita", Role.READER)
    page = reader.page(f"{HOME}?federal=1")
    assert COURSE["name"] in page.words
    assert set(labels(page)) <= {"Sign out", "Keys", "Close"}
    app.config["WTF_CSRF_METHODS"] = set()  # as if each form's token were right, so that only the role counts
    for what in ("courses", "courses/1", "courses/1/remove", "holidays", "holidays/2026-08-03/remove", "federal"):
        assert reader.client.post(f"{HOME}/{what}").status_code == 403

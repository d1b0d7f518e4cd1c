"""The courses as visitors meet them: pages, calendars, and a letter that asks for a place."""

import json

import pytest
import time_machine

from tests.conftest import on_sqlite
from tests.doors.html import active_content, read
from tests.factories import an_account, contact_of
from tests.house.tree import ROOT
from tests.rooms.courses_kept import TITLE, a_course, a_date, said_full, seen_course, stored
from tpminstitute.courses import editing
from tpminstitute.courses.editing import CourseText
from tpminstitute.inbox.models import BroughtAlong
from tpminstitute.inbox.wait_models import CourseWait

pytestmark = on_sqlite

HOME = "/courses/leading-programs"
HOSTILE = "</script><img src=x onerror=alert(1)>“&amp;”"


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel("2027-03-02 15:00Z") as clockwork:
        yield clockwork


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def course(db, alice):
    return a_course(db, alice)


def page(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.status
    return read(answer.text)


def links(element):
    return {link.words: link["href"] for link in element.all("a")}


def kept(db, model):
    with db.read() as session:
        return session.query(model).all()


def full_date(db, settings, course, alice):
    date_id = a_date(db, course, alice)
    said_full(db, settings, date_id, alice)
    return stored(db, date_id).uid


def test_the_list_leads_to_each_course_and_says_that_no_date_is_published(client):
    found = page(client, "/courses")
    assert links(found)["Certified Scrum Master (CSM)"] == "/courses/certified-scrum-master"
    assert "No dates are published now. Ask us, and a person answers." in found.words
    assert "the guide says about learning" in found.words


def test_a_course_without_a_date_asks_to_ask(client):
    found = page(client, "/courses/certified-scrum-master")
    assert "No dates are published now. Ask us, and a person answers." in found.words
    asked = links(found)
    assert asked["Ask about this course"] == "/contact?about=course:certified-scrum-master"
    assert asked["Tell me when there is a date"] == "/contact?about=wait:course:certified-scrum-master"


def test_a_date_says_when_where_and_what_it_costs_if_that_is_known(db, client, course, alice):
    a_date(db, course, alice, ends="2027-05-03T17:00", place="Philadelphia", places="12", cost="free")
    a_date(db, course, alice, "2027-06-07T09:00", link="https://www.example.org/enrol?a=1&b=2")
    first, second = page(client, HOME).all("li", class_="course-date")
    assert first.words == (
        "Monday, 3 May 2027, 09:00 to 17:00, New York time (UTC−4) "
        "Where Philadelphia Places Limited to 12 Fee None Ask about this date"
    )
    assert first.first("time")["datetime"] == "2027-05-03T13:00:00+00:00"
    assert "Fee Not published. Ask about it More example.org" in second.words
    assert (
        "Monday, 3 May 2027, 09:00 to 17:00, New York time (UTC−4), and one more date" in page(client, "/courses").words
    )


def test_a_full_date_offers_the_waiting_list(db, settings, client, course, alice):
    uid = full_date(db, settings, course, alice)
    (date,) = page(client, HOME).all("li", class_="course-date")
    assert "Places Full" in date.words
    assert links(date)["Join the waiting list"] == f"/contact?about=wait:date:{uid}"


@pytest.mark.parametrize("slug", ["nothing", "%00", "..%2f..%2fetc", "x" * 3_000, "<script>", "csm.ics.ics", "%ff"])
def test_an_address_that_is_no_course_is_no_page(client, slug):
    assert client.get(f"/courses/{slug}").status_code == 404
    assert client.get(f"/courses/{slug}.ics").status_code == 404


def test_a_hidden_course_is_no_page_and_in_no_list(db, client, alice):
    a_course(db, alice, hidden=True)
    assert client.get(HOME).status_code == client.get(f"{HOME}.ics").status_code == 404
    assert TITLE not in client.get("/courses").text


def test_a_former_address_leads_to_the_new_one(db, client, course, alice):
    with db.write() as session:
        text = CourseText(TITLE, "csm", slug="leading")
        editing.change_course(session, course, 2, text, alice)
    answer = client.get(HOME)
    assert (answer.status_code, answer.location) == (301, "/courses/leading")
    assert "no-cache" in answer.headers["Cache-Control"]
    assert client.get(f"{HOME}.ics").status_code == 200


@pytest.mark.parametrize("address", [f"{HOME}.ics", "/courses.ics"])
def test_a_calendar_is_sent_once_until_it_changes(db, client, course, alice, address):
    a_date(db, course, alice)
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert b"SUMMARY:Leading programs" in answer.data
    again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_what_staff_write_is_inert_on_every_page(db, client, alice):
    plain = a_course(db, alice, title="Plain", for_whom="x", learns="x")
    a_date(db, plain, alice, place="x", cost="fee", fee="x")
    hostile = a_course(db, alice, title=HOSTILE, for_whom=HOSTILE, learns=HOSTILE, slug="hostile")
    a_date(db, hostile, alice, place=HOSTILE, cost="fee", fee=HOSTILE)
    shown = page(client, "/courses/hostile")
    assert active_content(shown) == active_content(page(client, "/courses/plain"))
    assert json.loads(shown.first("script", type="application/ld+json").text)["name"] == HOSTILE
    letter = page(client, "/contact?about=course:hostile")
    assert active_content(letter) == active_content(page(client, "/contact?about=course:plain"))
    assert HOSTILE in letter.words


def test_a_letter_about_a_course_has_its_topic_and_says_so(db, visitor, client, course):
    form = page(client, "/contact?about=course:leading-programs").first("form", class_="letter")
    assert form.fields["topic"] == "csm"
    assert f"You ask about the course “{TITLE}”." in form.words
    assert visitor.send(token=form.fields["token"], about=form.fields["about"]).status_code == 303
    assert kept(db, BroughtAlong)[0].about == f"the course “{TITLE}”"
    assert kept(db, CourseWait) == []


@pytest.mark.parametrize("key", ["course:nothing", "date:0", "wait:date:0", "wait:" * 500, "course:\x00"])
def test_a_letter_about_nothing_of_ours_is_taken_all_the_same(db, visitor, client, key):
    assert "You ask about" not in page(client, "/contact?topic=csm").words
    assert visitor.send(about=key).status_code == 303
    assert kept(db, BroughtAlong) == kept(db, CourseWait) == []


def test_who_asks_for_a_place_waits_and_is_told_so_and_a_replay_changes_nothing(
    db, settings, visitor, client, course, alice
):
    uid = full_date(db, settings, course, alice)
    token = visitor.open_form(f"/contact?about=wait:date:{uid}")
    form = page(client, f"/contact?about=wait:date:{uid}").first("form", class_="letter")
    words = f"a place on the waiting list for “{TITLE}” on Mon 3 May 2027 09:00 (America/New_York)"
    assert form.fields["message"] == f"I ask for {words}."
    for _ in range(2):
        answer = visitor.send(token=token, about=form.fields["about"], message=form.fields["message"])
        assert answer.status_code == 303
    assert f"You asked for {words}. You are on the list" in page(client, answer.location).words
    (wait,) = kept(db, CourseWait)
    assert (wait.contact_id, wait.about) == (contact_of(db).id, words)


def test_what_is_wrong_with_a_letter_keeps_what_it_is_about(db, settings, visitor, course, alice):
    uid = full_date(db, settings, course, alice)
    answer = visitor.send(email="wrong", about=f"wait:date:{uid}")
    assert answer.status_code == 422
    assert read(answer.text).first("form", class_="letter").fields["about"] == f"wait:date:{uid}"


def test_a_course_page_sets_no_cookie_and_is_small(db, client, course, alice):
    for day in range(1, 21):
        a_date(db, course, alice, f"2027-05-{day:02}T09:00", ends=f"2027-05-{day:02}T17:00", place="p" * 200)
    answer = client.get(HOME)
    assert "Set-Cookie" not in answer.headers
    assert len(answer.data) + (ROOT / "static/course.js").stat().st_size < 60_000  # the page carries its styles
    assert seen_course(db, course).to_come

"""A course as it is met: Ada finds a full date on her phone and waits for a place; Alice frees one and writes to her."""

import json
import re

from playwright.sync_api import expect

from tests.factories import an_account
from tests.journeys.steps import PHONE, come_to_the_desk, wait_until_read
from tests.rooms.courses_kept import a_course, a_date, said_full
from tpminstitute.core import clock


def test_ada_waits_for_a_place_and_alice_writes_to_her_when_one_is_free(started, new_page):
    begun = started()
    begins = f"{clock.now().year + 1}-05-03T09:00"
    with begun.database() as db:
        with db.write() as session:
            bob = an_account(session, "Bob").id
        course = a_course(db, bob, title="Leading </script> programs", slug="leading")
        full = a_date(db, course, bob, begins, place="Philadelphia")
        said_full(db, begun.settings, full, bob)

    phone = new_page(viewport=PHONE, timezone_id="Europe/Paris")
    phone.goto(f"{begun.url}/courses")
    phone.get_by_role("link", name="Leading </script> programs").click()
    expect(phone.get_by_text("By your clock:")).to_contain_text("15:00")
    data = phone.locator("script[type='application/ld+json']").text_content()
    assert json.loads(data)["hasCourseInstance"][0]["startDate"].startswith(begins)
    assert phone.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    phone.get_by_role("link", name="Join the waiting list").click()
    phone.get_by_label("Your name").fill("Ada Lovelace")
    phone.get_by_label("E-mail").fill("ada@example.org")
    wait_until_read(phone)
    phone.get_by_role("button", name="Send message").click()
    expect(phone.get_by_text("You are on the list")).to_be_visible()

    desk = new_page()
    come_to_the_desk(desk, begun.service.setup_link)
    desk.get_by_role("link", name="Courses").click()
    desk.get_by_role("link", name="1 waits").click()
    desk.get_by_role("button", name="A place is free").click()
    expect(desk.get_by_text("1 waits, a place is free.")).to_be_visible()
    desk.get_by_role("button", name="Write to them").click()
    expect(desk.locator("#reply-text")).to_have_value(re.compile("^Hello Ada,\n\na place is free in"))
    desk.get_by_role("button", name="Send reply").click()
    desk.get_by_role("link", name="Courses").click()
    desk.get_by_role("link", name="1 waits").click()
    expect(desk.get_by_text("a reply was written")).to_be_visible()

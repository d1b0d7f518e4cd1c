"""A course as it is met: Ada finds a full date on her phone and waits; Alice frees a place and writes to her."""

import json
import re

from playwright.sync_api import expect

from tests.journeys.steps import PHONE, come_to_the_desk, wait_until, wait_until_read
from tests.rooms.courses_kept import a_course, a_date, said_full
from tpminstitute.core import clock

ALICE, TITLE = 1, "Leading </script> programs"


def test_ada_waits_for_a_place_and_alice_writes_to_her_when_one_is_free(started, new_page):
    begun = started()
    begins = f"{clock.now().year + 1}-05-03T09:00"
    desk = new_page()
    come_to_the_desk(desk, begun.service.setup_link)
    with begun.database() as db:
        course = a_course(db, ALICE, title=TITLE, slug="leading")
        full = a_date(db, course, ALICE, begins, place="Philadelphia")
        said_full(db, begun.settings, full, ALICE)

    phone = new_page(viewport=PHONE, timezone_id="Europe/Paris")
    wait_until(lambda: phone.goto(f"{begun.url}/courses") and phone.get_by_text(TITLE).count(), "the course")
    phone.get_by_role("link", name=TITLE).click()
    expect(phone.get_by_text("By your clock:")).to_contain_text("15:00")
    data = phone.locator("script[type='application/ld+json']").text_content()
    assert json.loads(data)["hasCourseInstance"][0]["startDate"].startswith(begins)
    assert phone.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    phone.get_by_role("link", name="Join the waiting list").click()
    phone.get_by_label("Your name").fill("Ada Lovelace")
    phone.get_by_label("E-mail", exact=True).fill("ada@example.org")
    wait_until_read(phone)
    phone.get_by_role("button", name="Send message").click()
    expect(phone.get_by_text("You are on the list")).to_be_visible()

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

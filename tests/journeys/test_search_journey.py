"""Looking for somebody as staff would: by keyboard, from any page, and on a phone without JavaScript."""

from playwright.sync_api import expect

from tests.factories import submitted
from tests.journeys.steps import PASSWORD, PHONE, come_to_the_desk, press


def test_somebody_is_found_by_keyboard_and_on_a_phone_without_scripts(started, new_page):
    service = started()
    with service.database() as db:
        submitted(db, service.settings, message="Is there a scholarship?")
        submitted(db, service.settings, email="muller@example.org", name="J\u00fcrgen M\u00fcller <b>", message="Hello")
    desk = new_page()
    come_to_the_desk(desk, service.service.setup_link)
    found_by_keyboard(desk)
    found_on_a_phone(service, new_page(java_script_enabled=False, viewport=PHONE, color_scheme="dark"))


def found_by_keyboard(desk):
    press(desk, "/")
    expect(desk.get_by_role("searchbox")).to_be_focused()
    desk.keyboard.type("muller")
    press(desk, "Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Search")
    expect(desk.locator("mark").first).to_have_text("M\u00fcller")
    press(desk, "/")
    expect(desk.get_by_role("searchbox")).to_be_focused()
    press(desk, "Tab")
    press(desk, "j")
    press(desk, "Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("J\u00fcrgen M\u00fcller <b>")


def found_on_a_phone(service, phone):
    phone.goto(f"{service.url}/staff/search?q=scholarship")
    phone.get_by_label("E-mail", exact=True).fill("alice@tpminstitute.org")
    phone.get_by_label("Password").fill(PASSWORD)
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.locator("mark")).to_have_text("scholarship")
    width = phone.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], "nothing is wider than the phone"
    phone.get_by_role("link", name="Ada Lovelace").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")

"""The public pages as a visitor's browser has them, with and without JavaScript."""

from playwright.sync_api import expect

from tests.factories import count
from tests.journeys.steps import PHONE, come_to_the_desk, wait_until_read, write_letter
from tests.journeys.steps import send as press_send
from tpminstitute.core.text import visible
from tpminstitute.inbox.models import Inquiry


def test_the_pages_do_in_a_browser_what_they_promise(started, new_page):
    """One service for all: starting it is what takes the time."""
    service = started()
    pages_fade_into_each_other_for_who_likes_motion_only(service, new_page)
    without_scripts_errors_come_back_and_then_it_is_sent(service, new_page(java_script_enabled=False, viewport=PHONE))
    a_double_click_is_one_inquiry(service, new_page())
    going_back_keeps_the_letter_and_sends_it_once(service, new_page())
    the_contents_follow_the_reader(service, new_page())
    a_letter_that_is_hostile_does_nothing_at_the_desk(service, new_page(), desk := new_page())
    on_a_phone_every_place_of_the_desk_is_in_sight(desk)


def pages_fade_into_each_other_for_who_likes_motion_only(service, new_page):
    for likes, fades in (("no-preference", True), ("reduce", False)):
        page = new_page(reduced_motion=likes)
        page.add_init_script("addEventListener('pagereveal', event => { window.fades = !!event.viewTransition })")
        page.goto(service.url)
        page.locator("main a[href^='/contact']").first.click()
        page.wait_for_url("**/contact*")
        page.wait_for_function("window.fades !== undefined")
        assert page.evaluate("window.fades") is fades, likes


def inquiries(service):
    with service.database() as db:
        return count(db, Inquiry)


def without_scripts_errors_come_back_and_then_it_is_sent(service, page):
    before = inquiries(service)
    page.goto(f"{service.url}/contact")
    page.get_by_label("Your message").fill("First line\nsecond line")
    page.get_by_label("E-mail", exact=True).fill("ada@example.org")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("What is it about?").select_option("pmp")
    page.get_by_label("Phone").fill("call me")
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".summary")).to_contain_text("all its digits")
    expect(page.get_by_label("Your message")).to_have_value("First line\nsecond line")
    expect(page.get_by_label("What is it about?")).to_have_value("pmp")
    page.locator(".summary a").click()
    assert page.url.endswith("#phone")
    page.get_by_label("Phone").fill("")
    page.get_by_role("button", name="Send message").click()
    page.wait_for_url("**/thanks/*")
    page.reload()
    assert inquiries(service) == before + 1


def a_double_click_is_one_inquiry(service, page):
    before = inquiries(service)
    page.goto(f"{service.url}/contact")
    write_letter(page, message="Sent by an impatient hand.")
    wait_until_read(page)
    page.get_by_role("button", name="Send message").dblclick(no_wait_after=True)
    page.wait_for_url("**/thanks/*")
    assert inquiries(service) == before + 1


def going_back_keeps_the_letter_and_sends_it_once(service, page):
    before = inquiries(service)
    page.goto(f"{service.url}/contact")
    write_letter(page, message="Sent, and sent again.")
    press_send(page)
    thanks = page.url
    page.go_back()
    expect(page.get_by_label("Your message")).to_have_value("Sent, and sent again.")
    page.get_by_role("button", name="Send message").click()
    page.wait_for_url("**/thanks/*")
    assert page.url == thanks
    assert inquiries(service) == before + 1


def the_contents_follow_the_reader(service, page):
    page.goto(service.url)
    chapters = page.locator("[data-chapter]")
    for number in (3, 1, chapters.count() - 1):
        slug = chapters.nth(number).get_attribute("id")
        chapters.nth(number).evaluate("chapter => scrollTo({top: chapter.offsetTop - 40, behavior: 'instant'})")
        if number < chapters.count() - 1:
            expect(page.locator(f"nav.margin [data-station='{slug}']")).to_have_class("here")
            expect(page.locator("nav.margin li.here")).to_have_count(1)
            expect(page.locator("nav.margin li.passed")).to_have_count(number)
    page.locator("nav.margin a").nth(2).click()
    expect(page.locator("nav.margin li").nth(2)).to_have_class("here")


def a_letter_that_is_hostile_does_nothing_at_the_desk(service, page, desk):
    hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script> \u202e{{7*7}}'
    page.goto(f"{service.url}/contact")
    write_letter(page, message=hostile, email="mallory@example.org")
    page.get_by_label("Your name").fill(hostile)
    wait_until_read(page)
    page.get_by_role("button", name="Send message").click()
    page.wait_for_url("**/thanks/*")
    assert page.title().startswith("Thank you")
    come_to_the_desk(desk, service.service.setup_link)
    expect(desk.locator(".row-name").last).to_have_text(visible(hostile))
    desk.locator(".row-name").last.click()
    expect(desk.locator(".inquiry .words")).to_have_text(visible(hostile))
    assert desk.title() != "1"
    assert desk.locator("img").count() == 0


def on_a_phone_every_place_of_the_desk_is_in_sight(desk):
    desk.set_viewport_size(PHONE)
    rail = desk.get_by_role("navigation", name="Main")
    expect(rail.get_by_role("link", name="Pipeline")).to_be_in_viewport(ratio=1)
    expect(rail.get_by_role("link", name="Doctor")).to_be_hidden()
    rail.get_by_role("link", name="More").press("Enter")
    places = rail.locator("li a").all()
    assert len(places) >= 15
    for place in places:
        expect(place).to_be_in_viewport(ratio=1)

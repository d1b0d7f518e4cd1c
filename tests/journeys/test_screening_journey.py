"""A letter that screening wasn't sure about: the address offered, the proof by the browser, the list by keys."""

from playwright.sync_api import expect

from tests.factories import submitted
from tests.journeys.steps import PHONE, come_to_the_desk, press, wait_until
from tests.journeys.steps import send as press_send
from tpminstitute.inbox.models import Inquiry

PITCH = "I came across your website. We offer a website redesign and more leads at a low cost. Can we book a call?"


def test_a_mistyped_address_is_mended_the_browser_proves_it_and_staff_judge_by_keys(started, new_page):
    service = started()
    what_was_meant_is_offered_beside_the_field(service, page := new_page(viewport=PHONE))
    the_browser_confirms_by_itself_what_is_nearly_clear(service, page)
    staff_go_through_what_was_set_apart_by_keys(service, new_page())


def what_was_meant_is_offered_beside_the_field(service, page):
    page.goto(f"{service.url}/contact")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail", exact=True).fill("ada@gmial.com")
    press(page, "Tab")
    expect(page.locator(".spelling")).to_contain_text("Did you mean ada@gmail.com?")
    page.get_by_role("button", name="Use ada@gmail.com").click()
    expect(page.get_by_label("E-mail", exact=True)).to_have_value("ada@gmail.com")
    expect(page.locator(".spelling")).to_be_hidden()
    page.get_by_label("What is it about?").select_option("pmp")
    page.get_by_label("Your message").fill(PITCH)


def the_browser_confirms_by_itself_what_is_nearly_clear(service, page):
    page.locator(".letter-end button").focus()
    press_send(page)
    page.wait_for_url("**/thanks/*")
    expect(page.locator(".proof [role=status]")).to_have_text(
        "Confirmed. Your message goes on as usual.", timeout=30_000
    )
    expect(page.locator(".page > .path")).not_to_contain_text("You confirm")
    with service.database() as db, db.read() as session:
        inquiry = session.query(Inquiry).one()
        assert (inquiry.state.value, inquiry.email) == ("open", "ada@gmail.com")


def staff_go_through_what_was_set_apart_by_keys(service, desk):
    with service.database() as db:
        for name in ("Charlie", "Mallory", "Trudy"):
            submitted(db, service.settings, name=name, email=f"{name}@example.org", suspicions=["It shouts."])
    come_to_the_desk(desk, service.service.setup_link)
    desk.goto(f"{service.url}/staff/inbox?show=suspected")
    for key in ("j", "s"):
        press(desk, key)
    expect(desk.locator(".undo")).to_contain_text("Marked one inquiry as spam.")
    expect(desk.get_by_role("link", name="Mallory")).to_be_focused()
    press(desk, "e")
    expect(desk.locator(".judged-row")).to_have_count(1)
    press(desk, "x")
    desk.get_by_role("button", name="Mark the ticked as spam").click()
    expect(desk.locator(".empty")).to_contain_text("Nothing is set apart.")

    def judged():
        with service.database() as db, db.read() as session:
            return {inquiry.name: inquiry.state.value for inquiry in session.query(Inquiry)}

    wanted = {"Ada Lovelace": "open", "Charlie": "spam", "Mallory": "open", "Trudy": "spam"}
    assert wait_until(lambda: judged() == wanted and judged(), "the judgements") == wanted

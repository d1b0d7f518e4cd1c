"""Writing follow-ups at the desk by keyboard: two mails, in the order one wants, switched on."""

from playwright.sync_api import expect

from tests.journeys.steps import come_to_the_desk, press


def test_a_sequence_of_two_mails_is_written_by_keyboard_and_switched_on(started, browser_page):
    service = started()
    page = browser_page
    come_to_the_desk(page, service.service.setup_link)
    page.get_by_role("link", name="Follow-ups").click()
    page.get_by_role("link", name="New sequence").click()

    keys = page.keyboard
    page.get_by_label("Name").focus()
    keys.type("After the fair")
    press(page, "Enter")  # neither saves nor leaves
    press(page, "Tab")
    keys.type("Follow-up: sk")
    press(page, "Tab")
    press(page, "ControlOrMeta+a")
    keys.type("2")
    page.get_by_role("button", name="Add a mail").focus()
    press(page, "Enter")
    second = page.get_by_role("group", name="Mail 2", exact=True)
    expect(second.get_by_label("Letter")).to_be_focused()
    keys.type("Follow-up: ex")
    second.get_by_role("button", name="Move up").focus()
    press(page, "Enter")
    expect(page.get_by_role("status").filter(has_text="It is mail 1 now.")).to_have_count(1)
    first = page.get_by_role("group", name="Mail 1", exact=True)
    expect(first.get_by_role("button", name="Move down")).to_be_focused()
    expect(first.get_by_label("Letter")).to_have_value("follow-up-experience")
    expect(page.get_by_label("How long").nth(1)).to_have_value("2")
    page.get_by_role("button", name="Save", exact=True).focus()
    press(page, "Enter")

    page.wait_for_url("**/staff/sequences/*")
    expect(page.get_by_role("list", name="The mails in order").get_by_role("listitem")).to_have_count(3)
    page.get_by_role("button", name="Switch on").focus()
    press(page, "Enter")
    expect(page.get_by_text("It is on. It begins for whoever fits from now on.")).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Follow-ups").click()
    row = page.get_by_role("listitem").filter(has_text="After the fair")
    expect(row).to_contain_text("2 mails, started by hand only")
    expect(row.get_by_text("On", exact=True)).to_be_visible()

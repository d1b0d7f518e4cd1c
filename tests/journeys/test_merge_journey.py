"""Two entries of one person are compared, merged and taken apart again by keyboard, and then one is erased."""

from playwright.sync_api import expect

from tests.factories import contact_of, submitted
from tests.journeys.steps import come_to_the_desk, press
from tpminstitute.merging.duplicates import compare_waiting

HOME = "ada+home@example.org"


def test_two_entries_of_one_person_are_merged_by_keyboard_and_made_two_again(started, browser_page):
    service, page = started(), browser_page
    with service.database() as db:
        submitted(db, service.settings, message="From work.")
        submitted(db, service.settings, email=HOME, name="Ada King", message="From home.")
        compare_waiting(db)
    come_to_the_desk(page, service.service.setup_link)
    page.get_by_role("link", name="Duplicates").click()
    page.wait_for_url("**/duplicates")
    press(page, "j")
    page.get_by_role("link", name="Compare and merge").press("Enter")
    name = page.get_by_role("group", name="Name")
    expect(name.get_by_label("Ada Lovelace")).to_be_checked()
    name.get_by_label("Ada Lovelace").press("ArrowDown")
    expect(name.get_by_label("Ada King")).to_be_checked()
    page.get_by_role("heading", level=1).click()
    press(page, "m")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada King")
    story = page.get_by_role("list", name="What happened, newest first")
    expect(story.get_by_text("From home.")).to_be_visible()
    expect(story.get_by_text("From work.")).to_be_visible()
    press(page, "u")
    expect(page.get_by_text("They are two contacts again, as they were.")).to_be_visible()
    expect(story.get_by_text("From home.")).to_be_visible()
    expect(story.get_by_text("From work.")).to_have_count(0)
    with service.database() as db:
        assert contact_of(db).name == "Ada Lovelace"
    erase(page)


def erase(page):
    page.get_by_role("link", name="Erase").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Erase Ada King?")
    page.get_by_label("Type").fill(page.locator("label[for=typed]").inner_text().split()[-1])
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("This person was erased")
    expect(page.locator("main")).not_to_contain_text("Ada")

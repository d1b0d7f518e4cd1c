"""The board as staff use it: a lead is walked to, dragged, moved by keys, lost for a reason, and taken back."""

from playwright.sync_api import expect

from tests.factories import submitted
from tests.journeys.steps import come_to_the_desk, press


def stage(page, name):
    return page.get_by_role("region", name=name, exact=True)


def test_a_lead_is_dragged_moved_by_keys_lost_and_taken_back(started, new_page):
    begun = started()
    with begun.database() as db:
        submitted(db, begun.settings)
    page = new_page()
    come_to_the_desk(page, begun.service.setup_link)
    page.get_by_role("link", name="Pipeline").click()
    expect(stage(page, "New").get_by_role("link", name="Ada Lovelace", exact=True)).to_be_visible()

    press(page, "j")
    expect(stage(page, "New").get_by_role("link", name="Ada Lovelace", exact=True)).to_be_focused()
    page.drag_and_drop(".card", '.column[data-stage="2"]')
    there = stage(page, "In conversation").get_by_role("link", name="Ada Lovelace", exact=True)
    expect(there).to_be_focused()
    expect(page.get_by_text("Ada Lovelace was moved to “In conversation”.")).to_be_visible()

    press(page, "Shift+ArrowLeft")
    expect(stage(page, "New").get_by_role("link", name="Ada Lovelace", exact=True)).to_be_focused()

    press(page, "m")
    page.get_by_label("To", exact=True).select_option(label="Lost")
    expect(page.get_by_label("Or its name")).to_be_hidden()
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_text("Choose why it was lost")).to_be_visible()
    page.get_by_label("Why it was lost").select_option(label="No time now")
    page.get_by_label("Note (optional)").fill("They ask again in May.")
    press(page, "Enter")
    expect(stage(page, "Lost").get_by_role("link", name="Ada Lovelace", exact=True)).to_be_focused()

    page.get_by_role("button", name="Undo").click()
    expect(stage(page, "New").get_by_role("link", name="Ada Lovelace", exact=True)).to_be_visible()

    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth") == 360

"""Working through the list of contacts by keyboard alone: narrow it, keep it, tag some of it, take that back."""

from playwright.sync_api import expect

from tests.factories import submitted
from tests.journeys.steps import come_to_the_desk, press
from tpminstitute.lists.rows import Column

TABLET, LAPTOP = 768, 1280
LINES = "cell => { const text = new Range(); text.selectNodeContents(cell); return text.getClientRects().length }"
"""In how many lines a cell's words stand."""


def test_a_list_is_narrowed_kept_and_worked_on_by_keyboard(started, browser_page):
    service = started()
    with service.database() as db:
        for name, topic in (("Ana Wilhelmina Featherstone", "csm"), ("Ben", "pmp"), ("Cleo", "pmp")):
            address = f"{name.lower().replace(' ', '.')}@example.org"
            submitted(db, service.settings, email=address, name=name, topic=topic)
    page = browser_page
    come_to_the_desk(page, service.service.setup_link)
    page.get_by_role("link", name="Contacts", exact=True).focus()
    keys = page.keyboard
    press(page, "Enter")
    page.wait_for_url("**/staff/contacts")
    for width in (TABLET, LAPTOP):
        page.set_viewport_size({"width": width, "height": 900})
        frame = page.get_by_role("region", name="Contacts")
        assert frame.evaluate("frame => frame.scrollWidth - frame.clientWidth") == 0, width
        expect(page.get_by_role("columnheader", name="E-mail")).to_be_visible()
    page.goto(f"{page.url}?view=all&{'&'.join(f'column={column}' for column in Column)}")
    heading = page.get_by_role("columnheader", name="Stage")
    assert heading.evaluate(LINES) == 1, "a word is broken where many columns are shown"
    page.go_back()

    press(page, "f")
    page.get_by_label("Project Management Professional (PMP)").focus()
    press(page, "Space")
    page.get_by_label("Sorted").focus()
    keys.type("By name")
    press(page, "Enter")
    page.get_by_role("button", name="Show them").focus()
    press(page, "Enter")
    names = page.get_by_role("rowheader").get_by_role("link")
    expect(names).to_have_text(["Ben", "Cleo"])

    press(page, "v")
    page.get_by_label("Name", exact=True).focus()
    keys.type("Project managers")
    press(page, "Enter")
    expect(page.get_by_role("link", name="Project managers")).to_have_attribute("aria-current", "true")

    press(page, "j")
    press(page, "j")
    expect(names.nth(1)).to_be_focused()
    press(page, "x")
    expect(page.get_by_label("Tick Cleo")).to_be_checked()
    press(page, "b")
    page.get_by_label("Put a tag on them").focus()
    press(page, "Space")
    press(page, "Tab")
    keys.type("evening")
    press(page, "Enter")
    expect(page.get_by_text("This happens to 1 contact")).to_be_visible()
    page.get_by_role("link", name="Cleo").focus()
    press(page, "d")
    expect(page.get_by_role("heading", name="Put the tag “evening” on them.")).to_be_visible()
    press(page, "u")
    expect(page.get_by_text("It is taken back.")).to_be_visible()

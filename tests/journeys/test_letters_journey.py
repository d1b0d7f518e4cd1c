"""Writing a letter at the desk: the sentences and the preview follow the typing."""

from playwright.sync_api import expect

from tests.journeys.steps import come_to_the_desk

WRONG = "The subject uses {frist_name}, and there is no such variable. The nearest is {first_name}."


def test_a_letter_is_checked_while_it_is_typed(started, browser_page):
    service = started()
    page = browser_page
    come_to_the_desk(page, service.service.setup_link)
    page.get_by_role("link", name="Templates").click()
    page.get_by_role("link", name="Acknowledgement", exact=True).click()
    preview = page.frame_locator("iframe")
    expect(preview.get_by_text("Hello Ada,")).to_be_visible()
    expect(page.get_by_role("button", name="Check and preview")).to_be_hidden()

    subject = page.get_by_label("Subject")
    subject.fill("")
    subject.press_sequentially("For {frist_name}")
    expect(page.locator("#subject-error")).to_have_text(WRONG)
    expect(page.get_by_role("status").filter(has_text="One thing has to be mended.")).to_be_visible()
    expect(page.get_by_text("The preview comes back")).to_be_visible()
    subject.fill("For {first_name}")
    expect(page.locator("#subject-error")).to_have_count(0)
    expect(page.locator("[data-shown=subject]")).to_have_text("For Ada")

    body = page.get_by_label("Letter", exact=True)
    body.fill("Dear reader, your topic is ")
    page.get_by_role("button", name="{topic}").click()
    expect(body).to_have_value("Dear reader, your topic is {topic}")
    expect(preview.get_by_text("your topic is Becoming a technical program manager")).to_be_visible()
    history = page.evaluate("history.length")
    body.press_sequentially("!")
    expect(preview.get_by_text("program manager!")).to_be_visible()
    assert page.evaluate("history.length") == history

    page.get_by_role("radio", name="Plain text").check()
    expect(page.get_by_label("The letter as plain text")).to_contain_text("Dear reader")
    body.fill("{nonsense}")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#body-error")).to_be_visible()
    expect(body).to_be_focused()
    body.fill("Dear reader")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as version 1. It goes out from now on.")).to_be_visible()

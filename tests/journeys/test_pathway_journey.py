"""A visitor with a phone and without scripts finds where they stand, gets it by mail, and an advisor sees it."""

import time
from email import message_from_bytes, policy

from playwright.sync_api import expect

from tests.journeys.steps import PHONE, READING_TIME, Started, come_to_the_desk, wait_until


def test_a_pathway_is_found_on_a_phone_mailed_and_seen_at_the_desk(running_service, new_page):
    started = Started(running_service(), {})
    page = new_page(java_script_enabled=False, viewport=PHONE)
    page.goto(started.url)
    page.get_by_role("link", name="Find your pathway").click()
    for question, answer in {
        "What have you studied?": "A bachelor’s degree or more",
        "Which of these certifications do you hold?": "Certified Scrum Master (CSM)",
        "Have you worked in a technical role": "Yes, I do now",
        "Have you managed a project": "Not yet",
    }.items():
        page.get_by_role("group", name=question).get_by_label(answer).check()
    page.get_by_role("button", name="Show my pathway").click()
    page.wait_for_url("**/pathway/1-*")
    place = page.url
    path = page.get_by_role("list", name="Your pathway")
    expect(path.locator(".passed")).to_have_count(1)
    expect(path.locator(".here")).to_contain_text("In a technical role")
    expect(path.locator(".ahead")).to_have_count(3)
    assert page.locator("html").bounding_box()["width"] <= PHONE["width"]

    page.get_by_role("link", name="Change my answers").click()
    expect(page.get_by_role("group", name="Have you managed a project").get_by_label("Not yet")).to_be_checked()
    page.get_by_role("button", name="Show my pathway").click()
    page.wait_for_url(place)

    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail", exact=True).fill("ada@example")
    page.get_by_role("button", name="Send it to me").click()
    expect(page.locator(".summary")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Ada Lovelace")
    made = time.monotonic()
    page.get_by_label("E-mail", exact=True).fill("ada@example.org")
    wait_until(lambda: time.monotonic() - made > READING_TIME / 1000, "the time to write")
    page.get_by_role("button", name="Send it to me").click()
    page.wait_for_url("**/thanks/*")
    expect(page.locator(".here")).to_contain_text("Your pathway comes by e-mail")

    mail = wait_until(lambda: mailed(started, "ada@example.org"), "the mail with the pathway", timeout=60)
    assert place in mail
    assert "Move into a project management role" in mail

    desk = new_page()
    come_to_the_desk(desk, started.service.setup_link)
    desk.get_by_role("link", name="Ada Lovelace").click()
    fact = desk.locator(".facts").get_by_role("link", name="Stands: In a technical role")
    expect(fact).to_have_attribute("href", place.removeprefix(started.url))


def mailed(started, to):
    """The text of the mail to that address, '' while there is none."""
    for file in started.settings.mail_folder.glob("*.eml"):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        if mail["To"].addresses[0].addr_spec == to:
            return next(part.get_content() for part in mail.walk() if part.get_content_type() == "text/plain")
    return ""

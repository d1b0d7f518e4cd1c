"""From the guide to the desk: the whole path through the service, on both sets of engines."""

from email import message_from_bytes, policy

import pytest
from playwright.sync_api import expect

from tests.journeys.steps import PHONE, Started, come_to_the_desk, send, wait_until, write_letter

INFO, ADA = "info@tpminstitute.org", "ada@example.org"


def embedded(request):
    """SQLite, the broker in a folder, the built-in mail catcher."""
    started = Started(request.getfixturevalue("running_service")(), {})

    def mails():
        files = sorted(started.settings.mail_folder.glob("*.eml"))
        return {m["To"].addresses[0].addr_spec: m for m in map(parse, (file.read_bytes() for file in files))}

    return started, mails


def engines(request):
    """PostgreSQL, Redis, an SMTP server."""
    server = request.getfixturevalue("mail_server")
    environment = {
        "DATABASE_URL": request.getfixturevalue("postgres_url"),
        "REDIS_URL": request.getfixturevalue("redis_server").url,
        "SMTP_URL": server.url,
    }
    started = Started(request.getfixturevalue("running_service")(**environment), environment)
    return started, lambda: {mail.recipients[0]: mail.message for mail in server.mails}


def parse(content):
    return message_from_bytes(content, policy=policy.default)


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize("parts", [embedded, engines], ids=["embedded", "engines"])
def test_a_letter_from_the_guide_reaches_the_institute_the_visitor_and_the_desk(request, new_page, parts):
    started, mails = parts(request)

    page = new_page(viewport=PHONE, timezone_id="Asia/Tokyo")
    page.goto(started.url)
    page.get_by_role("link", name="Write to us").click()
    write_letter(page)
    expect(page.get_by_role("button", name="Send message")).to_be_focused()
    send(page)
    page.wait_for_url("**/thanks/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ada")

    wait_until(lambda: len(mails()) == 2, "both mails", timeout=60)
    came = mails()
    notice, acknowledgement = came[INFO], came[ADA]
    assert notice["Reply-To"].addresses[0].addr_spec == ADA
    assert "How do I begin?" in text_of(notice)
    assert f"{started.url}/staff/contacts/" in text_of(notice)
    assert "Hello Ada," in text_of(acknowledgement)
    assert "How do I begin?" not in text_of(acknowledgement)

    desk = new_page()
    come_to_the_desk(desk, started.service.setup_link)
    desk.get_by_role("link", name="Ada Lovelace").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    expect(desk.locator(".inquiry .words")).to_have_text("How do I begin?")
    expect(desk.locator(".facts").filter(has_text="Their time now")).to_contain_text("(Asia/Tokyo) from the browser")
    expect(desk.locator(".mail .tag")).to_have_text(["Sent"])
    assert desk.url.split("?")[0] in text_of(notice)
    desk.get_by_role("button", name="Mark handled").click()
    expect(desk.get_by_role("status")).to_contain_text("Marked as handled.")
    expect(desk.locator(".inquiry .tag")).to_have_text("Handled")
    assert started.service.stop() < 5

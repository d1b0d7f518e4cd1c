"""What is held about somebody, on a small phone: corrected, put off, taken along, erased and thought again."""

import re
import zipfile
from datetime import timedelta

from playwright.sync_api import expect

from tests.factories import submitted
from tpminstitute.core import clock

SMALLEST = {"width": 360, "height": 740}
ADA, BOB = "ada@example.org", "bob@example.org"


def test_on_a_phone_people_see_correct_take_and_erase_what_is_held_about_them_and_think_again(
    started, new_page, mail_server
):
    service = started(SWEEP_SECONDS="1", SCREENING="off")
    with service.database() as db:
        for email, name in ((ADA, "Ada Lovelace"), (BOB, "Bob Brown")):
            submitted(db, service.settings, email=email, name=name, consents=True)
    goes_the_whole_way(service, new_page(viewport=SMALLEST, java_script_enabled=False), mail_server, ADA)
    goes_the_whole_way(service, new_page(viewport=SMALLEST), mail_server, BOB)


def goes_the_whole_way(service, page, mail_server, email):
    asks_for_the_link(service, page, email)
    page.goto(link_in(mail_server, email, "What we hold about you"))
    fits(page, "What we hold about you")
    corrects_their_name_and_puts_follow_ups_off(page)
    asks_for_a_call(page)
    takes_everything_along(page)
    page.get_by_role("link", name="Erase everything").click()
    fits(page, "Erase everything?")
    page.get_by_role("button", name="Erase everything in a day").click()
    expect(page.get_by_role("status")).to_contain_text("You are erased in a day")
    page.goto(link_in(mail_server, email, "You asked to be erased", "stay/"))
    fits(page, "Take it back?")
    page.get_by_role("button", name="Keep everything after all").click()
    fits(page, "Nothing is erased")
    assert page.context.cookies() == []


def asks_for_the_link(service, page, email):
    """The foot of every page leads to the form."""
    page.goto(f"{service.url}/privacy")
    page.get_by_role("contentinfo").get_by_role("link", name="What we hold about you").click()
    fits(page, "What we hold about you")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Send me the link").click()
    fits(page, "Look into your mail")


def corrects_their_name_and_puts_follow_ups_off(page):
    page.get_by_label("Your name").fill("A Better Name")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("status")).to_have_text("It was kept.")
    expect(page.locator(".held").first).to_contain_text("A Better Name")
    page.get_by_label("No follow-ups before").fill(in_days(300))
    page.get_by_role("button", name="Postpone them").click()
    expect(page.get_by_text("None come before")).to_be_visible()


def asks_for_a_call(page):
    page.get_by_role("link", name="Ask for a call").last.click()
    fits(page, "Ask for a call")
    first, third = (page.get_by_role("group", name=which) for which in ("First time", "Third time"))
    for wish, days, at in ((first, 2, "10:00"), (third, 5, "15:30")):
        wish.get_by_label("Day").fill(in_days(days))
        wish.get_by_label("From").fill(at)
    page.get_by_label("Phone number to call").fill("+44 20 7946 0958")
    page.get_by_label("What is it about?").fill("Which course fits?")
    page.get_by_role("button", name="Ask for the call").click()
    expect(page.get_by_text("You asked for a call on")).to_be_visible()
    expect(page.get_by_text("A person calls or writes to you by")).to_be_visible()


def takes_everything_along(page):
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download everything").click()
    with zipfile.ZipFile(coming.value.path()) as archive:
        told = archive.read("data.json").decode()
    assert "A Better Name" in told
    assert "Please call me at +44 20 7946 0958" in told


def link_in(mail_server, email, subject, under=""):
    """The address below /me/ in the mail with that subject; waits until it has come."""

    def found(_):
        return [mail for mail in mail_server.to(email) if mail.message["Subject"] == subject]

    mail_server.wait_for(found, timeout=30)
    text = found(None)[-1].message.get_body(("plain",)).get_content()
    return re.findall(rf"http://\S+/me/{under}[\w.~-]+", text)[0]


def in_days(days):
    return (clock.now() + timedelta(days=days)).date().isoformat()


def fits(page, heading):
    """The page with that heading has come, and is as wide as the phone."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALLEST["width"], page.url

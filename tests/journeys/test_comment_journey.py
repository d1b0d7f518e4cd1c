"""A comment's way: written on a phone, published by the link in the notice, answered, and word of it ended."""

import re

from playwright.sync_api import expect
from sqlalchemy import update

from tests.journeys.steps import PHONE, wait_until
from tests.rooms.commented import CHAPTER
from tpminstitute.comments.links import decision_url
from tpminstitute.comments.models import Comment
from tpminstitute.core import clock
from tpminstitute.mail.models import Message, MessageKind

INFO, ADA = "info@tpminstitute.org", "ada@example.org"


def test_a_comment_from_a_phone_is_published_answered_and_word_of_it_ends_with_one_press(
    started, new_page, mail_server
):
    service = started(SWEEP_SECONDS="1", SCREENING="off")
    ada = new_page(viewport=PHONE, java_script_enabled=False)
    write(ada, f"{service.url}/comments/{CHAPTER}", "Ada", "Where does one find a *mentor*?", email=ADA)
    expect(ada.get_by_role("heading", level=1)).to_have_text("Thank you, your comment was kept")
    assert ada.context.cookies() == []

    staff = new_page(viewport=PHONE)
    staff.goto(link_in(mail_server.wait_for(lambda mails: mails, timeout=30)[0], "decide"))
    staff.get_by_role("button", name="Publish it").click()
    expect(staff.get_by_role("status")).to_contain_text("The comment is public now")

    grace = new_page(viewport=PHONE)
    grace.goto(service.url)
    guide_says_so(service, grace)
    grace.get_by_role("link", name="1 comment", exact=True).click()
    expect(grace.locator(".comment-words em")).to_have_text("mentor")
    grace.get_by_role("link", name="Answer Ada").click()
    expect(grace.get_by_text("Your answer to Ada")).to_be_visible()
    write(grace, None, "Grace", "At meetups.")
    assert grace.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    with service.database() as db, db.read() as session:
        answer = session.query(Comment).order_by(Comment.id.desc()).first()
        assert answer is not None
        staff.goto(decision_url(service.settings, answer, clock.now()))
    staff.get_by_role("button", name="Publish it").click()
    expect(staff.get_by_role("status")).to_contain_text("The comment is public now")
    with service.database() as db, db.write() as session:  # the ten seconds in which it could be taken back are over
        waits = Message.kind == MessageKind.COMMENT_ANSWER
        session.execute(update(Message).where(waits).values(due_at=clock.now()))

    mail_server.wait_for(lambda mails: mail_server.to(ADA), timeout=40)
    (word,) = mail_server.to(ADA)
    ada.goto(link_in(word, "unsubscribe"))
    ada.get_by_role("button", name="Stop these mails").click()
    expect(ada.get_by_role("heading", level=1)).to_have_text("These mails have stopped")


def write(page, address, name, text, email=""):
    """Fill in the form of a comment and send it."""
    if address:
        page.goto(address)
    page.get_by_label("Your name").fill(name)
    page.get_by_label(re.compile("^Your (comment|answer)")).fill(text)
    if email:
        page.get_by_role("textbox", name="E-mail").fill(email)
        page.get_by_label("Tell me by e-mail").check()
    page.get_by_role("button", name=re.compile("^Send")).click()
    page.wait_for_url("**/comments/mine/*")


def guide_says_so(service, page):
    """The guide is made anew within a second of what became public."""

    def looked():
        page.goto(f"{service.url}/#{CHAPTER}")
        page.reload()
        return page.get_by_role("link", name="1 comment", exact=True).count()

    wait_until(looked, "the guide's new line")


def link_in(mail, purpose):
    """The address in a mail that has `purpose` in it."""
    text = mail.message.get_body(("plain",)).get_content()
    (address,) = re.findall(rf"http://\S+/comments/{purpose}/\S+", text)[:1]
    return address

"""A contact's page by keyboard alone: a text put in, sent, undone; and two people on one contact at once."""

from datetime import timedelta

from playwright.sync_api import expect
from sqlalchemy import select

from tests.factories import an_account, contact_of, messages, submitted
from tests.journeys.steps import PHONE, Started, come_to_the_desk, press
from tpminstitute.accounts.service import save_session
from tpminstitute.contacts.models import Note
from tpminstitute.core import clock, tokens
from tpminstitute.mail.letters import LetterSource
from tpminstitute.mail.models import MessageKind, MessageStatus
from tpminstitute.mail.templates import add_template, save_version

TEXT = LetterSource("Evening course", "", "Hello {first_name},\n\nthe evening course is on Tuesdays.\n")


def test_a_text_is_sent_and_undone_by_keyboard_and_two_on_one_contact_overwrite_nothing(started, new_page):
    service = started(SWEEP_SECONDS="1")
    with service.database() as db:
        submitted(db, service.settings)
    alice = new_page()
    come_to_the_desk(alice, service.service.setup_link)
    bob = bobs_page(service, new_page)
    with service.database() as db:
        home = f"{service.url}/staff/contacts/{contact_of(db).public_id}"
    alice.goto(home)
    alice.get_by_role("button", name="Assign to me").press("Enter")
    expect(alice.get_by_text("Alice, change")).to_be_focused()
    bob.goto(home)
    a_text_is_sent_and_undone(service, alice)
    each_sees_the_other(alice, bob, home)
    of_two_notes_none_is_lost(alice, bob)
    without_scripts_a_second_press_keeps_nothing_twice(service, bob, new_page(java_script_enabled=False), home)
    for page in (alice, bob):
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def bobs_page(service: Started, new_page):
    """A page where Bob is signed in already; Bob wrote a text for replies."""
    secret = tokens.secret()
    with service.database() as db, db.write() as session:
        bob = an_account(session, "Bob")
        key = add_template(session, "Evening course", bob.id, for_replies=True).key
        save_version(session, key, TEXT, based_on=0, account_id=bob.id)
        data = {"_user_id": bob.fs_uniquifier, "_fresh": True, "csrf_token": tokens.digest(secret)}
        until = clock.now() + timedelta(hours=1)
        save_session(session, secret, data, owner=bob.fs_uniquifier, until=until)
    page = new_page()
    page.context.add_cookies([{"name": "tpm_staff", "value": secret, "url": f"{service.url}/staff"}])
    return page


def a_text_is_sent_and_undone(service: Started, alice):
    """Choose the text, put it in, add to it, send it, take it back with a key, and send it for good."""
    written = "Hello Ada,\n\nthe evening course is on Tuesdays. See you there."
    press(alice, "i")
    alice.keyboard.type("Evening")
    press(alice, "Tab", "Enter")
    expect(alice.get_by_label("Reply")).to_be_focused()
    alice.keyboard.type(" See you there.")
    press(alice, "Control+Enter")
    expect(alice.get_by_text("You can take the reply back for ten seconds.")).to_be_visible()
    press(alice, "u")
    expect(alice.get_by_label("Reply")).to_have_value(written)
    with service.database() as db:
        assert [reply.status for reply in messages(db, kind=MessageKind.REPLY)] == [MessageStatus.CANCELLED]
    press(alice, "r", "Control+Enter")
    expect(alice.locator(".said .words").first).to_contain_text("See you there.")


def each_sees_the_other(alice, bob, home):
    """Alice begins to write, and Bob hears of it; what he does then is announced to her, and her words stay."""
    press(alice, "r")
    with alice.expect_response(lambda answer: answer.url.endswith("/reply/draft")):
        alice.keyboard.type("One more")
    bob.goto(home)
    expect(bob.locator("[data-others]")).to_contain_text("Alice is writing a reply")
    press(bob, "n")
    bob.keyboard.type("Prefers the phone.")
    bob.get_by_role("button", name="Keep note").press("Enter")
    expect(bob.locator(".noted .words").first).to_contain_text("Prefers the phone.")
    alice.evaluate("dispatchEvent(new Event('visibilitychange'))")
    expect(alice.locator("[data-news]")).to_contain_text("One new thing happened.")
    expect(alice.locator("[data-others]")).to_contain_text("Bob has this contact open.")
    expect(alice.get_by_label("Reply")).to_have_value("One more")
    alice.locator("[data-news] a").press("Enter")
    expect(alice.locator(".noted .words").first).to_contain_text("Prefers the phone.")
    expect(alice.get_by_label("Reply")).to_have_value("One more")


def of_two_notes_none_is_lost(alice, bob):
    """Both change the same note; the second is shown both texts."""
    for page, words in ((alice, "Prefers mail."), (bob, "Prefers to meet.")):
        page.locator(".change-note summary").first.press("Enter")
        page.locator(".change-note textarea").first.fill(words)
        page.locator(".change-note").get_by_role("button", name="Save note").press("Enter")
    conflict = bob.locator("#note")
    expect(conflict).to_contain_text("Alice changed this note while you were writing.")
    expect(conflict.locator(".notice .words")).to_have_text("Prefers mail.")
    expect(conflict.locator("textarea")).to_have_value("Prefers to meet.")


def without_scripts_a_second_press_keeps_nothing_twice(service: Started, bob, page, home):
    """The first answer is lost on its way, so Bob presses once more."""

    def loses_its_answer(route):
        route.fetch(max_redirects=0)
        route.abort("aborted")

    page.context.add_cookies(bob.context.cookies())
    page.goto(home)
    page.locator("#note summary").click()
    page.locator("#note-body").fill("Asks for the evening course.")
    page.route("**/notes", loses_its_answer, times=1)
    page.get_by_role("button", name="Keep note").click()
    page.get_by_role("button", name="Keep note").click()
    expect(page.get_by_text("This note was sent twice, and kept once.")).to_be_visible()
    with service.database() as db, db.read() as session:
        kept = session.scalars(select(Note.body).where(Note.body == "Asks for the evening course.")).all()
    assert len(kept) == 1

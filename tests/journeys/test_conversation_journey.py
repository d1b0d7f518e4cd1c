"""A conversation at the desk by keyboard: open, reply, see it on its way, and look at a hostile mail."""

from playwright.sync_api import expect
from sqlalchemy import select

from tests.doors.mails import CHARLIE, PNG, came_in
from tests.factories import contact_of, count, messages, submitted
from tests.journeys.steps import PHONE, come_to_the_desk, press
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Note
from tpminstitute.contacts.tags import add_tag
from tpminstitute.mail.models import MessageKind

HOSTILE = """<p>Dear institute</p><img src="https://evil.example/p.gif"><img src="cid:logo">
<script>top.document.title = "owned"</script><form action="https://evil.example"><input></form>
<a href="https://evil.example/">look here</a><p style="background:url(https://evil.example/x)">x</p>"""


def test_a_conversation_is_held_by_keyboard_and_a_hostile_mail_does_nothing(started, new_page):
    service = started()
    with service.database() as db:
        submitted(db, service.settings)
        came_in(db, service.settings, text="Is there a course in the evening?")
        mail_id = came_in(db, service.settings, sender=CHARLIE, html=HOSTILE, inline={"logo": PNG})
    desk = new_page()
    come_to_the_desk(desk, service.service.setup_link)
    reply_by_keyboard(service, desk)
    the_focus_stays_where_one_works(desk)
    the_tags_that_there_are_are_offered(service, desk)
    two_presses_keep_one_note(service, desk)
    unsent_words_are_kept_on_leaving(desk)
    a_hostile_mail_does_nothing(service, desk, mail_id)


def reply_by_keyboard(service, desk):
    press(desk, "j")
    press(desk, "Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    press(desk, "r")
    expect(desk.get_by_label("Reply")).to_be_focused()
    desk.keyboard.type("Yes, on Tuesdays.")
    press(desk, "Control+Enter")
    expect(desk.get_by_role("status").first).to_contain_text("The reply is on its way.")
    expect(desk.locator(".said .words").first).to_contain_text("Yes, on Tuesdays.")
    with service.database() as db:
        assert len(messages(db, kind=MessageKind.REPLY)) == 1


def the_focus_stays_where_one_works(desk):
    expect(desk.get_by_role("button", name="Send reply")).to_be_focused()
    press(desk, "p")
    expect(desk.get_by_label("Stage")).to_be_focused()
    desk.get_by_label("Stage").select_option(label="In conversation")
    press(desk, "Tab", "Enter")
    expect(desk.get_by_text("The lead was moved.")).to_be_visible()
    expect(desk.locator("summary", has_text="In conversation")).to_be_focused()


def the_tags_that_there_are_are_offered(service, desk):
    with service.database() as db, db.write() as session:
        account_id = session.scalars(select(Account.id)).one()
        for tag in ("evening", "<i>met"):
            add_tag(session, contact_of(db).id, tag, account_id)
    press(desk, "t")
    expect(desk.get_by_label("A tag to add")).to_be_focused()
    expect(desk.locator("#known-tags option")).to_have_count(2)
    offered = desk.locator("#known-tags").evaluate("list => [...list.options].map((option) => option.value)")
    assert offered == ["<i>met", "evening"]
    desk.get_by_label("A tag to add").blur()


def two_presses_keep_one_note(service, desk):
    press(desk, "n")
    desk.get_by_label("Note", exact=True).fill("She prefers Tuesdays.")
    refused = desk.evaluate(
        """() => {
            const form = document.querySelector(".note-form form");
            form.requestSubmit();
            return !form.dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true }));
        }"""
    )
    assert refused
    expect(desk.get_by_text("The note is kept.")).to_be_visible()
    with service.database() as db:
        assert count(db, Note) == 1


def unsent_words_are_kept_on_leaving(desk):
    home = desk.url
    press(desk, "r")
    desk.keyboard.type("Half a")
    desk.get_by_role("link", name="Templates").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Templates")
    desk.goto(home)
    expect(desk.get_by_label("Reply")).to_have_value("Half a")
    desk.evaluate("navigator.sendBeacon = () => true")  # the words are later than the page that is asked for again
    desk.get_by_label("Reply").fill("Half a word")
    desk.get_by_role("link", name="Templates").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Templates")
    desk.goto(home)
    expect(desk.get_by_label("Reply")).to_have_value("Half a word")
    expect(desk.get_by_text("Your draft is kept.")).to_be_visible()


def a_hostile_mail_does_nothing(service, desk, mail_id):
    desk.goto(f"{service.url}/staff/received/{mail_id}")
    frame = desk.frame_locator("iframe")
    expect(frame.locator("p").first).to_have_text("Dear institute")
    frame.get_by_text("look here").click()
    expect(frame.locator("p").first).to_have_text("Dear institute")
    assert desk.title() != "owned"
    assert len(desk.context.pages) == 1
    desk.set_viewport_size(PHONE)
    assert desk.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

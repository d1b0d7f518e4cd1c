"""Alice at the open page of today, by keyboard: somebody new appears, is done and undone; a reminder is put off."""

from datetime import timedelta

from playwright.sync_api import expect
from sqlalchemy import func, select, update

from tests.factories import submitted
from tests.journeys.steps import PHONE, come_to_the_desk, press
from tests.rooms.waits import somebody_waits
from tpminstitute.core import clock
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.pipeline.reminders import Wanted, remind


def test_what_is_new_appears_by_itself_and_everything_is_done_by_keyboard(started, new_page):
    service = started()
    desk = new_page()
    come_to_the_desk(desk, service.service.setup_link)
    with service.database() as db:
        somebody_waits(db, service.settings, clock.now() - timedelta(days=5), "Grace Hopper")
        katherine = somebody_waits(db, service.settings, clock.now(), "Katherine Johnson")
        with db.write() as session:
            wanted = Wanted(1, clock.now() + timedelta(minutes=1), "Call her about June")
            remind(session, service.settings, katherine.id, wanted, 1)
    somebody_new_appears(service, desk)
    it_is_done_and_undone(desk)
    a_reminder_is_put_off(desk)
    a_reminder_is_done_in_its_list(service, desk)
    single_letters_are_no_keys_where_somebody_turned_them_off(service, desk)
    the_reason_why_a_mail_failed_is_read_in_full_on_a_phone(service, desk)
    a_page_that_cannot_ask_says_so_until_it_can(desk)


def somebody_new_appears(service, desk):
    """What is new appears on the open page, and the row that has the focus stays where it is."""
    desk.goto(f"{service.url}/staff/")
    press(desk, "j")
    grace = desk.get_by_role("link", name="Grace Hopper", exact=True)
    expect(grace).to_be_focused()
    before = grace.bounding_box()
    desk.evaluate("window.isTheSamePage = true")
    with service.database() as db:
        submitted(db, service.settings)
    desk.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as on coming back to the tab
    expect(desk.get_by_role("link", name="Ada Lovelace", exact=True)).to_be_visible()
    expect(desk.get_by_text("1 new: Ada Lovelace")).to_be_visible()
    expect(desk).to_have_title("(4) Today · TPM Institute")
    expect(desk.get_by_role("link", name="People waiting 3")).to_be_visible()
    expect(grace).to_be_focused()
    assert grace.bounding_box() == before
    assert desk.evaluate("window.isTheSamePage")


def it_is_done_and_undone(desk):
    press(desk, "d")
    expect(desk.get_by_text("Grace Hopper is marked as done.")).to_be_visible()
    expect(desk.locator("#needs [data-row]")).to_have_count(3)
    expect(desk.locator("#needs [data-row] > a").first).to_be_focused()
    press(desk, "u")
    expect(desk.locator("#needs [data-row]")).to_have_count(4)
    expect(desk.get_by_role("link", name="Grace Hopper", exact=True)).to_be_focused()


def a_reminder_is_put_off(desk):
    row = desk.locator("#needs [data-row]", has_text="Call her about June")
    row.get_by_role("link").first.focus()
    press(desk, "s")
    expect(row.get_by_role("button", name="1 hour")).to_be_focused()
    press(desk, "Escape")
    expect(row.get_by_role("link").first).to_be_focused()
    press(desk, "s")
    press(desk, "Tab")
    press(desk, "Tab")  # Monday: never still today
    press(desk, "Enter")
    expect(desk.get_by_text("The reminder is put off.")).to_be_visible()
    expect(row).to_have_count(0)


def a_reminder_is_done_in_its_list(service, desk):
    desk.goto(f"{service.url}/staff/reminders")
    press(desk, "j", "d")
    expect(desk.get_by_text("The reminder is done.")).to_be_visible()
    press(desk, "?")
    expect(desk.get_by_role("dialog")).to_contain_text("undo what was just done")
    press(desk, "Escape", "u")
    expect(desk.locator("[data-row]", has_text="Call her about June")).to_have_count(1)


def single_letters_are_no_keys_where_somebody_turned_them_off(service, desk):
    """As WCAG 2.2 asks (2.1.4), for who dictates or touches keys unawares."""
    uses, opener = desk.get_by_label("Use single letters as keys"), desk.get_by_role("button", name="Keys")
    press(desk, "?")
    expect(desk.get_by_role("button", name="Close")).to_be_focused()
    uses.focus()
    press(desk, "Space", "Escape")
    desk.goto(f"{service.url}/staff/")
    press(desk, "j", "d", "?")
    expect(desk.get_by_role("dialog")).to_be_hidden()
    assert desk.locator("[data-row] :focus").count() == 0
    desk.set_viewport_size(PHONE | {"height": 400})
    opener.focus()
    press(desk, "Enter")
    expect(desk.get_by_role("heading", name="Keys")).to_be_in_viewport()
    expect(desk.get_by_role("button", name="Close")).to_be_in_viewport()
    uses.focus()
    press(desk, "Space", "Escape", "j")
    expect(desk.locator("[data-row] a").first).to_be_focused()


def the_reason_why_a_mail_failed_is_read_in_full_on_a_phone(service, desk):
    """It stands beside “Send again”."""
    reason = "550 5.7.1 The sender’s domain has no SPF record, and so its mail is not accepted here."
    with service.database() as db, db.write() as session:
        newest = select(func.max(Message.id))
        session.execute(
            update(Message)
            .where(Message.id == newest.scalar_subquery())
            .values(status=MessageStatus.FAILED, reason=reason)
        )
    desk.reload()
    says = desk.locator("[data-row]", has_text="Mail failed").locator(".need-text")
    expect(says).to_contain_text(reason)
    assert says.evaluate("text => text.scrollWidth - text.clientWidth") == 0


def a_page_that_cannot_ask_says_so_until_it_can(desk):
    says = desk.get_by_text("This page can’t ask what is new just now.")
    desk.clock.install()
    desk.reload()
    desk.context.set_offline(True)
    desk.clock.fast_forward("00:21")
    expect(says).to_be_visible()
    desk.clock.fast_forward("00:15")
    assert says.is_visible()
    desk.context.set_offline(False)
    desk.clock.fast_forward("00:21")
    expect(says).to_be_hidden()

"""When Redis or the mail server is gone or says no: nothing is lost, and a person sees why."""

import time

from playwright.sync_api import expect
from sqlalchemy import update

from tests.factories import messages
from tests.journeys.steps import come_to_the_desk, send, wait_until, wait_until_read, write_from, write_letter
from tpminstitute.core import clock
from tpminstitute.mail.models import Message, MessageStatus

INFO, ADA = "info@tpminstitute.org", "ada@example.org"


def stored(service):
    with service.database() as db:
        return messages(db)


def test_without_redis_the_thanks_come_at_once_and_the_mails_when_it_is_back(
    started, new_page, redis_server, mail_server
):
    service = started(REDIS_URL=redis_server.url, SWEEP_SECONDS="1")
    page = new_page()
    page.goto(f"{service.url}/contact")
    write_letter(page)
    wait_until_read(page)
    redis_server.stop()
    begun = time.monotonic()
    send(page)
    page.wait_for_url("**/thanks/*")
    assert time.monotonic() - begun < 2
    assert {m.status for m in stored(service)} == {MessageStatus.QUEUED}
    service.service.wait_for_output("hint_lost", timeout=20)  # from here on only the sweep can find them
    redis_server.start()
    mail_server.wait_for(lambda mails: {m.recipients[0] for m in mails} == {INFO, ADA}, timeout=40)
    assert len(mail_server.mails) == 2


def test_while_the_mail_server_is_down_mails_wait_visibly_and_leave_when_it_is_back(started, new_page, mail_server):
    service = started(SWEEP_SECONDS="1")
    mail_server.stop()
    page = new_page()
    write_from(page, service.url)
    wait_until(lambda: all(m.attempts for m in stored(service)), "a first try of both mails")
    come_to_the_desk(page, service.service.setup_link)
    page.get_by_role("link", name="Ada Lovelace").click()
    expect(page.locator(".mail .tag")).to_have_text(["Queued"])
    expect(page.locator(".mail").first).to_contain_text("waiting to try again")
    page.locator(".mail summary").first.click()
    expect(page.locator(".mail .events").first).to_contain_text("Unreachable")
    mail_server.start()
    with service.database() as db, db.write() as session:
        session.execute(update(Message).values(due_at=clock.now()))
    mail_server.wait_for(lambda mails: len(mails) == 2, timeout=30)


def test_a_mail_that_is_refused_for_good_is_shown_as_failed_and_the_notice_is_delivered(started, new_page, mail_server):
    service = started(SWEEP_SECONDS="1")
    mail_server.script("rcpt", "550 5.1.1 No such user", address=ADA)
    page = new_page()
    write_from(page, service.url)
    mail_server.wait_for_mail(INFO, timeout=20)
    wait_until(lambda: {m.status for m in stored(service)} == {"failed", "sent"}, "both mails settled")
    assert not mail_server.to(ADA)
    come_to_the_desk(page, service.service.setup_link)
    page.get_by_role("link", name="Ada Lovelace").click()
    failed = page.locator(".mail", has_text="Failed")
    expect(failed).to_contain_text("No such user")
    mail_server.clear()
    failed.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status")).to_contain_text("Queued to be sent again.")
    mail_server.wait_for_mail(ADA, timeout=20)

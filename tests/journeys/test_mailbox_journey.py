"""A prospect answers by mail: within five seconds the desk tells it, and the follow-ups have stopped."""

import time

from playwright.sync_api import expect

from tests.doors.mailboxes import MARKED, a_mail
from tests.factories import messages
from tests.journeys.steps import come_to_the_desk, wait_until, write_from
from tpminstitute.inbox.models import MailboxState
from tpminstitute.mail.models import MessageKind

ADA = "ada@example.org"


def test_an_answer_from_her_own_mail_program_is_at_the_desk_within_five_seconds(
    started, new_page, mail_server, imap_mailbox
):
    service = started(IMAP_URL=imap_mailbox.url())
    page = new_page()
    write_from(page, service.url, email=ADA)
    mail_server.wait_for_mail(ADA)
    come_to_the_desk(page, service.service.setup_link)
    with service.database() as db:
        (acknowledgement,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
        wait_until(lambda: has_looked(db), "a look into the mailbox")
    page.get_by_role("link", name="Ada Lovelace").click()
    imap_mailbox.deliver(
        a_mail("Re: Your letter", b"Monday suits me.\r\n", ADA, In_Reply_To=acknowledgement.message_id)
    )
    begun = time.monotonic()
    wait_until(lambda: "Wrote a mail: “Re: Your letter”" in reloaded(page), "her answer", timeout=5)
    print(f"\nFrom the mailbox to the desk: {time.monotonic() - begun:.2f} s")
    expect(page.locator("body")).to_contain_text("They answered.")
    wait_until(lambda: imap_mailbox.flags() == {1: MARKED}, "the marks")
    assert service.service.stop() < 5


def reloaded(page):
    page.reload()
    return page.locator("body").inner_text()


def has_looked(db):
    with db.read() as session:
        return session.query(MailboxState).filter(MailboxState.looked_at.isnot(None)).count()

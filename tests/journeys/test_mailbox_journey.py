"""What comes into the mailbox of a running service: an answer at once, and what each kind of mail does."""

import time
from datetime import timedelta
from email import message_from_bytes, policy

import time_machine
from sqlalchemy import select, update

from tests.doors.mailboxes import MARKED, a_mail
from tests.factories import an_account, messages, submitted
from tests.journeys.steps import come_to_the_desk, wait_until, write_from
from tests.rooms.came import a_bounce
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.inbox.models import MailboxState, ReceivedMail
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import suppression_of
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.runner import run_due

ADA, BERT, CARL = "ada@example.org", "bert@example.org", "carl@example.org"


def test_an_answer_from_her_own_mail_program_is_at_the_desk_at_once(started, new_page, mail_server, imap_mailbox):
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
    wait_until(lambda: "Monday suits me." in reloaded(page), "her answer")  # a mere look comes after four minutes
    print(f"\nFrom the mailbox to the desk: {time.monotonic() - begun:.2f} s")
    with service.database() as db, db.read() as session:
        assert session.scalars(select(Enrollment.reason)).all() == ["They answered."]
    wait_until(lambda: imap_mailbox.flags() == {1: MARKED}, "the marks")
    assert service.service.stop() < 5


def reloaded(page):
    page.reload()
    return page.locator("body").inner_text()


def has_looked(db):
    with db.read() as session:
        return session.query(MailboxState).filter(MailboxState.looked_at.isnot(None)).count()


def test_a_reply_a_bounce_an_absence_and_a_staff_members_answer_each_do_what_they_should(
    started, mail_server, imap_mailbox
):
    service = started(IMAP_URL=imap_mailbox.url(), REPLY_ADDRESS="info@tpminstitute.org", SWEEP_SECONDS="1")
    with service.database() as db:
        with db.write() as session:
            an_account(session, "Alice")
        for email in (ADA, BERT, CARL):
            submitted(db, service.settings, email=email, consents=True)
        make_due(db)
        run_due(db, service.settings)
        wait_until(lambda: {m.status for m in messages(db)} == {MessageStatus.SENT} and len(messages(db)) == 9, "mails")
        wait_until(lambda: has_looked(db), "a look into the mailbox")
        follow_up = {m.recipient: m for m in messages(db, kind=MessageKind.FOLLOW_UP)}

        hers = a_mail("Re: The path", b"Is there a course in May?\r\n", ADA, In_Reply_To=follow_up[ADA].message_id)
        imap_mailbox.deliver(hers)
        wait_until(lambda: stored(db) == 1, "her reply")
        imap_mailbox.deliver(a_bounce(follow_up[BERT]))
        imap_mailbox.deliver(an_absence(follow_up[CARL]))
        imap_mailbox.deliver(an_answer_by_alice(db))
        wait_until(lambda: stored(db) == 4, "all that came")

        make_due(db)
        run_due(db, service.settings)
        assert len(messages(db, kind=MessageKind.FOLLOW_UP)) == 3, "nobody gets a second follow-up"
        runs = {email: run_of(db, email) for email in (ADA, BERT, CARL)}
        assert (runs[ADA].status, runs[ADA].reason) == (EnrollmentStatus.STOPPED, "They answered.")
        assert runs[BERT].status is EnrollmentStatus.STOPPED
        assert runs[CARL].status is EnrollmentStatus.PAUSED
        with db.read() as session:
            closed = suppression_of(session, BERT)
        assert closed is not None
        assert closed.reason is SuppressionReason.HARD_BOUNCE

        answers = mail_server.wait_for(lambda mails: any("Yes, on the 4th." in plain(m) for m in mails), timeout=20)
        answer = next(m for m in answers if "Yes, on the 4th." in plain(m))
        assert answer.recipients == [ADA]
        assert answer.message["From"].addresses[0].addr_spec == "info@tpminstitute.org"
        assert answer.message["In-Reply-To"].encode() in hers

        with time_machine.travel(clock.now() + timedelta(days=21)):
            run_due(db, service.settings)
        assert [m.recipient for m in messages(db, kind=MessageKind.FOLLOW_UP)[3:]] == [CARL], "he is back"


def an_absence(follow_up):
    back = clock.now().date() + timedelta(days=20)
    text = f"I am out of the office until {back:%d %B %Y}.\r\n".encode()
    headers = {"In_Reply_To": follow_up.message_id, "Auto_Submitted": "auto-replied"}
    return a_mail("Automatic reply: The path", text, CARL, **headers)


def an_answer_by_alice(db):
    """What Alice's mail program sends when she answers the notice of Ada's inquiry."""
    (notice, *_) = messages(db, kind=MessageKind.NOTICE)
    to = message_from_bytes(notice.content, policy=policy.default)["Reply-To"].addresses[0].addr_spec
    answer = a_mail("Re: New inquiry", b"Yes, on the 4th.\r\n", "alice@tpminstitute.org")
    return answer.replace(b"To: info@tpminstitute.org", f"To: {to}".encode())


def stored(db):
    with db.read() as session:
        return session.query(ReceivedMail).count()


def run_of(db, email):
    with db.read() as session:
        return session.scalars(
            select(Enrollment).join(Contact, Contact.id == Enrollment.contact_id).where(Contact.email == email)
        ).one()


def make_due(db):
    with db.write() as session:
        session.execute(
            update(Enrollment)
            .where(Enrollment.status == EnrollmentStatus.ACTIVE)
            .values(next_due_at=clock.now(), version_id=1)
        )


def plain(mail):
    return mail.message.get_body(("plain",)).get_content()

"""The follow-ups: they start with consent, arrive with a way out, and the way out works."""

import re

from playwright.sync_api import expect
from sqlalchemy import select, update

from tests.factories import messages
from tests.journeys.steps import wait_until, write_from
from tpminstitute.core import clock
from tpminstitute.mail.models import MessageKind, MessageStatus
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.runner import run_due

ADA = "ada@example.org"


def make_due(db):
    """Let the time until the next follow-up be over."""
    with db.write() as session:
        session.execute(
            update(Enrollment)
            .where(Enrollment.status == EnrollmentStatus.ACTIVE)
            .values(next_due_at=clock.now(), version_id=1)
        )


def run_of(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def test_a_follow_up_arrives_and_its_link_stops_the_others(started, new_page, mail_server):
    service = started(SWEEP_SECONDS="1")
    page = new_page()
    write_from(page, service.url)
    mail_server.wait_for_mail(ADA, timeout=20)
    with service.database() as db:
        make_due(db)
        assert run_due(db, service.settings) == 1
        mails = mail_server.wait_for(lambda mails: len([m for m in mails if ADA in m.recipients]) == 2, timeout=20)
        follow_up = mails[-1].message
        one_click = follow_up["List-Unsubscribe"].strip("<>")
        assert follow_up["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        words = follow_up.get_body(("plain",)).get_content()
        (visible,) = re.findall(r"https?://\S+/unsubscribe/[^\s>)]+", words)
        assert visible == one_click

        page.goto(visible)
        expect(page.get_by_role("heading", level=1)).to_have_text("Stop these mails?")
        assert run_of(db).status is EnrollmentStatus.ACTIVE

        make_due(db)
        page.get_by_role("button", name="Stop these mails").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("These mails have stopped")
        assert run_of(db).status is EnrollmentStatus.STOPPED
        make_due(db)
        assert run_due(db, service.settings) == 0
        write_from(page, service.url, message="Thank you all the same.")
        wait_until(lambda: all(m.status is MessageStatus.SENT for m in messages(db)), "every mail sent")
        assert len(messages(db, kind=MessageKind.FOLLOW_UP)) == 1
        assert sum("List-Unsubscribe" in m.message for m in mail_server.mails) == 1

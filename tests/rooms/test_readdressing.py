"""Mails that wait while their reader's address changes: where they go, and what still keeps them back."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.rooms.post import BUSY, NO_SUCH_USER, Post
from tests.rooms.test_own_address import asked, proved
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.own_links import own_url
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.inbox.details import Details, change_details
from tpminstitute.inbox.models import Inquiry
from tpminstitute.inbox.sending import hold_back, send
from tpminstitute.inbox.service import send_acknowledgement
from tpminstitute.inbox.unsent import Unsent
from tpminstitute.mail.by_hand import send_again
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress
from tpminstitute.own_page.asking import ask_from_page
from tpminstitute.own_page.links import Opened, open_link
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.runner import run_due
from tpminstitute.timeline.queries import timeline_of

NEW = "ada@elsewhere.example"
INSTITUTE = "info@tpminstitute.org"


@pytest.fixture
def alice(db, settings):
    """Alice; and Ada, who wrote and agreed to follow-ups, with her acknowledgement waiting."""
    submitted(db, settings, consents=True)
    with db.write() as session:
        return an_account(session)


def corrected(db, settings, alice, to=NEW, whose=ADA):
    """Alice corrects an address."""
    with db.write() as session:
        contact = locked(session, contact_of(db, whose).id)
        told = Details(contact.name, read_email(to))
        change_details(session, settings, contact, told, contact.number, alice.id)


def with_a_follow_up(db, settings):
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)


def with_a_reply(db, settings, alice, **fields):
    with db.write() as session:
        contact = locked(session, contact_of(db).id)
        writer = session.get_one(Account, alice.id)
        send(session, settings, contact, writer, Unsent("", "Come on Monday at ten.", "n1"), **fields)


def delivered(db, settings, post=None):
    """Send what is due in a minute. Returns: the recipients, the institute's own left out."""
    post = post or Post()
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        deliver(db, post, settings)
    return [recipient for recipient in post.recipients if recipient != INSTITUTE]


def acknowledgement(db):
    (message,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    return message


def test_what_waits_goes_to_the_address_that_staff_corrected(db, settings, alice):
    with_a_follow_up(db, settings)
    corrected(db, settings, alice)
    assert delivered(db, settings) == [NEW] * 2
    assert {mail.recipient_domain for mail in messages(db, recipient=NEW)} == {"elsewhere.example"}


def test_a_reply_that_can_still_be_taken_back_goes_there_too_and_keeps_their_name(db, settings, alice):
    with_a_reply(db, settings, alice)
    corrected(db, settings, alice)
    assert delivered(db, settings) == [NEW] * 2
    (reply,) = messages(db, kind=MessageKind.REPLY)
    assert b"\r\nTo: Ada Lovelace <ada@elsewhere.example>\r\n" in reply.content


def test_what_waits_goes_to_an_address_that_was_proved_and_what_was_asked_for_stays(db, settings, alice):
    token = asked(db, settings, NEW)
    with db.write() as session:
        ask_from_page(session, settings, contact_of(db))
    assert delivered(db, settings, Post({ADA: BUSY})) == [NEW]  # the link that proves it
    proved(db, settings, token)
    waiting = [(mail.kind, mail.recipient) for mail in messages(db, status=MessageStatus.QUEUED)]
    told = (MessageKind.OWN_DATA, ADA)  # the link that was asked for, and that the address has changed
    assert waiting == [(MessageKind.ACKNOWLEDGEMENT, NEW), told, told]
    assert delivered(db, settings) == [NEW, ADA]  # what was put off is not due yet


def test_a_mail_that_goes_along_is_the_same_mail_but_for_whom_it_is_to(db, settings, alice):
    before = acknowledgement(db)
    corrected(db, settings, alice)
    after = acknowledgement(db)
    assert (after.message_id, after.dedupe_key, after.created_at) == (
        before.message_id,
        before.dedupe_key,
        before.created_at,
    )
    said = [plain_text(mail.content).partition("What we hold about you")[0] for mail in (before, after)]
    assert said[0] == said[1] != ""


def test_its_link_to_what_is_held_opens_though_earlier_links_are_void(db, settings, alice):
    with time_machine.travel(clock.now() + timedelta(seconds=5)):
        proved(db, settings, asked(db, settings, NEW))
        words = plain_text(acknowledgement(db).content)
        (token,) = {word.rpartition("/")[2] for word in words.split() if "/me/" in word}
        with db.read() as session:
            assert isinstance(open_link(session, settings, token), Opened)


@on_sqlite
def test_a_link_of_somebody_elses_in_what_was_written_stays_as_it_is(db, settings, alice):
    submitted(db, settings, email="bob@example.org")
    theirs = own_url(settings, contact_of(db, "bob@example.org").public_id)
    with db.write() as session:
        contact = locked(session, contact_of(db).id)
        send(session, settings, contact, session.get_one(Account, alice.id), Unsent("", f"See {theirs} now.", "n1"))
    corrected(db, settings, alice)
    (reply,) = messages(db, kind=MessageKind.REPLY)
    assert theirs in plain_text(reply.content).replace("\n", "")


def test_who_unsubscribed_gets_no_follow_up_at_the_new_address(db, settings, alice):
    with_a_follow_up(db, settings)
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.OPT_OUT)  # alone, without what else leaving does
    corrected(db, settings, alice)
    assert delivered(db, settings) == [NEW]
    (follow_up,) = messages(db, kind=MessageKind.FOLLOW_UP)
    assert follow_up.status is MessageStatus.SUPPRESSED


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINT, SuppressionReason.BY_HAND])
def test_who_wanted_no_mail_gets_none_by_another_address(db, settings, alice, reason):
    with db.write() as session:
        suppress(session, ADA, reason)
    corrected(db, settings, alice)
    assert delivered(db, settings) == []
    assert acknowledgement(db).status is MessageStatus.SUPPRESSED


def test_mail_that_came_back_from_the_former_address_doesnt_close_the_new_one(db, settings, alice):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    corrected(db, settings, alice)
    assert delivered(db, settings) == [NEW]


@pytest.mark.parametrize("nevertheless", [False, True])
def test_what_closes_the_new_address_holds_there(db, settings, alice, nevertheless):
    with db.write() as session:
        suppress(session, NEW, SuppressionReason.BY_HAND)
        if nevertheless:
            suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    with_a_reply(db, settings, alice, despite_closed=nevertheless)
    corrected(db, settings, alice)
    assert delivered(db, settings) == []


def test_a_worker_that_holds_a_mail_finds_out_before_it_sends_it(db, settings, alice):
    looked: list[str] = []

    def before_content(recipient):
        if recipient == ADA and not looked:
            looked.append(recipient)
            corrected(db, settings, alice)

    post = Post(before_content=before_content)
    assert delivered(db, settings, post) == [NEW]
    assert looked


def test_one_that_the_former_server_put_off_is_tried_at_the_new_one_at_once(db, settings, alice):
    delivered(db, settings, Post({ADA: BUSY}))
    delivered(db, settings, Post({ADA: BUSY}))
    corrected(db, settings, alice)
    mail = acknowledgement(db)
    assert (mail.attempts, mail.reason) == (0, "")
    assert delivered(db, settings) == [NEW]


@on_sqlite
def test_a_reply_that_is_held_back_stays_so_and_is_for_the_new_address(db, settings, alice):
    with_a_reply(db, settings, alice, goes_at=clock.now() + timedelta(days=1))
    with db.write() as session:
        hold_back(session, contact_of(db).id)
    corrected(db, settings, alice)
    (reply,) = messages(db, kind=MessageKind.REPLY)
    assert (reply.status, reply.recipient) == (MessageStatus.HELD, NEW)
    assert reply.reason


def test_one_that_failed_goes_to_the_corrected_address_when_it_is_sent_again(db, settings, alice):
    delivered(db, settings, Post({ADA: NO_SUCH_USER}))
    corrected(db, settings, alice)
    failed = acknowledgement(db)
    assert (failed.status, failed.recipient) == (MessageStatus.FAILED, ADA)
    with db.write() as session:
        send_again(session, settings, failed.id, alice.id)
    assert delivered(db, settings) == [NEW]


@pytest.fixture
def further(db, settings, alice):
    """Ada's mails go to another address than the one that she writes from again; her second acknowledgement waits."""
    corrected(db, settings, alice)
    delivered(db, settings)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        submitted(db, settings, message="Another question")
        return messages(db, kind=MessageKind.ACKNOWLEDGEMENT)[1]


@on_sqlite
def test_one_that_was_meant_for_a_further_address_goes_there_again(db, settings, alice, further):
    assert further.recipient == ADA
    with db.write() as session:
        session.execute(update(Message).where(Message.id == further.id).values(status="failed", reason="550 No"))
        send_again(session, settings, further.id, alice.id)
    assert messages(db, id=further.id)[0].recipient == ADA


@on_sqlite
def test_what_closes_the_address_that_they_wrote_from_holds_for_its_acknowledgement(db, settings, further):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert delivered(db, settings) == []


@on_sqlite
def test_an_acknowledgement_that_is_caught_up_on_goes_to_the_address_that_was_corrected_since(db, settings, alice):
    with db.write() as session:
        session.execute(delete(Message).where(Message.kind == MessageKind.ACKNOWLEDGEMENT))
    corrected(db, settings, alice)
    with db.write() as session:
        send_acknowledgement(session, settings, session.scalars(select(Inquiry)).one(), alice.id)
    assert delivered(db, settings) == [NEW]


def test_the_timeline_says_which_mails_went_along(db, settings, alice):
    corrected(db, settings, alice)
    with db.read() as session:
        told = [(entry.sentence, entry.actor) for entry in timeline_of(session, contact_of(db, NEW).id)]
    subject = acknowledgement(db).subject
    assert (f"Acknowledgement “{subject}” waited to be sent, and goes to the new address.", "Alice") in told


def test_what_was_sent_stays_as_it_was(db, settings, alice):
    delivered(db, settings)
    before = acknowledgement(db)
    corrected(db, settings, alice)
    assert (acknowledgement(db).recipient, acknowledgement(db).content) == (ADA, before.content)

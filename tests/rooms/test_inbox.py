"""What staff do with inquiries, and how they page through them."""

import pytest
from sqlalchemy import update

from tests.factories import an_account, contact_of, count, messages, statuses, submitted
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import service
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.queries import PAGE, count_of, inbox_page
from tpminstitute.mail import outbox
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.timeline.queries import timeline_of


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


def act(db, inquiry, verb, *more):
    with db.write() as session:
        verb(session, *more[:-1], service.locked_inquiry(session, inquiry.public_id), more[-1])


def state_of(db, inquiry):
    with db.read() as session:
        return session.get_one(Inquiry, inquiry.id).state


def test_a_handled_inquiry_leaves_the_open_ones_and_comes_back(db, settings, alice):
    inquiry = submitted(db, settings)
    act(db, inquiry, service.mark_handled, alice)
    assert state_of(db, inquiry) is InquiryState.HANDLED
    act(db, inquiry, service.reopen, alice)
    assert state_of(db, inquiry) is InquiryState.OPEN


def test_spam_cancels_unsent_mails_and_stops_the_follow_ups_it_started(db, settings, alice):
    inquiry = submitted(db, settings, consents=True)
    act(db, inquiry, service.mark_spam, alice)
    assert set(statuses(db).values()) == {"cancelled"}
    with db.read() as session:
        assert session.query(Enrollment).one().status is EnrollmentStatus.STOPPED


def test_a_released_inquiry_does_what_was_withheld_once(db, settings, alice):
    inquiry = submitted(db, settings, consents=True, suspicions=["The message holds 9 web addresses."])
    act(db, inquiry, service.release, settings, alice)
    assert [count(db, table) for table in (Message, Enrollment)] == [2, 1]
    act(db, inquiry, service.mark_spam, alice)
    act(db, inquiry, service.release, settings, alice)
    assert [count(db, table) for table in (Message, Enrollment)] == [2, 1]


def test_a_stale_page_changes_nothing_and_says_so(db, settings, alice):
    inquiry = submitted(db, settings)
    act(db, inquiry, service.mark_handled, alice)
    with pytest.raises(Refusal, match="handled by now"):
        act(db, inquiry, service.mark_handled, alice)


def test_the_timeline_names_who_handled_it(db, settings, alice):
    inquiry = submitted(db, settings)
    act(db, inquiry, service.mark_handled, alice)
    with db.read() as session:
        newest = timeline_of(session, contact_of(db).id)[0]
    assert (newest.actor, newest.sentence) == ("Alice", "Marked an inquiry as handled.")


def test_pages_hold_every_inquiry_once_newest_first(db, settings):
    for number in range(2 * PAGE + 7):
        submitted(db, settings, message=f"Message {number}")
    seen, before = [], None
    with db.read() as session:
        while True:
            page = inbox_page(session, before=before)
            seen += [row.excerpt for row in page.rows]
            if page.older is None:
                break
            before = page.older
        back = inbox_page(session, after=page.rows[0].id)
    assert seen == [f"Message {number}" for number in reversed(range(2 * PAGE + 7))]
    assert [row.excerpt for row in back.rows] == seen[PAGE : 2 * PAGE]


def test_a_filter_shows_only_its_state(db, settings, alice):
    submitted(db, settings)
    act(db, submitted(db, settings), service.mark_handled, alice)
    with db.read() as session:
        assert len(inbox_page(session, InquiryState.OPEN).rows) == 1
        assert count_of(session, InquiryState.HANDLED) == 1


def failed_acknowledgement(db, settings):
    submitted(db, settings)
    deliver(db, Post(), settings)
    with db.write() as session:
        session.execute(
            update(Message)
            .where(Message.kind == MessageKind.ACKNOWLEDGEMENT)
            .values(status=MessageStatus.FAILED, reason="550 No such user", sent_at=None)
        )
    return messages(db, kind=MessageKind.ACKNOWLEDGEMENT)[0]


def test_a_failed_mail_can_be_sent_again_by_hand(db, settings, alice):
    message = failed_acknowledgement(db, settings)
    with db.write() as session:
        outbox.send_again(session, message.id, alice)
    post = Post()
    assert deliver(db, post, settings) == 1
    assert post.ledger[0][1] == message.content


def test_a_failed_mail_can_be_left(db, settings, alice):
    message = failed_acknowledgement(db, settings)
    with db.write() as session:
        outbox.leave(session, message.id, alice)
    assert deliver(db, Post(), settings) == 0
    assert messages(db, id=message.id)[0].status is MessageStatus.CANCELLED


def test_a_sent_mail_is_not_sent_again_by_a_stale_page(db, settings, alice):
    submitted(db, settings)
    deliver(db, Post(), settings)
    (message,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    with pytest.raises(Refusal, match="not waiting for a decision"), db.write() as session:
        outbox.send_again(session, message.id, alice)


def test_a_queued_mail_says_that_it_waits(db, settings):
    submitted(db, settings)
    assert {message.status for message in messages(db)} == {MessageStatus.QUEUED}
    assert all(message.due_at <= clock.now() for message in messages(db))

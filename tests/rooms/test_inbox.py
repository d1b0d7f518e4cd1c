"""What staff do with inquiries, and how they page through them."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from tests.factories import ADA, an_account, contact_of, count, messages, statuses, store_letter, submitted
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import service
from tpminstitute.inbox.letters import acknowledgement_key, acknowledgement_letters
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.queries import PAGE, inbox_page, unacknowledged
from tpminstitute.inbox.waiting import Counts, counts
from tpminstitute.mail import by_hand
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.letters import LetterError
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import suppress
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
    act(db, inquiry, service.mark_spam, settings, alice)
    assert set(statuses(db).values()) == {"cancelled"}
    with db.read() as session:
        assert session.query(Enrollment).one().status is EnrollmentStatus.STOPPED


def test_a_released_inquiry_does_what_was_withheld_once(db, settings, alice):
    inquiry = submitted(db, settings, consents=True, suspicions=["The message holds 9 web addresses."])
    act(db, inquiry, service.release, settings, alice)
    assert [count(db, table) for table in (Message, Enrollment)] == [2, 1]
    act(db, inquiry, service.mark_spam, settings, alice)
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
        assert len(inbox_page(session, InquiryState.HANDLED).rows) == 1


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
        by_hand.send_again(session, settings, message.id, alice)
    post = Post()
    assert deliver(db, post, settings) == 1
    assert post.ledger[0][1] == message.content


def test_a_failed_mail_can_be_left(db, settings, alice):
    message = failed_acknowledgement(db, settings)
    with db.write() as session:
        by_hand.leave(session, message.id, alice)
    assert deliver(db, Post(), settings) == 0
    assert messages(db, id=message.id)[0].status is MessageStatus.CANCELLED


def test_a_sent_mail_is_not_sent_again_by_a_stale_page(db, settings, alice):
    submitted(db, settings)
    deliver(db, Post(), settings)
    (message,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    with pytest.raises(Refusal, match="not waiting for a decision"), db.write() as session:
        by_hand.send_again(session, settings, message.id, alice)


def test_a_queued_mail_says_that_it_waits(db, settings):
    submitted(db, settings)
    assert {message.status for message in messages(db)} == {MessageStatus.QUEUED}
    assert all(message.due_at <= clock.now() for message in messages(db))


# --- who writes again --------------------------------------------------------------------------------------


def subjects(db):
    """What the acknowledgements' subjects say, oldest first, without the references."""
    return [mail.subject.partition(" (")[0] for mail in messages(db, kind=MessageKind.ACKNOWLEDGEMENT)]


FIRST, AGAIN = "We have your message", "We have your new message"


def test_who_writes_again_gets_another_acknowledgement_than_the_first(db, settings):
    submitted(db, settings)
    submitted(db, settings)
    submitted(db, settings, email="grace@example.org", name="Grace Hopper")
    assert subjects(db) == [FIRST, AGAIN, FIRST]


def test_who_never_got_the_first_acknowledgement_gets_it_with_the_next_message(db, settings):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.SUPPRESSED, reason="The address was closed."))
    submitted(db, settings)
    assert subjects(db) == [FIRST, FIRST]


def test_an_acknowledgement_that_is_sent_later_does_not_take_the_first_message_for_a_further_one(
    db, settings, alice, left_out
):
    submitted(db, settings)
    act(db, left_out, service.send_acknowledgement, settings, alice)
    assert subjects(db) == ["Mended", "Mended"]


def test_each_of_a_contacts_inquiries_has_the_letter_that_fits_it(db, settings):
    with clock.at(datetime(2026, 6, 1, 9, tzinfo=UTC)):
        first = submitted(db, settings)
    for hour in (10, 11):
        with clock.at(datetime(2026, 6, 1, hour, tzinfo=UTC)):
            submitted(db, settings)
    with db.write() as session:
        own = Message.dedupe_key == acknowledgement_key(first)
        session.execute(update(Message).values(status=MessageStatus.SUPPRESSED, reason="It was closed.").where(own))
    with db.read() as session:
        inquiries = inquiries_of(session, first.contact_id)
        letters = acknowledgement_letters(session, first.contact_id, inquiries)
    assert [letters[one.id] for one in reversed(inquiries)] == [
        "acknowledgement",
        "acknowledgement",
        "acknowledgement-again",
    ]


def test_while_the_letter_to_who_returns_is_broken_it_is_left_out_and_the_message_kept(db, settings, alice):
    store_letter(db, alice, "acknowledgement-again", body="Dear {frist_name}")
    submitted(db, settings)
    second = submitted(db, settings)
    assert (subjects(db), owing(db)) == ([FIRST], {second.id})


# --- an acknowledgement that was left out ------------------------------------------------------------------


@pytest.fixture
def left_out(db, settings, alice):
    """Ada's inquiry, whose acknowledgement was left out: its letter was broken, and is mended by now."""
    store_letter(db, alice, "acknowledgement", body="Dear {frist_name}")
    inquiry = submitted(db, settings)
    assert messages(db, kind=MessageKind.ACKNOWLEDGEMENT) == []
    store_letter(db, alice, "acknowledgement", number=2, subject="Mended")
    return inquiry


def inquiries_of(session, contact_id):
    """A contact's inquiries, the newest first."""
    return session.scalars(select(Inquiry).where(Inquiry.contact_id == contact_id).order_by(Inquiry.id.desc())).all()


def owing(db):
    with db.read() as session:
        return unacknowledged(session, inquiries_of(session, contact_of(db).id))


def test_an_acknowledgement_that_was_left_out_is_sent_later_in_the_letter_of_now(db, settings, alice, left_out):
    assert owing(db) == {left_out.id}
    act(db, left_out, service.send_acknowledgement, settings, alice)
    (acknowledgement,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert (acknowledgement.dedupe_key, acknowledgement.cause) == (
        f"inquiry:{left_out.id}:ack",
        f"inquiry:{left_out.id}",
    )
    post = Post()
    assert deliver(db, post, settings) == 2
    assert [b"Subject: Mended" in content for recipient, content in post.ledger if recipient == ADA] == [True]
    assert owing(db) == set()
    with db.read() as session:
        said = [(entry.sentence, entry.actor) for entry in timeline_of(session, contact_of(db).id)]
    assert ("Queued the acknowledgement that was left out before.", "Alice") in said


def test_an_acknowledgement_is_never_sent_twice(db, settings, alice, left_out):
    act(db, left_out, service.send_acknowledgement, settings, alice)
    with pytest.raises(Refusal, match="was queued before"):
        act(db, left_out, service.send_acknowledgement, settings, alice)
    assert len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT)) == 1


def test_two_who_send_an_acknowledgement_at_once_send_one(db, settings, alice, left_out):
    start = threading.Barrier(2)
    refused = []

    def send():
        start.wait()
        try:
            act(db, left_out, service.send_acknowledgement, settings, alice)
        except Refusal as refusal:
            refused.append(str(refusal))

    both = [threading.Thread(target=send) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert (len(refused), len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT))) == (1, 1)


def test_an_acknowledgement_that_was_queued_in_time_is_not_queued_again(db, settings, alice):
    inquiry = submitted(db, settings)
    assert owing(db) == set()
    with pytest.raises(Refusal, match="was queued before"):
        act(db, inquiry, service.send_acknowledgement, settings, alice)


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        (SuppressionReason.HARD_BOUNCE, 0),
        (SuppressionReason.COMPLAINT, 0),
        (SuppressionReason.BY_HAND, 0),
        (SuppressionReason.OPT_OUT, 1),
    ],
)
def test_no_late_acknowledgement_goes_to_an_address_that_gets_no_answers(db, settings, alice, left_out, reason, sent):
    with db.write() as session:
        suppress(session, ADA, reason)
    if not sent:
        with pytest.raises(Refusal, match="The address is closed"):
            act(db, left_out, service.send_acknowledgement, settings, alice)
    else:
        act(db, left_out, service.send_acknowledgement, settings, alice)
    assert len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT)) == sent


@pytest.mark.parametrize("state", [InquiryState.SUSPECTED, InquiryState.SPAM])
def test_no_late_acknowledgement_goes_to_who_may_have_sent_spam(db, settings, alice, left_out, state):
    with db.write() as session:
        session.execute(update(Inquiry).values(state=state))
    assert owing(db) == set()
    with pytest.raises(Refusal, match=f"is {state.value} by now"):
        act(db, left_out, service.send_acknowledgement, settings, alice)
    assert messages(db, kind=MessageKind.ACKNOWLEDGEMENT) == []


def test_while_its_letter_is_still_broken_no_late_acknowledgement_is_queued(db, settings, alice, left_out):
    store_letter(db, alice, "acknowledgement", number=3, body="[a link](javascript:x)")
    with pytest.raises(LetterError, match="leads nowhere safe"):
        act(db, left_out, service.send_acknowledgement, settings, alice)
    assert owing(db) == {left_out.id}


def test_what_is_set_apart_is_counted_no_further_than_one_reads(db, settings, monkeypatch):
    monkeypatch.setattr("tpminstitute.inbox.waiting.COUNTED", 2)
    for number in range(3):
        submitted(db, settings, email=f"charlie{number}@example.org")
    with db.write() as session:
        session.execute(update(Inquiry).values(state=InquiryState.SUSPECTED, suspicions=["It has many links."]))
    with db.read() as session:
        assert counts(session) == Counts(for_us=2, to_look_at=0, suspected=2)

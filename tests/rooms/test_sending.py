"""Replies from the desk: taken back in time, sent later, held back, and never sent twice or lost."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.doors.mails import came_in
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.rooms.post import NO_ANSWER, Post
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.answers import AddressClosed
from tpminstitute.inbox.models import Conversation, Inquiry, InquiryState, Turn
from tpminstitute.inbox.sending import THEY_WROTE, UNDO, hold_back, send, send_held_back, take_back, waiting_replies
from tpminstitute.inbox.unsent import Unsent, beside, draft_of, drop_draft, keep_draft
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.personal import ReplyError
from tpminstitute.mail.settlement import GIVE_UP_AFTER
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.timeline.queries import timeline_of

RESTED = UNDO + timedelta(seconds=1)


@pytest.fixture
def alice(db, settings):
    """Alice, and Ada's inquiry with consent, whose mails are out."""
    with db.write() as session:
        account = an_account(session)
    submitted(db, settings, consents=True)
    deliver(db, Post(), settings)
    return account


def sent(db, settings, alice, text="Come on Monday at ten.", nonce="n1", **fields):
    with db.write() as session:
        contact = locked(session, contact_of(db).id)
        return send(session, settings, contact, session.get_one(Account, alice.id), Unsent("", text, nonce), **fields)


def taken_back(db, alice, message_id, email=ADA):
    with db.write() as session:
        take_back(session, locked(session, contact_of(db, email).id), message_id, session.get_one(Account, alice.id))


def delivered(db, settings, after=RESTED):
    post = Post()
    with time_machine.travel(clock.now() + after):
        deliver(db, post, settings)
    return [recipient for recipient in post.recipients if recipient == ADA]


def replies(db):
    return messages(db, kind=MessageKind.REPLY)


def draft(db, alice):
    with db.read() as session:
        kept = draft_of(session, contact_of(db).id, alice.id)
        return kept.text if kept else None


def standing(db):
    """Whose turn it is since when, and where the inquiry and the follow-ups stand."""
    with db.read() as session:
        kept = session.scalars(select(Conversation)).one()
        return (
            kept.turn,
            kept.since,
            session.scalars(select(Inquiry.state)).one(),
            session.scalars(select(Enrollment.status)).one(),
        )


def newest(db):
    with db.read() as session:
        return timeline_of(session, contact_of(db).id)[0].sentence


# --- ten seconds -------------------------------------------------------------------------------------------


def test_a_reply_rests_for_ten_seconds_and_then_goes(db, settings, alice):
    sent(db, settings, alice)
    assert delivered(db, settings, UNDO - timedelta(seconds=1)) == []
    assert delivered(db, settings) == [ADA]


def test_a_reply_that_was_taken_back_never_goes_and_its_text_is_a_draft_again(db, settings, alice):
    message_id = sent(db, settings, alice)
    assert draft(db, alice) is None
    taken_back(db, alice, message_id)
    assert delivered(db, settings) == []
    assert draft(db, alice) == "Come on Monday at ten."
    assert newest(db).startswith("Took back a reply before it went")
    (reply,) = replies(db)
    assert (reply.status, reply.reason) == (MessageStatus.CANCELLED, "Alice took it back before it went.")


def test_taking_a_reply_back_undoes_what_it_changed(db, settings, alice):
    before = standing(db)
    message_id = sent(db, settings, alice)
    assert standing(db)[2:] == (InquiryState.HANDLED, EnrollmentStatus.PAUSED)
    taken_back(db, alice, message_id)
    assert standing(db) == before


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_replies_that_are_taken_back_undo_everything_in_any_order(db, settings, alice, order):
    before = standing(db)
    ids = [sent(db, settings, alice, text, text) for text in ("One", "Two")]
    taken_back(db, alice, ids[order[0]])
    assert standing(db)[0] is Turn.VISITOR, "the other one stands"
    taken_back(db, alice, ids[order[1]])
    assert standing(db) == before


def test_follow_ups_that_waited_before_the_reply_wait_on_when_it_is_taken_back(db, settings, alice):
    sent(db, settings, alice, "First", "n0")
    delivered(db, settings)
    message_id = sent(db, settings, alice)
    taken_back(db, alice, message_id)
    assert standing(db)[3] is EnrollmentStatus.PAUSED


def test_a_reply_that_went_is_not_taken_back_and_the_refusal_says_so(db, settings, alice):
    message_id = sent(db, settings, alice)
    delivered(db, settings)
    with pytest.raises(Refusal, match="too late"):
        taken_back(db, alice, message_id)
    assert (replies(db)[0].status, draft(db, alice)) == (MessageStatus.SENT, None)


def test_a_reply_is_taken_back_once(db, settings, alice):
    message_id = sent(db, settings, alice)
    taken_back(db, alice, message_id)
    with pytest.raises(Refusal, match="taken back already"):
        taken_back(db, alice, message_id)


def test_a_reply_of_another_contact_is_not_taken_back_here(db, settings, alice):
    message_id = sent(db, settings, alice)
    submitted(db, settings, email="charlie@outside.example")
    with pytest.raises(Refusal, match="no such reply"):
        taken_back(db, alice, message_id, "charlie@outside.example")
    assert replies(db)[0].status is MessageStatus.QUEUED


def test_the_same_words_can_be_sent_after_they_were_taken_back(db, settings, alice):
    taken_back(db, alice, sent(db, settings, alice))
    assert sent(db, settings, alice) is not None
    assert delivered(db, settings) == [ADA]


def test_what_was_begun_since_stands_below_the_words_that_come_back(db, settings, alice):
    message_id = sent(db, settings, alice)
    with db.write() as session:
        keep_draft(session, contact_of(db).id, alice.id, Unsent("s", "And another thing", "n2"))
    taken_back(db, alice, message_id)
    assert draft(db, alice) == "Come on Monday at ten.\n\nAnd another thing"


def test_a_reply_whose_fate_is_uncertain_is_not_taken_back(db, settings, alice):
    message_id = sent(db, settings, alice)
    with time_machine.travel(clock.now() + RESTED):
        deliver(db, Post(says_after_content={ADA: NO_ANSWER}), settings)
    with pytest.raises(Refusal, match="too late"):
        taken_back(db, alice, message_id)


def test_taking_back_wins_until_the_content_goes_out_even_under_a_workers_hands(db, settings, alice):
    message_id = sent(db, settings, alice)
    post = Post(before_content=lambda _: taken_back(db, alice, message_id))  # claimed, and not offered yet
    with time_machine.travel(clock.now() + RESTED):
        deliver(db, post, settings)
    assert post.ledger == []
    assert draft(db, alice) == "Come on Monday at ten."


def test_in_a_race_between_workers_and_undo_each_reply_either_went_once_or_is_a_draft(db, settings, alice):
    post = Post()
    outcomes = []
    with time_machine.travel(clock.now()) as clockwork:
        for n in range(8):
            message_id = sent(db, settings, alice, f"Text {n}", f"nonce-{n}")
            clockwork.shift(RESTED)
            start = threading.Barrier(3)

            def undo(message_id=message_id, start=start):
                start.wait()
                try:
                    taken_back(db, alice, message_id)
                    outcomes.append("back")
                except Refusal:
                    outcomes.append("gone")

            def work(start=start):
                start.wait()
                deliver(db, post, settings)

            threads = [threading.Thread(target=target) for target in (undo, work, work)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            deliver(db, post, settings)
            if outcomes[-1] == "back":
                assert draft(db, alice).startswith(f"Text {n}")
                with db.write() as session:
                    drop_draft(session, contact_of(db).id, alice.id)
    assert len(outcomes) == 8
    assert len(post.ledger) == outcomes.count("gone")
    assert [r.status for r in replies(db)].count(MessageStatus.SENT) == outcomes.count("gone")


# --- later -------------------------------------------------------------------------------------------------


def later(**fields):
    return clock.now() + timedelta(**(fields or {"days": 2}))


def test_a_reply_for_later_waits_for_its_moment_and_is_dated_then(db, settings, alice):
    goes_at = later()
    sent(db, settings, alice, goes_at=goes_at)
    with db.read() as session:
        (waiting,) = waiting_replies(session, contact_of(db).id)
    assert (waiting.writer, waiting.text, waiting.held_back) == ("Alice", "Come on Monday at ten.", "")
    assert waiting.goes_at == goes_at
    assert delivered(db, settings, timedelta(days=2, minutes=-1)) == []
    assert delivered(db, settings, timedelta(days=2, minutes=1)) == [ADA]
    assert goes_at.strftime("%d %b %Y %H:%M").encode() in replies(db)[0].content


def test_a_reply_for_later_is_taken_back_as_any_other(db, settings, alice):
    before = standing(db)
    taken_back(db, alice, sent(db, settings, alice, goes_at=later()))
    assert delivered(db, settings, timedelta(days=3)) == []
    assert (draft(db, alice), standing(db)) == ("Come on Monday at ten.", before)


def test_when_they_write_first_a_reply_for_later_is_held_back_and_the_timeline_says_so(db, settings, alice):
    sent(db, settings, alice, goes_at=later())
    came_in(db, settings, text="I found it by myself, thank you.")
    assert delivered(db, settings, timedelta(days=3)) == []
    with db.read() as session:
        (waiting,) = waiting_replies(session, contact_of(db).id)
        told = [entry.sentence for entry in timeline_of(session, contact_of(db).id)]
    assert waiting.held_back == THEY_WROTE
    assert any(sentence.endswith(f"is held back. {THEY_WROTE}") for sentence in told)
    assert standing(db)[0] is Turn.INSTITUTE


def test_a_new_inquiry_holds_a_reply_for_later_back_as_well(db, settings, alice):
    sent(db, settings, alice, goes_at=later())
    submitted(db, settings, message="One more question.")
    assert replies(db)[0].status is MessageStatus.HELD


def test_a_reply_that_rests_for_ten_seconds_is_not_held_back(db, settings, alice):
    sent(db, settings, alice)
    came_in(db, settings, text="One more question.")
    assert delivered(db, settings) == [ADA]


def test_holding_back_wins_over_a_worker_that_has_claimed_it(db, settings, alice):
    sent(db, settings, alice, goes_at=later(minutes=2))

    def they_write(_):
        with db.write() as session:
            hold_back(session, contact_of(db).id)

    post = Post(before_content=they_write)
    with time_machine.travel(clock.now() + timedelta(minutes=3)):
        deliver(db, post, settings)
    assert post.ledger == []
    assert replies(db)[0].status is MessageStatus.HELD


def test_a_reply_that_was_held_back_goes_by_a_persons_word_once(db, settings, alice):
    message_id = sent(db, settings, alice, goes_at=later())
    came_in(db, settings, text="I found it by myself.")

    def go():
        with db.write() as session:
            account = session.get_one(Account, alice.id)
            send_held_back(session, settings, locked(session, contact_of(db).id), message_id, account)

    go()
    assert delivered(db, settings) == [ADA]
    assert b"I found it by myself." in replies(db)[-1].content, "it quotes what they wrote"
    assert standing(db)[0] is Turn.VISITOR
    with pytest.raises(Refusal, match="isn't held back any more"):
        go()


def test_a_reply_for_later_does_not_go_to_an_address_that_closed_meanwhile(db, settings, alice):
    sent(db, settings, alice, goes_at=later())
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    assert delivered(db, settings, timedelta(days=3)) == []
    assert replies(db)[0].status is MessageStatus.SUPPRESSED


def test_the_days_for_which_a_reply_is_tried_begin_with_its_moment(db, settings, alice):
    sent(db, settings, alice, goes_at=later(days=30))
    with time_machine.travel(clock.now() + timedelta(days=30, minutes=1)):
        deliver(db, Post(unreachable="No route"), settings)
        assert replies(db)[0].status is MessageStatus.QUEUED
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=None, status=EnrollmentStatus.FINISHED))
    with time_machine.travel(clock.now() + timedelta(days=30, minutes=2) + GIVE_UP_AFTER):
        deliver(db, Post(unreachable="No route"), settings)
    assert replies(db)[0].status is MessageStatus.FAILED


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(days=-1), timedelta(days=400)])
def test_a_moment_that_is_past_or_far_away_is_refused(db, settings, alice, ahead):
    with pytest.raises(ReplyError, match="Choose a time"):
        sent(db, settings, alice, goes_at=clock.now() + ahead)
    assert replies(db) == []


def test_a_closed_address_asks_first_for_a_reply_for_later_too(db, settings, alice):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    with pytest.raises(AddressClosed):
        sent(db, settings, alice, goes_at=later())


# --- drafts ------------------------------------------------------------------------------------------------


def kept(db, account_id, text, nonce="n1"):
    with db.write() as session:
        return keep_draft(session, contact_of(db).id, account_id, Unsent("Subject", text, nonce))


def test_a_draft_is_kept_as_it_was_typed_and_each_writer_has_their_own(db, settings, alice):
    with db.write() as session:
        bob = an_account(session, "Bob")
    kept(db, alice.id, "Dear A")
    kept(db, alice.id, "Dear Ada,\n ")
    kept(db, bob.id, "Hello")
    assert (draft(db, alice), draft(db, bob)) == ("Dear Ada,\n ", "Hello")
    with db.read() as session:
        assert [one.name for one in beside(session, contact_of(db).id, alice.id).writing] == ["Bob"]


def test_an_emptied_draft_is_forgotten(db, settings, alice):
    kept(db, alice.id, "Dear Ada")
    assert kept(db, alice.id, " \n") is None
    assert draft(db, alice) is None


def test_what_was_sent_is_no_draft_any_more_and_a_late_save_does_not_bring_it_back(db, settings, alice):
    kept(db, alice.id, "Come on Monday at ten.")
    sent(db, settings, alice)
    assert draft(db, alice) is None
    assert kept(db, alice.id, "Come on Monday at ten.") is None
    assert draft(db, alice) is None


def test_other_words_from_a_page_that_was_sent_are_another_reply(db, settings, alice):
    sent(db, settings, alice)
    again = kept(db, alice.id, "And bring a friend.")
    assert again.nonce != "n1"
    assert draft(db, alice) == "And bring a friend."


def test_the_same_draft_in_two_windows_is_sent_once(db, settings, alice):
    kept(db, alice.id, "Come on Monday at ten.")
    assert sent(db, settings, alice) is not None
    assert sent(db, settings, alice) is None
    assert delivered(db, settings) == [ADA]

"""Mail goes out: claimed under a lease, rechecked, sent, settled."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, contact_of, messages, statuses, submitted
from tests.rooms.post import BUSY, CLOSING, NO_ANSWER, NO_SUCH_USER, Killed, Post
from tpminstitute.core import clock
from tpminstitute.mail import outbox
from tpminstitute.mail.claim import BATCH
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import DeliveryEvent, Message, MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import mails_by
from tpminstitute.mail.settlement import GIVE_UP_AFTER, pause_after
from tpminstitute.mail.suppression import suppress
from tpminstitute.timeline.queries import timeline_of

INSTITUTE = "info@tpminstitute.org"


def acknowledgement(db):
    (message,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    return message


def notice(db):
    (message,) = messages(db, kind=MessageKind.NOTICE)
    return message


def test_what_is_due_is_sent_over_one_connection(db, settings):
    submitted(db, settings)
    post = Post()
    assert deliver(db, post, settings) == 2
    assert post.recipients == [INSTITUTE, ADA]
    assert post.connections == 1
    assert {message.status for message in messages(db)} == {MessageStatus.SENT}


def test_the_bytes_sent_are_the_bytes_queued(db, settings):
    submitted(db, settings)
    queued = {message.recipient: message.content for message in messages(db)}
    post = Post()
    deliver(db, post, settings)
    assert dict(post.ledger) == queued


def test_a_second_look_sends_nothing_again(db, settings):
    submitted(db, settings)
    post = Post()
    deliver(db, post, settings)
    assert deliver(db, post, settings) == 0
    assert len(post.ledger) == 2


def test_a_mail_is_not_sent_before_its_time(db, settings):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Message).values(due_at=clock.now() + timedelta(hours=1)))
    post = Post()
    assert deliver(db, post, settings) == 0


def test_more_than_a_batch_is_sent_in_one_look(db, settings):
    for number in range(BATCH):
        submitted(db, settings, email=f"reader{number}@example.org")
    post = Post()
    assert deliver(db, post, settings) == 2 * BATCH


def test_four_workers_send_each_mail_once(db, settings):
    for number in range(30):
        submitted(db, settings, email=f"reader{number}@example.org")
    post, start = Post(), threading.Barrier(4)

    def work():
        start.wait()
        deliver(db, post, settings)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(post.ledger) == 60
    assert {message.status for message in messages(db)} == {MessageStatus.SENT}


def test_a_worker_told_to_stop_ends_after_the_mail_on_its_way_and_leaves_the_rest(db, settings):
    for number in range(3):
        submitted(db, settings, email=f"reader{number}@example.org")
    stopping = threading.Event()
    post = Post(after_content=lambda recipient: stopping.set())
    assert deliver(db, post, settings, stopping) == 1
    assert sorted(statuses(db).values()) == ["queued"] * 5 + ["sent"]


def test_a_look_ends_although_mails_keep_coming(db, settings):
    submitted(db, settings)
    post = Post()

    def write_again(recipient):
        if len(post.ledger) < 20:
            submitted(db, settings, email=f"reader{len(post.ledger)}@example.org")

    post.after_content = write_again
    assert deliver(db, post, settings) == 2


def test_an_unreachable_server_is_tried_again_with_growing_pauses(db, settings):
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        submitted(db, settings)
        post = Post(unreachable="Connection refused")
        waits = []
        for _ in range(4):
            deliver(db, post, settings)
            due = acknowledgement(db).due_at
            waits.append(due - clock.now())
            clockwork.move_to(due)
        assert waits == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 30)]
        post.unreachable = ""
        assert deliver(db, post, settings) == 2


def test_pauses_grow_over_hours():
    pauses = [pause_after(attempts) for attempts in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=8)


def test_a_4xx_waits_and_says_so(db, settings):
    submitted(db, settings)
    deliver(db, Post(says={ADA: BUSY}), settings)
    message = acknowledgement(db)
    assert (message.status, message.attempts, message.reason) == (MessageStatus.QUEUED, 1, "451 Try later")


def test_a_5xx_fails_for_good_and_says_so(db, settings):
    submitted(db, settings)
    post = Post(says={ADA: NO_SUCH_USER})
    deliver(db, post, settings)
    assert acknowledgement(db).status is MessageStatus.FAILED
    assert notice(db).status is MessageStatus.SENT
    with db.read() as session:
        (mail,) = mails_by(session, [m.id for m in messages(db, kind=MessageKind.ACKNOWLEDGEMENT)])
        sentences = [entry.sentence for entry in timeline_of(session, contact_of(db).id)]
    assert mail.explanation == "The mail server refused it: 550 No such user"
    assert mail.events[0].sentence == "Refused (550): 550 No such user"
    assert any("could not be sent" in sentence for sentence in sentences)


def test_one_bad_recipient_blocks_nobody(db, settings):
    for number in range(5):
        submitted(db, settings, email=f"reader{number}@example.org")
    post = Post(says={"reader2@example.org": CLOSING})
    deliver(db, post, settings)
    assert sorted(set(post.recipients) - {INSTITUTE}) == [f"reader{number}@example.org" for number in (0, 1, 3, 4)]


def test_after_days_a_mail_is_given_up(db, settings):
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        submitted(db, settings)
        clockwork.shift(GIVE_UP_AFTER + timedelta(minutes=1))
        deliver(db, Post(unreachable="Connection refused"), settings)
    message = acknowledgement(db)
    assert message.status is MessageStatus.FAILED
    assert "Given up" in message.reason


def test_a_worker_that_dies_before_the_content_loses_nothing(db, settings):
    submitted(db, settings)

    def die(recipient):
        raise Killed

    with time_machine.travel(clock.now(), tick=False) as clockwork:
        with pytest.raises(Killed):
            deliver(db, Post(before_content=die), settings)
        post = Post()
        assert deliver(db, post, settings) == 0, "the lease still holds"
        clockwork.shift(settings.lease_seconds + 1)
        assert deliver(db, post, settings) == 2


def test_after_a_death_in_the_content_the_notice_goes_again_with_its_message_id(db, settings):
    submitted(db, settings)

    def die(recipient):
        raise Killed

    first, second = Post(after_content=die), Post()
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        with pytest.raises(Killed):
            deliver(db, first, settings)
        clockwork.shift(settings.lease_seconds + 1)
        deliver(db, second, settings)
    assert first.recipients == [INSTITUTE]
    assert [content for to, content in second.ledger if to == INSTITUTE] == [content for _, content in first.ledger]


def test_after_a_death_in_the_content_a_visitors_mail_waits_for_a_person(db, settings):
    submitted(db, settings)

    def die(recipient):
        if recipient == ADA:
            raise Killed

    second = Post()
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        with pytest.raises(Killed):
            deliver(db, Post(after_content=die), settings)
        clockwork.shift(settings.lease_seconds + 1)
        deliver(db, second, settings)
    assert second.ledger == []
    message = acknowledgement(db)
    assert message.status is MessageStatus.UNCERTAIN
    assert "may or may not have arrived" in message.reason


def test_a_connection_lost_after_the_dot_is_uncertain(db, settings):
    submitted(db, settings)
    deliver(db, Post(says_after_content={ADA: NO_ANSWER}), settings)
    assert acknowledgement(db).status is MessageStatus.UNCERTAIN
    assert notice(db).status is MessageStatus.SENT


def test_a_server_that_never_answers_gets_no_flood_of_the_same_notice(db, settings):
    submitted(db, settings)
    offered, stopping = [], threading.Event()

    def stop_a_flood(recipient):
        offered.append(recipient)
        if len(offered) > 9:
            stopping.set()

    post = Post(says_after_content={INSTITUTE: NO_ANSWER}, after_content=stop_a_flood)
    deliver(db, post, settings, stopping)
    assert offered.count(INSTITUTE) == 2, "at once, and then after a pause"
    assert notice(db).due_at > clock.now()


def test_a_notice_that_nobody_ever_answers_for_is_given_up_and_waits_for_a_person(db, settings):
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        submitted(db, settings)
        post = Post(says_after_content={INSTITUTE: NO_ANSWER})
        waiting = notice(db)
        while waiting.status is MessageStatus.QUEUED and clock.now() < waiting.created_at + 2 * GIVE_UP_AFTER:
            clockwork.move_to(max(clock.now(), waiting.due_at))
            deliver(db, post, settings)
            waiting = notice(db)
        assert waiting.status is MessageStatus.FAILED
        assert GIVE_UP_AFTER < clock.now() - waiting.created_at < GIVE_UP_AFTER + timedelta(hours=9)
    assert waiting.reason.startswith(f"Given up after {waiting.attempts} tries over 5 days: The connection")
    with db.read() as session:
        (mail,) = mails_by(session, [waiting.id])
        sentence = timeline_of(session, contact_of(db).id)[0].sentence
    assert mail.needs_decision, "staff can send it again or leave it"
    assert sentence.endswith(f"After {waiting.attempts} tries over 5 days it is not sent again by itself.")


def test_a_notice_left_by_a_dead_worker_after_days_is_given_up_too(db, settings):
    submitted(db, settings)

    def die(recipient):
        raise Killed

    with time_machine.travel(clock.now(), tick=False) as clockwork:
        with pytest.raises(Killed):
            deliver(db, Post(after_content=die), settings)
        clockwork.shift(GIVE_UP_AFTER + timedelta(minutes=1))
        deliver(db, Post(), settings)
    assert notice(db).status is MessageStatus.FAILED


def test_a_worker_that_lost_its_lease_changes_nothing(db, settings):
    submitted(db, settings)

    def other_worker_takes_over(recipient):
        with db.write() as session:
            session.execute(update(Message).where(Message.recipient == recipient).values(lease_token="another"))

    deliver(db, Post(after_content=other_worker_takes_over), settings)
    assert {message.lease_token for message in messages(db)} == {"another"}
    assert {message.status for message in messages(db)} == {MessageStatus.SENDING}


def test_a_mail_cancelled_under_the_lease_is_not_sent(db, settings):
    inquiry = submitted(db, settings)

    def cancel(recipient):
        with db.write() as session:
            outbox.cancel(session, f"inquiry:{inquiry.id}", "The inquiry was marked as spam.")

    post = Post(before_content=cancel)
    deliver(db, post, settings)
    assert post.ledger == []
    assert set(statuses(db).values()) == {"cancelled"}


@pytest.mark.parametrize("reason", [SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT])
def test_a_closed_address_gets_nothing_and_the_mail_says_why(db, settings, reason):
    submitted(db, settings)
    with db.write() as session:
        suppress(session, ADA, reason)
    post = Post()
    deliver(db, post, settings)
    assert post.recipients == [INSTITUTE]
    message = acknowledgement(db)
    assert message.status is MessageStatus.SUPPRESSED
    assert message.reason


def test_who_opted_out_still_gets_the_answer_to_an_inquiry_of_their_own(db, settings):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.OPT_OUT)
    submitted(db, settings)
    post = Post()
    deliver(db, post, settings)
    assert post.recipients == [INSTITUTE, ADA]


def test_each_try_leaves_an_event(db, settings):
    submitted(db, settings)
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        deliver(db, Post(says={ADA: BUSY}), settings)
        clockwork.shift(timedelta(minutes=2))
        deliver(db, Post(), settings)
    with db.read() as session:
        kinds = session.scalars(
            select(DeliveryEvent.kind)
            .where(DeliveryEvent.message_id == acknowledgement(db).id)
            .order_by(DeliveryEvent.id)
        ).all()
    assert [kind.value for kind in kinds] == ["deferred", "accepted"]

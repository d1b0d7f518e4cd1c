"""Follow-ups: three mails over two weeks, only with consent, stopped by a word."""

import threading
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, contact_of, messages, submitted
from tests.rooms.post import Post
from tpminstitute.contacts import consent
from tpminstitute.core import clock
from tpminstitute.core.tokens import Signer
from tpminstitute.inbox import opt_out
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.stopping import stop_for_contact


def enrollment(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def follow_ups(db):
    return messages(db, kind=MessageKind.FOLLOW_UP)


def leave(db):
    with db.write() as session:
        opt_out.opt_out(session, contact_of(db))


def test_three_mails_go_out_over_two_weeks(db, settings):
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        submitted(db, settings, consents=True)
        begun = clock.now()
        sent: list[int] = []
        for _ in range(20):
            run_due(db, settings)
            sent += [(clock.now() - begun).days] * (len(follow_ups(db)) - len(sent))
            clockwork.shift(timedelta(days=1))
    assert sent == [3, 8, 14]
    assert enrollment(db).status is EnrollmentStatus.FINISHED


def test_a_tick_sends_each_step_once_however_many_schedulers_run(db, settings):
    for number in range(10):
        submitted(db, settings, consents=True, email=f"reader{number}@example.org")
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    start = threading.Barrier(4)

    def tick():
        start.wait()
        run_due(db, settings)

    schedulers = [threading.Thread(target=tick) for _ in range(4)]
    for scheduler in schedulers:
        scheduler.start()
    for scheduler in schedulers:
        scheduler.join()
    assert len(follow_ups(db)) == 10


def test_each_mail_names_the_step_it_is_owed_for(db, settings):
    submitted(db, settings, consents=True)
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False):
        run_due(db, settings)
    assert [message.dedupe_key for message in follow_ups(db)] == [f"enrollment:{enrollment(db).id}:step:1"]


def test_a_follow_up_can_be_left_by_one_click_and_by_a_visible_link(db, settings):
    submitted(db, settings, consents=True)
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False):
        run_due(db, settings)
    (message,) = follow_ups(db)
    headers = message_from_bytes(message.content, policy=policy.default)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = headers["List-Unsubscribe"].strip("<>")
    assert url.startswith("http://institute.test/unsubscribe/")
    assert url in plain_text(message.content)


def test_the_unsubscribe_token_belongs_to_the_contact(db, settings):
    submitted(db, settings)
    token = Signer(settings.secret_key, "unsubscribe").sign(contact_of(db).public_id)
    with db.read() as session:
        found = opt_out.contact_of_token(session, settings, token)
        assert found is not None
        assert found.email == ADA


@pytest.mark.parametrize("token", ["", "garbage", "a.b", "WyJ4Il0.AAAA"])
def test_a_forged_token_belongs_to_nobody(db, settings, token):
    with db.read() as session:
        assert opt_out.contact_of_token(session, settings, token) is None


def test_a_token_of_another_purpose_belongs_to_nobody(db, settings):
    submitted(db, settings)
    token = Signer(settings.secret_key, "contact-form").sign(contact_of(db).public_id)
    with db.read() as session:
        assert opt_out.contact_of_token(session, settings, token) is None


def test_leaving_stops_the_run_and_cancels_what_was_queued(db, settings):
    submitted(db, settings, consents=True)
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False) as clockwork:
        run_due(db, settings)
        leave(db)
        clockwork.shift(timedelta(days=30))
        run_due(db, settings)
        deliver(db, Post(), settings)
    (message,) = follow_ups(db)
    assert (message.status, message.reason) == (MessageStatus.CANCELLED, "The person unsubscribed.")
    assert (enrollment(db).status, enrollment(db).reason) == (EnrollmentStatus.STOPPED, "The person unsubscribed.")


def test_leaving_withdraws_the_consent(db, settings):
    submitted(db, settings, consents=True)
    leave(db)
    leave(db)
    with db.read() as session:
        newest = consent.current(session, contact_of(db).id)
        assert newest is not None
        assert newest.change == "withdrawn"
        assert opt_out.opted_out(session, contact_of(db))


def test_a_form_that_anybody_can_fill_in_does_not_undo_an_opt_out(db, settings):
    submitted(db, settings)
    leave(db)
    submitted(db, settings, consents=True)
    with db.read() as session:
        assert session.scalar(select(Enrollment)) is None


def test_a_suppression_between_queueing_and_sending_holds_the_follow_up_back(db, settings):
    submitted(db, settings, consents=True)
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False):
        run_due(db, settings)
        with db.write() as session:
            suppress(session, ADA, SuppressionReason.OPT_OUT)
        deliver(db, Post(), settings)
    (message,) = follow_ups(db)
    assert message.status is MessageStatus.SUPPRESSED


def test_a_sequence_that_is_switched_off_enrolls_nobody(db, settings):
    with db.write() as session:
        session.execute(update(Sequence).values(active=False))
    submitted(db, settings, consents=True)
    with db.read() as session:
        assert session.scalar(select(Enrollment)) is None


def test_a_race_of_stop_against_tick_leaves_no_mail_queued(db, settings):
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    start = threading.Barrier(2)

    def tick():
        start.wait()
        run_due(db, settings)

    def stop():
        start.wait()
        with db.write() as session:
            stop_for_contact(session, contact_of(db).id, "The person unsubscribed.")

    both = [threading.Thread(target=tick), threading.Thread(target=stop)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [message.status for message in follow_ups(db)] in ([], [MessageStatus.CANCELLED])
    assert enrollment(db).status is EnrollmentStatus.STOPPED

"""How much goes out at once: limits by address, by domain and in all, and the switch that holds everything."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from tests.factories import ADA, make_settings, messages, submitted
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.mail.claim import BATCH, claim
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MailControl, MessageKind, MessageStatus

INSTITUTE = "info@tpminstitute.org"


@pytest.fixture
def limited(tmp_path):
    """Settings with limits: `limited(mail_rate=5)`."""
    return lambda **limits: make_settings(tmp_path, **limits)


def hold(db, held):
    with db.write() as session:
        session.execute(update(MailControl).values(held=held, reason="A backup was restored." if held else ""))


def test_one_address_gets_so_many_mails_a_day_and_the_rest_later(db, limited):
    settings = limited(mail_address_rate=3)
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        for _ in range(5):
            submitted(db, settings)
        post = Post()
        deliver(db, post, settings)
        assert post.recipients.count(ADA) == 3
        assert post.recipients.count(INSTITUTE) == 5, "the institute's own notices have no such limit"
        clockwork.shift(timedelta(days=1, minutes=1))
        deliver(db, post, settings)
        assert post.recipients.count(ADA) == 5


def test_a_mail_that_waits_for_a_limit_says_so(db, limited):
    settings = limited(mail_address_rate=1)
    for _ in range(2):
        submitted(db, settings)
    deliver(db, Post(), settings)
    (waiting,) = messages(db, status=MessageStatus.QUEUED)
    assert waiting.reason == "Waits: at most 1 mails a day go to one address."


def test_one_domain_gets_so_many_mails_a_minute_and_others_are_not_kept_waiting(db, limited):
    settings = limited(mail_domain_rate=2, mail_address_rate=0)
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        for number in range(4):
            submitted(db, settings, email=f"reader{number}@busy.example.org")
        submitted(db, settings, email="ada@quiet.example.org")
        post = Post()
        deliver(db, post, settings)
        assert sum(one.endswith("@busy.example.org") for one in post.recipients) == 2
        assert "ada@quiet.example.org" in post.recipients
        for _ in range(2):
            clockwork.shift(timedelta(minutes=1, seconds=1))
            deliver(db, post, settings)
        assert sum(one.endswith("@busy.example.org") for one in post.recipients) == 4


def test_a_batch_that_a_limit_holds_back_does_not_hide_the_mails_behind_it(db, limited):
    settings = limited(mail_domain_rate=1)
    for number in range(BATCH // 2):
        submitted(db, settings, email=f"reader{number}@busy.example.org")
    submitted(db, settings, email="ada@quiet.example.org")
    with db.write() as session:
        batch = claim(session, settings, "token", clock.now())
    assert [mail.recipient for mail in batch] == [INSTITUTE, "reader0@busy.example.org", "ada@quiet.example.org"]


def test_so_many_mails_a_minute_go_out_in_all(db, limited):
    settings = limited(mail_rate=4)
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        for number in range(5):
            submitted(db, settings, email=f"reader{number}@example.org")
        sent = []
        for _ in range(3):
            post = Post()
            deliver(db, post, settings)
            sent.append(len(post.ledger))
            clockwork.shift(timedelta(minutes=1, seconds=1))
    assert sent == [4, 4, 2]


def test_a_held_service_sends_nothing_and_loses_nothing(db, settings):
    submitted(db, settings)
    hold(db, True)
    post = Post()
    assert deliver(db, post, settings) == 0
    assert post.connections == 0
    hold(db, False)
    assert deliver(db, post, settings) == 2


def test_a_hold_takes_effect_between_two_mails_of_a_batch(db, settings):
    submitted(db, settings)
    post = Post(after_content=lambda recipient: hold(db, True))
    deliver(db, post, settings)
    assert post.recipients == [INSTITUTE]
    (waiting,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert (waiting.status, waiting.attempts) == (MessageStatus.QUEUED, 0)

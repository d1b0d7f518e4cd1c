"""The count can be trusted: each thing it must find is planted once."""

import pytest
from sqlalchemy import delete, insert, update

from tests.factories import make_settings, messages, submitted
from tests.faults.audit import audit
from tests.faults.postbox import Acceptance
from tests.faults.visitors import Letter
from tpminstitute.core import clock
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail.models import DeliveryEvent, DeliveryEventKind, Message, MessageStatus


@pytest.fixture
def letter(db, tmp_path):
    """One letter whose inquiry is stored and whose mails say sent."""
    inquiry = submitted(db, make_settings(tmp_path), email="reader0@example.org")
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.SENT, sent_at=clock.now()))
    return Letter(0, thanks=inquiry.public_id)


def taken(db, **changes):
    """Both mails as the server took them, once each."""
    return [
        Acceptance(mail.message_id, mail.recipient, number, 1, **changes) for number, mail in enumerate(messages(db))
    ]


def test_all_is_well(db, letter):
    count = audit(db, [letter], taken(db))
    assert (count.thanks, count.inquiries, count.due, count.accepted) == (1, 1, 2, 2)
    assert (count.lost, count.doubled, count.wrong) == (0, 0, [])


def test_a_thank_you_without_an_inquiry_is_lost(db, letter):
    assert audit(db, [letter, Letter(1, thanks="never-stored")], taken(db)).lost == 1


def test_a_mail_that_was_never_queued_is_lost(db, letter):
    arrived = taken(db)[:1]
    with db.write() as session:
        session.execute(delete(Message).where(Message.message_id != arrived[0].message_id))
    assert audit(db, [letter], arrived).lost == 1


def test_a_mail_that_says_sent_and_never_arrived_is_lost(db, letter):
    assert audit(db, [letter], taken(db)[:1]).lost == 1


def test_a_mail_that_still_waits_is_lost_unless_it_says_why_and_for_whom(db, letter):
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.QUEUED, sent_at=None))
    assert audit(db, [letter], []).lost == 2
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.FAILED, reason="550 No such user"))
    count = audit(db, [letter], [])
    assert (count.lost, count.failed) == (0, 2)


def test_an_inquiry_stored_twice_is_doubled(db, letter, tmp_path):
    submitted(db, make_settings(tmp_path), email="reader0@example.org")
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.SENT, sent_at=clock.now()))
        assert session.query(Inquiry).count() == 2
    assert audit(db, [letter], taken(db)).doubled_outside == 1


def test_a_mail_that_is_in_no_row_is_doubled(db, letter):
    stray = Acceptance("<stray@tpminstitute.org>", "reader0@example.org", 9.0, 1)
    assert audit(db, [letter], [*taken(db), stray]).doubled_outside == 1


@pytest.mark.parametrize(
    ("word", "at", "outside"),
    [("", 0.0, 0), ("DATA", 3.0, 1), ("QUIT", 3.0, 1), ("DATA", 8.0, 0)],
    ids=["nothing more", "went on", "ended in order", "went on later, as one that stood still"],
)
def test_doubled_in_the_gap_only_when_the_client_had_not_gone_on(db, letter, word, at, outside):
    first = taken(db, next_word=word, next_at=at)
    again = Acceptance(first[0].message_id, first[0].recipient, 6.0, 2)
    count = audit(db, [letter], [*first, again])
    assert (count.doubled, count.doubled_outside) == (1, outside)


def test_a_mail_settled_twice_is_doubled_outside_the_gap(db, letter):
    first = taken(db)
    with db.write() as session:
        event = {"message_id": messages(db)[0].id, "at": clock.now(), "kind": DeliveryEventKind.ACCEPTED, "text": "250"}
        session.execute(insert(DeliveryEvent), [event, event])
    again = Acceptance(first[0].message_id, first[0].recipient, 6.0, 2)
    assert audit(db, [letter], [*first, again]).doubled_outside == 1

"""The switch that holds all outgoing mail."""

import pytest
from sqlalchemy import select

from tests.factories import an_account, statuses, submitted
from tests.rooms.post import Post
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.core import jobs
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.control import control, hold, let_out
from tpminstitute.mail.delivery import deliver


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


def switch(db):
    with db.read() as session:
        return control(session)


def held_for(db, reason, by=None):
    with db.write() as session:
        hold(session, reason, by)


def released(db, by=None):
    with db.write() as session:
        return let_out(session, by)


def audit(db):
    with db.read() as session:
        return [
            (e.action, e.subject, e.account_id) for e in session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        ]


def test_mail_goes_out_from_the_start(db):
    assert (switch(db).held, switch(db).reason) == (False, "")


def test_while_it_is_held_nothing_goes_out_and_nothing_is_lost(db, settings):
    submitted(db, settings)
    held_for(db, "The backup is being looked through.")
    post = Post()
    deliver(db, post, settings)
    assert not post.ledger
    assert set(statuses(db).values()) == {"queued"}
    released(db)
    deliver(db, post, settings)
    assert len(post.ledger) == 2


def test_an_inquiry_is_taken_while_mail_is_held(db, settings):
    held_for(db, "Moving house.")
    submitted(db, settings)
    assert set(statuses(db).values()) == {"queued"}


def test_holding_and_releasing_say_who_and_why(db, alice):
    held_for(db, "Moving house.", alice)
    released(db, alice)
    assert audit(db) == [("mail_held", "Moving house.", alice), ("mail_released", "outgoing mail", alice)]


def test_a_second_hold_changes_the_reason_and_not_since_when(db, alice):
    held_for(db, "A first reason.", alice)
    since = switch(db).since
    held_for(db, "A second reason.", alice)
    assert (switch(db).reason, switch(db).since) == ("A second reason.", since)


@pytest.mark.parametrize("reason", ["", " \n\t", "x" * 501])
def test_a_hold_needs_a_reason_of_a_readable_length(db, reason):
    with pytest.raises(Refusal, match="Nothing was changed"):
        held_for(db, reason)
    assert not switch(db).held


def test_a_release_of_what_is_not_held_changes_nothing(db):
    since = switch(db).since
    assert released(db) is False
    assert switch(db).since == since
    assert audit(db) == []


def test_a_release_asks_for_delivery(db):
    held_for(db, "Moving house.")
    with db.write() as session:
        let_out(session, None)
        assert jobs.hints_of(session) == {jobs.Job.DELIVER}

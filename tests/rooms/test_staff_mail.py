"""Mail to the institute's own people: about no contact, and never kept back."""

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from tests.conftest import on_sqlite
from tests.factories import an_account, count, messages, submitted
from tests.rooms.post import NO_ANSWER, Post
from tpminstitute.inbox.returned import bounced, complained_of
from tpminstitute.mail.by_hand import send_again
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.incoming.model import Bounce
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, Suppression, SuppressionReason
from tpminstitute.mail.standing import undecided
from tpminstitute.mail.suppression import suppress
from tpminstitute.mail.to_staff import staff_letter, write_to_staff
from tpminstitute.timeline.models import Activity

ALICE = "alice@tpminstitute.org"


def written(db, settings):
    letter = staff_letter(
        settings,
        "password-reset",
        "You get this because of your account.",
        name="Alice",
        link_url="http://institute.test",
    )
    with db.write() as session:
        return write_to_staff(
            session, settings, letter, name="Alice", email=ALICE, cause="account:1", dedupe_key="reset:1"
        )


def test_a_mail_to_staff_goes_out_about_nobody(db, settings):
    written(db, settings)
    post = Post()
    assert deliver(db, post, settings) == 1
    assert post.recipients == [ALICE]
    assert count(db, Activity) == 0


def test_a_mail_to_staff_is_written_once(db, settings):
    assert written(db, settings)
    assert not written(db, settings)
    assert len(messages(db)) == 1


@on_sqlite
def test_a_closed_address_of_staff_still_gets_it(db, settings):
    with db.write() as session:
        suppress(session, ALICE, SuppressionReason.HARD_BOUNCE)
    written(db, settings)
    assert deliver(db, Post(), settings) == 1


@on_sqlite
def test_an_uncertain_one_goes_again_by_itself(db, settings):
    written(db, settings)
    deliver(db, Post(says_after_content={ALICE: NO_ANSWER}), settings)
    assert [message.status for message in messages(db)] == [MessageStatus.QUEUED]


def test_one_that_comes_back_closes_no_address_and_tells_no_contact(db, settings):
    written(db, settings)
    with db.write() as session:
        message = session.query(Message).one()
        bounced(session, message, Bounce(True, "5.1.1", ALICE, "no such user"))
        complained_of(session, message)
    assert count(db, Suppression) == count(db, Activity) == 0


def test_one_that_failed_waits_for_a_decision_beside_the_others(db, settings):
    written(db, settings)
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.FAILED, reason="No."))
    with db.read() as session:
        (line,), _ = undecided(session)
    assert (line.contact_public_id, line.recipient) == (None, ALICE)
    with db.write() as session:
        send_again(session, settings, line.id, an_account(session).id)
    assert messages(db)[0].status is MessageStatus.QUEUED


def test_every_other_mail_is_about_a_contact(db, settings):
    submitted(db, settings)
    with pytest.raises(DBAPIError), db.write() as session:
        session.execute(update(Message).where(Message.kind == MessageKind.NOTICE).values(contact_id=None))

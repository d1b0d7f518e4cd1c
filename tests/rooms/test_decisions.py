"""What staff decide about a mail that waits for a look, and how a conversation's turn goes with it."""

import pytest
from sqlalchemy import select

from tests.factories import an_account, contact_of, messages, submitted
from tests.rooms.came import a_mail, came, conversation_of, received
from tpminstitute.contacts.models import ContactAddress
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import conversations, decisions, service
from tpminstitute.inbox.models import Inquiry, Standing, Turn
from tpminstitute.mail.models import MessageKind
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus

ELSEWHERE = "countess@example.net"


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def stranger(db, settings, alice):
    """A mail from an unknown address that answers Ada's acknowledgement."""
    submitted(db, settings, consents=True)
    [acknowledgement] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    return received(db, came(db, settings, a_mail(sender=f"A. L. <{ELSEWHERE}>", answers=acknowledgement)))


def decide(db, decision, mail, *arguments):
    with db.write() as session:
        decision(session, *arguments[:1], decisions.locked_mail(session, mail.public_id), *arguments[1:])


def run_of(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def handle(db, inquiry, account_id):
    with db.write() as session:
        locked = service.locked_inquiry(session, inquiry.public_id)
        assert locked is not None
        service.mark_handled(session, locked, account_id)


def test_the_same_person_keeps_the_address_and_the_mail_is_a_reply(db, settings, alice, stranger):
    decide(db, decisions.is_same_person, stranger, settings, alice.id)
    with db.read() as session:
        assert session.scalars(select(ContactAddress)).one().email_key == ELSEWHERE
    assert run_of(db).status is EnrollmentStatus.STOPPED
    again = received(db, came(db, settings, a_mail(sender=ELSEWHERE)))
    assert (again.contact_id, again.standing) == (contact_of(db).id, Standing.TRUSTED)


def test_a_form_with_a_confirmed_address_finds_the_same_contact(db, settings, alice, stranger):
    decide(db, decisions.is_same_person, stranger, settings, alice.id)
    submitted(db, settings, email=ELSEWHERE)
    with db.read() as session:
        assert set(session.scalars(select(Inquiry.contact_id))) == {contact_of(db).id}


def test_somebody_else_gets_an_inquiry_of_their_own_and_the_follow_ups_go_on(db, settings, alice, stranger):
    decide(db, decisions.is_somebody_else, stranger, settings, alice.id)
    other = contact_of(db, ELSEWHERE)
    with db.read() as session:
        assert session.scalars(select(Inquiry).where(Inquiry.contact_id == other.id)).one().name == "A. L."
    assert run_of(db).status is EnrollmentStatus.ACTIVE


def test_a_mail_that_is_set_aside_lets_the_follow_ups_go_on(db, settings, alice, stranger):
    with db.write() as session:
        mail = decisions.locked_mail(session, stranger.public_id)
        assert mail is not None
        decisions.set_aside(session, mail, alice.id)
    assert run_of(db).status is EnrollmentStatus.ACTIVE


def test_a_mail_is_decided_on_once(db, settings, alice, stranger):
    decide(db, decisions.is_same_person, stranger, settings, alice.id)
    with pytest.raises(Refusal, match="colleague was quicker"):
        decide(db, decisions.is_somebody_else, stranger, settings, alice.id)


def test_an_address_of_another_contact_is_not_taken_over(db, settings, alice, stranger):
    submitted(db, settings, email=ELSEWHERE)
    with pytest.raises(Refusal, match="belongs to another contact"):
        decide(db, decisions.is_same_person, stranger, settings, alice.id)


def test_handling_the_last_open_inquiry_ends_the_waiting(db, settings, alice):
    inquiry = submitted(db, settings)
    assert conversation_of(db).turn is Turn.INSTITUTE
    handle(db, inquiry, alice.id)
    assert conversation_of(db).turn is Turn.NOBODY


def test_handling_an_inquiry_leaves_an_unanswered_mail_waiting(db, settings, alice):
    inquiry = submitted(db, settings)
    came(db, settings, a_mail())
    handle(db, inquiry, alice.id)
    assert conversation_of(db).turn is Turn.INSTITUTE


def test_a_second_mail_keeps_the_older_promise(db, settings, alice):
    submitted(db, settings)
    since = conversation_of(db).since
    came(db, settings, a_mail())
    assert conversation_of(db).since == since


def test_a_conversation_is_closed_by_a_persons_word(db, settings, alice):
    submitted(db, settings)
    with db.write() as session:
        assert conversations.close(session, contact_of(db).id, alice.id)
        assert not conversations.close(session, contact_of(db).id, alice.id)
    assert conversation_of(db).turn is Turn.NOBODY

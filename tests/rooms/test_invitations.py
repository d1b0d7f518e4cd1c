"""Invitations: who is asked to the desk, by a link that works once and for a week."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import an_account, count, messages
from tests.rooms.post import Post
from tpminstitute.accounts import invitations
from tpminstitute.accounts.invitations import InvitationError
from tpminstitute.accounts.models import Account, AuditEntry, Role
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.mail import account_mails
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageStatus

BOB = "bob@tpminstitute.org"


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, "Alice", Role.ADMINISTRATOR)


def invited(db, settings, alice, role=Role.ADVISOR, email="Bob@TPMInstitute.org"):
    with db.write() as session:
        return account_mails.invite(session, settings, email, role, alice)


def secret(settings, invitation):
    return account_mails.invitation_link(settings, invitation).rpartition("/")[2]


def accept(db, secret):
    with db.write() as session:
        return invitations.accept_invitation(session, secret, name="Bob", email="", password_hash="$argon2id$…")


def opens(db, secret):
    with db.read() as session:
        return invitations.open_invitation(session, secret) is not None


def test_somebody_is_invited_by_mail_and_the_link_makes_the_account_that_was_meant(db, settings, alice):
    invitation = invited(db, settings, alice, Role.READER)
    post = Post()
    assert deliver(db, post, settings) == 1
    assert post.recipients == [BOB]
    link = account_mails.invitation_link(settings, invitation)
    assert link.encode() in post.ledger[0][1].replace(b"=\r\n", b"").replace(b"=3D", b"=")
    account = accept(db, link.rpartition("/")[2])
    assert (account.email, account.role, account.name) == (BOB, Role.READER, "Bob")


def test_an_invitation_works_once(db, settings, alice):
    invitation = invited(db, settings, alice)
    accept(db, secret(settings, invitation))
    with pytest.raises(InvitationError, match="used already"):
        accept(db, secret(settings, invitation))
    assert count(db, Account) == 2


def test_an_invitation_is_over_after_a_week(db, settings, alice):
    invitation = invited(db, settings, alice)
    with time_machine.travel(clock.now() + timedelta(days=7, seconds=1)):
        assert not opens(db, secret(settings, invitation))
        invited(db, settings, alice)  # and stands in nobody's way


def test_a_withdrawn_invitation_opens_nothing_and_its_mail_stays_here(db, settings, alice):
    invitation = invited(db, settings, alice)
    with db.write() as session:
        account_mails.withdraw_invitation(session, invitation.id, alice.id)
    assert not opens(db, secret(settings, invitation))
    assert [message.status for message in messages(db)] == [MessageStatus.CANCELLED]
    with pytest.raises(Refusal, match="meanwhile"), db.write() as session:
        account_mails.withdraw_invitation(session, invitation.id, alice.id)


def test_a_renewed_invitation_has_another_link_and_mail(db, settings, alice):
    before = secret(settings, invited(db, settings, alice))
    with db.write() as session:
        renewed = account_mails.renew_invitation(session, settings, 1, alice)
    assert not opens(db, before)
    assert opens(db, secret(settings, renewed))
    assert [m.status for m in messages(db)] == [MessageStatus.CANCELLED, MessageStatus.QUEUED]


@pytest.mark.parametrize("email", [BOB, "alice@tpminstitute.org", "ALICE@tpminstitute.org"])
def test_nobody_is_invited_twice_or_who_has_an_account(db, settings, alice, email):
    invited(db, settings, alice)
    with pytest.raises(Refusal, match="already"):
        invited(db, settings, alice, email=email)
    assert len(messages(db)) == 1


def test_whoever_got_an_account_meanwhile_gets_no_second_one(db, settings, alice):
    invitation = invited(db, settings, alice)
    with db.write() as session:
        an_account(session, "Bob")
    with pytest.raises(InvitationError, match="account with this address"):
        accept(db, secret(settings, invitation))


@on_sqlite
def test_the_link_is_not_shown_once_the_key_it_was_made_with_is_gone(db, settings, alice):
    invitation = invited(db, settings, alice)
    other = settings.model_copy(update={"secret_key": "x" * 40})
    assert account_mails.invitation_link(other, invitation) == ""


def test_invitations_are_on_the_audit_log_without_the_address(db, settings, alice):
    accept(db, secret(settings, invited(db, settings, alice)))
    with db.read() as session:
        entries = session.execute(select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)).all()
    assert [action for action, _ in entries] == ["invited", "account_created"]
    assert BOB not in str(entries)

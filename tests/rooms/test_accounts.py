"""The first account, and staff sessions."""

from datetime import timedelta

import pytest

from tests.factories import an_account, count
from tpminstitute.accounts import invitations, service
from tpminstitute.accounts.invitations import InvitationError
from tpminstitute.accounts.models import Account, Role, StaffSession
from tpminstitute.core import clock

BOB = {"name": "Bob", "email": "Bob@TPMInstitute.org", "password_hash": "$argon2id$…"}


def invited(db):
    with db.write() as session:
        return invitations.invite_first(session)


def test_the_first_link_makes_an_administrator_once(db):
    secret = invited(db)
    with db.write() as session:
        account = invitations.accept_invitation(session, secret, **BOB)
        assert (account.role, account.email) == (Role.ADMINISTRATOR, "bob@tpminstitute.org")
    with pytest.raises(InvitationError, match="used already"), db.write() as session:
        invitations.accept_invitation(session, secret, **BOB)
    assert count(db, Account) == 1


def test_a_new_link_ends_the_one_before(db):
    first, second = invited(db), invited(db)
    with db.read() as session:
        assert invitations.open_invitation(session, first) is None
        assert invitations.open_invitation(session, second) is not None


def test_there_is_no_link_once_somebody_has_an_account(db):
    with db.write() as session:
        an_account(session)
    assert invited(db) is None


def test_a_session_is_found_by_its_secret_until_it_is_over(db):
    with db.write() as session:
        service.save_session(session, "secret", {"a": 1}, owner=None, until=clock.now() + timedelta(hours=1))
        service.save_session(session, "old", {"b": 2}, owner=None, until=clock.now() - timedelta(seconds=1))
    with db.read() as session:
        found = service.load_session(session, "secret")
        assert found is not None
        assert found.data == {"a": 1}
        assert service.load_session(session, "old") is None
        assert service.load_session(session, "guess") is None


def test_the_secret_of_a_session_is_not_stored(db):
    with db.write() as session:
        service.save_session(session, "secret", {}, owner=None, until=clock.now())
    with db.read() as session:
        assert session.query(StaffSession).one().token_digest != "secret"


def test_sessions_that_are_over_are_tidied_away(db):
    with db.write() as session:
        service.save_session(session, "old", {}, owner=None, until=clock.now() - timedelta(seconds=1))
        service.save_session(session, "new", {}, owner=None, until=clock.now() + timedelta(hours=1))
        service.tidy_sessions(session)
    assert count(db, StaffSession) == 1


def test_an_ended_session_is_gone(db):
    with db.write() as session:
        service.save_session(session, "secret", {}, owner=None, until=clock.now() + timedelta(hours=1))
        service.end_session(session, "secret")
    with db.read() as session:
        assert service.load_session(session, "secret") is None

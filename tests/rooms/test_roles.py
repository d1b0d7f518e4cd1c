"""What an account may do, closing it, and that there is always an administrator."""

import threading

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from tests.factories import an_account, count
from tpminstitute.accounts import service
from tpminstitute.accounts.models import Account, AuditEntry, Role, StaffSession
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, "Alice", Role.ADMINISTRATOR).id


@pytest.fixture
def bob(db):
    with db.write() as session:
        return an_account(session, "Bob", Role.ADMINISTRATOR).id


def account(db, account_id):
    with db.read() as session:
        return session.get_one(Account, account_id)


def signed_in(db, account_id, secret="secret"):
    with db.write() as session:
        owner = session.get_one(Account, account_id).fs_uniquifier
        service.save_session(session, secret, {}, owner=owner, until=clock.now().replace(year=2100))


def test_a_role_is_changed_and_on_record(db, alice, bob):
    with db.write() as session:
        assert service.change_role(session, bob, Role.READER, alice)
        assert not service.change_role(session, bob, Role.READER, alice)
    assert account(db, bob).role is Role.READER
    with db.read() as session:
        (entry,) = session.query(AuditEntry)
    assert (entry.action, entry.subject) == ("role_changed", f"account {bob}, from administrator to reader")


def test_closing_an_account_ends_its_sessions_and_reopening_starts_none(db, alice, bob):
    signed_in(db, bob)
    with db.write() as session:
        assert service.close_account(session, bob, alice)
        assert not service.close_account(session, bob, alice)
    assert count(db, StaffSession) == 0
    with db.write() as session:
        assert service.reopen_account(session, bob, alice)
    assert account(db, bob).active
    assert count(db, StaffSession) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda session, who: service.close_account(session, who, who),
        lambda session, who: service.change_role(session, who, Role.ADVISOR, who),
    ],
    ids=["closed", "demoted"],
)
def test_the_last_administrator_is_neither_closed_nor_demoted(db, alice, change):
    with db.write() as session:
        an_account(session, "Charlie", Role.ADVISOR)
    with pytest.raises(Refusal, match="only administrator"), db.write() as session:
        change(session, alice)
    assert account(db, alice).active


def test_a_closed_administrator_is_none(db, alice, bob):
    with db.write() as session:
        service.close_account(session, bob, alice)
    with pytest.raises(Refusal, match="only administrator"), db.write() as session:
        service.close_account(session, alice, alice)


@pytest.mark.parametrize("change", [{"active": False}, {"role": "reader"}], ids=str)
def test_the_database_itself_keeps_the_last_administrator(db, alice, change):
    with pytest.raises(DBAPIError, match="administrator left"), db.write() as session:
        session.execute(update(Account).where(Account.id == alice).values(change))
    with db.write() as session:
        session.execute(text("UPDATE accounts SET name = 'Alice B.'"))


def test_two_administrators_who_demote_each_other_at_once_leave_one(db, alice, bob):
    start, outcomes = threading.Barrier(2), []

    def demote(other, by):
        start.wait(30)
        try:
            with db.write() as session:
                service.change_role(session, other, Role.READER, by)
            outcomes.append("done")
        except Refusal:
            outcomes.append("refused")

    threads = [threading.Thread(target=demote, args=pair) for pair in ((alice, bob), (bob, alice))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["done", "refused"]


def test_a_session_that_was_ended_while_a_request_was_on_its_way_stays_ended(db, alice):
    signed_in(db, alice)
    with db.write() as session:
        assert service.end_sessions(session, alice) == 1
        assert not service.save_session(session, "secret", {}, owner=None, until=clock.now(), is_new=False)
    assert count(db, StaffSession) == 0


def test_other_sessions_end_and_the_one_that_asks_stays(db, alice, bob):
    for secret in ("here", "there"):
        signed_in(db, alice, secret)
    signed_in(db, bob, "bobs")
    with db.write() as session:
        assert service.end_sessions(session, alice, keep="here") == 1
        (left,) = service.sessions_of(session, alice)
        (bobs,) = service.sessions_of(session, bob)
        assert not service.end_one_session(session, alice, bobs.id)
        assert service.end_one_session(session, alice, left.id)
    assert count(db, StaffSession) == 1


def test_a_name_is_changed_and_never_empty(db, alice):
    with db.write() as session:
        assert service.rename(session, alice, " Alice\nB. ")
        assert not service.rename(session, alice, "Alice B.")
        with pytest.raises(Refusal, match="Write your name"):
            service.rename(session, alice, " \u200b ")

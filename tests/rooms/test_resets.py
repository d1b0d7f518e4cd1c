"""A new password by a link."""

import re
from datetime import timedelta

import pytest
import time_machine

from tests.conftest import on_sqlite
from tests.factories import an_account, count, messages
from tests.rooms.post import Post
from tpminstitute.accounts import resets, service
from tpminstitute.accounts.factor_models import PasswordReset
from tpminstitute.accounts.models import Account, StaffSession
from tpminstitute.accounts.resets import ResetError
from tpminstitute.core import clock
from tpminstitute.mail.account_mails import ask_for_reset
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.queries import plain_text

ALICE = "alice@tpminstitute.org"


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


def asked(db, settings, email=ALICE):
    with db.write() as session:
        ask_for_reset(session, settings, email)


def secret(db, at=-1):
    return re.findall(r"/staff/new-password/([\w-]+)", plain_text(messages(db)[at].content))[0]


def use(db, secret):
    with db.write() as session:
        return resets.reset_password(session, secret, "$argon2id$new")


def test_the_link_comes_by_mail_and_changes_the_password_once(db, settings, alice):
    asked(db, settings, " Alice@TPMinstitute.org ")
    post = Post()
    assert deliver(db, post, settings) == 1
    assert post.recipients == [ALICE]
    assert use(db, secret(db)).password == "$argon2id$new"
    with pytest.raises(ResetError, match="works once"):
        use(db, secret(db))


def test_a_new_password_ends_every_session_and_every_other_link(db, settings, alice):
    with db.write() as session:
        until = clock.now() + timedelta(days=1)
        service.save_session(session, "thief", {}, owner=alice.fs_uniquifier, until=until)
    asked(db, settings)
    asked(db, settings)
    first, second = secret(db, 0), secret(db, 1)
    use(db, first)
    assert count(db, StaffSession) == 0
    with pytest.raises(ResetError):
        use(db, second)


def test_a_link_is_over_after_an_hour(db, settings, alice):
    asked(db, settings)
    with time_machine.travel(clock.now() + timedelta(minutes=60, seconds=1)):
        with pytest.raises(ResetError):
            use(db, secret(db))
        with db.write() as session:
            resets.tidy_resets(session)
    assert count(db, PasswordReset) == 0


@on_sqlite
def test_an_unknown_address_gets_no_mail(db, settings, alice):
    asked(db, settings, "charlie@example.org")
    assert messages(db) == []


def test_a_closed_account_gets_no_link_and_an_earlier_one_opens_nothing(db, settings, alice):
    asked(db, settings)
    with db.write() as session:
        session.get_one(Account, alice.id).active = False
    asked(db, settings)
    assert len(messages(db)) == 1
    with pytest.raises(ResetError):
        use(db, secret(db))

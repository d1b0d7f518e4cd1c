"""`tpm staff`: the operator lets somebody in by a link, also who locked themselves out, and sees who has an account."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import an_account, count
from tpminstitute.accounts import recovery_codes
from tpminstitute.accounts.factor_models import PasswordReset
from tpminstitute.accounts.invitations import open_invitation
from tpminstitute.accounts.models import Account, AuditEntry, Invitation, Role
from tpminstitute.accounts.resets import open_reset
from tpminstitute.accounts.second_step import factors_of
from tpminstitute.accounts.service import close_account
from tpminstitute.cli import main
from tpminstitute.core import clock
from tpminstitute.mail.models import Message

pytestmark = on_sqlite

ALICE = "alice@tpminstitute.org"


@pytest.fixture
def told(settings, monkeypatch, capsys):
    """`told("list")`: what `tpm staff list` prints; `told(..., code=1)`: what one says that refuses."""
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)

    def run(*words, code=0):
        assert main(["staff", *words]) == code
        said = capsys.readouterr()
        return (said.err if code else said.out).strip()

    return run


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, role=Role.ADMINISTRATOR)


def secret_in(line):
    (secret,) = re.findall(r"http://\S+/staff/[\w-]+/(\S+)", line)
    return secret


def actions(db):
    with db.read() as session:
        return session.execute(select(AuditEntry.action, AuditEntry.account_id)).all()


def test_somebody_is_let_in_by_a_link_and_no_mail(db, told):
    line = told("add", "Grace@TPMInstitute.org", "--role", "reader")
    assert line.startswith("Create the account at http")
    with db.read() as session:
        invitation = open_invitation(session, secret_in(line))
        assert invitation is not None
        assert (invitation.email, invitation.role) == ("grace@tpminstitute.org", Role.READER)
    assert count(db, Message) == 0
    assert actions(db) == [("invited", None)]


def test_who_gets_no_role_is_an_advisor(db, told):
    told("add", "grace@tpminstitute.org")
    with db.read() as session:
        assert session.scalars(select(Invitation.role)).one() is Role.ADVISOR


@pytest.mark.parametrize(
    ("email", "says"),
    [
        (ALICE, f"{ALICE} has an account already. Nobody was invited."),
        ("ALICE@tpminstitute.org", f"{ALICE} has an account already. Nobody was invited."),
        ("grace@", "address"),
        ("", "address"),
    ],
)
def test_who_can_not_be_let_in_is_said_and_nobody_invited(db, told, alice, email, says):
    assert says in told("add", email, code=1)
    assert count(db, Invitation) == 0


def test_who_is_invited_already_is_not_invited_twice(db, told):
    told("add", "grace@tpminstitute.org")
    assert "is invited already" in told("add", "grace@tpminstitute.org", code=1)
    assert count(db, Invitation) == 1


def test_an_invitation_that_is_over_makes_room_for_another(db, told):
    first = told("add", "grace@tpminstitute.org")
    with clock.at(clock.now() + timedelta(days=8)):
        assert secret_in(told("add", "grace@tpminstitute.org")) != secret_in(first)


def test_a_role_that_there_is_not_is_refused(db, told):
    assert "owner" in told("add", "grace@tpminstitute.org", "--role", "owner", code=64)
    assert count(db, Invitation) == 0


def test_who_forgot_the_password_gets_a_link_and_keeps_the_second_step(db, told, alice):
    with db.write() as session:
        recovery_codes.make_codes(session, alice.id)
    line = told("reset", "Alice@tpminstitute.org")
    assert line.startswith("Choose a new password at http")
    with db.read() as session:
        account = open_reset(session, secret_in(line))
        assert account is not None
        assert account.id == alice.id
        assert factors_of(session, alice.id).recovery_codes > 0
    assert actions(db)[-1] == ("reset_asked", None)


def test_who_lost_the_phone_and_the_codes_loses_the_second_step_when_that_is_said(db, told, alice):
    with db.write() as session:
        recovery_codes.make_codes(session, alice.id)
    told("reset", ALICE, "--second-step")
    with db.read() as session:
        assert factors_of(session, alice.id).recovery_codes == 0


@pytest.mark.parametrize("options", [(), ("--second-step",)])
def test_nobody_without_an_open_account_gets_a_link(db, told, alice, options):
    with db.write() as session:
        bob = an_account(session, "Bob")
        close_account(session, bob.id, alice.id)
    for email in ("nobody@tpminstitute.org", "bob@tpminstitute.org"):
        said = told("reset", email, *options, code=1)
        assert said == f"Nobody has an open account at {email}. `tpm staff list` shows them. Nothing was changed."
    assert count(db, PasswordReset) == 0


def test_the_accounts_are_listed_with_their_roles_the_closed_ones_marked(db, told, alice):
    with db.write() as session:
        close_account(session, an_account(session, "Bob").id, alice.id)
    assert told("list").splitlines() == [f"{ALICE}  administrator", "bob@tpminstitute.org  advisor  closed"]


def test_without_accounts_it_says_how_the_first_one_is_made(db, told):
    assert told("list") == "Nobody has an account yet. `tpm migrate` prints the first link."
    assert count(db, Account) == 0


@pytest.mark.parametrize("words", [("list",), ("add", "grace@tpminstitute.org"), ("reset", ALICE)])
def test_a_database_without_tables_is_said(told, tmp_path, monkeypatch, words):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    assert "tpm migrate" in told(*words, code=1)

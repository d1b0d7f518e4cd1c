"""Coming in and going out at the desk: the first account, sign-in, sign-out."""

import re
import threading

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import Desk
from tests.factories import an_account, count
from tpminstitute.accounts.invitations import invite_first
from tpminstitute.accounts.models import Account, AuditEntry, Role, StaffSession

PASSWORD = "four unrelated words"
ALICE = {"name": "Alice", "email": "Alice@tpminstitute.org", "password": PASSWORD}


@pytest.fixture
def setup_link(db):
    """The path of the one-time link to the first account."""
    with db.write() as session:
        return f"/staff/setup/{invite_first(session)}"


@pytest.fixture
def alice(app, setup_link):
    """Alice has the first account and is not signed in."""
    desk = Desk(app.test_client())
    assert desk.press("Create account", desk.page(setup_link), **ALICE).status_code == 303
    return Desk(app.test_client())


def test_the_setup_link_creates_the_first_account_with_every_right(db, app, alice):
    with db.read() as session:
        account = session.scalars(select(Account)).one()
        assert session.scalars(select(AuditEntry)).one().action == "account_created"
    assert (account.name, account.email, account.role) == ("Alice", "alice@tpminstitute.org", Role.ADMINISTRATOR)
    assert account.password.startswith("$argon2")


def test_the_setup_link_works_once(db, client, setup_link, alice):
    answer = client.get(setup_link)
    assert answer.status_code == 410
    assert "sign in" in answer.text
    assert count(db, Account) == 1


def test_a_setup_link_that_was_never_given_opens_nothing(client):
    assert client.get("/staff/setup/guessed").status_code == 410


def test_two_parallel_uses_of_the_setup_link_make_one_account(app, db, setup_link):
    desks = [Desk(app.test_client()) for _ in range(2)]
    pages, start, answers = [desk.page(setup_link) for desk in desks], threading.Barrier(2), []

    def use(number):
        start.wait(30)
        fields = ALICE | {"email": f"alice{number}@tpminstitute.org"}
        answers.append(desks[number].press("Create account", pages[number], **fields).status_code)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert count(db, Account) == 1
    assert min(answers) == 303
    assert max(answers) in (409, 410)


@on_sqlite
@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Write your name"),
        ("email", "alice", "should look like"),
        ("email", "", "Write your e-mail"),
        ("password", "short", "12 characters"),
        ("password", "", "Choose a password"),
    ],
)
def test_what_is_wrong_with_the_first_account_stands_beside_its_field(db, app, setup_link, field, typed, sentence):
    desk = Desk(app.test_client())
    answer = desk.press("Create account", desk.page(setup_link), **ALICE | {field: typed})
    assert answer.status_code == 422
    page = read(answer.text)
    assert sentence in page.with_id(f"{field}-error").words
    assert PASSWORD not in answer.text
    assert count(db, Account) == 0
    assert desk.client.get(setup_link).status_code == 200


def test_with_the_right_password_one_comes_in(alice):
    answer = alice.sign_in("alice@tpminstitute.org", PASSWORD)
    assert (answer.status_code, answer.location) == (302, "/staff/")
    assert alice.page("/staff/inbox").first("p", class_="whoami").words == "Alice"


@on_sqlite
def test_one_may_type_at_once_and_after_a_mistake_hears_first_what_it_was(alice):
    asked = alice.page("/staff/sign-in")
    assert [e["id"] for e in asked.inner if "autofocus" in e.attrs] == ["email"]
    refused = read(alice.sign_in("alice@tpminstitute.org", "a wrong password").text)
    assert [e["class"] for e in refused.inner if "autofocus" in e.attrs] == ["notice red summary"]


def test_the_address_may_be_typed_in_any_case(alice):
    assert alice.sign_in("ALICE@TPMInstitute.org", PASSWORD).status_code == 302


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(alice):
    answers = []
    for email, password in [("alice@tpminstitute.org", "a wrong password"), ("nobody@tpminstitute.org", PASSWORD)]:
        answer = alice.sign_in(email, password)
        text = re.sub(r'(name="csrf_token"[^>]*value=")[^"]*', r"\1", answer.text).replace(email, "")
        answers.append((answer.status_code, text))
    assert answers[0] == answers[1]
    assert "Not signed in" in answers[0][1]
    assert alice.client.get("/staff/").status_code == 302


@pytest.mark.parametrize(
    ("email", "password"),
    [("", ""), ("alice@tpminstitute.org\x00", "x"), ("x" * 5_000, "x" * 100_000), ("' OR 1=1 --", "\x00")],
)
def test_nonsense_at_the_sign_in_is_refused_and_no_error_of_ours(alice, email, password):
    assert alice.sign_in(email, password).status_code in (200, 400)
    assert alice.client.get("/staff/").status_code == 302


@on_sqlite
@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"])
def test_signing_in_leads_to_no_other_site(alice, place):
    page = read(alice.client.get("/staff/sign-in", query_string={"next": place}).text)
    answer = alice.press("Sign in", page, email="alice@tpminstitute.org", password=PASSWORD, next=place)
    assert re.match(r"/(?![/\\])", answer.location or "/")


def test_signing_in_changes_the_secret_of_the_cookie(db, alice):
    alice.client.get("/staff/sign-in")
    before = alice.cookie
    alice.sign_in("alice@tpminstitute.org", PASSWORD)
    assert before
    assert alice.cookie
    assert alice.cookie != before


def test_a_cookie_from_before_the_sign_in_opens_nothing(app, alice):
    alice.client.get("/staff/sign-in")
    planted = alice.cookie
    alice.sign_in("alice@tpminstitute.org", PASSWORD)
    thief = app.test_client()
    thief.set_cookie("tpm_staff", planted, path="/staff")
    assert thief.get("/staff/").status_code == 302


def test_the_cookie_is_hidden_from_scripts_and_other_pages_and_its_secret_is_not_stored(db, alice):
    alice.sign_in("alice@tpminstitute.org", PASSWORD)
    cookie = alice.client.get_cookie("tpm_staff", path="/staff")
    assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Lax", "/staff")
    with db.read() as session:
        assert cookie.value not in {row.token_digest for row in session.scalars(select(StaffSession))}


def test_signing_out_ends_the_session_on_the_server(app, alice):
    alice.sign_in("alice@tpminstitute.org", PASSWORD)
    kept = alice.cookie
    answer = alice.press("Sign out", alice.page("/staff/inbox"))
    assert answer.status_code in (302, 303)
    thief = app.test_client()
    thief.set_cookie("tpm_staff", kept, path="/staff")
    assert thief.get("/staff/").status_code == 302
    assert alice.client.get("/staff/").status_code == 302


def test_an_account_that_was_closed_is_out_at_once(db, alice):
    alice.sign_in("alice@tpminstitute.org", PASSWORD)
    with db.write() as session:
        an_account(session, "Bob", Role.ADMINISTRATOR)
        session.scalars(select(Account).where(Account.name == "Alice")).one().active = False
    assert alice.client.get("/staff/").status_code == 302


@pytest.mark.parametrize("cookie", ["", "forged", "x" * 4_000, "é"])
def test_a_made_up_cookie_opens_nothing(client, cookie):
    client.set_cookie("tpm_staff", cookie, path="/staff")
    assert client.get("/staff/").status_code == 302

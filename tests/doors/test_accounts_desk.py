"""Accounts at the desk: one's own, and everybody's for administrators."""

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.people import Desk, labels
from tests.factories import PASSWORD, an_account, messages
from tpminstitute.accounts import service
from tpminstitute.accounts.browsers import browser_in_words, shortened
from tpminstitute.accounts.models import Account, Role, StaffSession
from tpminstitute.core import clock

HOME = "/staff/accounts"
NEW = "another four good words"


@pytest.fixture
def boss(desk_of):
    return desk_of("Bob", Role.ADMINISTRATOR)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


def account(db, name):
    with db.read() as session:
        return session.scalars(select(Account).where(Account.name == name)).one()


def post(desk, place, **fields):
    return desk.client.post(place, data={"csrf_token": desk.token} | fields)


def said(desk):
    return desk.page(HOME).first("div", class_="notice").words


@on_sqlite
def test_somebody_is_invited_chooses_name_and_password_and_comes_in(app, db, boss):
    boss.press("Invite", boss.page(HOME), email="Charlie@example.org", role="reader")
    link = boss.page(HOME).first("input", class_="secret-address")["value"]
    assert link in messages(db)[0].content.decode().replace("=\r\n", "").replace("=3D", "=")
    charlie = Desk(app.test_client())
    page = charlie.page(link.removeprefix("http://institute.test"))
    assert "charlie@example.org" in page.text
    assert charlie.press("Create account", page, name="Charlie", password="charlie@example.org").status_code == 422
    assert charlie.press("Create account", page, name="Charlie", password=NEW).status_code == 303
    assert charlie.sign_in("charlie@example.org", NEW).status_code == 302
    assert account(db, "Charlie").role is Role.READER
    assert not boss.page(HOME).all("input", class_="secret-address")


@on_sqlite
def test_an_invitation_is_renewed_and_withdrawn_at_the_desk(app, boss):
    boss.press("Invite", boss.page(HOME), email="charlie@example.org", role="advisor")
    first = boss.page(HOME).first("input", class_="secret-address")["value"]
    boss.press("Renew", boss.page(HOME))
    second = boss.page(HOME).first("input", class_="secret-address")["value"]
    assert first != second
    boss.press("Withdraw", boss.page(HOME))
    client = app.test_client()
    for link in (first, second):
        assert client.get(link.removeprefix("http://institute.test")).status_code == 410


@on_sqlite
@pytest.mark.parametrize(
    ("email", "sentence"),
    [("", "Write the address"), ("charlie", "should look like"), ("alice@tpminstitute.org", "has an account already")],
)
def test_who_cannot_be_invited_is_said_beside_the_field(boss, alice, email, sentence):
    answer = boss.press("Invite", boss.page(HOME), email=email, role="reader")
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_role_is_changed_and_holds_from_the_next_page_on(db, boss, desk_of):
    desk = desk_of("Alice", Role.ADVISOR)
    post(boss, f"{HOME}/{account(db, 'Alice').id}/role", role="reader")
    assert said(boss) == "Alice is a reader now."
    assert post(desk, "/staff/mail/hold", reason="x").status_code == 403
    assert post(desk, "/staff/own-mail/address").status_code == 403


def test_a_closed_account_is_out_at_once_and_comes_back_when_it_is_reopened(app, db, boss, desk_of):
    desk = desk_of("Alice")
    place = f"{HOME}/{account(db, 'Alice').id}"
    post(boss, f"{place}/close")
    assert desk.client.get("/staff/inbox").status_code == 302
    assert Desk(app.test_client()).sign_in("alice@tpminstitute.org", PASSWORD).status_code == 200
    post(boss, f"{place}/reopen")
    assert Desk(app.test_client()).sign_in("alice@tpminstitute.org", PASSWORD).status_code == 302
    assert desk.client.get("/staff/inbox").status_code == 302


def test_the_last_administrator_stays_and_is_told_why(db, boss, alice):
    place = f"{HOME}/{account(db, 'Bob').id}"
    for change, fields in (("close", {}), ("role", {"role": "reader"})):
        post(boss, f"{place}/{change}", **fields)
        assert "This is the only administrator" in said(boss)
    assert account(db, "Bob").role is Role.ADMINISTRATOR


@on_sqlite
@pytest.mark.parametrize("change", ["role", "close", "reopen", "second-step/remove"])
def test_an_account_that_is_not_there_is_not_found(boss, change):
    assert post(boss, f"{HOME}/999/{change}", role="reader").status_code == 404


@on_sqlite
@pytest.mark.parametrize("role", ["", "king", "Administrator"])
def test_a_role_that_is_none_is_refused(db, boss, alice, role):
    assert post(boss, f"{HOME}/{alice}/role", role=role).status_code == 400
    assert post(boss, f"{HOME}/second-step", second_step=role).status_code == 400


# --- one's own -------------------------------------------------------------------------------------------------


@on_sqlite
def test_the_name_in_the_rail_leads_to_ones_own_account(desk):
    assert desk.page("/staff/inbox").first("p", class_="whoami").first("a")["href"] == "/staff/account"
    assert "alice@tpminstitute.org" in desk.page("/staff/account").text


@on_sqlite
def test_a_name_is_changed_by_its_owner(db, desk):
    desk.press("Save name", desk.page("/staff/account"), name="Alice B.")
    assert desk.page("/staff/inbox").first("p", class_="whoami").words == "Alice B."
    assert desk.press("Save name", desk.page("/staff/account"), name="").status_code == 422


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(app, db, desk):
    other = Desk(app.test_client())
    other.sign_in("alice@tpminstitute.org", PASSWORD)
    page = desk.page("/staff/account")
    assert desk.press("Change password", page, old="wrong", password=NEW).status_code == 422
    assert other.client.get("/staff/inbox").status_code == 200
    assert desk.press("Change password", page, old=PASSWORD, password=NEW).status_code == 303
    assert desk.client.get("/staff/inbox").status_code == 200
    assert other.client.get("/staff/inbox").status_code == 302
    assert other.sign_in("alice@tpminstitute.org", NEW).status_code == 302
    assert messages(db)[-1].recipient == "alice@tpminstitute.org"


@on_sqlite
def test_a_password_of_composed_letters_is_the_same_decomposed(app, desk):
    desk.press("Change password", desk.page("/staff/account"), old=PASSWORD, password="vier sch\u00f6ne W\u00f6rter")
    other = Desk(app.test_client())
    assert other.sign_in("alice@tpminstitute.org", "vier scho\u0308ne Wo\u0308rter").status_code == 302


@on_sqlite
@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "Alice@TPMInstitute.org"])
def test_a_password_that_is_guessed_first_is_refused(desk, password):
    assert (
        desk.press("Change password", desk.page("/staff/account"), old=PASSWORD, password=password).status_code == 422
    )


@on_sqlite
def test_the_old_password_is_tried_slowly(desk):
    page = desk.page("/staff/account")
    answers = [desk.press("Change password", page, old="wrong", password=NEW).status_code for _ in range(7)]
    assert answers == [422] * 6 + [429]


@on_sqlite
def test_sessions_are_listed_and_ended_one_by_one_or_all_but_this(app, db, desk):
    others = [Desk(app.test_client()) for _ in range(3)]
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    for other in others:
        other.client.environ_base["HTTP_USER_AGENT"] = agent
        other.sign_in("alice@tpminstitute.org", PASSWORD)
    page = desk.page("/staff/account")
    assert page.text.count("Firefox on Windows") == 3
    assert "127.0.0.…" in page.text
    desk.press("Sign out", page.first("ul", class_="sessions"))
    assert sum(other.client.get("/staff/inbox").status_code == 200 for other in others) == 2
    desk.press("Sign out everywhere", desk.page("/staff/account"))
    assert not [other for other in others if other.client.get("/staff/inbox").status_code == 200]
    assert "Sign out everywhere but here" not in labels(desk.page("/staff/account"))


@on_sqlite
def test_somebody_elses_session_is_not_ended(db, desk, desk_of):
    bob = desk_of("Bob")
    with db.read() as session:
        theirs = session.scalars(select(StaffSession.id).order_by(StaffSession.id.desc())).first()
    post(desk, f"/staff/account/sessions/{theirs}/end")
    assert "over already" in desk.page("/staff/account").text
    assert bob.client.get("/staff/inbox").status_code == 200


@on_sqlite
def test_that_a_session_is_in_use_is_noted_now_and_then(db, desk):
    with db.write() as session:
        long_ago = clock.now().replace(year=2020)
        session.query(StaffSession).one().seen_at = long_ago
    desk.page("/staff/inbox")
    with db.read() as session:
        first = session.query(StaffSession).one().seen_at
    desk.page("/staff/inbox")
    with db.read() as session:
        assert long_ago < first == session.query(StaffSession).one().seen_at


@on_sqlite
def test_a_request_that_comes_too_late_brings_no_ended_session_back(db, desk):
    with db.write() as session:
        service.end_sessions(session, account(db, "Alice").id)
    assert post(desk, "/staff/account/name", name="Alice B.").status_code in (302, 400)
    with db.read() as session:
        assert not session.scalars(select(StaffSession).where(StaffSession.account_id.is_not(None))).all()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/605.1",
            "Safari on a Mac",
        ),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537 Chrome/140.0 Mobile Safari/537", "Chrome on Android"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0", "Edge on Windows"),
        ("curl/8.0", "A browser"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_named_so_that_its_owner_knows_it(said, words):
    assert browser_in_words(said) == words


@pytest.mark.parametrize(
    ("address", "shown"),
    [("192.0.2.77", "192.0.2.…"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1::…"), ("", ""), ("nonsense", "")],
)
def test_a_network_address_is_shown_without_its_last_part(address, shown):
    assert shortened(address) == shown

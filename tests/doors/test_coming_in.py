"""Signing in, slowly tried; the second step; a new password by mail."""

import base64
import re
from datetime import timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import Desk
from tests.factories import PASSWORD, an_account, count, make_settings, messages
from tests.parts.authenticator import Authenticator
from tpminstitute.accounts import passkeys, recovery_codes, second_step, throttle, totp
from tpminstitute.accounts.factor_models import SecondStep
from tpminstitute.accounts.models import Account, AuditEntry, Role, StaffSession
from tpminstitute.core import clock
from tpminstitute.mail.queries import plain_text

ALICE, NOBODY = "alice@tpminstitute.org", "nobody@tpminstitute.org"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
pytestmark = on_sqlite


@pytest.fixture
def settings(tmp_path, database_url):
    return make_settings(tmp_path, database_url=database_url, public_url="https://desk.institute.test")


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def door(app, alice):
    """A browser at Alice's desk, not signed in."""
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    return Desk(client)


def is_in(desk):
    return desk.client.get("/staff/inbox").status_code == 200


def without_token(text):
    """A page without what is new each time: its token, the passkey's challenge, the seconds of a wait."""
    return re.sub(r'(name="csrf_token"[^>]*value="|data-options=")[^"]*|\d+(?= seconds)', r"\1", text)


def code_in(seconds=0):
    now = int((clock.now() + timedelta(seconds=seconds)).timestamp())
    return TOTP(base64.b32decode(SECRET), 6, SHA1(), 30).generate(now).decode()


def has_app(db, settings, alice):
    """Alice set up her app a while ago."""
    with time_machine.travel(clock.now() - timedelta(hours=1)), db.write() as session:
        assert totp.set_up(session, settings.secret_key, alice.id, SECRET, code_in())


def audit(db):
    with db.read() as session:
        return session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


# --- slowly --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", [ALICE, NOBODY])
def test_after_some_wrong_passwords_one_has_to_wait_and_is_told_how_long(door, email):
    answers = [door.sign_in(email, "wrong") for _ in range(throttle.ON_BOTH.free + 2)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429]
    assert re.search(r"There were too many tries. Wait \d\d seconds, then try again.", answers[-1].text)
    assert 10 <= int(answers[-1].headers["Retry-After"]) <= 31


def test_the_right_password_has_to_wait_too_and_then_lets_in(door):
    for _ in range(6):
        door.sign_in(ALICE, "wrong")
    assert door.sign_in(ALICE, PASSWORD).status_code == 429
    assert not is_in(door)
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        assert door.sign_in(ALICE, PASSWORD).status_code == 302
        assert is_in(door)


def test_while_one_waits_known_and_unknown_names_are_answered_alike(app, door):
    pages = []
    for email in (ALICE, NOBODY):
        for _ in range(7):
            answer = door.sign_in(email, "wrong")
        pages.append(without_token(answer.text).replace(email, ""))
    assert pages[0] == pages[1]


def test_a_closed_account_is_answered_as_a_wrong_password(db, door):
    with db.write() as session:
        session.query(Account).one().active = False
    closed, wrong = door.sign_in(ALICE, PASSWORD), door.sign_in(NOBODY, PASSWORD)
    assert without_token(closed.text).replace(ALICE, "") == without_token(wrong.text).replace(NOBODY, "")
    assert not is_in(door)


def test_strangers_who_try_alice_keep_her_out_nowhere_she_has_been(app, db, door):
    door.sign_in(ALICE, PASSWORD)
    door.client.delete_cookie("tpm_staff", path="/staff")
    for number in range(throttle.ON_ACCOUNT.free + 2):
        stranger = Desk(app.test_client())
        stranger.client.environ_base["REMOTE_ADDR"] = f"203.0.113.{number}"
        last = stranger.sign_in(ALICE, "wrong")
    assert last.status_code == 429
    assert door.sign_in(ALICE, PASSWORD).status_code == 302


def test_signing_in_and_out_is_on_the_audit_log(db, door):
    door.sign_in(ALICE, PASSWORD)
    door.press("Sign out", door.page("/staff/inbox"))
    assert audit(db) == ["signed_in", "signed_out"]


@pytest.mark.parametrize("place", ["/staff/mail?before=3", "/staff/contacts/abc"])
def test_signing_in_leads_on_to_the_page_that_was_asked_for(door, place):
    to_the_door = door.client.get(place)
    page = door.page(to_the_door.location)
    answer = door.press("Sign in", page, email=ALICE, password=PASSWORD)
    assert answer.location == place


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/contact",
        "/staffroom",
        "/staff/\nx",
        "javascript:x",
    ],
)
def test_a_second_step_or_a_password_asked_again_leads_to_no_other_site(db, settings, door, alice, place):
    has_app(db, settings, alice)
    page = read(door.client.get("/staff/sign-in", query_string={"next": place}).text)
    answer = door.press("Sign in", page, email=ALICE, password=PASSWORD)
    done = door.press("Go on", door.page(answer.location), code=code_in())
    assert done.location == "/staff/"
    page = door.page("/staff/confirm")
    asked = {"csrf_token": page.first("form").fields["csrf_token"], "next": place, "confirm_password": PASSWORD}
    assert door.client.post("/staff/confirm", data=asked).location == "/staff/"


# --- the second step -----------------------------------------------------------------------------------------


def test_who_has_an_app_is_in_after_its_code_only(db, settings, door, alice):
    has_app(db, settings, alice)
    answer = door.sign_in(ALICE, PASSWORD)
    assert answer.location == "/staff/second-step"
    before = door.cookie
    assert not is_in(door)
    assert door.press("Go on", door.page("/staff/second-step"), code="000000").status_code == 422
    assert not is_in(door)
    assert audit(db) == ["totp_added"]
    assert door.press("Go on", door.page("/staff/second-step"), code=code_in()).status_code == 303
    assert is_in(door)
    assert door.cookie != before


def test_the_cookie_changes_with_the_password_already(db, settings, door, alice):
    has_app(db, settings, alice)
    door.client.get("/staff/sign-in")
    planted = door.cookie
    door.sign_in(ALICE, PASSWORD)
    assert door.cookie not in (None, planted)


def test_a_code_does_not_let_in_twice(app, db, settings, door, alice):
    has_app(db, settings, alice)
    code = code_in()
    for desk, status in ((door, 303), (Desk(app.test_client()), 422)):
        desk.client.environ_base["wsgi.url_scheme"] = "https"
        desk.sign_in(ALICE, PASSWORD)
        assert desk.press("Go on", desk.page("/staff/second-step"), code=code).status_code == status


def test_codes_are_tried_slowly_too(db, settings, door, alice):
    has_app(db, settings, alice)
    door.sign_in(ALICE, PASSWORD)
    answers = [door.press("Go on", door.page("/staff/second-step"), code="000000") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [422] * 6 + [429]
    assert "There were too many tries. Wait" in answers[-1].text
    assert door.press("Go on", door.page("/staff/second-step"), code=code_in()).status_code == 429
    assert not is_in(door)


def test_a_recovery_code_lets_in_once_and_says_how_many_are_left(db, settings, door, alice):
    has_app(db, settings, alice)
    with db.write() as session:
        code = recovery_codes.make_codes(session, alice.id)[0]
    door.sign_in(ALICE, PASSWORD)
    door.press("Go on", door.page("/staff/second-step"), code=code)
    assert "it is used up. 9 are left." in door.page("/staff/inbox").text


def test_the_second_step_has_to_follow_within_ten_minutes(db, settings, door, alice):
    has_app(db, settings, alice)
    door.sign_in(ALICE, PASSWORD)
    page = door.page("/staff/second-step")
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
        answer = door.press("Go on", page, code=code_in())
        assert answer.location == "/staff/sign-in"
        assert not is_in(door)


def test_a_passkey_is_a_second_step_and_a_whole_sign_in(app, db, settings, door, alice):
    phone = Authenticator(settings.public_url)
    options, challenge = passkeys.to_add(settings, alice, [])
    with db.write() as session:
        passkeys.add(session, settings, alice.id, phone.register(options), challenge, "")
    door.sign_in(ALICE, PASSWORD)
    form = door.page("/staff/second-step").first("form", data_passkey="get")
    answer = phone.sign(form["data-options"], verified=False)
    fields = form.fields | {"answer": answer}
    assert door.client.post(form["action"], data=fields).status_code == 303
    assert is_in(door)

    desk = Desk(app.test_client())
    desk.client.environ_base["wsgi.url_scheme"] = "https"
    form = desk.page("/staff/sign-in?next=/staff/mail").first("form", data_passkey="get")
    fields = form.fields | {"answer": phone.sign(form["data-options"])}
    assert desk.client.post(form["action"], data=fields).location == "/staff/mail"
    assert is_in(desk)
    again = Desk(app.test_client())
    again.client.environ_base["wsgi.url_scheme"] = "https"
    token = again.page("/staff/sign-in").first("form", data_passkey="get").fields["csrf_token"]
    replayed = again.client.post(form["action"], data=fields | {"csrf_token": token})
    assert replayed.location == "/staff/sign-in"
    assert not is_in(again)


def test_where_a_second_step_is_required_one_is_led_to_it_and_then_free(db, settings, door, alice):
    with db.write() as session:
        second_step.set_rule(session, SecondStep.EVERYBODY, alice.id)
    door.sign_in(ALICE, PASSWORD)
    assert door.client.get("/staff/inbox").location == "/staff/account/second-step"
    page = door.page("/staff/account/second-step")
    secret = page.first("code", class_="secret").words.replace(" ", "")
    now = int(clock.now().timestamp())
    code = TOTP(base64.b32decode(secret), 6, SHA1(), 30).generate(now).decode()
    codes = read(door.press("Set up the app", page, code=code).text).first("ol", class_="codes").all("li")
    assert len(codes) == 10
    assert is_in(door)
    assert messages(db)[-1].subject.startswith("Your account at the desk")


# --- a new password by mail ------------------------------------------------------------------------------------


def ask_for_link(desk, email):
    return desk.press("Send the link", desk.page("/staff/forgotten"), email=email)


def test_asking_for_a_new_password_is_answered_alike_for_everybody(app, db, door):
    pages = []
    for email in (ALICE, NOBODY):
        desk = Desk(app.test_client())
        desk.client.environ_base["wsgi.url_scheme"] = "https"
        answer = ask_for_link(desk, email)
        pages.append((answer.status_code, answer.location, without_token(desk.client.get(answer.location).text)))
    assert pages[0] == pages[1]
    assert [message.recipient for message in messages(db)] == [ALICE]


def test_the_link_lets_choose_a_password_and_ends_every_session(db, door):
    door.sign_in(ALICE, PASSWORD)
    ask_for_link(door, ALICE)
    link = re.findall(r"https://\S+(/staff/new-password/[\w-]+)", plain_text(messages(db)[-1].content))[0]
    page = door.page(link)
    assert door.press("Keep it", page, password="short").status_code == 422
    assert door.press("Keep it", page, password="another four good words").status_code == 303
    assert not is_in(door)
    assert door.client.get(link).status_code == 410
    assert door.sign_in(ALICE, "another four good words").status_code == 302


@pytest.mark.parametrize("email", [ALICE, NOBODY])
def test_links_are_not_sent_without_end(db, door, email):
    answers = [ask_for_link(door, email) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [303] * 4 + [429]
    assert "Wait" in read(answers[-1].text).with_id("email-error").words


def test_wrong_links_are_tried_slowly(door):
    answers = [door.client.get(f"/staff/new-password/{number}") for number in range(throttle.LINKS.free + 2)]
    assert [answer.status_code for answer in answers][-2:] == [410, 429]
    assert re.search(r"Wait \d\d seconds, then open yours again", answers[-1].text)


# --- the password once more ------------------------------------------------------------------------------------


def test_what_matters_asks_for_the_password_again_and_loses_nothing(db, app, desk_of):
    desk = desk_of("Bob", Role.ADMINISTRATOR, password_ago=16 * 60)
    answer = desk.press("Invite", desk.page("/staff/accounts"), email="charlie@example.org", role="reader")
    assert answer.status_code == 403
    page = read(answer.text)
    assert page.first("form").fields["email"] == "charlie@example.org"
    wrong = desk.press("Go on", page, confirm_password="wrong")
    assert "That is not your password." in wrong.text
    assert count(db, StaffSession) == 1
    assert desk.press("Go on", read(wrong.text), confirm_password=PASSWORD).status_code == 303
    assert "charlie@example.org" in desk.page("/staff/accounts").text
    assert desk.press("Withdraw", desk.page("/staff/accounts")).status_code == 303


def test_a_page_that_matters_leads_on_after_the_password(desk_of):
    desk = desk_of("Bob", password_ago=16 * 60)
    asked = desk.client.get("/staff/account/second-step")
    page = desk.page(asked.location)
    assert desk.press("Go on", page, confirm_password="wrong").status_code == 422
    assert desk.press("Go on", page, confirm_password=PASSWORD).location == "/staff/account/second-step"
    assert desk.client.get("/staff/account/second-step").status_code == 200


def test_the_password_is_asked_again_slowly(desk_of):
    desk = desk_of("Bob", password_ago=16 * 60)
    answers = [desk.press("Go on", desk.page("/staff/confirm"), confirm_password="wrong") for _ in range(7)]
    assert [answer.status_code for answer in answers][-2:] == [422, 429]

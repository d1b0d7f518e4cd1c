"""Every route × everybody: who may open what, and that nobody gets an answer they shouldn't.

The routes come from the application's map. A new one is covered at once by the rules that hold for most of them: nobody
gets in without an account; every account may look; only advisors and administrators may change something. A route for
which something else holds fails here until it is named below.
"""

import pytest

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import Desk
from tests.doors.walks import ways
from tests.factories import an_account, contact_of, messages, submitted
from tpminstitute.accounts.factor_models import AccessRules, SecondStep, TotpSecret
from tpminstitute.accounts.models import Account, Role
from tpminstitute.core import clock

pytestmark = on_sqlite

AT_THE_DOOR = {
    "security.login",
    "setup_first_account",
    "create_first_account",
    "sign_in_by_passkey",
    "second_step",
    "take_code",
    "take_passkey",
    "forgotten",
    "ask_for_link",
    "choose_password",
    "keep_password",
}
"""What somebody without an account may open: each is looked at by itself below."""

FOR_ADMINISTRATORS = {
    "accounts",
    "add_reason",
    "add_stage",
    "add_topic",
    "archive_reason",
    "archive_stage",
    "archive_topic",
    "ask_to_change_tag",
    "audit",
    "change_role",
    "change_second_step",
    "change_tag",
    "change_topic",
    "close_account",
    "comment_settings",
    "erase_contact",
    "export_audit",
    "hold_mail",
    "institute_settings",
    "invite",
    "move_reason",
    "move_stage",
    "move_topic",
    "offer_topic",
    "preview_erasure",
    "promise_settings",
    "release_mail",
    "rename_reason",
    "rename_stage",
    "renew_invitation",
    "reopen_account",
    "reset_setting",
    "restore_reason",
    "restore_stage",
    "retention",
    "save_comment_settings",
    "save_institute_settings",
    "save_promise_settings",
    "save_told_settings",
    "set_retention",
    "stage_settings",
    "tag_settings",
    "take_off_second_step",
    "told_settings",
    "topic_settings",
    "withdraw_invitation",
}

OF_ONES_OWN = {
    "add_passkey",
    "be_on_contact",
    "change_name",
    "change_password",
    "change_people_view",
    "choose_people_columns",
    "end_other_sessions",
    "end_session",
    "make_recovery_codes",
    "open_people_with",
    "remove_app",
    "remove_passkey",
    "save_people_view",
    "security.logout",
    "set_up_app",
    "take_password",
}
"""What a reader may change too: it is about themselves, as that they look at a contact now."""

FORMS_OF_ADVISORS = {
    "ask_to_move",
    "choose_bulk",
    "choose_export",
    "edit_course",
    "edit_date",
    "edit_sequence",
    "import_problems",
    "new_contact",
    "new_course",
    "new_date",
    "new_letter",
    "new_sequence",
    "preview_merge",
    "propose_answer",
    "signature",
}
"""Pages that are nothing but a form, which a reader can't send, and what hands people out."""

WHILE_SETTING_UP = {
    "add_passkey",
    "confirm_password",
    "second_factors",
    "security.logout",
    "set_up_app",
    "take_password",
}
"""All that is open to who has to set up a second step first."""

LEFT_OUT = AT_THE_DOOR | {"security.logout"}
"""What a walk leaves out: the door is walked by itself, and who signs out walks no further."""

SHOWN = {200, 302, 303, 404, 409, 410}
"""A page, a way to another one, or that there is no such thing (any more)."""

TAKEN = {200, 302, 303, 400, 404, 409, 410, 422}
"""Done, or refused for what was sent; not for who sent it, and no error of ours."""


@pytest.fixture
def there(db, settings, visitor):
    """What the addresses may name: things that are there, so that nothing hides behind a 404."""
    submitted(db, settings)
    inquiry = submitted(db, settings, email="charlie@example.org")
    return {
        "contacts": {"public_id": contact_of(db).public_id},
        "inquiries": {"public_id": inquiry.public_id},
        "messages": {"message_id": messages(db)[0].id},
        "sequences": {"sequence_id": 1},
        "templates": {"key": "acknowledgement", "number": 1},
        "accounts": {"account_id": 1},
        "courses": {"course_id": 1},
    }


def to_the_door(answer, *doors):
    """Return whether an answer leads to the sign-in, or to one of `doors`, and shows nothing."""
    place = (answer.location or "").removeprefix("http://localhost").partition("?")[0]
    return answer.status_code in (302, 303) and place in ("/staff/sign-in", *doors) and len(answer.data) < 1000


def set_rule(db, rule):
    with db.write() as session:
        session.get_one(AccessRules, 1).second_step = rule


def asked(desk, way):
    data = {"csrf_token": desk.token} if way.method == "POST" else None
    return desk.client.open(way.address, method=way.method, data=data)


def anonymous(app):
    """A browser at the door, with the token of its page."""
    client = app.test_client()
    page = read(client.get("/staff/forgotten").text)
    return Desk(client, page.first("form").fields["csrf_token"])


def answers_unlike(app, desk, allowed, but=(), there=None):
    """Ask for everything; returns what was answered in a way that `allowed` doesn't allow."""
    walked, wrong = 0, []
    for method in ("GET", "POST"):
        for way in ways(app, method, there):
            if way.endpoint not in but:
                walked += 1
                answer = asked(desk, way)
                if not allowed(way, answer):
                    wrong.append(f"{way.method} {way.address}: {answer.status} {answer.location or ''}")
                answer.close()
    assert walked > 50
    return wrong


def test_nobody_gets_past_the_door(app, there):
    desk = anonymous(app)
    assert not answers_unlike(app, desk, lambda _, answer: to_the_door(answer), LEFT_OUT, there)


def test_a_closed_account_gets_past_no_door(app, db, desk_of, there):
    desk = desk_of("Bob", Role.ADMINISTRATOR)
    with db.write() as session:
        an_account(session, "Alice", Role.ADMINISTRATOR)
        session.query(Account).filter_by(name="Bob").one().active = False
    assert not answers_unlike(app, desk, lambda _, answer: to_the_door(answer), LEFT_OUT, there)


def test_who_gave_the_password_only_and_has_a_second_step_gets_past_no_door(app, db, there):
    with db.write() as session:
        session.add(bob := an_account(session, "Bob", Role.ADMINISTRATOR))
        session.add(TotpSecret(account_id=bob.id, sealed="-", last_step=0, added_at=clock.now()))
        uniquifier = bob.fs_uniquifier
    desk = anonymous(app)
    with desk.client.session_transaction(path="/staff/forgotten") as kept:
        kept["tf_user_id"], kept["tf_at"] = uniquifier, clock.now().timestamp()
        token = kept["csrf_token"]
    assert token
    desk.token = read(desk.client.get("/staff/second-step").text).first("form").fields["csrf_token"]
    assert not answers_unlike(app, desk, lambda _, answer: to_the_door(answer), LEFT_OUT, there)
    assert desk.client.get("/staff/second-step").status_code == 200


@pytest.mark.parametrize("rule", [SecondStep.EVERYBODY, SecondStep.ADMINISTRATORS])
def test_who_has_to_set_up_a_second_step_can_do_nothing_else(app, db, desk_of, there, rule):
    desk = desk_of("Bob", Role.ADMINISTRATOR)
    set_rule(db, rule)

    def held_back(way, answer):
        if way.endpoint in WHILE_SETTING_UP:
            return answer.status_code in TAKEN
        return to_the_door(answer, "/staff/account/second-step") and "sign-in" not in answer.location

    assert not answers_unlike(app, desk, held_back, LEFT_OUT, there)


def test_a_reader_sees_everything_but_what_is_for_administrators_and_changes_nothing(app, desk_of, there):
    desk = desk_of("Charlie", Role.READER)

    def right(way, answer):
        if way.endpoint in FOR_ADMINISTRATORS | FORMS_OF_ADVISORS:
            return answer.status_code == 403
        if way.method == "GET":
            return answer.status_code in SHOWN
        return answer.status_code in TAKEN if way.endpoint in OF_ONES_OWN else answer.status_code == 403

    assert not answers_unlike(app, desk, right, LEFT_OUT, there)


def test_an_advisor_changes_everything_but_what_is_for_administrators(app, desk_of):
    desk = desk_of("Alice", Role.ADVISOR)

    def right(way, answer):
        if way.endpoint in FOR_ADMINISTRATORS:
            return answer.status_code == 403
        return answer.status_code in (SHOWN if way.method == "GET" else TAKEN)

    assert not answers_unlike(app, desk, right, LEFT_OUT)


def test_an_administrator_may_do_everything(app, desk_of, there):
    desk = desk_of("Bob", Role.ADMINISTRATOR)
    for way in [*ways(app, "GET", there), *ways(app, "POST")]:
        if way.endpoint in FOR_ADMINISTRATORS | FORMS_OF_ADVISORS:
            answer = asked(desk, way)
            assert answer.status_code in SHOWN | TAKEN, f"{way}: {answer.status}"
            answer.close()


def test_no_form_is_taken_without_its_token_or_with_another_sessions(app, desk_of, there):
    desk, other = desk_of("Alice", Role.ADMINISTRATOR), desk_of("Bob", Role.ADMINISTRATOR)
    for way in ways(app, "POST", there):
        for data in ({}, {"csrf_token": "forged"}, {"csrf_token": other.token}):
            answer = desk.client.post(way.address, data=data)
            assert answer.status_code == 400, f"{way} with {data}: {answer.status}"
    assert desk.client.get("/staff/account").status_code == 200


@pytest.mark.parametrize("token", [None, "forged", "another session's"])
def test_the_door_takes_no_form_without_its_token_either(app, there, token):
    desk, other = anonymous(app), anonymous(app)
    data = {None: {}, "forged": {"csrf_token": "forged"}}.get(token, {"csrf_token": other.token})
    for way in ways(app, "POST", there):
        if way.endpoint in AT_THE_DOOR:
            assert desk.client.post(way.address, data=data).status_code == 400, way


def test_the_tables_name_nothing_that_is_gone(app):
    endpoints = {way.endpoint for method in ("GET", "POST") for way in ways(app, method)}
    assert not (AT_THE_DOOR | FOR_ADMINISTRATORS | OF_ONES_OWN | WHILE_SETTING_UP) - endpoints

"""The page that says how outgoing mail stands, and the switch that holds it."""

import pytest
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.doors.people import labels
from tests.factories import contact_of, messages, submitted
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.cli import main
from tpminstitute.core import clock
from tpminstitute.mail.control import control, hold
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.standing import PAGE

REASON = "550 <b>No such user</b>"


@pytest.fixture
def undelivered(db, settings):
    """Ada's acknowledgement failed and her notice is uncertain."""
    submitted(db, settings)
    with db.write() as session:
        for kind, status in ((MessageKind.ACKNOWLEDGEMENT, "failed"), (MessageKind.NOTICE, "uncertain")):
            session.execute(update(Message).where(Message.kind == kind).values(status=status, reason=REASON))


@pytest.fixture
def admin(desk_of):
    """The desk of Carol, who administrates."""
    return desk_of("Carol", Role.ADMINISTRATOR)


def switch(db):
    with db.read() as session:
        return control(session)


def held(db, reason="The backup is being looked through."):
    with db.write() as session:
        hold(session, reason, None)


def fact(page, name):
    return next(d.first("dd").words for d in page.all("div") if d.all("dt") and d.first("dt").words == name)


def says(answer, desk):
    assert answer.status_code == 303
    return desk.page(answer.location).all("div", class_="notice", role="status")[-1].words


# --- how it stands -----------------------------------------------------------------------------------------


def test_an_empty_desk_says_what_would_be_there(desk):
    page = desk.page("/staff/mail")
    assert fact(page, "Waiting") == "0"
    assert "Nothing waits for you" in page.text


def test_what_waits_is_counted_with_the_age_of_the_oldest(db, settings, desk):
    submitted(db, settings)
    page = desk.page("/staff/mail")
    assert (fact(page, "Waiting"), fact(page, "Oldest due")) == ("2", "just now")


def test_failed_and_uncertain_mails_are_shown_with_the_reason_and_two_buttons(undelivered, desk):
    page = desk.page("/staff/mail")
    assert (fact(page, "Failed"), fact(page, "Uncertain")) == ("1", "1")
    cards = page.all("li", class_="mail")
    assert len(cards) == 2
    for card in cards:
        assert REASON in card.words
        assert labels(card) == ["Send again", "Leave it"]


def test_sending_again_comes_back_to_this_page(db, undelivered, desk):
    answer = desk.press("Send again", desk.page("/staff/mail"))
    assert answer.location == "/staff/mail"
    assert says(answer, desk) == "Queued to be sent again."
    assert len(messages(db, status=MessageStatus.QUEUED)) == 1


def test_leaving_it_comes_back_to_this_page_and_is_listed_as_not_sent(undelivered, desk):
    answer = desk.press("Leave it", desk.page("/staff/mail"))
    assert answer.location == "/staff/mail"
    assert "Left as it is by hand" in desk.page("/staff/mail").first("ul", class_="quiet-mails").words


def test_a_mail_that_was_decided_meanwhile_is_said_so(undelivered, desk):
    page = desk.page("/staff/mail")
    desk.press("Send again", page)
    assert "Nothing was changed" in says(desk.press("Send again", page), desk)


@on_sqlite
@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/staff/inbox", "MAIL", "mail/../", ""])
def test_nobody_is_sent_to_an_address_out_of_the_link(db, undelivered, desk, back):
    page = desk.page("/staff/mail")
    button = next(b for b in page.all("button") if b.words == "Leave it")
    form = next(parent for parent in reversed(button.parents) if parent.tag == "form")
    answer = desk.client.post(form["action"].partition("?")[0], query_string={"back": back}, data=form.fields)
    assert answer.location == f"/staff/contacts/{contact_of(db).public_id}"


def test_what_waits_for_a_decision_is_turned_page_by_page(db, settings, desk):
    submitted(db, settings)
    (first, _) = messages(db)
    columns = {c.key: getattr(first, c.key) for c in Message.__table__.columns if c.key != "id"}
    with db.write() as session:
        session.add_all(
            Message(**columns | {"status": "failed", "reason": f"{n}.", "dedupe_key": f"k{n}", "message_id": f"m{n}"})
            for n in range(PAGE + 3)
        )
    page = desk.page("/staff/mail")
    assert len(page.first("ul", class_="mails").all("li")) == PAGE
    page = desk.page(page.first("a", rel="next")["href"])
    assert len(page.first("ul", class_="mails").all("li")) == 3
    assert not page.all("a", rel="next")
    assert page.first("a", rel="prev")["href"] == "/staff/mail"


def test_a_place_in_the_list_that_is_none_is_harmless(undelivered, desk):
    for text in ("0", "-1", "9" * 15, "x", "%00", "1;DROP"):
        assert desk.client.get(f"/staff/mail?before={text}").status_code == 200, text


def test_a_reader_sees_it_and_can_not_act(app, db, undelivered, desk_of):
    app.config["WTF_CSRF_METHODS"] = set()  # as if the form's token were right, so that only the role counts
    reader = desk_of("Rita", Role.READER)
    page = reader.page("/staff/mail")
    assert REASON in page.text
    assert labels(page.first("main")) == []
    for message in messages(db):
        for verb in ("send-again", "leave"):
            assert reader.client.post(f"/staff/messages/{message.id}/{verb}?back=mail").status_code == 403
    assert sorted(m.status for m in messages(db)) == [MessageStatus.FAILED, MessageStatus.UNCERTAIN]


# --- the switch --------------------------------------------------------------------------------------------


def test_an_administrator_holds_all_mail_with_a_reason_and_lets_it_go(db, admin):
    answer = admin.press("Hold all mail", admin.page("/staff/mail"), reason="The backup is being looked through.")
    assert "not lost" in says(answer, admin)
    assert switch(db).held
    assert admin.press("Let mail go again", admin.page("/staff/mail")).status_code == 303
    assert not switch(db).held
    with db.read() as session:
        entries = session.execute(select(AuditEntry.action, AuditEntry.account_id)).all()
    assert [action for action, _ in entries] == ["mail_held", "mail_released"]
    assert None not in {account for _, account in entries}


def test_a_hold_without_a_reason_comes_back_with_what_to_do(db, admin):
    answer = admin.press("Hold all mail", admin.page("/staff/mail"), reason=" ")
    assert answer.status_code == 422
    assert "Write why" in answer.text
    assert not switch(db).held


@on_sqlite
@pytest.mark.parametrize("page", ["/staff/inbox", "/staff/mail", "/staff/suppressions", "/staff/parts"])
def test_a_hold_is_said_on_every_page_of_the_desk(db, desk, page):
    assert "outgoing mail is held" not in desk.page(page).text
    held(db, "Because of <script>alert(1)</script>")
    told = desk.page(page).with_id("mail-held")
    assert "Because of <script>" in told.words
    assert not told.all("script")


@pytest.mark.parametrize("role", [Role.ADVISOR, Role.READER])
def test_only_an_administrator_switches(app, db, desk_of, role):
    app.config["WTF_CSRF_METHODS"] = set()  # as if the form's token were right, so that only the role counts
    other = desk_of("Eve", role)
    assert "Hold all mail" not in labels(other.page("/staff/mail"))
    assert other.client.post("/staff/mail/hold", data={"reason": "x"}).status_code == 403
    assert not switch(db).held
    held(db)
    assert "Let mail go again" not in labels(other.page("/staff/mail"))
    assert other.client.post("/staff/mail/release").status_code == 403
    assert switch(db).held


def test_a_release_that_somebody_else_made_before_is_said_so(db, admin):
    held(db)
    page = admin.page("/staff/mail")
    admin.press("Let mail go again", page)
    assert "Nothing was changed" in says(admin.press("Let mail go again", page), admin)


# --- the command line --------------------------------------------------------------------------------------


def test_the_operator_holds_and_releases_mail(db, database_url, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    assert main(["mail", "hold", "--reason", "A backup was restored."]) == 0
    assert (switch(db).held, switch(db).reason) == (True, "A backup was restored.")
    assert switch(db).since <= clock.now()
    assert main(["mail", "release"]) == 0
    assert not switch(db).held
    assert main(["mail", "release"]) == 0
    assert "not held" in capsys.readouterr().out


def test_the_operator_gives_a_reason(db, database_url, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    assert main(["mail", "hold"]) != 0
    assert main(["mail", "hold", "--reason", " "]) == 1
    assert "Write why" in capsys.readouterr().err
    assert not switch(db).held

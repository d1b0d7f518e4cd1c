"""A contact's page: the timeline and its filters, notes, who looks after them."""

import pytest
from sqlalchemy import delete, event, update

from tests.conftest import on_sqlite
from tests.doors.html import active_content, read
from tests.doors.naughty import NAUGHTY
from tests.factories import contact_of, submitted
from tpminstitute.accounts.models import Account, Role
from tpminstitute.mail.models import Message

pytestmark = on_sqlite


def home_of(db):
    return f"/staff/contacts/{contact_of(db).public_id}"


def says(answer, desk):
    assert answer.status_code == 303
    return " ".join(n.words for n in desk.page(answer.location).all("div", class_="notice", role="status"))


def notes(desk, db):
    return desk.page(home_of(db)).all("article", class_="noted")


@pytest.fixture
def ada(db, settings):
    """Ada wrote and agreed to follow-ups."""
    submitted(db, settings, consents=True)


def test_a_name_that_would_turn_the_page_round_shows_what_it_hides_in_the_heading_and_the_title(db, settings, desk):
    submitted(db, settings, name="\u202eAda")
    page = desk.page(home_of(db))
    assert page.first("h1").words == "⟨U+202E⟩Ada"
    assert page.first("title").words.startswith("⟨U+202E⟩Ada")


# --- the timeline ------------------------------------------------------------------------------------------


def test_what_is_to_come_leads_down_to_what_happened(db, desk, ada):
    timeline = desk.page(home_of(db)).first("section", class_="timeline")
    ahead = timeline.first("ol", class_="to-happen").all("li")
    assert len(ahead) == 3
    assert all("To come on" in station.words and "The pathway" in station.words for station in ahead)
    assert timeline.words.index("To come on") < timeline.words.index("Agreed to be followed up")


@pytest.mark.parametrize(
    ("label", "there", "not_there"),
    [
        ("All", ["How do I begin?", "A lead was opened", "Prefers the phone."], ["Sent an inquiry"]),
        ("Conversation", ["How do I begin?", "Acknowledgement"], ["A lead was opened", "Prefers the phone."]),
        ("Notes", ["Prefers the phone."], ["How do I begin?"]),
        ("Follow-ups", ["Agreed to be followed up"], ["How do I begin?", "Prefers the phone."]),
        ("Facts", ["Sent an inquiry", "Wrote a note."], ["Prefers the phone."]),
    ],
)
def test_the_timeline_shows_what_is_asked_for(db, desk, ada, label, there, not_there):
    desk.press("Keep note", desk.page(home_of(db)), body="Prefers the phone.")
    page = desk.page(home_of(db))
    link = next(a for a in page.first("section", class_="timeline").all("a") if a.words == label)
    page = desk.page(link["href"].partition("#")[0])
    happened = page.first("ol", class_="happened").words
    assert page.first("section", class_="timeline").first("a", aria_current="true").words == label
    assert [text for text in there if text not in happened] == []
    assert [text for text in not_there if text in happened] == []


def test_a_page_of_many_inquiries_asks_the_database_no_more_often_than_one_of_two(db, settings, app, desk):
    asked: list[str] = []

    def page_of(inquiries):
        for _ in range(inquiries):
            submitted(db, settings)
        with db.write() as session:
            session.execute(delete(Message))  # so that each owes its acknowledgement
        asked.clear()
        assert "Send acknowledgement" in desk.page(home_of(db)).words
        return len(asked)

    submitted(db, settings)
    desk.page(home_of(db))  # the first look is written to the audit log
    event.listen(app.extensions["tpm"].db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert page_of(1) == page_of(10)


def test_a_contacts_page_is_read_in_one_transaction(db, app, desk, ada):
    begun: list[object] = []
    desk.page(home_of(db))  # the first look is written to the audit log
    event.listen(app.extensions["tpm"].db.engine, "begin", begun.append)
    desk.page(home_of(db))
    assert len(begun) == 1


def test_a_contacts_page_asks_the_database_no_more_than_fifty_times(db, app, desk, ada):
    asked: list[str] = []
    desk.page(home_of(db))
    event.listen(app.extensions["tpm"].db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    desk.page(home_of(db))
    assert len(asked) <= 50


@pytest.mark.parametrize("only", ["", "x", "ALL", "notes'", "%00"])
def test_a_filter_that_is_none_shows_everything(db, desk, ada, only):
    page = desk.page(f"{home_of(db)}?only={only}")
    assert page.first("section", class_="timeline").first("a", aria_current="true").words == "All"


# --- notes -------------------------------------------------------------------------------------------------


def test_a_note_is_shown_with_its_author_its_lines_and_its_links(db, desk, ada):
    body = "Prefers the phone.\nhttps://example.org/cv?a=1&b=2, she says."
    assert "The note is kept." in says(desk.press("Keep note", desk.page(home_of(db)), body=body), desk)
    (note,) = notes(desk, db)
    assert note.first("h3").words == "Note by Alice"
    assert note.first("div", class_="words").text == body
    assert note.first("a")["href"] == "https://example.org/cv?a=1&b=2"


def test_hostile_notes_are_inert(db, desk, ada):
    page = desk.page(home_of(db))
    harmless = active_content(page)
    for text in NAUGHTY.values():
        desk.press("Keep note", page, body=text)
    page = desk.page(f"{home_of(db)}?only=notes")
    assert active_content(page) == harmless
    assert not set(page.text) & set("\u202e\u2066\u200b\ufeff\x1b")


@pytest.mark.parametrize(("body", "why"), [("", "Write something first"), ("x" * 10_001, "Shorten the note")])
def test_a_note_that_is_refused_comes_back_as_it_was_typed(db, desk, ada, body, why):
    answer = desk.press("Keep note", desk.page(home_of(db)), body=body)
    assert answer.status_code == 422
    page = read(answer.text)
    assert page.with_id("note-body").text.removeprefix("\n") == body
    assert why in page.with_id("note-body-error").words


def test_of_two_who_change_a_note_the_second_sees_both_texts_and_decides(db, desk, desk_of, ada):
    desk.press("Keep note", desk.page(home_of(db)), body="Starts in May.")
    (mine,) = notes(desk, db)
    bob = desk_of("Bob")
    bob.press("Save note", notes(bob, db)[0], body="Starts in June.")
    answer = desk.press("Save note", mine, body="Starts in July.")
    assert answer.status_code == 409
    form = read(answer.text).with_id("note")
    assert "Bob changed this note" in form.words
    assert "Starts in June." in form.first("div", class_="notice").words
    assert form.with_id("note-body").text.strip() == "Starts in July."
    assert notes(desk, db)[0].first("div", class_="words").words == "Starts in June."
    desk.press("Save note", form)
    assert notes(desk, db)[0].first("div", class_="words").words == "Starts in July."


def test_words_for_a_note_that_is_gone_become_a_note_of_their_own(db, desk, desk_of, ada):
    desk.press("Keep note", desk.page(home_of(db)), body="Starts in May.")
    (mine,) = notes(desk, db)
    bob = desk_of("Bob")
    bob.press("Remove note", notes(bob, db)[0])
    answer = desk.press("Save note", mine, body="Starts in July.")
    form = read(answer.text).with_id("note")
    assert "This note was removed meanwhile." in form.words
    desk.press("Keep note", form)
    assert notes(desk, db)[0].first("div", class_="words").words == "Starts in July."


def test_a_removed_note_is_put_back_by_undo(db, desk, ada):
    desk.press("Keep note", desk.page(home_of(db)), body="Starts in May.")
    answer = desk.press("Remove note", notes(desk, db)[0])
    page = desk.page(answer.location)
    assert not page.all("article", class_="noted")
    assert "The note is back." in says(desk.press("Undo", page.first("div", class_="undo")), desk)
    assert len(notes(desk, db)) == 1


def test_readers_read_notes_and_write_none(db, desk, desk_of, ada):
    desk.press("Keep note", desk.page(home_of(db)), body="Starts in May.")
    addresses = [form["action"] for form in notes(desk, db)[0].all("form")]
    rita = desk_of("Rita", Role.READER)
    assert notes(rita, db)[0].first("div", class_="words").words == "Starts in May."
    assert not notes(rita, db)[0].all("button")
    for address in (*addresses, f"{home_of(db)}/notes", f"{home_of(db)}/notes/1/restore", f"{home_of(db)}/owner"):
        assert rita.client.post(address, data={"csrf_token": rita.token, "body": "x"}).status_code == 403


# --- who looks after them ----------------------------------------------------------------------------------


def owner(desk, db):
    return desk.page(home_of(db)).with_id("owner-is").parents[-1].first("dd")


def test_one_press_takes_a_contact_on(db, desk, ada):
    assert "It was kept." in says(desk.press("Assign to me", desk.page(home_of(db))), desk)
    assert owner(desk, db).first("bdi").words == "Alice"
    assert "Alice looks after them now." in desk.page(home_of(db)).first("ol", class_="happened").words
    assert not [b for b in desk.page(home_of(db)).all("button") if b.words.startswith("Assign to me")]


def test_a_contact_is_given_to_a_colleague_and_to_nobody(db, desk, desk_of, ada):
    desk_of("Bob")
    choices = {option.words: option["value"] for option in owner(desk, db).all("option")}
    desk.press("Keep", owner(desk, db), owner=choices["Bob"])
    assert owner(desk, db).first("bdi").words == "Bob"
    desk.press("Keep", owner(desk, db), owner="")
    assert owner(desk, db).first("bdi").words == "Nobody"


def test_a_stale_page_takes_nobody_from_a_colleague(db, desk, desk_of, ada):
    stale, bob = desk.page(home_of(db)), desk_of("Bob")
    bob.press("Assign to me", bob.page(home_of(db)))
    assert "Bob looks after them by now" in says(desk.press("Assign to me", stale), desk)


@pytest.mark.parametrize("who", ["x", "-1", "9" * 12, "4711"])
def test_an_owner_that_is_none_is_refused(db, desk, ada, who):
    answer = desk.client.post(f"{home_of(db)}/owner", data={"csrf_token": desk.token, "owner": who})
    assert answer.status_code in (303, 400)
    assert contact_of(db).owner_id is None


def test_an_owner_whose_account_was_closed_is_still_named(db, desk, desk_of, ada):
    bob = desk_of("Bob")
    bob.press("Assign to me", bob.page(home_of(db)))
    with db.write() as session:
        session.execute(update(Account).where(Account.name == "Bob").values(active=False))
    assert owner(desk, db).first("bdi").words == "Bob"
    assert "Bob (account closed)" in [option.words for option in owner(desk, db).all("option")]


# --- who they are ------------------------------------------------------------------------------------------


def details(page):
    return page.first("details", class_="edit-details")


def test_name_address_and_phone_are_changed_on_the_page(db, desk, ada):
    form = details(desk.page(home_of(db)))
    answer = desk.press("Save", form, name="Ada King", phone="+44 20 7946 0958")
    assert "It was kept." in says(answer, desk)
    page = desk.page(home_of(db))
    assert page.first("h1").words == "Ada King"
    assert page.first("a", href="tel:+442079460958")


def test_of_two_who_change_a_contact_the_second_sees_both_and_decides(db, desk, desk_of, ada):
    mine, bob = details(desk.page(home_of(db))), desk_of("Bob")
    bob.press("Save", details(bob.page(home_of(db))), name="Ada King")
    answer = desk.press("Save", mine, name="Ada Byron")
    assert answer.status_code == 409
    form = details(read(answer.text))
    assert "Ada King" in form.first("div", class_="notice").words
    assert form.fields["name"] == "Ada Byron"
    assert contact_of(db).name == "Ada King"
    desk.press("Save", form)
    assert contact_of(db).name == "Ada Byron"


@pytest.mark.parametrize("new", [False, True])
def test_what_can_not_be_read_comes_back_as_it_was_typed(db, desk, ada, new):
    form = desk.page("/staff/contacts/new") if new else details(desk.page(home_of(db)))
    for field, typed, why in (
        ("name", "", "Write a name"),
        ("name", "\u200b\u202e", "Write a name"),
        ("name", "x" * 201, "Shorten the name"),
        ("email", "nobody", "Check the e-mail address"),
        ("email", "a" * 400 + "@example.org", "Check the e-mail address"),
        ("phone", "call me", "Write the phone number"),
        ("phone", "1" * 61, "Write the phone number"),
    ):
        whole = {"name": "Charlie", "email": "charlie@outside.example", "phone": ""} | {field: typed}
        answer = desk.press("Put them in" if new else "Save", form, **whole)
        assert answer.status_code == 422, (field, typed)
        page = read(answer.text)
        assert why in page.with_id(f"details-{field}-error").words
        assert page.with_id(f"details-{field}")["value"] == typed


def test_a_caller_is_put_in_with_a_note(db, desk):
    page = desk.page("/staff/contacts/new")
    answer = desk.press("Put them in", page, name="Charlie", email="charlie@outside.example", note="Called at noon.")
    page = desk.page(answer.location)
    assert page.first("h1").words == "Charlie"
    assert "Called at noon." in page.first("article", class_="noted").words


def test_who_is_known_already_is_shown_instead(db, desk, ada):
    answer = desk.press("Put them in", desk.page("/staff/contacts/new"), name="Somebody", email="ada@example.org")
    assert "There is a contact with this address already." in says(answer, desk)
    assert answer.location == home_of(db)


def test_readers_change_nobody_and_put_nobody_in(db, desk, desk_of, ada):
    rita = desk_of("Rita", Role.READER)
    assert rita.client.get("/staff/contacts/new").status_code == 403
    for address in ("/staff/contacts/new", f"{home_of(db)}/details"):
        assert rita.client.post(address, data={"csrf_token": rita.token, "name": "x"}).status_code == 403

"""A form of the desk that arrives twice, by a double press, Back and Reload or a proxy that tries again, acts once."""

import threading

import pytest
import time_machine
from sqlalchemy import func, select, update

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.test_imports_desk import SHEET, bring
from tests.factories import contact_of, count, submitted
from tests.rooms.courses_kept import a_course
from tpminstitute.accounts.models import Account, AuditEntry, Role, StaffSession
from tpminstitute.contacts.models import Note
from tpminstitute.core.db import Base
from tpminstitute.core.once import TakenForm
from tpminstitute.exchange.models import Import
from tpminstitute.pipeline.models import Reminder

WORDS = "She prefers the evening course."
SOON = "2027-05-04T09:00"
GRACE = "grace@example.org"
CALENDAR = "/staff/calendar"

COURSE = {"title": "Evenings", "topic": "csm", "for_whom": "For leads.", "learns": "To lead."}

ADDING = {
    "a note": ("{ada}", "Keep note", {"body": WORDS}),
    "a call": ("{ada}", "Log the call", {"said": WORDS}),
    "a reminder": ("{ada}", "Set the reminder", {"text": WORDS}),
    "a putting off": ("/staff/reminders?show=all", "1 hour", {}),
    "a contact": ("/staff/contacts/new", "Put them in", {"name": "Grace", "email": GRACE, "note": WORDS}),
    "a date of the calendar": (CALENDAR, "Add", {"name": "Evening course", "begins": SOON}),
    "a date of a course": ("/staff/courses/{course}/dates/new", "Add the date", {"begins": SOON}),
    "a copy of a sequence": ("/staff/sequences/1", "Copy", {}),
    "one thing done with many": ("/staff/contacts/bulk?whom=all&do=tag&to_tag=evening", "Do it for", {}),
    "another link for who is invited": ("/staff/accounts", "Renew", {}),
}
"""What a form adds without a rule of its own that would refuse it the second time: its page, its button, its words."""

REFUSING = {
    "a reply": ("{ada}", "Send reply", {"text": WORDS}),
    "a draft": ("{ada}", "Keep draft", {"text": WORDS}),
    "a tag": ("{ada}", "Add", {"tag": "evening"}),
    "a holiday": (CALENDAR, "Add holiday", {"day": "2027-05-04", "name": "Moving day"}),
    "a letter": ("/staff/templates/new", "Write it", {"name": "Evenings"}),
    "a version of a letter": ("/staff/templates/acknowledgement", "Save", {"subject": "Evenings"}),
    "a test of a letter": ("/staff/templates/acknowledgement", "Send", {}),
    "a version of a sequence": ("/staff/sequences/1/edit", "Save", {}),
    "a course": ("/staff/courses/new", "Add course", COURSE),
    "a stage": ("/staff/settings/stages", "Add stage", {"name": "Evenings", "outcome": "open"}),
    "a reason": ("/staff/settings/stages", "Add reason", {"name": "Evenings"}),
    "a topic": ("/staff/settings/topics", "Add", {"label": "Evenings"}),
    "a view": ("/staff/contacts", "Save", {"name": "Evenings"}),
    "an invitation": ("/staff/accounts", "Invite", {"email": GRACE}),
    "a closed address": ("/staff/suppressions", "Close", {"email": GRACE, "note": "They asked."}),
}
"""What a rule of its own keeps from being added twice."""


@pytest.fixture(autouse=True)
def clockwork():
    """Before the dates above."""
    with time_machine.travel("2027-03-02 15:00Z"):
        yield


@pytest.fixture
def ada(db, settings):
    """Ada wrote; the address of her page."""
    submitted(db, settings)
    return f"/staff/contacts/{contact_of(db).public_id}"


@pytest.fixture
def boss(desk_of):
    """The desk of Bob, an administrator."""
    return desk_of("Bob", Role.ADMINISTRATOR)


def says(desk, answer):
    """What the page says to which a form led."""
    assert answer.status_code == 303, answer.status
    page = desk.page(answer.location.partition("#")[0])
    return " ".join(notice.words for notice in page.all("div", class_="notice", role="status"))


def rows(db):
    """How many rows each table has but for those that remember who looks and what was sent."""
    with db.read() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table))
            for name, table in Base.metadata.tables.items()
            if name not in (StaffSession.__tablename__, TakenForm.__tablename__)
        }


def notes(db):
    with db.read() as session:
        return session.scalars(select(Note.body).order_by(Note.id)).all()


@pytest.fixture
def kept(db, boss, ada):
    """What the pages need: a reminder about Ada, a course, somebody who is invited; their addresses by name."""
    boss.press("Set the reminder", boss.page(ada), text="Call her.")
    boss.press("Invite", boss.page("/staff/accounts"), email="carol@tpminstitute.org")
    with db.read() as session:
        bob = session.scalars(select(Account.id)).one()
    return {"ada": ada, "course": a_course(db, bob)}


# --- what is sent twice ----------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize("thing", ADDING)
def test_a_form_that_is_sent_twice_adds_once_and_is_led_to_the_same_place(db, boss, kept, thing):
    address, button, words = ADDING[thing]
    page, before = boss.page(address.format(**kept)), rows(db)
    first = boss.press(button, page, **words)
    between = rows(db)
    second = boss.press(button, page, **words)
    assert between != before
    assert rows(db) == between
    assert second.location == first.location
    assert " twice" in says(boss, second)


@on_sqlite
def test_what_a_rule_of_its_own_refuses_the_second_time_adds_nothing(db, boss, kept):
    added, doubled = set(), set()
    for thing, (address, button, words) in REFUSING.items():
        page, before = boss.page(address.format(**kept)), rows(db)
        boss.press(button, page, **words)
        between = rows(db)
        boss.press(button, page, **words)
        after = rows(db) | {"audit_entries": between["audit_entries"]}  # a draft that is kept again is on record again
        added |= {thing} if between != before else set()
        doubled |= {thing} if after != between else set()
    assert added == set(REFUSING)
    assert doubled == set()


@on_sqlite
def test_a_file_that_is_sent_twice_is_brought_once_and_another_under_its_name_is_another(db, desk):
    once = desk.page("/staff/imports").first("form", class_="narrow").fields["once"]
    places = [bring(desk, once=once).location for _ in range(2)]
    assert places[0] == places[1]
    assert count(db, Import) == 1
    bring(desk, SHEET.replace(b"Grace", b"Gracy"), once=once)
    assert count(db, Import) == 2


def test_of_ten_presses_at_once_one_keeps_the_note_and_all_are_answered_alike(app, db, desk, ada):
    fields = desk.page(ada).first("details", id="note").fields | {"body": WORDS}
    start, answers = threading.Barrier(10), []

    def press():
        client = app.test_client()
        client.set_cookie("tpm_staff", desk.cookie, path="/staff")
        start.wait(30)
        answers.append(client.post(f"{ada}/notes", data=fields))

    threads = [threading.Thread(target=press) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {(answer.status_code, answer.location) for answer in answers} == {(303, ada)}
    assert len(answers) == 10
    assert notes(db) == [WORDS]


@on_sqlite
def test_what_is_sent_twice_is_on_record_once(db, desk, ada):
    page, before = desk.page(ada), count(db, AuditEntry)
    for _ in range(2):
        desk.press("Log the call", page, said=WORDS)
    assert count(db, AuditEntry) == before + 1


@on_sqlite
def test_a_reminder_that_came_back_to_be_mended_is_set_once(db, desk, ada):
    page = read(desk.press("Set the reminder", desk.page(ada), text="").text)
    for _ in range(2):
        desk.press("Set the reminder", page, text=WORDS)
    assert count(db, Reminder) == 1


# --- what is another thing -------------------------------------------------------------------------------------


@on_sqlite
def test_a_note_whose_words_were_changed_after_going_back_is_another_note(db, desk, ada):
    page = desk.page(ada)
    desk.press("Keep note", page, body=WORDS)
    desk.press("Keep note", page, body=f"{WORDS} On Tuesdays.")
    assert notes(db) == [WORDS, f"{WORDS} On Tuesdays."]


@on_sqlite
def test_the_same_words_on_a_page_that_was_opened_anew_are_another_note(db, desk, ada):
    for _ in range(2):
        desk.press("Keep note", desk.page(ada), body=WORDS)
    assert notes(db) == [WORDS, WORDS]


@on_sqlite
def test_the_same_words_about_somebody_else_and_of_somebody_else_are_other_notes(db, settings, desk, boss, ada):
    submitted(db, settings, email=GRACE)
    fields = desk.page(ada).first("details", id="note").fields | {"body": WORDS}
    desk.client.post(f"{ada}/notes", data=fields)
    desk.client.post(f"/staff/contacts/{contact_of(db, GRACE).public_id}/notes", data=fields)
    boss.client.post(f"{ada}/notes", data=fields | {"csrf_token": boss.token})
    assert notes(db) == [WORDS] * 3


@on_sqlite
def test_a_form_of_a_page_from_before_an_upgrade_works_as_it_did(db, desk, ada):
    data = {"csrf_token": desk.token, "body": WORDS}
    assert [desk.client.post(f"{ada}/notes", data=data).status_code for _ in range(2)] == [303, 303]
    assert notes(db) == [WORDS, WORDS]


# --- what was not taken ----------------------------------------------------------------------------------------


@on_sqlite
def test_a_note_that_could_not_be_kept_can_be_sent_again(db, desk, ada):
    page = desk.page(ada)
    for _ in range(2):
        assert desk.press("Keep note", page, body=" ").status_code == 422
    assert count(db, TakenForm) == 0
    assert desk.press("Keep note", page, body=WORDS).status_code == 303


@on_sqlite
def test_what_was_refused_is_tried_again_and_not_taken_for_done(db, boss, kept):
    page = boss.page("/staff/reminders?show=all")
    boss.press("Done", page)
    assert "did this already" in says(boss, boss.press("1 hour", page))
    with db.write() as session:
        session.execute(update(Reminder).values(done_at=None, done_by_id=None))
    assert " twice" not in says(boss, boss.press("1 hour", page))


@on_sqlite
def test_a_note_about_who_was_put_in_meanwhile_is_kept_on_their_page(db, desk):
    page = desk.page("/staff/contacts/new")
    first = desk.press("Put them in", page, name="Grace", email=GRACE, note=WORDS)
    second = desk.press("Put them in", page, name="Grace", email=GRACE, note=f"{WORDS} On Tuesdays.")
    assert second.location == first.location
    assert notes(db) == [WORDS, f"{WORDS} On Tuesdays."]
    assert "your note is on it" in says(desk, second)

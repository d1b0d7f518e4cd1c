"""The audit log at the desk: what every page leaves on it, and how an administrator reads it."""

import csv
import io
from contextlib import contextmanager

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.test_access import AT_THE_DOOR
from tests.doors.walks import ways
from tests.factories import ADA, PASSWORD, contact_of, make_settings, submitted
from tpminstitute.accounts.audit_words import _WORDS
from tpminstitute.accounts.models import Account, AuditEntry, Role
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.inbox.dropboxes import dropbox_address
from tpminstitute.web.staff.sessions import SEEN_EVERY
from tpminstitute.web.staff.trail import UNTOLD

HOME = "/staff/audit"
pytestmark = on_sqlite


KEEPS_NOTHING = {"check_draft", "check_letter", "put_text_in", "try_pathway_table"}

BY_ITS_ROOM = {
    "add_course", "add_course_text", "add_date", "add_federal_holidays", "add_holiday", "add_letter",
    "add_passkey", "add_reason", "add_stage", "add_topic", "answer_comment", "archive_course", "archive_reason",
    "archive_stage", "archive_topic", "begin_bulk", "change_course", "change_name", "change_password",
    "change_role", "change_second_step", "change_tag", "change_topic", "close_account", "close_address",
    "copy_sequence", "count_clicks", "create_sequence", "discard_import", "end_calendar", "end_other_sessions",
    "end_session", "erase_contact", "export_audit", "export_comments", "export_contact", "export_contacts",
    "export_suppressions", "fill_date", "forget_comment", "free_date", "hide_course", "hold_mail", "invite",
    "make_calendar", "make_inquiry", "make_recovery_codes", "merge_contacts", "move_course", "move_reason",
    "move_stage", "move_topic", "offer_topic", "publish_answer", "publish_comment", "publish_course",
    "publish_together", "refuse_comment", "release_mail", "remove_app", "remove_comment", "remove_course",
    "remove_date", "remove_holiday", "remove_passkey", "rename_reason", "rename_stage", "renew_invitation",
    "reopen_account", "reopen_address", "reset_setting", "restore_course", "restore_letter",
    "restore_pathway_table", "restore_reason", "restore_stage", "revert_import", "run_import",
    "save_comment_settings", "save_course", "save_date", "save_institute_settings", "save_letter",
    "save_pathway_table", "save_promise_settings", "save_sequence", "save_sequence_settings",
    "save_told_settings", "security.logout", "set_retention", "set_up_app", "switch_off_sequence",
    "switch_on_sequence", "take_off_list", "take_off_second_step", "take_over_date", "tell_waiting",
    "unarchive_sequence", "undo_bulk", "undo_comments", "undo_merge", "withdraw_answer", "withdraw_invitation",
}  # fmt: skip
"""What is put on record by the room that does it, in words of its own; everything else is told by its page's name."""


@pytest.fixture
def settings(tmp_path, database_url):
    return make_settings(tmp_path, database_url=database_url, reply_address="info@tpminstitute.org")


@pytest.fixture
def ada(db, settings):
    submitted(db, settings)
    return contact_of(db)


@pytest.fixture
def boss(desk_of):
    return desk_of("Bob", Role.ADMINISTRATOR)


def entries(db):
    with db.read() as session:
        return session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()


def actions(db):
    return [entry.action for entry in entries(db)]


def told(desk, address=HOME):
    rows = desk.page(address).first("ol", class_="audit").all("li")
    return [row.first("p").words for row in rows]


def test_opening_a_contact_is_on_record_once_an_hour(db, desk, ada):
    for _ in range(3):
        desk.page(f"/staff/contacts/{ada.public_id}")
    (entry,) = entries(db)
    assert (entry.action, entry.contact_id, entry.address) == ("contact_seen", ada.id, "127.0.0.1")


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for SQLite's lock."""
    monkeypatch.setattr("tpminstitute.core.db.BUSY_TIMEOUT_MS", 0)


@contextmanager
def an_import(db):
    """What writes for long holds SQLite's one lock."""
    with db.write() as importing:
        importing.execute(select(1))
        yield


def test_a_contact_is_not_shown_while_it_cannot_be_put_on_record(db, impatient, desk, ada):
    desk.page("/staff/inbox")
    with an_import(db):
        refused = desk.client.get(f"/staff/contacts/{ada.public_id}")
    assert (refused.status_code, ADA in refused.text) == (503, False)
    assert "could not be written down just now" in refused.text
    assert desk.page(f"/staff/contacts/{ada.public_id}")
    assert actions(db) == ["contact_seen"]


def test_other_pages_are_shown_though_it_cannot_be_noted_that_the_session_is_in_use(db, impatient, desk):
    desk.page("/staff/inbox")
    with time_machine.travel(clock.now() + 2 * SEEN_EVERY), an_import(db):
        assert desk.page("/staff/inbox").words


def test_a_session_that_cannot_be_stored_is_a_sentence_and_no_crash(db, impatient, client):
    with an_import(db):
        refused = client.get("/staff/sign-in")
    assert refused.status_code == 503
    assert "Try again in a minute." in refused.text


def test_a_list_or_a_contact_that_is_not_there_leaves_no_entry(db, desk, ada):
    desk.page("/staff/inbox")
    desk.client.get("/staff/contacts/nobody")
    assert entries(db) == []


def test_a_change_leaves_an_entry_that_names_the_page_and_the_contact(db, desk, ada):
    desk.client.post(
        f"/staff/contacts/{ada.public_id}/time-zone", data={"csrf_token": desk.token, "time_zone": "Europe/Berlin"}
    )
    (entry,) = entries(db)
    assert (entry.action, entry.kind, entry.contact_id, entry.subject) == ("set_time_zone", "contact", ada.id, "")


def test_a_change_that_waits_for_the_commit_leaves_one_too(db, settings, desk):
    with db.write() as session:
        alice = session.query(Account).one()
        assert dropbox_address(session, settings, alice)
    desk.client.post("/staff/own-mail/address", data={"csrf_token": desk.token})
    (entry,) = entries(db)
    assert (entry.action, entry.kind, entry.subject) == ("make_address", "account", "")


def test_what_was_refused_or_changed_nothing_leaves_none(db, desk, desk_of, ada):
    place = f"/staff/contacts/{ada.public_id}/time-zone"
    desk.client.post(place, data={"csrf_token": desk.token, "time_zone": "Atlantis"})
    reader = desk_of("Charlie", Role.READER)
    assert reader.client.post(place, data={"csrf_token": reader.token, "time_zone": "UTC"}).status_code == 403
    assert desk.client.post(place, data={"time_zone": "UTC"}).status_code == 400
    assert entries(db) == []


def test_what_the_browser_does_by_itself_leaves_none(db, desk, ada):
    place = f"/staff/contacts/{ada.public_id}"
    for what, fields in (("here", {}), ("reply/draft", {"text": "Dear Ada"})):
        assert desk.client.post(f"{place}/{what}", data={"csrf_token": desk.token} | fields).status_code < 300
    assert entries(db) == []


def test_what_a_room_records_by_itself_is_on_record_once(db, boss):
    boss.client.post("/staff/mail/hold", data={"csrf_token": boss.token, "reason": "Moving house."})
    assert actions(db) == ["mail_held"]


def test_every_change_on_the_desk_is_told_in_words(app):
    changes = {way.endpoint for way in ways(app, "POST")} - AT_THE_DOOR - UNTOLD - KEEPS_NOTHING
    assert changes - BY_ITS_ROOM - set(_WORDS) == set()
    assert changes - set(_WORDS) >= BY_ITS_ROOM


def test_the_log_reads_as_sentences_that_lead_to_the_contact(db, desk, boss, ada):
    desk.page(f"/staff/contacts/{ada.public_id}")
    assert told(boss) == ["Alice opened a contact: Ada Lovelace"]
    link = boss.page(HOME).first("ol", class_="audit").first("a")
    assert link["href"] == f"/staff/contacts/{ada.public_id}"


def test_accounts_and_who_was_invited_are_told_by_name(db, boss, desk_of):
    desk_of("Alice")
    boss.press("Invite", boss.page("/staff/accounts"), email="charlie@example.org", role="reader")
    boss.client.post("/staff/accounts/2/close", data={"csrf_token": boss.token})
    boss.press("Change password", boss.page("/staff/account"), old=PASSWORD, password="another four good words")
    assert told(boss) == [
        "Bob changed their password",
        "Bob closed an account: Alice",
        "Bob invited somebody: charlie@example.org, as reader",
    ]
    assert "charlie" not in str([entry.subject for entry in entries(db)])


def test_an_entry_about_somebody_who_was_erased_stays(db, boss, ada):
    boss.page(f"/staff/contacts/{ada.public_id}")
    with db.write() as session:
        session.add(AuditEntry(at=entries(db)[0].at, account_id=None, action="erased", subject="", contact_id=999))
    assert told(boss)[0] == "The system erased: somebody who is held no longer"


def test_the_log_is_filtered_on_the_page_by_who_what_whom_and_when(db, desk, boss, ada):
    desk.page(f"/staff/contacts/{ada.public_id}")
    boss.client.post("/staff/mail/hold", data={"csrf_token": boss.token, "reason": "Moving."})
    alice = next(o for o in boss.page(HOME).with_id("who").all("option") if o.words == "Alice")["value"]
    assert (
        told(boss, f"{HOME}?who={alice}") == told(boss, f"{HOME}?kind=contact") == told(boss, f"{HOME}?contact={ADA}")
    )
    assert told(boss, f"{HOME}?kind=mail") == ["Bob held all outgoing mail: Moving."]
    assert "Nothing was done that fits." in boss.page(f"{HOME}?contact=nobody@example.org").text
    assert "Nothing was done that fits." in boss.page(f"{HOME}?until=2001-01-01").text
    assert len(told(boss, f"{HOME}?since=2001-01-01")) == 2


@pytest.mark.parametrize("field", ["since", "until", "who", "kind", "contact", "before", "after"])
def test_nonsense_in_a_filter_is_no_error_of_ours(boss, field):
    for typed in ("2026-13-40", "yesterday", "0001-01-01", "9999-12-31", "\0", "x" * 5000):
        assert boss.client.get(HOME, query_string={field: typed}).status_code == 200, typed


def test_a_day_that_cannot_be_read_says_how_to_write_it(boss):
    assert "Write a day as 2026-04-20" in boss.page(f"{HOME}?since=soon").with_id("since-error").words


def test_what_was_chosen_is_exported_and_that_is_on_record_too(db, desk, boss, ada):
    with db.write() as session:
        session.get_one(Contact, ada.id).name = "=1+1"
    desk.page(f"/staff/contacts/{ada.public_id}")
    answer = boss.press("Export", boss.page(f"{HOME}?kind=contact"))
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
    assert rows[0] == ["at (UTC)", "who", "what", "kind", "contact", "network address"]
    assert [row[1:] for row in rows[1:]] == [["Alice", "opened a contact", "Contacts", ada.public_id, "127.0.0.1"]]
    assert actions(db)[-1] == "audit_exported"


@pytest.mark.parametrize("role", [Role.ADVISOR, Role.READER])
def test_only_administrators_read_the_log(desk_of, role):
    curious = desk_of("Charlie", role)
    assert curious.client.get(HOME).status_code == 403
    assert curious.client.post(f"{HOME}/export", data={"csrf_token": curious.token}).status_code == 403

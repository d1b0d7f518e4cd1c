"""A contact's own data at the desk: all of it in a file, erasing it, and what goes by itself."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.doors.people import labels
from tests.factories import PASSWORD, contact_of, submitted
from tests.rooms.brought import Importer
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.tokens import Signer
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.own_page.erasing import ask_to_be_erased, carry_out
from tpminstitute.own_page.times import A_DAY
from tpminstitute.privacy.erasing import erase
from tpminstitute.privacy.models import RetentionRule

pytestmark = on_sqlite

RULES = "/staff/settings/retention"


@pytest.fixture
def ada(db, settings):
    submitted(db, settings, consents=True)
    return contact_of(db)


@pytest.fixture
def boss(desk_of):
    """The administrator's desk."""
    return desk_of("Alice", Role.ADMINISTRATOR)


def home(contact):
    return f"/staff/contacts/{contact.public_id}"


def erased(boss, contact):
    page = boss.page(f"{home(contact)}/erase")
    return boss.press("Erase for good", page, typed=contact.public_id[:8])


def actions(db):
    with db.read() as session:
        return session.execute(select(AuditEntry.action, AuditEntry.contact_id)).all()


def test_all_that_is_held_comes_as_one_file_and_is_on_record(db, desk, ada):
    answer = desk.press("Export all we hold", desk.page(home(ada)))
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    answer.close()
    assert {"README.txt", "index.html", "data.json", "mails/sent/1.eml"} <= set(archive.namelist())
    assert re.search(r"contact-\w{8}-[\d-]+\.zip", answer.headers["Content-Disposition"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("contact_data_exported", ada.id) in actions(db)
    assert "All that is held about them was exported." in desk.page(home(ada)).text


@pytest.mark.parametrize(
    "address",
    ["/staff/contacts/{ada}/data", "/staff/contacts/export", "/staff/audit/export", "/staff/suppressions/export"],
)
def test_whatever_hands_out_people_asks_for_the_password_once_it_was_given_a_while_ago(db, desk_of, ada, address):
    boss = desk_of("Alice", Role.ADMINISTRATOR, password_ago=16 * 60)
    where = address.format(ada=ada.public_id)
    data = {"csrf_token": boss.token, "format": "json", "field": "name"}
    asked = boss.client.post(where, data=data)
    assert (asked.status_code, "Content-Disposition" in asked.headers) == (403, False)
    assert "ada@example.org" not in asked.text
    assert not any("exported" in action for action, _ in actions(db))
    given = boss.client.post(where, data=data | {"confirm_password": PASSWORD})
    assert "attachment" in given.headers["Content-Disposition"]
    given.close()


def test_nobody_is_erased_without_the_word(db, boss, ada):
    page = boss.page(f"{home(ada)}/erase")
    assert "can’t be undone" in page.first("main").words
    answer = boss.press("Erase for good", page, typed="yes")
    assert answer.status_code == 422
    assert "Nothing was erased" in answer.text
    assert contact_of(db).name == "Ada Lovelace"


def test_an_erased_person_leaves_a_page_that_says_so(db, boss, ada):
    assert erased(boss, ada).status_code == 303
    page = boss.page(home(ada)).first("main").words
    assert "This person was erased" in page
    assert "Alice" in page
    assert "Ada" not in page
    assert ("contact_erased", ada.id) in actions(db)


def test_a_file_that_names_them_and_was_not_imported_is_removed_with_them(db, settings, boss, ada):
    importer = Importer(db, settings)
    job = importer.job(importer.bring(f"Name,Email\nAda,{ada.email}\n"))
    assert "An uploaded file that names their address" in boss.page(f"{home(ada)}/erase").text
    erased(boss, ada)
    assert not importer.file(job).exists()


def test_who_was_erased_stands_in_no_list(boss, ada):
    erased(boss, ada)
    for path in ("/staff/inbox", "/staff/inbox?show=all", "/staff/mail", "/staff/duplicates", "/staff/drafts"):
        assert "Ada" not in boss.page(path).first("main").words, path


@pytest.mark.parametrize("path", ["", "/reply", "/tags", "/stage", "/calls", "/notes", "/data", "/erase"])
def test_a_stale_page_of_an_erased_person_changes_nothing(db, boss, ada, path):
    erased(boss, ada)
    fields = {"csrf_token": boss.token, "text": "Hello", "tag": "pmp", "stage": "2", "said": "x", "body": "x"}
    answer = boss.client.post(home(ada) + path, data=fields)
    assert answer.status_code in (302, 303, 404, 405, 409, 422)
    with db.read() as session:
        assert session.scalars(select(Contact.name)).one() == "(erased)"


def test_their_old_link_answers_kindly(client, settings, boss, ada):
    link = f"/unsubscribe/{Signer(settings.secret_key, 'unsubscribe').sign(ada.public_id)}"
    erased(boss, ada)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 200
        assert "was erased" in answer.text


def test_only_an_administrator_erases_and_only_who_acts_exports(desk_of, ada):
    bob, rita = desk_of("Bob", Role.ADVISOR), desk_of("Rita", Role.READER)
    assert "Export all we hold" in labels(bob.page(home(ada)))
    assert not bob.page(home(ada)).all("a", href=f"{home(ada)}/erase")
    assert bob.client.get(f"{home(ada)}/erase").status_code == 403
    assert bob.client.post(f"{home(ada)}/erase", data={"csrf_token": bob.token}).status_code == 403
    assert "Export all we hold" not in labels(rita.page(home(ada)))
    assert rita.client.post(f"{home(ada)}/data", data={"csrf_token": rita.token}).status_code == 403


# --- what goes by itself -----------------------------------------------------------------------------------


def rules(db):
    with db.read() as session:
        return {rule.kind.value: rule.length for rule in session.scalars(select(RetentionRule))}


def test_a_rule_is_looked_at_before_it_is_kept(db, boss, ada):
    with db.write() as session:
        sent = {"status": MessageStatus.SENT, "sent_at": clock.now(), "created_at": clock.now() - timedelta(days=700)}
        session.execute(update(Message).values(sent))
    page = boss.page(f"{RULES}?sent_bytes=12")
    assert "2 would go now" in page.first("main").words
    assert rules(db) == {}
    boss.press("Let it go after 12 months", page)
    assert rules(db) == {"sent_bytes": 12}


def test_a_rule_is_turned_off(db, boss):
    boss.press("Let it go after 30 days", boss.page(f"{RULES}?spam_inquiries=30"))
    assert rules(db) == {"spam_inquiries": 30}
    boss.press("Turn it off", boss.page(RULES))
    assert rules(db) == {}


@pytest.mark.parametrize("typed", ["0", "-3", "9999", "twelve", "٣", "1.5", "%00"])
def test_a_length_that_is_none_says_what_is_asked_for(db, boss, typed):
    page = boss.page(f"{RULES}?quiet_contacts={typed}")
    assert "Write a whole number of months from 1 to 3650" in page.first("main").words
    answer = boss.client.post(RULES, data={"csrf_token": boss.token, "rule": "quiet_contacts", "length": typed})
    assert answer.status_code == 422
    assert rules(db) == {}


def test_a_rule_that_there_is_not_is_refused(db, boss):
    answer = boss.client.post(RULES, data={"csrf_token": boss.token, "rule": "everybody", "length": "1"})
    assert answer.status_code == 409


def test_only_an_administrator_sees_the_rules(desk):
    assert desk.client.get(RULES).status_code == 403
    assert desk.client.post(RULES, data={"csrf_token": desk.token}).status_code == 403


def test_the_page_of_somebody_erased_by_their_own_wish_says_so(db, settings, boss, ada):
    with db.write() as session:
        ask_to_be_erased(session, settings, locked(session, ada.id))
    with time_machine.travel(clock.now() + A_DAY):
        carry_out(db, settings)
    assert "Their own wish" in boss.page(home(ada)).first("main").words


def test_an_erasure_by_the_operator_is_theirs_though_it_was_wished_for(db, settings, boss, ada):
    with db.write() as session:
        ask_to_be_erased(session, settings, locked(session, ada.id))
        erase(session, ada.id, None)
    with time_machine.travel(clock.now() + A_DAY):
        carry_out(db, settings)
    assert "The operator" in boss.page(home(ada)).first("main").words

"""The audit log: what is put on it, and how it is read."""

import ast
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, insert, update

from tests.conftest import on_postgresql
from tests.factories import an_account, contact_of, submitted
from tests.house.tree import python_files
from tpminstitute.accounts import audit
from tpminstitute.accounts.audit import Chosen, page_of, record_audit
from tpminstitute.accounts.audit_words import _WORDS, KINDS, kind_of, sentence_of
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.core import clock

KEPT = ["id", "at", "account_id", "action", "subject", "kind", "contact_id", "address", "once"]
NOON = datetime(2026, 4, 20, 12, tzinfo=UTC)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def bob(db):
    with db.write() as session:
        return an_account(session, "Bob").id


def noted(db, *entries):
    """Put entries on the log: pairs of an account's id and what else there is to say."""
    with db.write() as session:
        for account_id, said in entries:
            values = {"action": "mail_held", "subject": "", "kind": "mail", "at": clock.now(), **said}
            session.add(AuditEntry(account_id=account_id, **values))


def actions(db, **chosen):
    with db.read() as session:
        return [entry.action for entry in page_of(session, Chosen(**chosen)).entries]


def test_an_entry_says_who_what_when_and_from_where(db, settings, alice):
    submitted(db, settings)
    ada = contact_of(db).id
    with time_machine.travel(NOON, tick=False), db.write() as session:
        session.info[audit.ADDRESS] = "192.0.2.7"
        record_audit(session, "address_closed", "a…@example.org", account_id=alice, contact_id=ada)
    with db.read() as session:
        (entry,) = page_of(session, Chosen()).entries
    assert (entry.by, entry.action, entry.subject) == ("Alice", "address_closed", "a…@example.org")
    assert (entry.at, entry.address, entry.kind, entry.contact_id) == (NOON, "192.0.2.7", "address", ada)


def test_the_newest_entries_come_first_and_pages_go_both_ways(db, alice):
    noted(db, *((alice, {"action": f"a{number}"}) for number in range(120)))
    with db.read() as session:
        first = page_of(session, Chosen())
        second = page_of(session, Chosen(), before=first.older)
        third = page_of(session, Chosen(), before=second.older)
        back = page_of(session, Chosen(), after=third.newer)
    names = [entry.action for page in (first, second, third) for entry in page.entries]
    assert names == [f"a{number}" for number in reversed(range(120))]
    assert (first.newer, third.older) == (None, None)
    assert back.entries == second.entries


def test_the_log_is_filtered_by_person_kind_and_contact_together(db, alice, bob):
    noted(
        db,
        (alice, {"action": "one"}),
        (bob, {"action": "two"}),
        (bob, {"action": "three", "kind": "contact", "contact_id": 7}),
        (None, {"action": "four", "contact_id": 7}),
    )
    assert actions(db, account_id=bob) == ["three", "two"]
    assert actions(db, account_id=0) == ["four"]
    assert actions(db, kind="mail", account_id=bob) == ["two"]
    assert actions(db, contact_id=7) == ["four", "three"]
    assert actions(db, contact_id=8) == []


def test_the_log_is_filtered_by_days_also_where_a_later_row_carries_an_earlier_time(db, alice):
    noted(
        db,
        (alice, {"action": "before", "at": NOON - timedelta(days=1)}),
        (alice, {"action": "within", "at": NOON}),
        (alice, {"action": "slow", "at": NOON - timedelta(seconds=2)}),
        (alice, {"action": "after", "at": NOON + timedelta(days=1)}),
    )
    assert actions(db, since=NOON - timedelta(seconds=2), until=NOON + timedelta(hours=1)) == ["slow", "within"]
    assert actions(db, since=NOON) == ["after", "within"]
    assert actions(db, until=NOON) == ["slow", "before"]
    assert actions(db, since=NOON + timedelta(days=9)) == actions(db, until=NOON - timedelta(days=9)) == []


def test_that_somebody_saw_a_contact_is_noted_once_an_hour(db, alice, bob):
    with time_machine.travel(NOON, tick=False) as traveller, db.write() as session:
        assert not audit.saw_contact(session, alice, 7)
        for _ in range(2):
            audit.record_seen(session, alice, 7)
            audit.record_seen(session, bob, 7)
        assert audit.saw_contact(session, alice, 7)
        traveller.shift(timedelta(hours=1))
        audit.record_seen(session, alice, 7)
    assert actions(db, contact_id=7) == ["contact_seen"] * 3


def test_an_export_reads_all_that_was_chosen_in_chunks(db, alice, monkeypatch):
    monkeypatch.setattr(audit, "CHUNK", 2)
    noted(db, *((alice, {"action": f"a{number}"}) for number in range(5)))
    chunks = [[entry.action for entry in chunk] for chunk in audit.every_entry(db, Chosen())]
    assert chunks == [["a4", "a3"], ["a2", "a1"], ["a0"]]


def test_the_log_is_only_ever_added_to(db, alice):
    noted(db, (alice, {"contact_id": 7, "address": "192.0.2.7"}))
    for statement in (
        *(update(AuditEntry).values({name: getattr(AuditEntry, name)}) for name in KEPT),
        delete(AuditEntry),
    ):
        with pytest.raises(Exception, match="never change"), db.write() as session:
            session.execute(statement)


def test_what_was_done_to_somebody_stays_on_the_log_when_they_are_erased(db, alice):
    noted(db, (alice, {"contact_id": 2**31 - 1}))
    assert actions(db, contact_id=2**31 - 1) == ["mail_held"]


@on_postgresql
def test_no_page_of_a_long_log_is_read_whole(db, alice, bob):
    """The planner takes an index for each filter, so a page costs what it shows."""
    rows = [
        {"account_id": alice, "action": "x", "subject": "", "kind": "mail", "at": NOON + timedelta(minutes=number)}
        for number in range(3000)
    ]
    with db.write() as session:
        session.execute(insert(AuditEntry), [row | {"contact_id": number % 500} for number, row in enumerate(rows)])
    with db.write() as session:
        session.connection().exec_driver_sql("ANALYZE audit_entries")
        for chosen in (
            Chosen(),
            Chosen(account_id=bob),
            Chosen(kind="contact"),
            Chosen(account_id=alice, kind="contact"),
            Chosen(contact_id=7),
            Chosen(since=NOON + timedelta(minutes=2900)),
        ):
            query = audit._chosen(session, chosen).order_by(AuditEntry.id.desc()).limit(51)
            sql = query.compile(session.connection(), compile_kwargs={"literal_binds": True})
            plan = "\n".join(row[0] for row in session.connection().exec_driver_sql(f"EXPLAIN {sql}"))
            assert "Seq Scan on audit_entries" not in plan, f"{chosen}\n{plan}"


@pytest.mark.parametrize("action", sorted(_WORDS))
def test_what_is_told_in_words_is_of_a_kind_that_can_be_chosen(action):
    assert kind_of(action) in KINDS
    assert sentence_of(action, "").islower() or "’" in sentence_of(action, "")


def test_whatever_a_room_records_is_told_in_words():
    texts = [text for file in python_files() if "record_audit(" in (text := file.read_text())]
    calls = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    recorded = [call.args[1] for call in calls if ast.unparse(call.func) == "record_audit"]
    actions = {action.value for action in recorded if isinstance(action, ast.Constant)}
    assert len(actions) > 50
    assert actions <= set(_WORDS)


def test_an_action_without_words_is_told_by_its_name():
    assert sentence_of("moon_landed", "") == "moon landed"
    assert sentence_of("mail_held", "Moving.") == "held all outgoing mail: Moving."
    assert (kind_of("moon_landed"), kind_of("contacts_exported"), kind_of("mail_held")) == ("other", "export", "mail")

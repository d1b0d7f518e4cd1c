"""What administrators save holds over the operator's settings, by the same rules, and nothing is overwritten unseen."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.factories import an_account, make_settings, messages, submitted
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.core import clock
from tpminstitute.institute import service
from tpminstitute.institute.kept import Kept
from tpminstitute.institute.models import SavedSetting
from tpminstitute.institute.service import SettingProblem, effective, overlay, version
from tpminstitute.mail.models import MessageKind


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, "Alice", Role.ADMINISTRATOR).id


def saved(db, settings, account_id, shown=0, **typed):
    with db.write() as session:
        return service.save(session, settings, typed, dict.fromkeys(typed, shown), account_id)


def current(db, settings):
    with db.read() as session:
        return service.current(session, settings)


def audited(db):
    with db.read() as session:
        return list(session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "setting_changed")))


def test_what_was_saved_holds_over_the_environment(db, settings, alice):
    assert saved(db, settings, alice, institute_name="The Institute", promise_working_hours="16") == [
        "institute_name",
        "promise_working_hours",
    ]
    holds = effective(db, settings)
    assert (holds.institute_name, holds.promise_working_hours) == ("The Institute", 16)
    assert holds.institute_phone == settings.institute_phone


def test_weekly_hours_come_back_as_they_were_saved(db, settings, alice):
    hours = {1: (8 * 60, 12 * 60), 6: (0, 24 * 60)}
    saved(db, settings, alice, office_hours=hours)
    assert effective(db, settings).office_hours == hours


@on_sqlite
def test_a_change_stands_in_the_audit_log_from_what_to_what(db, settings, alice):
    saved(db, settings, alice, office_hours="Mon-Thu 09:00-17:00, Sat 10:00-12:00", postal_address="1 Lane\r\nTown")
    assert audited(db) == [
        "Office hours: Mon–Fri 09:00–17:00 to Mon–Thu 09:00–17:00, Sat 10:00–12:00",
        f"Postal address: “{settings.postal_address}” to “1 Lane, Town”",
    ]


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("institute_name", " ", "Write the institute's name"),
        ("institute_name", "Two\nlines", "one line"),
        ("institute_name", "W" * 81, "Shorten it"),
        ("institute_name", "TPM \u202eetutitsni", "can be seen"),
        ("institute_email", "nobody", "Write it as an e-mail address"),
        ("institute_email", "", "Write the address"),
        ("institute_phone", "call us", "phone number"),
        ("institute_time_zone", "Europe/Atlantis", "IANA"),
        ("postal_address", "W\n" * 7 + "W", "Shorten it"),
        ("office_hours", {}, "never be open"),
        ("office_hours", {1: (17 * 60, 9 * 60)}, "close later"),
        ("office_hours", {8: (0, 60)}, "Weekdays"),
        ("promise_working_hours", "a day", "whole number"),
        ("promise_working_hours", "0", "from 1 to"),
        ("promise_warn_hours", "8", "must be less"),
        ("digest_minute", "24:00", "time of the day"),
        ("digest_minute", "soon", "time of the day"),
    ],
)
@on_sqlite
def test_a_wrong_value_is_a_sentence_at_its_field(db, settings, alice, name, typed, sentence):
    with pytest.raises(SettingProblem) as problem:
        saved(db, settings, alice, **({"letter_signature": "The team", name: typed}))
    assert list(problem.value.errors) == [name]
    assert sentence in problem.value.errors[name]
    assert effective(db, settings).letter_signature == ""


def test_who_saves_a_stale_page_overwrites_nothing_and_reads_what_was_saved(db, settings, alice):
    with db.write() as session:
        bob = an_account(session, "Bob", Role.ADMINISTRATOR).id
    saved(db, settings, bob, institute_name="Bob's Institute")
    with pytest.raises(SettingProblem, match="Bob saved “Bob's Institute”"):
        saved(db, settings, alice, institute_name="Alice's Institute")
    assert effective(db, settings).institute_name == "Bob's Institute"
    saved(db, settings, alice, shown=1, institute_name="Alice's Institute")
    assert effective(db, settings).institute_name == "Alice's Institute"


@on_sqlite
def test_saving_what_is_so_already_changes_nothing(db, settings, alice):
    assert saved(db, settings, alice, institute_name=settings.institute_name) == []
    assert audited(db) == []


def test_a_setting_goes_back_to_the_operators(db, settings, alice):
    saved(db, settings, alice, institute_name="The Institute")
    assert current(db, settings)["institute_name"].changed
    with db.write() as session:
        service.reset(session, settings, "institute_name", 1, alice)
    setting = current(db, settings)["institute_name"]
    assert (setting.value, setting.changed, setting.number) == (settings.institute_name, False, 2)


@on_sqlite
def test_a_saved_value_that_the_rules_forbid_by_now_is_left_out(db, settings, alice):
    saved(db, settings, alice, institute_name="The Institute", institute_time_zone="Europe/Berlin")
    with db.write() as session:
        session.execute(
            update(SavedSetting).where(SavedSetting.name == "institute_time_zone").values(value="Mars/Olympus")
        )
    holds = effective(db, settings)
    assert (holds.institute_name, holds.institute_time_zone) == ("The Institute", settings.institute_time_zone)


@on_sqlite
def test_another_address_changes_no_sender(db, settings, alice):
    saved(db, settings, alice, institute_email="hello@elsewhere.example")
    assert effective(db, settings).mail_from == settings.mail_from == "info@tpminstitute.org"


def test_the_next_mail_carries_the_new_name_signature_and_address(db, settings, alice):
    saved(
        db,
        settings,
        alice,
        institute_name="The Institute",
        letter_signature="Warm regards,\nthe team",
        postal_address="2 New Street, Philadelphia",
    )
    submitted(db, effective(db, settings))
    [letter] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert b"From: The Institute <info@tpminstitute.org>" in letter.content
    assert b"Warm regards,\r\nthe team" in letter.content
    assert b"2 New Street, Philadelphia" in letter.content


def test_a_process_reads_again_what_changed_and_only_then(db, settings, alice):
    reads = []

    def load(session):
        reads.append(version(session))
        return overlay(session, settings)

    kept = Kept(db, settings, load)
    assert kept.last is settings
    assert kept.now().institute_name == kept.now().institute_name == settings.institute_name
    saved(db, settings, alice, institute_name="The Institute")
    assert kept.now().institute_name == "The Institute"
    assert len(reads) == 2


@on_sqlite
def test_a_public_page_looks_once_a_second_at_most(db, settings, alice):
    kept = Kept(db, settings, lambda session: overlay(session, settings))
    with time_machine.travel(clock.now(), tick=False) as passing:
        kept.lately()
        saved(db, settings, alice, institute_name="The Institute")
        assert kept.lately().institute_name == settings.institute_name
        passing.shift(timedelta(seconds=2))
        assert kept.lately().institute_name == "The Institute"


@on_sqlite
def test_while_the_database_is_away_pages_go_by_what_was_read_last(db, settings, alice):
    saved(db, settings, alice, institute_name="The Institute")
    kept = Kept(db, settings, lambda session: overlay(session, settings))
    kept.lately()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE desk_versions RENAME TO elsewhere")
    kept.forget()
    assert kept.lately().institute_name == "The Institute"


def test_the_environment_follows_the_same_rules(tmp_path):
    holds = make_settings(tmp_path, office_hours="Sat 10:00-14:00", digest_minute="06:30", promise_working_hours="4")
    assert holds.office_hours == {6: (600, 840)}
    assert (holds.digest_minute, holds.promise_working_hours) == (390, 4)

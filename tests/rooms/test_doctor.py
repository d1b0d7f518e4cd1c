"""The doctor: each check is seen to say that all is well, and to say what is wrong."""

import os
import tempfile
import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
import redis
import time_machine
from sqlalchemy import update

from tests.factories import an_account, make_settings, messages, store_letter, submitted
from tests.parts.names import NameServer
from tests.parts.ports import free_port
from tpminstitute.core import clock
from tpminstitute.core.config import AppEnv, load_settings
from tpminstitute.core.db import Database
from tpminstitute.core.heartbeat import Heartbeat, Pulse, last_beats
from tpminstitute.doctor import checks_broker
from tpminstitute.doctor.checks_broker import check_broker
from tpminstitute.doctor.checks_database import (
    check_clock,
    check_database,
    check_migrations,
    in_words,
    postgresql_memory,
    postgresql_safety,
    sqlite_safety,
)
from tpminstitute.doctor.checks_letters import check_letters
from tpminstitute.doctor.checks_machine import check_disk
from tpminstitute.doctor.checks_settings import check_settings
from tpminstitute.doctor.checks_work import check_mail_queue, check_search, check_worker, duration
from tpminstitute.doctor.examine import Check, examine, run_side_by_side
from tpminstitute.doctor.findings import Finding, Outcome, ok, summary, worst_first
from tpminstitute.lists.search_upkeep import settle
from tpminstitute.mail.control import hold
from tpminstitute.mail.drafts import ALLOWED
from tpminstitute.mail.models import Message, MessageStatus

REAL = {
    "app_env": AppEnv.PRODUCTION,
    "secret_key": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "public_url": "https://www.tpminstitute.org",
    "smtp_url": "smtps://mail.tpminstitute.org",
    "postal_address": "1 Path, Philadelphia",
}


def outcomes(findings):
    return {finding.outcome for finding in findings}


def told(findings):
    return " ".join(f"{finding.says} {finding.do}" for finding in findings)


# --- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [REAL, {}, {"public_url": "http://127.0.0.1:8000"}])
def test_settings_that_fit_together_are_in_order(tmp_path, fields):
    assert outcomes(check_settings(make_settings(tmp_path, **fields))) == {Outcome.OK}


@pytest.mark.parametrize(
    ("fields", "outcome", "says"),
    [
        ({"public_url": "http://www.tpminstitute.org"}, Outcome.WRONG, "unencrypted"),
        ({"app_env": AppEnv.DEVELOPMENT}, Outcome.RISK, "APP_ENV"),
        ({"secret_key": "a" * 64}, Outcome.WRONG, "openssl rand -hex 32"),
        ({"secret_key": "this-is-my-secret-and-nobody-knows-it"}, Outcome.WRONG, "SECRET_KEY can be guessed"),
        ({"mail_from": "info@localhost"}, Outcome.WRONG, "no domain that can send"),
        ({"mail_from": "info@example.org"}, Outcome.WRONG, "no domain that can send"),
        ({"mail_from": "tpminstitute@gmail.com"}, Outcome.WRONG, "a domain of your own"),
        ({"postal_address": ""}, Outcome.RISK, "POSTAL_ADDRESS"),
    ],
)
def test_an_unwise_setting_is_said(tmp_path, fields, outcome, says):
    found = check_settings(make_settings(tmp_path, **(REAL | fields)))
    assert (outcomes(found), says in told(found)) == ({outcome}, True)


def test_a_secret_that_others_can_read_is_wrong(settings):
    (settings.data_dir / "secret_key").chmod(0o644)
    found = check_settings(settings)
    assert (outcomes(found), f"chmod 600 {settings.data_dir}" in told(found)) == ({Outcome.WRONG}, True)


# --- database ----------------------------------------------------------------------------------------------


def test_a_database_that_can_be_written_to_is_in_order_and_unchanged(db):
    found = check_database(db)
    assert "rolled back" in found[-1].says
    assert found[-1].outcome is Outcome.OK
    with db.read() as session:
        assert last_beats(session) == {}


def test_a_database_that_is_away_is_wrong():
    away = Database(f"postgresql://tpm@127.0.0.1:{free_port()}/tpm")
    (finding,) = check_database(away)
    assert (finding.outcome, "can't be reached" in finding.says) == (Outcome.WRONG, True)


def test_a_database_that_is_only_read_is_wrong(postgres_url):
    db = Database(f"{postgres_url}?options=-cdefault_transaction_read_only%3Don")
    assert "Nothing can be written" in told(check_database(db))
    db.close()


def test_a_sqlite_file_that_is_only_read_is_wrong(sqlite_url):
    Database(sqlite_url).close()
    db = Database(f"sqlite:///file:{sqlite_url.removeprefix('sqlite:///')}?mode=ro&uri=true")
    assert "Nothing can be written" in told(check_database(db))
    db.close()


@pytest.mark.parametrize(
    ("version", "mode", "outcome"),
    [
        ((3, 51, 3), "WAL", Outcome.OK),
        ((3, 46, 1), "TRUNCATE", Outcome.OK),
        ((3, 51, 2), "WAL", Outcome.WRONG),
        ((3, 51, 3), "MEMORY", Outcome.WRONG),
    ],
)
def test_an_old_sqlite_may_not_use_its_write_ahead_log(version, mode, outcome):
    assert sqlite_safety(version, mode, 0).outcome is outcome


SAFE = {
    "server_version": "17.2 (Debian 17.2-1)",
    "server_encoding": "UTF8",
    "synchronous_commit": "on",
    "fsync": "on",
    "full_page_writes": "on",
}


@pytest.mark.parametrize(
    ("change", "outcome", "says"),
    [
        ({}, Outcome.OK, "PostgreSQL 17.2"),
        ({"server_version": "13.18"}, Outcome.RISK, "no longer mended"),
        ({"fsync": "off"}, Outcome.WRONG, "ALTER SYSTEM SET fsync = on"),
        ({"synchronous_commit": "off"}, Outcome.WRONG, "synchronous_commit is off"),
        ({"server_encoding": "SQL_ASCII"}, Outcome.WRONG, "SQL_ASCII"),
    ],
)
def test_postgresql_has_to_keep_what_it_was_given(change, outcome, says):
    found = postgresql_safety(SAFE | change, 1)
    assert (outcomes(found), says in told(found)) == ({outcome}, True)


@pytest.mark.parametrize(("size", "outcomes_told"), [(2_000, set()), (3_400, {Outcome.RISK})])
def test_a_large_database_of_which_postgresql_keeps_little_at_hand_is_a_risk(size, outcomes_told):
    found = postgresql_memory(128 * 2**20, size * 10**6)
    assert outcomes(found) == outcomes_told
    assert ("3 GB, and PostgreSQL keeps 134 MB at hand" in told(found)) == bool(outcomes_told)


def test_the_tests_own_postgresql_which_may_lose_everything_is_found_out(postgres_url):
    db = Database(postgres_url)
    assert "fsync and full_page_writes and synchronous_commit are off" in told(check_database(db))
    db.close()


def test_a_database_behind_the_code_is_wrong(db, tmp_path):
    assert outcomes(check_migrations(db)) == {Outcome.OK}
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    assert "tpm migrate" in told(check_migrations(empty))
    assert "written" not in told(check_database(empty)), "what isn't migrated has nothing to write to"
    empty.close()


# --- clock -------------------------------------------------------------------------------------------------


def test_clocks_that_agree_are_in_order(db, settings):
    submitted(db, settings)
    assert outcomes(check_clock(db)) == {Outcome.OK}


def test_a_clock_ahead_of_the_databases_is_wrong(postgres_url):
    db = Database(postgres_url)
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        found = check_clock(db)
    assert (outcomes(found), "ahead of the database's" in told(found)) == ({Outcome.WRONG}, True)
    db.close()


def test_what_was_written_in_the_future_is_wrong(db, settings):
    submitted(db, settings)
    with time_machine.travel(clock.now() - timedelta(hours=1)):
        assert "in the future" in told(check_clock(db))


def test_a_clock_that_jumps_is_wrong(db, monkeypatch):
    moments = iter([1000.0, 1010.0])
    monkeypatch.setattr(
        "tpminstitute.doctor.checks_database.time", SimpleNamespace(time=lambda: next(moments), monotonic=lambda: 5.0)
    )
    assert "jumped by 10 s" in told(check_clock(db))


# --- work --------------------------------------------------------------------------------------------------


def beat_ago(db, **seconds):
    with db.write() as session:
        for pulse, ago in seconds.items():
            session.add(Heartbeat(pulse=Pulse(pulse), at=clock.now() - timedelta(seconds=ago)))


@pytest.mark.parametrize(
    ("beats", "outcome", "says"),
    [
        ({"delivery": 5, "follow_ups": 50}, Outcome.OK, "looked at the mail 5 s ago"),
        ({}, Outcome.WRONG, "No worker has ever"),
        ({"delivery": 7300, "follow_ups": 50}, Outcome.WRONG, "last looked at 2 hours ago; every 20 s"),
        ({"delivery": 5, "follow_ups": 600}, Outcome.WRONG, "`tpm scheduler`"),
        ({"delivery": 5}, Outcome.WRONG, "Follow-ups were never looked at"),
    ],
)
def test_work_that_nobody_does_is_wrong(db, settings, beats, outcome, says):
    beat_ago(db, **beats)
    found = check_worker(db, settings)
    assert (outcomes(found), says in told(found)) == ({outcome}, True), told(found)


def test_mail_that_is_due_just_now_is_in_order(db, settings):
    submitted(db, settings)
    found = check_mail_queue(db)
    assert (outcomes(found), "2 mails waiting, none late" in told(found)) == ({Outcome.OK}, True)


def test_mail_that_is_late_is_wrong(db, settings):
    submitted(db, settings)
    with time_machine.travel(clock.now() + timedelta(minutes=20)):
        found = check_mail_queue(db)
    assert (outcomes(found), "waits for 20 minutes; 2 wait" in told(found)) == ({Outcome.WRONG}, True)


def test_mail_that_is_held_is_said_with_its_reason_and_not_called_late(db, settings):
    submitted(db, settings)
    with db.write() as session:
        hold(session, "A backup was restored", None)
    with time_machine.travel(clock.now() + timedelta(minutes=20)):
        found = check_mail_queue(db)
    assert (outcomes(found), "A backup was restored" in told(found)) == ({Outcome.RISK}, True)


@pytest.mark.parametrize(
    ("status", "says"), [(MessageStatus.FAILED, "failed for good"), (MessageStatus.UNCERTAIN, "may or may not")]
)
def test_mail_that_waits_for_a_person_is_a_risk(db, settings, status, says):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Message).where(Message.id == messages(db)[0].id).values(status=status, reason="No"))
    found = check_mail_queue(db)
    assert (outcomes(found), f"1 mail {says}" in told(found)) == ({Outcome.RISK}, True)


def test_a_search_that_finds_everything_is_in_order(db, settings):
    submitted(db, settings)
    settle(db)
    (finding,) = check_search(db)
    assert (finding.outcome, finding.says) == (Outcome.OK, "No changes wait to be read into the index.")


def test_an_index_that_has_fallen_behind_is_told(db, settings, monkeypatch):
    monkeypatch.setattr("tpminstitute.doctor.checks_work.MANY_CHANGES", 2)
    submitted(db, settings)
    assert outcomes(check_search(db)) == {Outcome.RISK}
    assert "tpm reindex" in told(check_search(db))


# --- letters -----------------------------------------------------------------------------------------------


NAMES = {
    "acknowledgement": "Acknowledgement",
    "follow-up-experience": "Follow-up: experience",
    "follow-up-certifications": "Follow-up: certifications",
    "follow-up-skills": "Follow-up: skills",
    "acknowledgement-again": "Acknowledgement of a further message",
}


def test_letters_as_shipped_are_in_order(db, settings):
    (finding,) = check_letters(db, settings)
    assert (finding.outcome, finding.says) == (Outcome.OK, f"All {len(ALLOWED)} can be sent.")


@pytest.mark.parametrize(
    ("key", "parts", "says"),
    [
        ("acknowledgement", {"body": "Dear {frist_name}"}, "uses {frist_name}, and there is no such variable"),
        ("acknowledgement", {"subject": "{"}, "a brace that belongs to no variable"),
        ("acknowledgement-again", {"preheader": "}"}, "a brace that belongs to no variable"),
        ("follow-up-skills", {"body": "[a link](javascript:x)"}, "leads nowhere safe"),
        ("follow-up-skills", {"body": "Word. " * 20_000}, "longer than 95 kB"),
    ],
)
def test_a_saved_letter_that_todays_rules_forbid_is_named_with_where_to_mend_it(db, settings, key, parts, says):
    with db.write() as session:
        alice = an_account(session).id
    store_letter(db, alice, key, **parts)
    (finding,) = check_letters(db, settings)
    assert (finding.outcome, says in finding.says) == (Outcome.WRONG, True), finding.says
    assert NAMES[key] in finding.says
    assert f"http://institute.test/staff/templates/{key}" in finding.do
    assert ("are left out" in finding.do) is key.startswith("acknowledgement")
    assert ("wait" in finding.do) is key.startswith("follow-up")


def test_each_letter_that_cannot_be_sent_is_named_and_a_mended_one_is_not(db, settings):
    with db.write() as session:
        alice = an_account(session).id
    for key in NAMES:
        store_letter(db, alice, key, body="{oops")
    store_letter(db, alice, "acknowledgement", number=2)
    assert [finding.says.split("”")[0] for finding in check_letters(db, settings)] == [
        f"The letter “{name}" for key, name in NAMES.items() if key != "acknowledgement"
    ]


# --- broker ------------------------------------------------------------------------------------------------


def test_a_redis_that_answers_is_in_order(tmp_path, redis_server):
    (finding,) = check_broker(make_settings(tmp_path, redis_url=redis_server.url))
    assert (finding.outcome, "noeviction" in finding.says) == (Outcome.OK, True)


def test_a_redis_that_is_away_or_silent_is_wrong(tmp_path, redis_server, monkeypatch):
    monkeypatch.setattr(checks_broker, "LONGEST_WAIT", 0.2)
    settings = make_settings(tmp_path, redis_url=redis_server.url)
    redis_server.freeze()
    assert outcomes(check_broker(settings)) == {Outcome.WRONG}
    redis_server.thaw()
    redis_server.stop()
    assert "redis-cli" in told(check_broker(settings))


def test_a_redis_that_refuses_the_password_is_wrong(tmp_path, redis_server):
    url = redis_server.url.replace("redis://", "redis://nobody:hidden-word@")
    found = check_broker(make_settings(tmp_path, redis_url=url))
    assert (outcomes(found), "refuses the name or password" in told(found)) == ({Outcome.WRONG}, True)
    assert "hidden-word" not in told(found)


def test_a_redis_that_drops_keys_is_a_risk(tmp_path, redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = check_broker(make_settings(tmp_path, redis_url=redis_server.url))
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")
    assert (outcomes(found), "allkeys-lru" in told(found)) == ({Outcome.RISK}, True)


def test_a_replica_is_wrong(tmp_path, redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        client.replicaof("127.0.0.1", free_port())
        try:
            found = check_broker(make_settings(tmp_path, redis_url=redis_server.url))
        finally:
            client.replicaof("NO", "ONE")
    assert (outcomes(found), "a replica" in told(found)) == ({Outcome.WRONG}, True)


def test_a_redis_user_without_rights_is_wrong(tmp_path, redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        client.acl_setuser("narrow", enabled=True, passwords=["+word"], commands=["+ping", "+hello", "+client"])
        try:
            url = redis_server.url.replace("redis://", "redis://narrow:word@")
            found = check_broker(make_settings(tmp_path, redis_url=url))
        finally:
            client.acl_deluser("narrow")
    assert (outcomes(found), "doesn't allow" in told(found)) == ({Outcome.WRONG}, True), told(found)


def test_a_slow_redis_is_a_risk(tmp_path, redis_server, monkeypatch):
    monkeypatch.setattr(checks_broker, "SLOW_MS", 0.0)
    assert "--latency" in told(check_broker(make_settings(tmp_path, redis_url=redis_server.url)))


def test_wake_ups_that_pile_up_in_redis_are_a_risk(tmp_path, redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        client.rpush("tpminstitute", *range(300))
    found = check_broker(make_settings(tmp_path, redis_url=redis_server.url))
    assert (outcomes(found), "300 wake-ups wait" in told(found)) == ({Outcome.RISK}, True)


def test_the_built_in_broker_is_in_order_before_and_after_its_first_start(settings):
    assert outcomes(check_broker(settings)) == {Outcome.OK}
    (settings.broker_folder / "queue").mkdir(parents=True)
    assert outcomes(check_broker(settings)) == {Outcome.OK}
    assert list(settings.broker_folder.iterdir()) == [settings.broker_folder / "queue"], "nothing is left behind"


def test_wake_ups_that_pile_up_in_the_folder_are_a_risk(settings):
    queue = settings.broker_folder / "queue"
    queue.mkdir(parents=True)
    for number in range(201):
        (queue / f"{number}.msg").touch()
    assert "201 wake-ups wait" in told(check_broker(settings))


def test_a_broker_folder_that_cannot_be_written_to_is_wrong(settings, monkeypatch):
    (settings.broker_folder / "queue").mkdir(parents=True)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    found = check_broker(settings)
    assert (outcomes(found), "No space left" in told(found)) == ({Outcome.WRONG}, True)


# --- disk --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "outcome", "says"),
    [
        ({"full": 0, "nearly": 0, "files": 0}, Outcome.OK, "left at"),
        ({"full": 10**18}, Outcome.WRONG, "soon no inquiry"),
        ({"full": 0, "nearly": 10**18, "files": 0}, Outcome.RISK, "Only"),
    ],
)
def test_a_disk_that_fills_up_is_said(tmp_path, limits, outcome, says):
    found = check_disk(tmp_path, **limits)
    assert (outcomes(found), says in told(found)) == ({outcome}, True)


def test_a_disk_without_room_for_more_files_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda folder: SimpleNamespace(f_files=9, f_favail=3, f_bavail=9, f_frsize=9))
    assert "Only 3 more files" in told(check_disk(tmp_path, full=0))


# --- all together ------------------------------------------------------------------------------------------


def test_a_check_that_breaks_is_a_finding(settings):
    def breaks():
        raise KeyError("what")

    found = run_side_by_side([Check("One", lambda: [ok("One", "Well.")]), Check("Two", breaks)])
    assert [(f.subject, f.outcome) for f in found] == [("One", Outcome.OK), ("Two", Outcome.WRONG)]
    assert "KeyError: 'what'" in found[1].says


def test_a_check_that_never_comes_back_is_a_finding_in_time():
    released = threading.Event()
    begun = time.monotonic()
    checks = [Check(name, lambda: [ok("Never", str(released.wait(60)))]) for name in ("One", "Two")]
    found = run_side_by_side([*checks, Check("Three", lambda: [ok("Three", "Well.")])], time_limit=0.3)
    released.set()
    assert time.monotonic() - begun < 5
    assert [finding.outcome for finding in found] == [Outcome.WRONG, Outcome.WRONG, Outcome.OK]


def test_a_database_that_is_away_leaves_the_rest_standing(tmp_path):
    settings = make_settings(tmp_path, database_url=f"postgresql://tpm:hidden-word@127.0.0.1:{free_port()}/tpm")
    found = examine(settings, Database(settings.database_url), outside=False)
    by_subject = {finding.subject: finding.outcome for finding in found}
    assert by_subject["Database"] is Outcome.WRONG
    assert by_subject["Worker"] is by_subject["Migrations"] is by_subject["Clock"] is Outcome.UNKNOWN
    assert by_subject["Disk"] is not Outcome.UNKNOWN


def test_no_finding_holds_a_secret(tmp_path, db, monkeypatch):
    port = free_port()
    settings = load_settings(
        data_dir=tmp_path / "var",
        smtp_url=f"smtp://tpm:p%40ss-mail@127.0.0.1:{port}",
        redis_url=f"redis://:pass-redis@127.0.0.1:{port}",
        secret_key="0d9f7b3c5a1e8642" * 4,
        public_url=f"http://127.0.0.1:{port}",
    )
    words = ("p@ss-mail", "p%40ss-mail", "pass-redis", settings.secret_key)

    def tells_all(*_):
        raise RuntimeError(" ".join(words))

    monkeypatch.setattr("tpminstitute.doctor.examine.check_disk", tells_all)
    with NameServer() as names:
        found = examine(settings, db, resolver=names.reader)
    assert "RuntimeError: … … … …" in told(found)
    assert not [word for word in words if word in told(found)]


def test_everything_is_looked_at(tmp_path, db, mail_server):
    settings = make_settings(tmp_path, smtp_url=mail_server.url, public_url=f"http://127.0.0.1:{free_port()}")
    with NameServer() as names:
        subjects = [finding.subject for finding in examine(settings, db, resolver=names.reader)]
    wanted = "Settings Database Migrations Clock Worker Letters", "Mail queue", "Disk Broker Web", "Mail server"
    assert {*" ".join(wanted).split(), "SPF", "DKIM", "DMARC", "MX", "PTR"} <= set(" ".join(subjects).split())


def test_the_domain_is_not_looked_up_while_mail_is_caught(settings, db):
    def nobody():
        raise AssertionError("a name was looked up")

    settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{free_port()}"})
    assert "aren't looked up" in told(examine(settings, db, resolver=nobody))


def test_what_is_wrong_stands_first():
    found = [Finding(outcome.value, outcome, "") for outcome in reversed(Outcome)]
    assert [finding.outcome for finding in worst_first(found)] == list(Outcome)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({Outcome.OK: 2}, "Everything looked at is in order."),
        ({Outcome.OK: 1, Outcome.UNKNOWN: 1}, "1 can't be told from here, 1 in order."),
        ({Outcome.RISK: 1}, "1 thing is at risk, 0 in order."),
        ({Outcome.WRONG: 2, Outcome.RISK: 1, Outcome.OK: 3}, "2 things are wrong, 1 at risk, 3 in order."),
    ],
)
def test_one_sentence_sums_it_up(counts, sentence):
    found = [Finding("x", outcome, "") for outcome, number in counts.items() for _ in range(number)]
    assert summary(found) == sentence


def test_sizes_and_times_are_said_as_people_say_them():
    assert [in_words(size) for size in (12, 4096, 12_500_000, 3e9, 2.5e12)] == [
        "12 bytes",
        "4 kB",
        "12 MB",
        "3 GB",
        "2.5 TB",
    ]
    assert [duration(s) for s in (-1, 59, 61, 7300, 90_000)] == ["0 s", "59 s", "1 minute", "2 hours", "1 day"]

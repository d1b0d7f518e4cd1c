"""Settings, the database's rules, hints and tokens."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import InternalError

from tests.factories import contact_of, submitted
from tpminstitute.contacts.models import Contact, ContactTag
from tpminstitute.core import jobs
from tpminstitute.core.config import AppEnv, load_settings
from tpminstitute.core.db import (
    SAFE_WAL,
    Database,
    UtcDateTime,
    check_connection,
    journal_mode,
    keep_plans,
    sqlite_driver,
)
from tpminstitute.core.errors import SettingsError
from tpminstitute.core.jobs import Job, Publisher
from tpminstitute.core.tokens import BadToken, Signer, public_id

PRODUCTION = {
    "app_env": AppEnv.PRODUCTION,
    "secret_key": "x" * 32,
    "public_url": "https://tpminstitute.org",
    "smtp_url": "smtp+starttls://user:word@mail.example.org",
}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"bind": "8000"}, "BIND is not usable"),
        ({"bind": "127.0.0.1:99999"}, "BIND is not usable"),
        ({"database_url": "mysql://x"}, "DATABASE_URL is not usable"),
        ({"redis_url": "localhost:6379"}, "REDIS_URL is not usable"),
        ({"smtp_url": "mail.example.org:25"}, "SMTP_URL is not usable"),
        ({"public_url": "tpminstitute.org"}, "PUBLIC_URL is not usable"),
        ({"mail_from": "nobody"}, "MAIL_FROM is not usable"),
        ({"lease_seconds": 0}, "LEASE_SECONDS is not usable"),
        ({"secret_key": "short"}, "SECRET_KEY needs at least 32 characters"),
        ({"screening": "maybe"}, "SCREENING is not usable"),
        ({"institute_time_zone": "US/Pacific-New"}, "INSTITUTE_TIME_ZONE is not usable: write it as the IANA database"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(tmp_path, wrong, sentence):
    with pytest.raises(SettingsError, match=sentence) as refusal:
        load_settings(data_dir=tmp_path, **wrong)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("missing", ["secret_key", "public_url", "smtp_url"])
def test_production_has_no_default_for_what_must_be_chosen(tmp_path, missing):
    with pytest.raises(SettingsError, match=missing.upper()):
        load_settings(data_dir=tmp_path, **(PRODUCTION | {missing: ""}))


def test_development_needs_nothing_and_keeps_its_secret(tmp_path):
    first, second = load_settings(data_dir=tmp_path), load_settings(data_dir=tmp_path)
    assert first.secret_key == second.secret_key
    assert first.mail_is_caught
    assert first.database_url == f"sqlite:///{tmp_path}/tpminstitute.db"


def test_a_secret_does_not_show_in_the_error(tmp_path):
    with pytest.raises(SettingsError) as refusal:
        load_settings(data_dir=tmp_path, smtp_url="http://user:hush@example.org")
    assert "hush" not in str(refusal.value)


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="can't be made"):
        load_settings(data_dir=tmp_path / "file" / "var")


def test_a_database_that_does_not_answer_is_said_so():
    with pytest.raises(SettingsError, match="can't be reached"):
        check_connection(Database("postgresql://nobody@127.0.0.1:1/nothing"))


def test_sqlite_is_durable_and_keeps_its_references(sqlite_url):
    db = Database(sqlite_url)
    with db.read() as session:
        assert session.scalar(text("PRAGMA synchronous")) == 2
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        expected = journal_mode(sqlite_driver().sqlite_version_info).lower()
        assert session.scalar(text("PRAGMA journal_mode")) == expected
    db.close()


def test_a_database_that_is_thrown_away_waits_for_no_disk(sqlite_url):
    db = Database(sqlite_url, durable=False)
    with db.read() as session:
        assert session.scalar(text("PRAGMA synchronous")) == 0
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    db.close()


def test_an_old_sqlite_does_without_the_write_ahead_log():
    assert journal_mode((3, 51, 2)) == "TRUNCATE"
    assert journal_mode(SAFE_WAL) == "WAL"


def test_four_writers_never_find_the_database_locked(db):
    def write():
        for _ in range(25):
            with db.write() as session:
                number = session.scalar(text("SELECT max(position) FROM stages"))
                session.execute(text("UPDATE stages SET position = position + 100 WHERE position = :p"), {"p": number})

    problems = []

    def guarded():
        try:
            write()
        except Exception as problem:  # a thread's failure must reach the test
            problems.append(problem)

    writers = [threading.Thread(target=guarded) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert problems == []


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 11, 22, 18, 0), sqlite.dialect())  # noqa: DTZ001


def test_what_a_reading_session_changed_is_gone(db, settings):
    submitted(db, settings)
    with db.read() as session:
        session.scalars(select(Contact)).one().name = "Charlie"
    assert contact_of(db).name == "Ada Lovelace"


def test_postgresql_refuses_to_write_in_a_reading_session(postgres_url):
    with closing(Database(postgres_url)) as db, db.read() as session, pytest.raises(InternalError, match="read-only"):
        session.execute(text("DELETE FROM contacts"))


@pytest.mark.parametrize(("keep", "kept"), [(keep_plans, 1), (lambda _: None, 0)], ids=["asked for", "not asked for"])
def test_plans_are_kept_from_one_reading_session_to_the_next_where_that_is_asked_for(postgres_url, keep, kept):
    with closing(Database(postgres_url)) as db:
        for _ in range(8):
            with db.read() as session:
                keep(session)
                session.scalars(select(Contact)).all()
            with db.read() as session:
                session.scalars(select(ContactTag)).all()
        with db.read() as session:
            prepared = session.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert len(prepared) == kept


def test_moments_come_back_aware_and_in_utc(db, settings):
    submitted(db, settings)
    seen = contact_of(db).first_seen_at
    assert seen.tzinfo is UTC or seen.utcoffset() == timedelta(0)
    assert seen.astimezone(timezone(timedelta(hours=5))) == seen


class Collector:
    """Counts what was published, and lets a test wait for it."""

    def __init__(self, fails=False):
        self.sent, self.fails, self.changed = [], fails, threading.Condition()

    def send(self, job):
        with self.changed:
            self.sent.append(job)
            self.changed.notify_all()
        if self.fails:
            raise ConnectionError("the broker is away")

    def wait_for(self, number):
        with self.changed:
            return self.changed.wait_for(lambda: len(self.sent) >= number, timeout=5)


def test_a_hint_is_published_after_the_commit_only(sqlite_url):
    collector = Collector()
    db = Database(sqlite_url, Publisher(collector.send))
    with db.write() as session:
        jobs.hint(session, Job.DELIVER)
        assert collector.sent == []
    assert collector.wait_for(1)
    db.close()


def test_a_rolled_back_transaction_hints_nothing(sqlite_url):
    collector = Collector()
    db = Database(sqlite_url, Publisher(collector.send))

    def break_off():
        with db.write() as session:
            jobs.hint(session, Job.FOLLOW_UP)
            raise RuntimeError("the power went off")

    with pytest.raises(RuntimeError):
        break_off()
    with db.write() as session:
        jobs.hint(session, Job.DELIVER)
    assert collector.wait_for(1)
    assert collector.sent == [Job.DELIVER]
    db.close()


def test_hints_of_a_burst_are_merged():
    collector = Collector()
    publisher = Publisher(collector.send)
    for _ in range(1000):
        publisher.hint(Job.DELIVER)
    assert collector.wait_for(1)
    assert len(collector.sent) < 100


def test_a_lost_hint_does_not_stop_the_next():
    collector = Collector(fails=True)
    publisher = Publisher(collector.send)
    publisher.hint(Job.DELIVER)
    assert collector.wait_for(1)
    publisher.hint(Job.DELIVER)
    assert collector.wait_for(2)


def test_a_token_opens_only_its_own_door():
    token = Signer("secret", "unsubscribe").sign("ada")
    assert Signer("secret", "unsubscribe").read(token) == "ada"
    for signer in (Signer("secret", "contact-form"), Signer("another", "unsubscribe")):
        with pytest.raises(BadToken):
            signer.read(token)


def test_public_ids_are_long_and_easy_to_read_out():
    ids = {public_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 20 and not set(one) & set("ilou") for one in ids)

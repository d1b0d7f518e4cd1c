"""The SQLite file that tests share is as fresh for each of them as a new one."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text

from tests.factories import make_settings, submitted
from tests.parts.dialects import open_connections
from tests.parts.reused_file import ReusedFile
from tpminstitute.core.db import Database, sqlite_driver


@pytest.fixture
def reused(sqlite_file, tmp_path):
    file = ReusedFile(sqlite_file, tmp_path)
    yield file
    file.close()


def path_of(reused):
    return Path(reused.url.removeprefix("sqlite:///"))


def contents(reused):
    """The schema, and every row of every table."""
    with closing(sqlite_driver().connect(path_of(reused))) as connection:
        schema = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        tables = [name for kind, name, _ in schema if kind == "table"]
        return schema, {table: connection.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}


def change(reused, *statements):
    with closing(sqlite_driver().connect(path_of(reused))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def connection_of(session):
    return session.connection().connection.dbapi_connection


def test_what_a_test_wrote_is_gone_and_the_connections_that_wrote_it_see_so(reused, tmp_path):
    before, url = contents(reused), reused.url
    used = set()
    for _ in range(3):
        with closing(Database(reused.url)) as db:
            with db.read() as session:
                assert session.scalar(text("SELECT count(*) FROM contacts")) == 0
            submitted(db, make_settings(tmp_path))
            with db.read() as session:
                assert session.scalar(text("SELECT count(*) FROM contacts")) == 1
                used.add(id(connection_of(session)))
        assert contents(reused) != before
        reused.restore()
        assert (contents(reused), reused.url) == (before, url)
    assert len(used) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sequence_steps",
        "UPDATE mail_control SET held = 1, reason = 'Holidays'",
        "INSERT INTO templates (id, key, name) VALUES (77, 'more', 'More')",
    ],
)
def test_what_the_migrations_wrote_comes_back(reused, statement):
    before = contents(reused)
    for _ in range(2):
        change(reused, statement)
        assert contents(reused) != before
        reused.restore()
        assert contents(reused) == before


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE contacts ADD COLUMN shoes text",
        "CREATE TABLE another (id integer)",
        "CREATE INDEX ix_more ON contacts (name)",
        "ANALYZE",
    ],
)
def test_a_file_whose_schema_was_changed_is_thrown_away(reused, statement):
    before, url = contents(reused), reused.url
    change(reused, statement)
    reused.restore()
    assert reused.url != url
    assert not Path(url.removeprefix("sqlite:///")).exists()
    assert contents(reused) == before


def test_a_file_that_somebody_still_has_open_is_left_to_them(reused):
    before, url = contents(reused), reused.url
    with closing(Database(url)) as db, db.connect() as connection:
        reused.restore()
        connection.execute(text("UPDATE mail_control SET held = 1, reason = 'Holidays'"))
        connection.commit()
        assert reused.url != url
        assert contents(reused) == before


def test_a_file_that_another_program_still_reads_is_left_to_it(reused):
    url = reused.url
    with closing(sqlite_driver().connect(path_of(reused), isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM contacts").fetchall()
        change(reused, "UPDATE mail_control SET reason = 'Holidays'")
        reused.restore()
    assert reused.url != url


def test_a_connection_is_used_again_as_if_it_were_new(reused):
    db = Database(reused.url, durable=False)
    with db.read() as session:
        first = connection_of(session)
    with db.write() as session:
        session.execute(text("UPDATE mail_control SET reason = 'Holidays'"))
        session.flush()
        session.rollback()
    db.close()
    assert open_connections(str(path_of(reused))) == 0
    with closing(Database(reused.url)) as db, db.read() as session:
        assert connection_of(session) is first
        assert session.scalar(text("PRAGMA synchronous")) == 2
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("SELECT sha256_hex('a')")).startswith("ca978112")


@pytest.mark.parametrize(
    "statement", ["PRAGMA foreign_keys = OFF", "ATTACH ':memory:' AS more", "CREATE TEMP TABLE t (a)"]
)
def test_a_connection_that_was_told_something_else_is_closed(reused, statement):
    db = Database(reused.url)
    event.listen(db.engine, "connect", lambda raw, _: raw.cursor().execute(statement).close())
    with db.read() as session:
        first = connection_of(session)
    db.close()
    with closing(Database(reused.url)) as db, db.read() as session:
        assert connection_of(session) is not first

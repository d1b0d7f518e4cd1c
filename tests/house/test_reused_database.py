"""The PostgreSQL database that tests share is as fresh for each of them as a new one."""

import psycopg
import pytest
from sqlalchemy import text

from tests.conftest import TEMPLATE
from tests.factories import make_settings, submitted
from tests.parts.dialects import parked_processes
from tests.parts.reused import ReusedDatabase
from tpminstitute.core.db import Base, Database


@pytest.fixture
def reused(postgres_server, postgres_url):
    database = ReusedDatabase(postgres_server, TEMPLATE)
    yield database
    database.close()


def contents(reused):
    """Every row of every table, and where every sequence stands."""
    with psycopg.connect(reused.url) as connection:
        rows = {table: connection.execute(f'TABLE "{table}"').fetchall() for table in Base.metadata.tables}
        rows["sequences of numbers"] = connection.execute(
            "SELECT sequencename, last_value FROM pg_sequences"
        ).fetchall()
    return rows


def change(reused, *statements):
    with psycopg.connect(reused.url) as connection:
        for statement in statements:
            connection.execute(statement)


def test_what_a_test_wrote_is_gone_and_its_numbers_begin_anew(reused, tmp_path):
    before = contents(reused)
    db = Database(reused.url)
    for _ in range(2):
        submitted(db, make_settings(tmp_path))
        assert contents(reused) != before
        reused.restore()
        assert contents(reused) == before
    db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sequence_steps",
        "UPDATE mail_control SET held = true, reason = 'Holidays'",
        "INSERT INTO templates (id, key, name) VALUES (77, 'more', 'More')",
        "TRUNCATE stages CASCADE",
        "SELECT nextval('contacts_id_seq')",
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
        "ALTER TABLE contacts DROP COLUMN time_zone",
        "ALTER TABLE contacts ALTER COLUMN time_zone TYPE varchar(7)",
        "ALTER TABLE leads DROP CONSTRAINT pk_leads CASCADE",
        "CREATE TABLE another (id integer)",
        "DROP TABLE suppressions CASCADE",
        "CREATE INDEX ix_more ON contacts (name)",
        "DROP SCHEMA public CASCADE",
    ],
)
def test_a_database_whose_schema_was_changed_is_thrown_away(reused, statement):
    before, url = contents(reused), reused.url
    change(reused, statement)
    reused.restore()
    assert reused.url != url
    assert contents(reused) == before


def test_a_transaction_that_a_test_left_open_holds_up_nobody(reused):
    with psycopg.connect(reused.url) as left:
        left.execute("UPDATE mail_control SET since = now()")
        before, url = contents(reused), reused.url
        reused.restore()
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
        left.close()
    assert (contents(reused), reused.url) == (before, url)


def test_a_connection_is_used_again_without_what_its_session_was_told(reused):
    db = Database(reused.url)
    with db.read() as session:
        session.execute(text("SET statement_timeout = 77"))
        session.execute(text("SELECT pg_advisory_lock(7)"))
        session.commit()
        first = session.scalar(text("SELECT pg_backend_pid()"))
    db.close()
    assert first in parked_processes()
    db = Database(reused.url)
    with db.read() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == first
        assert session.scalar(text("SHOW statement_timeout")) == "0"
        assert session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")) == 0
    db.close()


def test_a_connection_that_the_server_ended_is_not_used_again(reused):
    db = Database(reused.url)
    with db.read() as session:
        ended = session.scalar(text("SELECT pg_backend_pid()"))
    db.close()
    change(reused, f"SELECT pg_terminate_backend({ended})")
    with db.read() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != ended
    db.close()


def test_a_connection_to_any_other_database_is_closed(postgres_server):
    postgres_server.create_database("another")
    db = Database(postgres_server.url("another"))
    with db.read() as session:
        ended = session.scalar(text("SELECT pg_backend_pid()"))
    db.close()
    assert ended not in parked_processes()
    postgres_server.drop_database("another")

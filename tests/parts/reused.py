"""One PostgreSQL database for one test after another: afterwards it is as the migrations left it.

With a copy of the template for each test, the 67 PostgreSQL tests of test_desk.py took 27 s of processor time;
with this and `tests.parts.dialects` they take 13 s.
"""

import uuid
from typing import Any

import psycopg

from tests.parts.dialects import close_parked, park, parked_processes
from tests.parts.postgres import PostgresServer

# All of this is gone with the connection that made it, so neither a backup nor a comparison of schemas meets it.
PREPARE = """
CREATE TEMP TABLE kept AS
  SELECT oid::regclass AS name, pg_relation_size(oid) > 0 AS filled, 0::bigint AS rows
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace;

CREATE TEMP TABLE kept_sequences AS
  SELECT seqrelid AS name, seqstart AS start, pg_sequence_last_value(seqrelid) AS value FROM pg_sequence;

DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT name FROM kept WHERE filled LOOP
    EXECUTE format('CREATE TEMP TABLE %I AS TABLE %s', 'rows_of_' || one.name, one.name);
    EXECUTE format('UPDATE kept SET rows = (SELECT count(*) FROM %s) WHERE name = %s::regclass',
                   one.name, quote_literal(one.name));
  END LOOP;
END $$;

CREATE FUNCTION pg_temp.schema_now() RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ',
    (SELECT concat(count(*), ' ', max(xmin::text::bigint)) FROM pg_attribute WHERE attrelid >= 16384),
    (SELECT concat(count(*), ' ', max(oid)) FROM pg_constraint),
    (SELECT concat(count(*), ' ', max(oid)) FROM pg_trigger),
    (SELECT concat(count(*), ' ', max(oid)) FROM pg_proc WHERE oid >= 16384))
$$;

-- Returns the tables that were written to, or NULL when the schema is another one.
CREATE FUNCTION pg_temp.restore(schema text, since bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE one record; written boolean; found text[] := '{}';
BEGIN
  IF pg_temp.schema_now() <> schema THEN RETURN NULL; END IF;
  SET LOCAL session_replication_role = replica;  -- no foreign key asks in which order
  FOR one IN SELECT name, filled, rows FROM kept LOOP
    IF one.filled THEN
      EXECUTE format('SELECT count(*) <> %s OR max(xmin::text::bigint) > %s FROM %s', one.rows, since, one.name)
        INTO written;
    ELSE
      written := pg_relation_size(one.name) > 0;
    END IF;
    CONTINUE WHEN NOT written;
    found := found || one.name::text;
    EXECUTE format('DELETE FROM %s', one.name);
    CONTINUE WHEN NOT one.filled;
    EXECUTE format('INSERT INTO %s OVERRIDING SYSTEM VALUE TABLE %I', one.name, 'rows_of_' || one.name);
  END LOOP;
  PERFORM setval(name, coalesce(value, start), value IS NOT NULL) FROM kept_sequences
    WHERE pg_sequence_last_value(name) IS DISTINCT FROM value;
  RETURN found;
END $$;
"""
# The test is over: whoever still holds a transaction open would hold up the next one.
END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)
"""


class ReusedDatabase:
    """A database that is as its template again after each `restore`."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server, self._template = server, template
        self._make()

    def _make(self) -> None:
        self._name = f"t_{uuid.uuid4().hex[:12]}"
        self.url = self._server.create_database(self._name, self._template)
        self._connection: psycopg.Connection[Any] = psycopg.connect(self.url, autocommit=True)
        self._connection.execute(PREPARE.encode())
        (self._schema,) = self._row("SELECT pg_temp.schema_now()")
        self._note_the_moment()
        park(self._name)

    def _row(self, statement: str, *values: Any) -> Any:
        return self._connection.execute(statement.encode(), values).fetchone()

    def _note_the_moment(self) -> None:
        (self._since,) = self._row("SELECT pg_current_xact_id()::text::bigint")

    def restore(self) -> None:
        """Put everything back; a database whose schema was changed is thrown away for a new copy."""
        self._connection.execute(END_OTHERS, (parked_processes(),))
        (written,) = self._row("SELECT pg_temp.restore(%s, %s)", self._schema, self._since)
        if written is None:
            self.close()
            self._make()
        elif written:
            self._connection.execute(f"VACUUM {', '.join(written)}".encode())  # so that new rows lie in order
            self._note_the_moment()

    def close(self) -> None:
        """Drop it."""
        close_parked(self._name)
        self._connection.close()
        self._server.drop_database(self._name)

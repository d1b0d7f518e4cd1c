"""One tick of the follow-ups: a thousand runs are due among a million."""

import time
from pathlib import Path

from sqlalchemy import text

from tests.factories import make_settings
from tpminstitute.core.db import Database, upgrade
from tpminstitute.sequences.runner import run_due

_RUNS = 1_000_000
_DUE = 1_000
_ROUNDS = 5


def tick_times(database_url: str, folder: Path) -> list[float]:
    """Return how many seconds a tick takes by the wall clock that queues `_DUE` mails, round by round."""
    db = Database(database_url)
    upgrade(db)
    _fill(db)
    settings = make_settings(folder)
    took = []
    for turn in range(_ROUNDS + 1):
        _make_due(db, turn)
        began = time.perf_counter()
        advanced = run_due(db, settings)
        took.append(time.perf_counter() - began)
        assert advanced == _DUE, f"{advanced} runs were advanced"
    db.close()
    return took[1:]


def _fill(db: Database) -> None:
    """Write the runs by statements: each of another reader with a first name of its own, all due in a month."""
    numbers, letter, hence = _SQLITE if db.is_sqlite else _POSTGRES
    name = " || ".join(f"{letter}(97 + n / {26**place} % 26)" for place in range(4))
    with db.write() as session:
        for statement in (
            "INSERT INTO contacts (id, public_id, email, email_key, name, phone_typed, first_seen_at) "
            f"SELECT n, 'p' || n, 'reader' || n || '@example.org', 'reader' || n || '@example.org', "
            f"'A' || {name} || ' Reader', '', CURRENT_TIMESTAMP FROM {numbers}",
            "INSERT INTO enrollments (id, contact_id, sequence_id, version_id, cause, status, reason, topic, "
            "next_position, next_due_at, started_at) SELECT n, n, (SELECT MIN(id) FROM sequences), "
            "(SELECT MIN(id) FROM sequence_versions), 'inquiry:' || n, 'active', '', 'Courses', 1, "
            f"{hence}, CURRENT_TIMESTAMP FROM {numbers}",
        ):
            session.execute(text(statement.replace(":", "\\:")))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _make_due(db: Database, turn: int) -> None:
    first = turn * _DUE + 1
    with db.write() as session:
        session.execute(
            text("UPDATE enrollments SET next_due_at = started_at WHERE id BETWEEN :first AND :last"),
            {"first": first, "last": first + _DUE - 1},
        )


_SQLITE = (
    f"(WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {_RUNS}) "
    "SELECT n FROM counted)",
    "char",
    "datetime('now', '+30 days')",
)
_POSTGRES = (f"generate_series(1, {_RUNS}) AS n", "chr", "now() + interval '30 days'")

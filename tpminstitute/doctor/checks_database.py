"""The database: there, written to, safe, migrated, and of one mind with us about the time."""

import time

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.db import SAFE_WAL, Database, check_connection, pending_migrations, sqlite_driver
from tpminstitute.core.errors import SettingsError
from tpminstitute.core.heartbeat import Pulse, beat, last_beats
from tpminstitute.doctor.findings import Finding, at_risk, ok, wrong
from tpminstitute.mail.models import Message

DATABASE, MIGRATIONS, CLOCK = "Database", "Migrations", "Clock"

OLDEST_POSTGRESQL = 14
"""The oldest major version that its makers still mend (postgresql.org/support/versioning)."""

LONGEST_WRITE = 3
"""Seconds that the writing test waits for a lock on PostgreSQL."""

SURVIVES_POWER_CUT = {"fsync": ("on",), "full_page_writes": ("on",)}
ANSWERS_AFTER_WRITING = ("on", "local", "remote_write", "remote_apply")

MANY_TIMES = 16
"""A database so many times larger than what PostgreSQL keeps of it at hand is slow at the desk."""

SECONDS_APART = 2.0
"""More than this between two clocks, and leases and due times are no longer what they say."""


def check_database(db: Database) -> list[Finding]:
    """Connect, ask for version and safety, and write a row that is rolled back."""
    try:
        check_connection(db)
    except SettingsError as problem:
        says, _, do = str(problem).partition(". ")
        return [wrong(DATABASE, f"{says}.", do)]
    with db.read() as session:
        found = _sqlite(session) if db.is_sqlite else _postgresql(session)
    # A database that isn't migrated has nothing to write to; the line about migrations says what to do.
    return found if pending_migrations(db) else [*found, _writing(db)]


def _sqlite(session: Session) -> list[Finding]:
    version = sqlite_driver().sqlite_version_info
    mode = str(session.scalar(text("PRAGMA journal_mode"))).upper()
    pages = session.scalar(text("PRAGMA page_count")) or 0
    size = pages * (session.scalar(text("PRAGMA page_size")) or 0)
    return [sqlite_safety(version, mode, size)]


def sqlite_safety(version: tuple[int, ...], mode: str, size: int) -> Finding:
    """Return whether SQLite of `version` in journal `mode` keeps what it was given (sqlite.org/wal.html)."""
    name = f"SQLite {'.'.join(map(str, version))}"
    if mode == "WAL" and version < SAFE_WAL:
        safe = ".".join(map(str, SAFE_WAL))
        says = f"{name} can corrupt a database in WAL mode when its log is reset; {safe} mends it."
        do = "Stop the service and type `.venv/bin/pip install -U pysqlite3`, or set `DATABASE_URL` to PostgreSQL."
        return wrong(DATABASE, says, do)
    if mode not in ("WAL", "TRUNCATE"):
        says = f"{name} runs in {mode} journal mode, which this service doesn't know to be safe."
        return wrong(DATABASE, says, "Restart the service while no other program has the database open.")
    return ok(DATABASE, f"{name} in {mode} mode, {in_words(size)}.")


def _postgresql(session: Session) -> list[Finding]:
    wanted = ("server_version", "server_encoding", "synchronous_commit", *SURVIVES_POWER_CUT)
    query = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
    values = {row.name: row.setting for row in session.execute(query, {"names": list(wanted)})}
    size = session.scalar(text("SELECT pg_database_size(current_database())")) or 0
    at_hand = session.scalar(text("SELECT pg_size_bytes(current_setting('shared_buffers'))")) or 0
    return [*postgresql_safety(values, size), *postgresql_memory(at_hand, size)]


def postgresql_safety(values: dict[str, str], size: int) -> list[Finding]:
    """Return what PostgreSQL's settings promise about what it was given."""
    found = []
    version = values["server_version"].split()[0]
    if int(version.split(".")[0]) < OLDEST_POSTGRESQL:
        says = f"PostgreSQL {version} is no longer mended by its makers."
        found.append(at_risk(DATABASE, says, f"Upgrade it to {OLDEST_POSTGRESQL} or newer."))
    loose = [name for name, good in SURVIVES_POWER_CUT.items() if values[name] not in good]
    if values["synchronous_commit"] not in ANSWERS_AFTER_WRITING:
        loose.append("synchronous_commit")
    if loose:
        says = f"{' and '.join(loose)} {'is' if len(loose) == 1 else 'are'} off: a power cut loses stored inquiries."
        do = "; ".join(f"`ALTER SYSTEM SET {name} = on`" for name in loose)
        found.append(wrong(DATABASE, says, f"Type in psql {do}, then `SELECT pg_reload_conf()`."))
    if values["server_encoding"] != "UTF8":
        says = f"Its encoding is {values['server_encoding']}, which can't hold every name."
        do = "Move to a database made with `createdb --encoding=UTF8 --template=template0`."
        found.append(wrong(DATABASE, says, do))
    return found or [ok(DATABASE, f"PostgreSQL {version}, {in_words(size)}.")]


def postgresql_memory(at_hand: int, size: int) -> list[Finding]:
    """Return whether PostgreSQL keeps too little of a large database at hand.

    Parameters: `at_hand`, its `shared_buffers`, and `size`, that of the database, in bytes
    (postgresql.org/docs/current/runtime-config-resource.html).
    """
    if size <= MANY_TIMES * at_hand:
        return []
    says = f"It has {in_words(size)}, and PostgreSQL keeps {in_words(at_hand)} at hand: lists and searches slow down."
    do = "Type in psql `ALTER SYSTEM SET shared_buffers = '1GB'`, a quarter of its machine's memory, and restart it."
    return [at_risk(DATABASE, says, do)]


def _writing(db: Database) -> Finding:
    begun = time.monotonic()
    try:
        with db.write() as session:
            if not db.is_sqlite:
                session.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_WRITE}s'"))
            beat(session, Pulse.DELIVERY)
            session.flush()
            session.rollback()
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        do = "Is it a copy that is only read, is the disk full, or may its user not write? Mend that; inquiries wait."
        return wrong(DATABASE, f"Nothing can be written to it ({reason}).", do)
    return ok(DATABASE, f"A row was written and rolled back in {(time.monotonic() - begun) * 1000:.0f} ms.")


def check_migrations(db: Database) -> list[Finding]:
    """Compare the database's version with the code's."""
    if pending_migrations(db):
        return [wrong(MIGRATIONS, "The database is behind the code.", "Type `tpm migrate`.")]
    return [ok(MIGRATIONS, "The database is up to date.")]


def check_clock(db: Database) -> list[Finding]:
    """Compare our clock with the database's, with itself, and with what was written down before."""
    steady, shown = time.monotonic(), time.time()
    found = []
    with db.read() as session:
        if not db.is_sqlite:
            found += _apart(session)
        found += _from_the_future(session)
    jump = abs((time.time() - shown) - (time.monotonic() - steady))
    if jump > SECONDS_APART:
        says = f"The clock jumped by {jump:.0f} s while it was looked at."
        found.append(wrong(CLOCK, says, "Let one time service keep it: `timedatectl set-ntp true`."))
    shared = "shares this machine's clock" if db.is_sqlite else "agrees with this machine's"
    return found or [ok(CLOCK, f"The database {shared}; nothing was written in the future.")]


def _apart(session: Session) -> list[Finding]:
    session.execute(text("SELECT 1"))  # the connection is made before the time is taken
    asked = clock.now()
    theirs = session.scalar(select(func.clock_timestamp()))
    ours = asked + (clock.now() - asked) / 2
    seconds = (ours - theirs).total_seconds() if theirs else 0.0
    if abs(seconds) <= SECONDS_APART:
        return []
    says = f"This machine's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the database's."
    return [wrong(CLOCK, says, "Set both by a time service: `timedatectl set-ntp true` on each.")]


def _from_the_future(session: Session) -> list[Finding]:
    newest = session.scalar(select(Message.created_at).order_by(Message.id.desc()).limit(1))
    moments = [*last_beats(session).values(), *([newest] if newest else [])]
    ahead = max(((moment - clock.now()).total_seconds() for moment in moments), default=0.0)
    if ahead <= SECONDS_APART:
        return []
    says = f"Something was written {ahead:.0f} s in the future: the clock of this or another machine was wrong."
    return [wrong(CLOCK, says, "Compare `date -u` on each machine; mails made then wait until their time comes.")]


def in_words(size: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"

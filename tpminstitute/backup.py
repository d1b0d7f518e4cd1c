"""Back the database up into one file, and bring it back with all outgoing mail held."""

import contextlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import make_url

from tpminstitute.comments.models import Comment
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database, check_connection, sqlite_driver, upgrade
from tpminstitute.core.errors import Refusal
from tpminstitute.mail import control
from tpminstitute.privacy.erasing import empty_comments_again, erase_again, erased_public_ids
from tpminstitute.privacy.forgetting_comments import Emptied, emptied_comments
from tpminstitute.privacy.models import Erasure

SQLITE_COPY = "database.sqlite"
POSTGRES_COPY = "database.dump"
SECRET = "secret_key"

HELD = "A backup was restored. Look what waits before letting it out: what was sent since the backup would go again."


def back_up(settings: Settings, folder: Path) -> Path:
    """Write the database as it is now, and the secret made at first start, into one file in `folder`.

    The service may go on running. Returns the file's path. Raises `Refusal` when it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"tpminstitute-{clock.now():%Y%m%d-%H%M%S}.tar.gz"
    unfinished = target.with_suffix(".part")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        copy = _copy_out(settings, Path(name))
        with tarfile.open(unfinished, "w:gz") as archive:
            archive.add(copy, copy.name)
            if (settings.data_dir / SECRET).exists():
                archive.add(settings.data_dir / SECRET, SECRET)
    unfinished.chmod(0o600)
    unfinished.rename(target)
    return target


def restore(settings: Settings, source: Path, *, replace: bool) -> None:
    """Bring a backup back, migrate it, and hold all outgoing mail until somebody lets it out.

    Who was erased since the backup, as the database that is replaced knows, is erased again, and a comment whose
    words went since is emptied again.

    Parameters: `replace`, whether a database that holds something already may be lost. The service must be stopped.
    Raises `Refusal`, and changes nothing, for a file that is no backup of such a database.
    """
    with tempfile.TemporaryDirectory(dir=settings.data_dir) as name:
        folder = Path(name)
        copy = _unpacked(settings, source, folder)
        with contextlib.closing(Database(settings.database_url)) as db:
            check_connection(db)
            if not replace and inspect(db.engine).get_table_names():
                raise Refusal(
                    "The database of DATABASE_URL holds something already. Nothing was changed. "
                    "Add --replace if it may be lost."
                )
            erased, emptied = _erased(db), _emptied(db)
        _copy_in(settings, copy)
        if (folder / SECRET).exists():
            shutil.copyfile(folder / SECRET, settings.data_dir / SECRET)
            (settings.data_dir / SECRET).chmod(0o600)
    with contextlib.closing(Database(settings.database_url)) as db:
        upgrade(db)
        with db.write() as session:
            control.hold(session, HELD, None)
            erase_again(session, erased)
            empty_comments_again(session, emptied)


def _erased(db: Database) -> Sequence[str]:
    """Return who was erased from a database that may be empty, or of an earlier release."""
    if not inspect(db.engine).has_table(Erasure.__tablename__):
        return []
    with db.read() as session:
        return erased_public_ids(session)


def _emptied(db: Database) -> Sequence[Emptied]:
    """Return which comments were emptied in a database that may be empty, or of an earlier release."""
    if not inspect(db.engine).has_table(Comment.__tablename__):
        return []
    with db.read() as session:
        return emptied_comments(session)


def _is_sqlite(settings: Settings) -> bool:
    return make_url(settings.database_url).get_backend_name() == "sqlite"


def _sqlite_path(settings: Settings) -> Path:
    return Path(make_url(settings.database_url).database or "")


def _copy_out(settings: Settings, folder: Path) -> Path:
    if not _is_sqlite(settings):
        copy = folder / POSTGRES_COPY
        _run("pg_dump", "--format=custom", "--no-owner", f"--file={copy}", f"--dbname={_libpq_url(settings)}")
        return copy
    if not _sqlite_path(settings).exists():
        raise Refusal(f"There is no database at {_sqlite_path(settings)} yet, so there is nothing to back up.")
    copy = folder / SQLITE_COPY
    driver: Any = sqlite_driver()
    live, kept = driver.connect(_sqlite_path(settings)), driver.connect(copy)
    with contextlib.closing(live), contextlib.closing(kept):
        live.backup(kept)
    return copy


def _unpacked(settings: Settings, source: Path, folder: Path) -> Path:
    wanted = SQLITE_COPY if _is_sqlite(settings) else POSTGRES_COPY
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name in (wanted, SECRET) else None
                if content is not None:
                    with (folder / member.name).open("wb") as file:
                        shutil.copyfileobj(content, file)
    except (OSError, tarfile.TarError) as problem:
        raise Refusal(f"{source} can't be read as a backup ({problem}). Nothing was changed.") from None
    if not (folder / wanted).exists():
        raise Refusal(f"{source} is no backup of a database such as DATABASE_URL names. Nothing was changed.")
    return folder / wanted


def _copy_in(settings: Settings, copy: Path) -> None:
    if not _is_sqlite(settings):
        options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
        _run("pg_restore", *options, f"--dbname={_libpq_url(settings)}", str(copy))
        return
    driver: Any = sqlite_driver()
    with contextlib.closing(driver.connect(copy)) as kept:
        if kept.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise Refusal("The database in this backup is damaged. Nothing was changed.")
        with contextlib.closing(driver.connect(_sqlite_path(settings))) as live:
            kept.backup(live)


def _libpq_url(settings: Settings) -> str:
    return make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *arguments: str) -> None:
    if shutil.which(program) is None:
        raise Refusal(f"{program} is not on this machine: install PostgreSQL's client programs. Nothing was changed.")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"{program} could not do it: {done.stderr.strip()[:500]}")

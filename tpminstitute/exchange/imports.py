"""An import from the file that was brought to its revert: each step that a person takes."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.contacts.tags import normal as normal_tag
from tpminstitute.core import clock, jobs, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.jobs import Job
from tpminstitute.core.text import one_line
from tpminstitute.exchange.choices import Choices, as_json
from tpminstitute.exchange.dates import find_day_first
from tpminstitute.exchange.encodings import find_encoding
from tpminstitute.exchange.fields import CONSENT_FIELDS, Field
from tpminstitute.exchange.models import Import, ImportProblem, ImportRow, ImportState
from tpminstitute.exchange.source import lay_out, recognise

LARGEST_FILE = 1_000_000_000
"""Bytes of a file that is brought by the browser; a shell takes any size."""

REVERT_DAYS = 30
"""For so long an import can be reverted; then its file and its rows are removed."""

UNRUN = (ImportState.CHOOSING, ImportState.CHECKING, ImportState.CHECKED)
"""States of an import of which nothing was imported yet."""

FORGOTTEN_DAYS = 7
"""A file that nobody went on with is removed after so long."""

_DATES = (Field.FIRST_SEEN, Field.CONSENT_AT)


def folder_of(settings: Settings) -> Path:
    """Return the folder that holds the files while they are imported, made now if it isn't there."""
    folder = settings.data_dir / "imports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def file_of(settings: Settings, job: Import) -> Path:
    """Return where an import's file lies."""
    return folder_of(settings) / job.public_id


def expect_room(settings: Settings, size: int) -> None:
    """Raise `Refusal` when the disk can't take a file of `size` bytes, and what is written anew of it."""
    free = shutil.disk_usage(folder_of(settings)).free
    if size * 3 > free:
        raise Refusal(
            f"The disk of this service has {free / 1e6:,.0f} MB left, and the file needs three times its "
            f"{size / 1e6:,.0f} MB. Nothing was kept. Ask the operator to make room, then bring it again."
        )


def look_at(file: Path) -> Choices:
    """Return what a file is, how it is read and what its columns probably are.

    It reads the whole file, so nobody should hold a transaction meanwhile. Raises `Refusal`, which says what to do,
    for a file that can't be read.
    """
    kind = recognise(file)
    layout = lay_out(file, kind, find_encoding(file))
    return with_dates(Choices(layout, tuple(layout.guesses)))


def begin(session: Session, settings: Settings, file: Path, name: str, choices: Choices, account_id: int) -> Import:
    """Begin an import of a file, which gets another name in the folder of imports.

    Parameters: `file`, which lies in that folder; `name`, as its owner calls it; `choices`, those of `look_at`.
    """
    job = Import(
        public_id=tokens.public_id(),
        account_id=account_id,
        file_name=one_line(name, 200) or "a file without a name",
        size=file.stat().st_size,
        state=ImportState.CHOOSING,
        choices=as_json(choices),
        created_at=clock.now(),
        moved_at=clock.now(),
    )
    session.add(job)
    session.flush()
    file_of(settings, job).hardlink_to(file)
    return job


def with_dates(choices: Choices) -> Choices:
    """Return choices with what the first rows tell of how dates are written."""
    dates = (
        record.cells[at]
        for record in choices.layout.samples
        if not record.fault
        for at in choices.columns_of(*_DATES)
        if at < len(record.cells)
    )
    return replace(choices, day_first=find_day_first(dates, choices.layout.delimiter == ";"))


def choose(session: Session, job: Import, choices: Choices) -> None:
    """Keep what was chosen, and let the dry run begin.

    Raises `Refusal` when no column holds addresses, for a tag that can't be one, and when the import is past choosing.
    """
    if not choices.columns_of(Field.EMAIL, Field.MORE_EMAIL):
        raise Refusal("Choose the column that holds the e-mail addresses: contacts are told apart by them.")
    if choices.tag:
        choices = replace(choices, tag=normal_tag(choices.tag))
    stored = as_json(choices)
    _move(
        session,
        job,
        (ImportState.CHOOSING, ImportState.CHECKED),
        ImportState.CHECKING,
        choices=stored,
        readable_bytes=None,
        read_bytes=0,
        read_line=1,
        rows=0,
        checked={},
    )


def choose_again(session: Session, job: Import) -> None:
    """Go back from the dry run to choosing."""
    _move(session, job, (ImportState.CHECKED,), ImportState.CHOOSING)


def run(session: Session, job: Import, account_id: int) -> None:
    """Let the import run. Raises `Refusal` when the dry run found nothing to import, or isn't over."""
    rows = job.rows - job.checked.get("left_out", 0)
    if job.state is ImportState.CHECKED and not rows:
        raise Refusal("None of the rows can be imported. Nothing was changed. Mend the file and bring it again.")
    _move(
        session,
        job,
        (ImportState.CHECKED,),
        ImportState.RUNNING,
        run_at=clock.now(),
        done_line=0,
        account_id=account_id,
    )
    subject = f"import {job.public_id} of {job.file_name}: {rows:,} rows"
    record_audit(session, "import_begun", subject, account_id=account_id)


def revert(session: Session, job: Import, account_id: int) -> None:
    """Let the whole import be taken back. Raises `Refusal` when it isn't done, or was tidied away."""
    if job.tidied_at is not None:
        raise Refusal(
            f"An import can be reverted for {REVERT_DAYS} days, and this one is older: what it changed isn't known "
            "any more. Nothing was changed."
        )
    _move(session, job, (ImportState.DONE,), ImportState.REVERTING, done_line=0, undone={})
    record_audit(session, "import_revert_begun", f"import {job.public_id} of {job.file_name}", account_id=account_id)


def discard(session: Session, settings: Settings, job: Import, account_id: int) -> None:
    """Remove an import that wasn't run, with its file. Raises `Refusal` for one that was."""
    removed = session.execute(
        delete(Import)
        .where(Import.id == job.id, Import.state.in_(UNRUN))
        .returning(Import.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if removed is None:
        raise Refusal("This import was run already, so it can't be discarded. Nothing was changed. Revert it instead.")
    record_audit(session, "import_discarded", f"import {job.public_id} of {job.file_name}", account_id=account_id)
    _remove_files(settings, job.public_id)


def tidy_imports(session: Session, settings: Settings) -> None:
    """Remove the files that nobody went on with, and files and rows of what can't be reverted any more."""
    now = clock.now()
    forgotten = select(Import).where(
        Import.state.in_((ImportState.CHOOSING, ImportState.CHECKED)),
        Import.moved_at < now - timedelta(days=FORGOTTEN_DAYS),
    )
    for job in session.scalars(forgotten).all():
        session.execute(delete(Import).where(Import.id == job.id).execution_options(synchronize_session=False))
        _remove_files(settings, job.public_id)
    over = select(Import).where(
        Import.state.in_((ImportState.DONE, ImportState.REVERTED)),
        Import.tidied_at.is_(None),
        Import.done_at < now - timedelta(days=REVERT_DAYS),
    )
    for job in session.scalars(over).all():
        session.execute(delete(ImportRow).where(ImportRow.import_id == job.id))
        session.execute(delete(ImportProblem).where(ImportProblem.import_id == job.id))
        job.tidied_at = now
        _remove_files(settings, job.public_id)
    _remove_strays(session, settings)


def _remove_strays(session: Session, settings: Settings) -> None:
    """Remove what belongs to no import, such as what an upload that broke off left behind."""
    eldest = clock.now() - timedelta(days=FORGOTTEN_DAYS)
    known = set(session.scalars(select(Import.public_id).where(Import.tidied_at.is_(None))))
    for file in folder_of(settings).iterdir():
        if file.stem not in known and file.stat().st_mtime < eldest.timestamp():
            file.unlink(missing_ok=True)


def forget_file(settings: Settings, job: Import) -> None:
    """Remove the file of an import; what was read of it is kept, and nothing else needs it once it was run."""
    _remove_files(settings, job.public_id)


def _remove_files(settings: Settings, public_id: str) -> None:
    for suffix in ("", ".readable", ".part"):
        (folder_of(settings) / f"{public_id}{suffix}").unlink(missing_ok=True)


def lacks_of_consent(choices: Choices) -> list[Field]:
    """Return what of a consent no column and no sentence of the form gives; empty where consent may be granted."""
    given = {Field.CONSENT_WORDING: choices.consent_wording, Field.CONSENT_SOURCE: choices.consent_source}
    return [one for one in CONSENT_FIELDS if not choices.columns_of(one) and not given.get(one)]


def _move(session: Session, job: Import, before: tuple[ImportState, ...], to: ImportState, **values: object) -> None:
    moved = session.execute(
        update(Import)
        .where(Import.id == job.id, Import.state.in_(before))
        .values(state=to, moved_at=clock.now(), trouble="", **values)
        .returning(Import.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if moved is None:
        raise Refusal("This import has gone on since the page was opened. Nothing was changed. Look how it stands now.")
    session.refresh(job)
    jobs.hint(session, Job.IMPORT)

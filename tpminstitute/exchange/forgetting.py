"""Forgetting somebody in files that were brought and not imported yet."""

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.core.config import Settings
from tpminstitute.exchange.encodings import CHUNK
from tpminstitute.exchange.imports import UNRUN, file_of, forget_file
from tpminstitute.exchange.models import Import

_LETTERS = ("utf-8", "utf-16-le", "utf-16-be")
"""An address is ASCII nearly always, which every other set writes as UTF-8 does."""


def forget_in_files(session: Session, settings: Settings, keys: Collection[str]) -> int:
    """Remove the files of imports that weren't run and in which one of these addresses stands; returns how many.

    What was read of a file stays in the database, so an import whose dry run is over can still run, without the rows
    that were erased.
    """
    sought = [key.encode(letters) for key in keys for letters in _LETTERS]
    waiting = session.scalars(select(Import).where(Import.state.in_(UNRUN), Import.tidied_at.is_(None))).all()
    naming = [job for job in waiting if _holds(file_of(settings, job), sought)]
    for job in naming:
        forget_file(settings, job)
    return len(naming)


def _holds(path: Path, sought: Collection[bytes]) -> bool:
    """Return whether one of some pieces of bytes stands in a file, in whatever case its letters are."""
    if not sought or not path.exists():
        return False
    longest, end = max(len(piece) for piece in sought), b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            held = end + chunk.lower()
            if any(piece in held for piece in sought):
                return True
            end = held[-longest:]
    return False

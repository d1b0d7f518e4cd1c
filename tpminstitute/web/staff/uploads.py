"""Files that staff bring: written to disk as they arrive, before anything in the database is held.

A POST's session begins a writing transaction with the first look at who asks, and on SQLite there is one of them at a
time. So the file is received, and looked through, before that.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flask import Request, current_app, g, request
from flask import session as browser_session
from sqlalchemy import select

from tpminstitute.accounts.models import Account, Role
from tpminstitute.core.errors import Refusal
from tpminstitute.exchange.choices import Choices
from tpminstitute.exchange.imports import LARGEST_FILE, expect_room, folder_of, look_at
from tpminstitute.web.common import database, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.sessions import OWNER

BRINGS_FILE = "staff.bring_file"

TOO_MUCH = (
    f"The file is larger than {LARGEST_FILE / 1e9:.0f} GB, and that is the most a browser can bring. Nothing was kept. "
    "Split it into several files, or ask the operator to bring it in a shell with “tpm import”."
)

_FORM_BYTES = 100_000
"""What a form has beside its file."""


@dataclass(frozen=True)
class Brought:
    """A file that arrived: where it lies until the request is over, what it is called, and how it is read."""

    path: Path
    name: str
    choices: Choices


class FilesOnDisk(Request):
    """A request whose files, where staff bring some, are written to DATA_DIR: /tmp may be memory."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.endpoint != BRINGS_FILE:
            return super()._get_file_stream(total_content_length, content_type, filename, content_length)
        folder = folder_of(current_app.extensions["tpm"].settings)
        return tempfile.NamedTemporaryFile("w+b", dir=folder, suffix=".part")  # gone when the request is over


@staff.url_value_preprocessor
def receive_file(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Receive the file of a POST that brings one, from whoever may, before a transaction begins.

    Everybody else's is left to the usual checks, and to the usual limit.
    """
    if endpoint != BRINGS_FILE or request.method != "POST" or not _may_bring():
        return
    request.max_content_length = LARGEST_FILE + _FORM_BYTES
    g.too_much = TOO_MUCH
    if request.content_length is not None and request.content_length <= request.max_content_length:
        expect_room(settings(), request.content_length)
    file = request.files.get("file")
    if file is None or not file.filename:
        return
    file.stream.flush()
    path = Path(str(file.stream.name))
    with path.open("rb") as octets:
        g.brought_digest = f"{file.filename} {hashlib.file_digest(octets, 'sha256').hexdigest()}"
    try:
        g.brought = Brought(path, file.filename, look_at(path))
    except Refusal as refusal:
        g.brought = refusal


def brought() -> Brought:
    """Return the file of this request. Raises `Refusal` when there is none, or when it can't be read."""
    found = g.get("brought")
    if isinstance(found, Refusal):
        raise found
    if found is None:
        raise Refusal("Choose a file first. Nothing was kept.")
    return found  # type: ignore[no-any-return]


def _may_bring() -> bool:
    """Whether the session's account may act, as far as a look of its own tells; the view's guard asks again."""
    owner = browser_session.get(OWNER)
    if owner is None:
        return False
    with database().read() as reading:
        role = reading.scalar(select(Account.role).where(Account.fs_uniquifier == owner, Account.active))
    return role in (Role.ADMINISTRATOR, Role.ADVISOR)

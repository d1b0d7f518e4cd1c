"""One SQLite file for one test after another: afterwards it is, page by page, as the migrations left it.

Opening a file of its own for each test meant to read the whole schema (2 ms for each connection), to compile each
statement anew, and to make and remove three files: a sixth of the processor time of the tests of rooms.
"""

import sqlite3
import uuid
from pathlib import Path
from typing import Any

from tests.parts.dialects import close_parked_to, open_connections, park_file
from tpminstitute.core.db import sqlite_driver


class ReusedFile:
    """An SQLite database that is as its template again after each `restore`."""

    def __init__(self, template: Path, folder: Path) -> None:
        """Copy the template to a file in `folder`."""
        self._template, self._folder = template, folder
        self._make()

    def _make(self) -> None:
        self._path = self._folder / f"{uuid.uuid4().hex[:12]}.db"
        self.url = f"sqlite:///{self._path}"
        driver: Any = sqlite_driver()
        self._errors = (driver.OperationalError, sqlite3.OperationalError)
        self._original = driver.connect(self._template)
        self._connection = driver.connect(self._path, timeout=0.2, isolation_level=None)
        self._original.backup(self._connection)
        self._schema = self._told("schema_version")
        self._seen = self._told("data_version")
        park_file(str(self._path))

    def _told(self, pragma: str) -> int:
        ((value, *_),) = self._connection.execute(f"PRAGMA {pragma}").fetchall()
        return int(value)

    def restore(self) -> None:
        """Put everything back; a file that has another schema, or that somebody still holds, is left for a new one."""
        if open_connections(str(self._path)) or not self._put_back():
            self.close()
            self._make()

    def _put_back(self) -> bool:
        """Return whether the file is as its template again; the connections to it needn't read its schema anew."""
        if self._told("data_version") == self._seen:
            return True  # nobody has written
        if self._told("schema_version") != self._schema:
            return False
        try:
            self._original.backup(self._connection)
            self._connection.execute(f"PRAGMA schema_version = {self._schema}").close()
            held = self._told("wal_checkpoint(TRUNCATE)")
        except self._errors:
            return False
        self._seen = self._told("data_version")
        return not held

    def close(self) -> None:
        """Remove it."""
        close_parked_to(str(self._path))
        self._connection.close()
        self._original.close()
        for name in ("", "-wal", "-shm"):
            Path(f"{self._path}{name}").unlink(missing_ok=True)

"""Where the guide's PDF and EPUB are kept: made once for an edition, in a folder that every process reads."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from tpminstitute.guide.book import Book
from tpminstitute.guide.epub import make_epub

log = structlog.get_logger(__name__)

PDF, EPUB = "pdf", "epub"


@dataclass(frozen=True)
class File:
    """One of the book's files; `content` is all of it."""

    name: str
    content: bytes

    @property
    def size(self) -> str:
        """How large it is, as readers see it."""
        return size_in_words(len(self.content))


class Shelf:
    """The newest book's files, in this process and in a folder; an edition of before is made again if it comes back."""

    def __init__(self, folder: Path, press: Callable[[Book], None] | None = None) -> None:
        """Parameters: `press`, who is asked to print a PDF that isn't there yet; without it whoever wants it waits."""
        self._folder, self._press = folder, press
        self._kept: dict[str, File] = {}
        self._making = threading.Lock()
        self._ordered = ""

    def file(self, book: Book, kind: str) -> File:
        """Return a file of `book`, PDF or EPUB; who asks for one that isn't there waits a moment while it is made."""
        there = self.lying_there(book, kind)
        if there is not None:
            return there
        with self._making:
            return self.lying_there(book, kind) or self._make(book, kind)

    def lying_there(self, book: Book, kind: str) -> File | None:
        """Return a file of `book` if it was made before, by whatever process."""
        name = f"{book.key}.{kind}"
        if name not in self._kept:
            try:
                self._kept = self._of_this(book) | {name: File(name, (self._folder / name).read_bytes())}
            except OSError:  # not there, or not to be read: it is made again, and laying it down says what is wrong
                return None
        return self._kept[name]

    def order(self, book: Book) -> None:
        """Have the PDF of `book` printed, once, by who prints for this process."""
        if self._press is not None and self._ordered != book.key and self.lying_there(book, PDF) is None:
            self._ordered = book.key
            self._press(book)

    def _of_this(self, book: Book) -> dict[str, File]:
        return {name: file for name, file in self._kept.items() if name.startswith(book.key)}

    def _make(self, book: Book, kind: str) -> File:
        file = File(f"{book.key}.{kind}", _bytes(book, kind))
        self._kept = self._of_this(book) | {file.name: file}
        try:
            self._lay_down(file, kind)
        except OSError as problem:  # readers get it all the same; the next process makes it again
            log.warning("guide_file_not_kept", file=file.name, reason=problem.strerror)
        return file

    def _lay_down(self, file: File, kind: str) -> None:
        """Put `file` into the folder in place of those of before; under its name only when it is whole."""
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f".{file.name}.{secrets.token_hex(4)}"
        unfinished.write_bytes(file.content)
        unfinished.replace(self._folder / file.name)
        for old in self._folder.glob(f"*.{kind}"):
            if old.name != file.name:
                old.unlink(missing_ok=True)


def size_in_words(size: int) -> str:
    """Return a number of bytes as readers see it: 14 kB."""
    return f"{max(round(size / 1000), 1)} kB"


def _bytes(book: Book, kind: str) -> bytes:
    if kind == EPUB:
        return make_epub(book)
    from tpminstitute.guide.pdf import make_pdf  # 20 MB that a process without readers of PDFs does without

    return make_pdf(book)

"""Mails as the world's mail programs and servers write them, invented for this project, and what each of them is.

Each folder is named after the kind of the mails in it. A `.json` beside a mail says what must be read from it: `words`
(what the writer newly wrote), `return_on`, `recipient` and `status` of a bounce, `refers_to` and `reference` (what
leads back to a mail of ours), `attachments` (their types), `attachment_names`, `flagged_as_spam`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tpminstitute.mail.incoming.model import ReadMail
from tpminstitute.mail.incoming.read import read_mail

FOLDER = Path(__file__).parent
OURS = frozenset({"info@tpminstitute.org"})
FOLDERS = ("person", "out_of_office", "automatic", "bounce_hard", "bounce_soft", "complaint", "unsubscribe")


@dataclass(frozen=True)
class Sample:
    """One mail of the corpus: what it is, and what must be read from it."""

    folder: str
    name: str
    content: bytes
    expected: dict[str, Any]

    @property
    def title(self) -> str:
        """Where it stands."""
        return f"{self.folder}/{self.name}"


def samples(*folders: str) -> list[Sample]:
    """Return the mails of the folders named, or of all."""
    return [_sample(path) for folder in folders or FOLDERS for path in sorted((FOLDER / folder).glob("*.eml"))]


def _sample(path: Path) -> Sample:
    beside = path.with_suffix(".json")
    expected = json.loads(beside.read_text("utf-8")) if beside.exists() else {}
    return Sample(path.parent.name, path.stem, path.read_bytes(), expected)


def read(sample: Sample) -> ReadMail:
    """Read a mail of the corpus as the institute would."""
    return read_mail(sample.content, ours=OURS)


def folder_of(mail: ReadMail) -> str:
    """Return the folder in which a mail that was read so belongs."""
    if mail.bounce is not None:
        return "bounce_hard" if mail.bounce.permanent else "bounce_soft"
    return mail.kind.value

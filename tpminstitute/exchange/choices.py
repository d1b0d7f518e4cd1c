"""What somebody chooses before an import: how the file is read, what its columns are, what becomes of whom we know."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tpminstitute.exchange.fields import Field
from tpminstitute.exchange.records import Place
from tpminstitute.exchange.source import FileKind, Layout


class Existing(StrEnum):
    """What happens to a contact that is known already."""

    FILL = "fill"
    OVERWRITE = "overwrite"
    SKIP = "skip"


EXISTING_LABELS = {
    Existing.FILL: "Fill only what is empty",
    Existing.OVERWRITE: "Overwrite with what the file says",
    Existing.SKIP: "Leave them as they are",
}


@dataclass(frozen=True)
class Choices:
    """All that was chosen; `columns` has one entry a column, None for one that is ignored.

    `consent_wording` and `consent_source` hold for every row that tells a date but not these.
    """

    layout: Layout
    columns: tuple[Field | None, ...]
    existing: Existing = Existing.FILL
    tag: str = ""
    day_first: bool = False
    consent_wording: str = ""
    consent_source: str = ""

    def columns_of(self, *fields: Field) -> list[int]:
        """Return the columns that were chosen to be one of `fields`."""
        return [at for at, field in enumerate(self.columns) if field in fields]


def as_json(choices: Choices) -> dict[str, Any]:
    """Return choices as they are stored."""
    layout = choices.layout
    return {
        "kind": layout.kind,
        "encoding": layout.encoding,
        "delimiter": layout.delimiter,
        "has_heading": layout.has_heading,
        "begins": [layout.begins.offset, layout.begins.line],
        "headings": list(layout.headings),
        "columns": list(choices.columns),
        "existing": choices.existing,
        "tag": choices.tag,
        "day_first": choices.day_first,
        "consent_wording": choices.consent_wording,
        "consent_source": choices.consent_source,
    }


def from_json(stored: Mapping[str, Any]) -> Choices:
    """Return stored choices."""
    layout = Layout(
        FileKind(stored["kind"]),
        stored["encoding"],
        stored["delimiter"],
        stored["has_heading"],
        Place(*stored["begins"]),
        tuple(stored["headings"]),
    )
    return Choices(
        layout,
        tuple(Field(name) if name else None for name in stored["columns"]),
        Existing(stored["existing"]),
        stored["tag"],
        stored["day_first"],
        stored["consent_wording"],
        stored["consent_source"],
    )

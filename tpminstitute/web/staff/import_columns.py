"""The page on which the columns of a file get their meaning."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import request

from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line, visible
from tpminstitute.exchange.choices import EXISTING_LABELS, Choices, Existing, from_json
from tpminstitute.exchange.csv_reading import DELIMITERS
from tpminstitute.exchange.encodings import LETTERS
from tpminstitute.exchange.fields import IMPORTED, LABELS, Field
from tpminstitute.exchange.imports import lacks_of_consent, with_dates
from tpminstitute.exchange.models import Import
from tpminstitute.exchange.records import shown
from tpminstitute.exchange.source import KIND_NAMES, FileKind, Layout, lay_out, some_beyond_ascii

MANY_COLUMNS = 30
"""With more columns than that, those without a meaning are folded."""

_SAMPLES = 3
_PREVIEW = 4
_LONGEST_SENTENCE = 2000

HINTS = {
    Field.OWNER: "Owner (a colleague’s address or name)",
    Field.TAGS: "Tags (commas between them)",
    Field.OPTED_OUT: "Unsubscribed (yes closes the address to follow-ups)",
    Field.CONSENT_AT: "Consent: agreed on (date)",
    Field.CONSENT_WORDING: "Consent: the words they agreed to",
    Field.CONSENT_SOURCE: "Consent: where they agreed",
    Field.BACKGROUND: "Where they stand on the path",
}


@dataclass(frozen=True)
class Column:
    """One column on the page: its place, heading, some of its cells, and what it is."""

    number: int
    heading: str
    cells: list[str]
    chosen: Field | None


def columns_view(file: Path, job: Import, tried: bool) -> dict[str, Any]:
    """Return what the page shows.

    Parameters: `tried`, whether it comes back with what was posted; else the address may ask for another reading.
    """
    choices = chosen_columns(file, job) if tried else _asked_for(file, job)
    layout = choices.layout
    columns = [
        Column(at, visible(heading), _cells(layout, at), choices.columns[at])
        for at, heading in enumerate(layout.headings)
    ]
    fold = len(columns) > MANY_COLUMNS
    return {
        "job": job,
        "kind": KIND_NAMES[layout.kind],
        "is_csv": layout.kind is FileKind.CSV,
        "choices": choices,
        "layout": layout,
        "columns": [column for column in columns if column.chosen or not fold],
        "folded": [column for column in columns if fold and not column.chosen],
        "fields": {field: HINTS.get(field, LABELS[field]) for field in IMPORTED},
        "letters": LETTERS,
        "delimiters": DELIMITERS,
        "existing_labels": EXISTING_LABELS,
        "lacks": [LABELS[field] for field in lacks_of_consent(choices)],
        "preview": [[visible(shown(cell)) for cell in record.cells] for record in _telling(layout)],
    }


def chosen_columns(file: Path, job: Import) -> Choices:
    """Return what the posted form chooses."""
    form = request.form
    layout = _read_as(file, from_json(job.choices), form.get("encoding"), form.get("delimiter"), form.get("heading"))
    names = [form.get(f"column-{at}", "") for at in range(len(layout.headings))]
    return Choices(
        layout,
        tuple(Field(name) if name in set(IMPORTED) else None for name in names),
        _existing(form.get("existing", "")),
        one_line(form.get("tag", ""), 200),
        form.get("dates") == "day_first",
        " ".join(form.get("consent_wording", "").split())[:_LONGEST_SENTENCE],
        one_line(form.get("consent_source", ""), 200),
    )


def _asked_for(file: Path, job: Import) -> Choices:
    """Return what is stored, read in another way where the address says so; then the columns are guessed anew."""
    stored, asked = from_json(job.choices), request.args
    if not {"encoding", "delimiter", "heading"} & set(asked):
        layout = _read_as(file, stored, None, None, None)
        return replace(stored, layout=layout)
    layout = _read_as(file, stored, asked.get("encoding"), asked.get("delimiter"), asked.get("heading"))
    return with_dates(replace(stored, layout=layout, columns=tuple(layout.guesses)))


def _read_as(file: Path, stored: Choices, encoding: str | None, delimiter: str | None, heading: str | None) -> Layout:
    was = stored.layout
    return lay_out(
        file,
        was.kind,
        encoding or was.encoding,
        (delimiter or was.delimiter or None) if was.kind is FileKind.CSV else None,
        was.has_heading if heading is None else heading == "yes",
    )


def _existing(name: str) -> Existing:
    if name not in set(Existing):
        raise Refusal("Choose what happens to contacts that are known already. Nothing was changed.")
    return Existing(name)


def _cells(layout: Layout, at: int) -> list[str]:
    filled = (record.cells[at] for record in layout.samples if not record.fault and at < len(record.cells))
    distinct = dict.fromkeys(visible(one_line(shown(cell), 60)) for cell in filled if cell.strip())
    return list(distinct)[:_SAMPLES]


def _telling(layout: Layout) -> list[Any]:
    return some_beyond_ascii([record for record in layout.samples if not record.fault], _PREVIEW)

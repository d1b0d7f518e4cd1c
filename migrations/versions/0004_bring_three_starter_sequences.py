"""Bring three sequences written from the guide, switched off until staff approve them, and a letter to who returns."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEMPLATES = {
    "acknowledgement-again": "Acknowledgement of a further message",
    "new-1-what-the-role-is": "New to the field 1: what the role is",
    "new-2-the-degree-question": "New to the field 2: the degree question",
    "new-3-watch-one-project": "New to the field 3: watch one project",
    "new-4-somebody-to-ask": "New to the field 4: somebody to ask",
    "new-5-choose-one-step": "New to the field 5: choose one step",
    "engineer-1-what-it-is-for": "From engineering 1: what it is for",
    "engineer-2-say-it-without-the-how": "From engineering 2: say it without the how",
    "engineer-3-who-would-be-surprised": "From engineering 3: who would be surprised",
    "engineer-4-when-the-scope-changes": "From engineering 4: when the scope changes",
    "engineer-5-let-others-solve-it": "From engineering 5: let others solve it",
    "manager-1-where-projects-meet": "From project management 1: where projects meet",
    "manager-2-draw-the-system": "From project management 2: draw the system",
    "manager-3-questions-for-engineers": "From project management 3: questions for engineers",
    "manager-4-beyond-the-certificate": "From project management 4: beyond the certificate",
    "manager-5-follow-one-technology": "From project management 5: follow one technology",
}

ABOUT_THE_PATH = ["becoming_a_tpm", "courses", "other"]
ABOUT_EVERY_TOPIC: list[str] = []

FIRST = (2, "working_days")
"""Somebody who wrote hears from a person first; two working days leave room for that answer."""

# Between two mails lie as many days as the exercise in the earlier one takes.
SEQUENCES = {
    "new-to-the-field": (
        "New to the field",
        [
            ("new-1-what-the-role-is", FIRST, ABOUT_THE_PATH),
            ("new-2-the-degree-question", (4, "days"), ABOUT_THE_PATH),
            ("new-3-watch-one-project", (5, "days"), ABOUT_THE_PATH),
            ("new-4-somebody-to-ask", (7, "days"), ABOUT_THE_PATH),
            ("new-5-choose-one-step", (7, "days"), ABOUT_THE_PATH),
        ],
    ),
    "from-engineering": (
        "From engineering",
        [
            ("engineer-1-what-it-is-for", FIRST, ABOUT_THE_PATH),
            ("engineer-2-say-it-without-the-how", (4, "days"), ABOUT_THE_PATH),
            ("engineer-3-who-would-be-surprised", (5, "days"), ABOUT_THE_PATH),
            ("engineer-4-when-the-scope-changes", (6, "days"), ABOUT_THE_PATH),
            ("engineer-5-let-others-solve-it", (7, "days"), ABOUT_THE_PATH),
        ],
    ),
    "from-project-management": (
        "From project management",
        [
            ("manager-1-where-projects-meet", FIRST, ABOUT_THE_PATH),
            ("manager-2-draw-the-system", (5, "days"), ABOUT_THE_PATH),
            ("manager-3-questions-for-engineers", (6, "days"), ABOUT_THE_PATH),
            ("manager-4-beyond-the-certificate", (7, "days"), ABOUT_EVERY_TOPIC),
            ("manager-5-follow-one-technology", (5, "days"), ABOUT_THE_PATH),
        ],
    ),
}
"""Each by its key: its name, and its mails in order, each with its wait and its topics.

None of them starts by itself (`starts_for`): the form doesn't ask where somebody comes from.
"""

WORKDAYS = "12345"
NINE, FIVE = 9 * 60, 17 * 60
"""When they go out, by the reader's own clock: at work, when the exercise is at hand."""


def upgrade() -> None:
    templates = sa.table("templates", sa.column("key"), sa.column("name"))
    op.bulk_insert(templates, [{"key": key, "name": name} for key, name in TEMPLATES.items()])
    for key, (name, steps) in SEQUENCES.items():
        _add(key, name, steps)


def _add(key: str, name: str, steps: list[tuple[str, tuple[int, str], list[str]]]) -> None:
    sequences = sa.table(
        "sequences",
        *(sa.column(column) for column in ("id", "key", "name", "active")),
        sa.column("starts_for", sa.JSON()),
    )
    versions = sa.table(
        "sequence_versions",
        *(sa.column(column) for column in ("id", "sequence_id", "number")),
        sa.column("at", UtcDateTime()),
    )
    mails = sa.table(
        "sequence_steps",
        *(sa.column(column) for column in ("version_id", "position", "number", "letter_key")),
        *(sa.column(column) for column in ("wait_amount", "wait_unit", "days", "opens_minute", "closes_minute")),
        sa.column("conditions", sa.JSON()),
        sa.column("topics", sa.JSON()),
    )
    sequence = sa.insert(sequences).values(key=key, name=name, active=False, starts_for=[]).returning(sequences.c.id)
    version = (
        sa.insert(versions)
        .values(sequence_id=op.get_bind().scalar(sequence), number=1, at=datetime.now(UTC))
        .returning(versions.c.id)
    )
    version_id = op.get_bind().scalar(version)
    op.bulk_insert(
        mails,
        [
            {
                "version_id": version_id,
                "position": place,
                "number": place,
                "letter_key": letter,
                "wait_amount": amount,
                "wait_unit": unit,
                "days": WORKDAYS,
                "opens_minute": NINE,
                "closes_minute": FIVE,
                "conditions": [],
                "topics": topics,
            }
            for place, (letter, (amount, unit), topics) in enumerate(steps, start=1)
        ],
    )

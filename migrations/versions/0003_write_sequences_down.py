"""Write sequences down as versions, with windows, conditions and records of why; know where contacts live and stand."""

from collections.abc import Iterable
from enum import StrEnum

import sqlalchemy as sa
from alembic import op

from tpminstitute.contacts.models import Background, BackgroundSource, ZoneSource
from tpminstitute.core.checks import allow, require
from tpminstitute.core.db import UtcDateTime
from tpminstitute.timeline.models import ActivityKind

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IMMUTABLE = {
    "sequence_versions": ("sequence_id", "number", "at", "account_id"),
    "sequence_steps": (
        "version_id",
        "position",
        "number",
        "letter_key",
        "wait_amount",
        "wait_unit",
        "days",
        "opens_minute",
        "closes_minute",
        "conditions",
        "topics",
    ),
    "step_records": ("enrollment_id", "version_id", "number", "outcome", "sentence", "at", "due_at"),
}


def upgrade() -> None:
    _make_calendar()
    _make_plans()
    _make_records()
    _extend_contacts()
    _extend_sequences()
    _write_first_versions()
    op.drop_table("steps")
    op.execute(
        "ALTER TABLE enrollments ADD COLUMN version_id INTEGER "
        "CONSTRAINT fk_enrollments_version_id REFERENCES sequence_versions(id)"
    )
    op.execute(
        "UPDATE enrollments SET version_id = "
        "(SELECT id FROM sequence_versions WHERE sequence_versions.sequence_id = enrollments.sequence_id)"
    )
    require(op.get_bind(), "enrollments", "version_id")
    standing = ["sequence_id", "status", "version_id", "next_position"]
    op.create_index("ix_enrollments_standing", "enrollments", standing, unique=False)
    _record_what_was_written()
    op.execute(
        "ALTER TABLE enrollment_pauses ADD COLUMN drafts BOOLEAN DEFAULT FALSE NOT NULL "
        "CONSTRAINT ck_enrollment_pauses_drafts_wait_for_a_person CHECK (NOT drafts OR until IS NULL)"
    )
    _index_where("ix_enrollment_pauses_drafts_due_at", "enrollment_pauses", ["due_at"], "drafts", unique=False)
    allow(op.get_bind(), "activities", "kind", ActivityKind)
    for table, columns in IMMUTABLE.items():
        _keep(table, columns)


def _make_calendar() -> None:
    op.create_table(
        "course_dates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("full_at", UtcDateTime(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_course_dates_name_not_empty")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_course_dates_number_from_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_dates")),
    )
    op.create_table(
        "holidays",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_holidays_name_not_empty")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_holidays")),
    )


def _make_plans() -> None:
    op.create_table(
        "sequence_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sequence_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("number >= 1", name=op.f("ck_sequence_versions_number_from_one")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sequence_versions_account_id")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name=op.f("fk_sequence_versions_sequence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequence_versions")),
        sa.UniqueConstraint("sequence_id", "number", name=op.f("uq_sequence_versions_sequence_id_number")),
    )
    op.create_table(
        "sequence_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("letter_key", sa.String(length=60), nullable=False),
        sa.Column("wait_amount", sa.Integer(), nullable=False),
        sa.Column("wait_unit", _enum("wait_unit", "hours", "days", "working_days", "before_course"), nullable=False),
        sa.Column("days", sa.String(length=7), nullable=False),
        sa.Column("opens_minute", sa.Integer(), nullable=False),
        sa.Column("closes_minute", sa.Integer(), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "0 <= opens_minute AND opens_minute < closes_minute AND closes_minute <= 1440",
            name=op.f("ck_sequence_steps_opens"),
        ),
        sa.CheckConstraint("days <> ''", name=op.f("ck_sequence_steps_days_not_empty")),
        sa.CheckConstraint("letter_key <> ''", name=op.f("ck_sequence_steps_letter_key_not_empty")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_sequence_steps_number_from_one")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_sequence_steps_position_from_one")),
        sa.CheckConstraint("wait_amount >= 0", name=op.f("ck_sequence_steps_wait_not_negative")),
        sa.ForeignKeyConstraint(["version_id"], ["sequence_versions.id"], name=op.f("fk_sequence_steps_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequence_steps")),
        sa.UniqueConstraint("version_id", "number", name=op.f("uq_sequence_steps_version_id_number")),
        sa.UniqueConstraint("version_id", "position", name=op.f("uq_sequence_steps_version_id_position")),
    )


def _make_records() -> None:
    outcomes = ("queued", "moved", "held", "skipped", "stopped", "drafted", "dropped")
    op.create_table(
        "step_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("enrollment_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", _enum("step_outcome", *outcomes), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("sentence <> ''", name=op.f("ck_step_records_sentence_not_empty")),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollments.id"], name=op.f("fk_step_records_enrollment_id")),
        sa.ForeignKeyConstraint(["version_id"], ["sequence_versions.id"], name=op.f("fk_step_records_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_records")),
    )
    op.create_index("ix_step_records_enrollment_id_id", "step_records", ["enrollment_id", "id"], unique=False)
    _index_where("uq_step_records_queued_once", "step_records", ["enrollment_id", "number"], "outcome = 'queued'")
    op.create_table(
        "follow_up_drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("enrollment_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", _enum("draft_status", "waiting", "approved", "dropped"), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(status = 'waiting') = (decided_at IS NULL)", name=op.f("ck_follow_up_drafts_decided_at_a_time")
        ),
        sa.CheckConstraint("body <> ''", name=op.f("ck_follow_up_drafts_body_not_empty")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_follow_up_drafts_reason_not_empty")),
        sa.CheckConstraint("subject <> ''", name=op.f("ck_follow_up_drafts_subject_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_follow_up_drafts_account_id")),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollments.id"], name=op.f("fk_follow_up_drafts_enrollment_id")),
        sa.ForeignKeyConstraint(["version_id"], ["sequence_versions.id"], name=op.f("fk_follow_up_drafts_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_drafts")),
    )
    _index_where("uq_follow_up_drafts_one_waiting", "follow_up_drafts", ["enrollment_id"], "status = 'waiting'")
    op.create_table(
        "link_clicks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("url <> ''", name=op.f("ck_link_clicks_url_not_empty")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_link_clicks_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_clicks")),
    )
    op.create_index("ix_link_clicks_message_id", "link_clicks", ["message_id"], unique=False)


def _extend_contacts() -> None:
    op.create_table(
        "contact_tags",
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=60), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("tag <> ''", name=op.f("ck_contact_tags_tag_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_contact_tags_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_contact_tags_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", "tag", name=op.f("pk_contact_tags")),
    )
    op.create_index("ix_contact_tags_tag_contact_id", "contact_tags", ["tag", "contact_id"], unique=False)
    op.execute("ALTER TABLE contacts ADD COLUMN time_zone VARCHAR(64)")
    op.execute("ALTER TABLE contacts ADD COLUMN background VARCHAR(40)" + _one_of("contacts", "background", Background))
    together = {"time_zone": ("zone_source", ZoneSource), "background": ("background_source", BackgroundSource)}
    for column, (name, kind) in together.items():
        place = "from_somewhere" if column == "time_zone" else "from_somebody"
        op.execute(
            f"ALTER TABLE contacts ADD COLUMN {column}_source VARCHAR(40)"
            f" CONSTRAINT ck_contacts_{name} CHECK ({column}_source IN ({_quoted(kind)}))"
            f" CONSTRAINT ck_contacts_{column}_{place} CHECK (({column} IS NULL) = ({column}_source IS NULL))"
        )


def _extend_sequences() -> None:
    op.execute("ALTER TABLE sequences ADD COLUMN starts_for JSON DEFAULT '[]' NOT NULL")
    op.execute("ALTER TABLE sequences ADD COLUMN counts_clicks BOOLEAN DEFAULT FALSE NOT NULL")
    op.execute(
        "ALTER TABLE sequences ADD COLUMN course_date_id INTEGER "
        "CONSTRAINT fk_sequences_course_date_id REFERENCES course_dates(id)"
    )
    moment = "DATETIME" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    op.execute(
        f"ALTER TABLE sequences ADD COLUMN archived_at {moment} "
        "CONSTRAINT ck_sequences_archived_is_off CHECK (NOT active OR archived_at IS NULL)"
    )


def _write_first_versions() -> None:
    """Each sequence as it was: started by every topic, its mails at any hour of any day."""
    op.execute(
        'UPDATE sequences SET starts_for = \'["becoming_a_tpm", "csm", "pmp", "cal", "spc", "courses", "other"]\' '
        "WHERE key = 'pathway'"
    )
    op.execute("INSERT INTO sequence_versions (sequence_id, number, at) SELECT id, 1, CURRENT_TIMESTAMP FROM sequences")
    op.execute(
        "INSERT INTO sequence_steps (version_id, position, number, letter_key, wait_amount, wait_unit, days, "
        "opens_minute, closes_minute, conditions, topics) "
        "SELECT sequence_versions.id, position, position, letter_key, delay_hours, 'hours', '1234567', 0, 1440, '[]', "
        "topics FROM steps JOIN sequence_versions ON sequence_versions.sequence_id = steps.sequence_id"
    )


def _record_what_was_written() -> None:
    """Each follow-up that was written before reasons were kept counts for its step."""
    op.execute(
        "INSERT INTO step_records (enrollment_id, version_id, number, outcome, sentence, at, due_at) "
        "SELECT enrollments.id, enrollments.version_id, sequence_steps.number, 'queued', "
        "'It was due. Reasons were not kept yet.', messages.created_at, messages.created_at "
        "FROM enrollments JOIN sequence_steps ON sequence_steps.version_id = enrollments.version_id "
        "JOIN messages ON messages.dedupe_key = 'enrollment:' || enrollments.id || ':step:' || sequence_steps.number "
        "ORDER BY messages.id"
    )


def _keep(table: str, columns: Iterable[str]) -> None:
    head = f"CREATE TRIGGER keep_{table} BEFORE UPDATE OF {', '.join(columns)} ON {table}"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"{head} BEGIN SELECT RAISE(ABORT, '{table} are facts and never change'); END")
    else:
        op.execute(f"{head} FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _one_of(table: str, column: str, kind: type[StrEnum]) -> str:
    return f" CONSTRAINT ck_{table}_{column} CHECK ({column} IN ({_quoted(kind)}))"


def _quoted(kind: type[StrEnum]) -> str:
    return ", ".join(f"'{member.value}'" for member in kind)


def _index_where(name: str, table: str, columns: list[str], where: str, unique: bool = True) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))

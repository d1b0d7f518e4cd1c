"""Keep courses, their dates and who waits for them; those that the guide names are there, without date or price."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core import clock
from tpminstitute.core.checks import allow
from tpminstitute.core.db import UtcDateTime
from tpminstitute.timeline.models import ActivityKind

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ROLE = "/#understanding-the-role-of-a-program-manager-in-tech"
CERTIFICATIONS = "/#educational-background-and-certifications"
SKILLS = "/#developing-essential-skills"

HIGHLY_REGARDED = (
    "For whoever wants to become a Program Manager in Tech. In addition to a degree, the guide says, certifications "
    f"can enhance your credibility, and it names {{}} among those that are [highly regarded]({CERTIFICATIONS})."
)

SHIPPED = (
    (
        "technical-program-management",
        "Technical program management",
        "becoming_a_tpm",
        "For whoever wants to become a Program Manager in Tech. The guide calls "
        f"[a solid educational foundation essential]({CERTIFICATIONS}): typically a bachelor's degree in computer "
        "science, engineering, or a similar field.",
        "The role, as the guide explains it: a Program Manager in Tech coordinates various interconnected projects, "
        "ensuring they align with organizational objectives and provide substantial value. The responsibilities "
        "include planning, execution, and monitoring progress while maintaining communication with stakeholders "
        f"([Understanding the Role]({ROLE})).\n\n"
        f"The key skills that the guide names ([Developing Essential Skills]({SKILLS})):\n\n"
        "1. Leadership\n2. Communication\n3. Problem-Solving\n4. Organizational Skills\n5. Adaptability",
    ),
    (
        "certified-scrum-master",
        "Certified Scrum Master (CSM)",
        "csm",
        HIGHLY_REGARDED.format("Certified Scrum Master (CSM)"),
        "",
    ),
    (
        "project-management-professional",
        "Project Management Professional (PMP)",
        "pmp",
        HIGHLY_REGARDED.format("Project Management Professional (PMP)"),
        "",
    ),
    (
        "certified-agile-leadership",
        "Certified Agile Leadership (CAL)",
        "cal",
        HIGHLY_REGARDED.format("Certified Agile Leadership (CAL)"),
        "",
    ),
    (
        "safe-program-consultant",
        "SAFe Program Consultant (SPC)",
        "spc",
        "For those explicitly targeting technical program management.",
        "Specialized knowledge in managing large-scale agile projects: that is what, as the guide says, "
        f"[certifications like SAFe Program Consultant (SPC) can provide]({CERTIFICATIONS}).",
    ),
)
"""Slug, title, topic, for whom, what one learns: the guide's words, and nothing beside them."""


def upgrade() -> None:
    allow(op.get_bind(), "activities", "kind", ActivityKind)
    courses = op.create_table(
        "courses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("for_whom", sa.Text(), nullable=False),
        sa.Column("learns", sa.Text(), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("slug <> ''", name=op.f("ck_courses_slug_not_empty")),
        sa.CheckConstraint("title <> ''", name=op.f("ck_courses_title_not_empty")),
        sa.CheckConstraint("link = '' OR link LIKE 'https://%'", name=op.f("ck_courses_link_is_https")),
        sa.CheckConstraint("published_at IS NULL OR archived_at IS NULL", name=op.f("ck_courses_archived_is_hidden")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_courses_position_not_negative")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_courses_number_from_one")),
        sa.ForeignKeyConstraint(["topic"], ["topics.key"], name=op.f("fk_courses_topic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courses")),
        sa.UniqueConstraint("slug", name=op.f("uq_courses_slug")),
    )
    slugs = op.create_table(
        "course_slugs",
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("slug <> ''", name=op.f("ck_course_slugs_slug_not_empty")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_course_slugs_course_id")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_course_slugs")),
    )
    op.create_index("ix_course_slugs_course_id", "course_slugs", ["course_id"])
    _tell_more_of_dates()
    _make_waits()
    now = clock.now()
    for place, (slug, title, topic, for_whom, learns) in enumerate(SHIPPED):
        texts = {"slug": slug, "title": title, "topic": topic, "for_whom": for_whom, "learns": learns, "link": ""}
        stands = {"position": place, "published_at": now, "archived_at": None, "number": 1}
        course_id = op.get_bind().execute(sa.insert(courses).values(**texts, **stands)).inserted_primary_key[0]
        op.bulk_insert(slugs, [{"slug": slug, "course_id": course_id}])


def _tell_more_of_dates() -> None:
    """What a date of a course says; a date that is there already stays one of the calendar alone."""
    op.execute(
        "ALTER TABLE course_dates ADD COLUMN course_id INTEGER CONSTRAINT fk_course_dates_course_id "
        "REFERENCES courses(id)"
    )
    for column in (
        sa.Column("uid", sa.String(length=20), nullable=True),
        sa.Column("time_zone", sa.String(length=60), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("online", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("place", sa.String(length=200), server_default="", nullable=False),
        sa.Column("fee", sa.String(length=120), server_default="", nullable=False),
    ):
        op.add_column("course_dates", column)
    # A constraint comes along with a column: SQLite adds none to a table that is there.
    op.execute(
        "ALTER TABLE course_dates ADD COLUMN places INTEGER CONSTRAINT ck_course_dates_places_from_one "
        "CHECK (places >= 1)"
    )
    op.execute(
        "ALTER TABLE course_dates ADD COLUMN free BOOLEAN DEFAULT false NOT NULL "
        "CONSTRAINT ck_course_dates_free_has_no_fee CHECK (NOT free OR fee = '')"
    )
    op.execute(
        "ALTER TABLE course_dates ADD COLUMN link VARCHAR(500) DEFAULT '' NOT NULL "
        "CONSTRAINT ck_course_dates_link_is_https CHECK (link = '' OR link LIKE 'https://%') "
        "CONSTRAINT ck_course_dates_ends_after_it_begins CHECK (ends_at IS NULL OR ends_at > begins_at) "
        "CONSTRAINT ck_course_dates_of_a_course_can_be_told CHECK "
        "(course_id IS NULL OR (uid IS NOT NULL AND time_zone IS NOT NULL AND changed_at IS NOT NULL))"
    )
    op.create_index("ix_course_dates_course_id", "course_dates", ["course_id"])
    op.create_index("uq_course_dates_uid", "course_dates", ["uid"], unique=True)
    op.create_table(
        "removed_course_dates",
        sa.Column("uid", sa.String(length=20), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_removed_course_dates_number_from_one")),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > begins_at", name=op.f("ck_removed_course_dates_ends_after_it_begins")
        ),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_removed_course_dates_course_id")),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_removed_course_dates")),
    )
    op.create_index("ix_removed_course_dates_course_id", "removed_course_dates", ["course_id"])


def _make_waits() -> None:
    op.create_table(
        "course_waits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("course_date_id", sa.Integer(), nullable=True),
        sa.Column("waits_for", sa.String(length=30), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("inquiry_id", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=300), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("told_by_id", sa.Integer(), nullable=True),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.Column("left_why", sa.String(length=200), nullable=False),
        sa.CheckConstraint("about <> ''", name=op.f("ck_course_waits_about_not_empty")),
        sa.CheckConstraint("(left_at IS NULL) = (left_why = '')", name=op.f("ck_course_waits_left_for_a_reason")),
        sa.CheckConstraint(
            "(left_at IS NULL) = (waits_for NOT LIKE 'left %')", name=op.f("ck_course_waits_left_waits_for_nothing")
        ),
        sa.CheckConstraint("(told_at IS NULL) = (told_by_id IS NULL)", name=op.f("ck_course_waits_told_by_somebody")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_course_waits_course_id")),
        sa.ForeignKeyConstraint(["course_date_id"], ["course_dates.id"], name=op.f("fk_course_waits_course_date_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_course_waits_contact_id")),
        sa.ForeignKeyConstraint(
            ["inquiry_id"], ["inquiries.id"], name=op.f("fk_course_waits_inquiry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["told_by_id"], ["accounts.id"], name=op.f("fk_course_waits_told_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_waits")),
        sa.UniqueConstraint("contact_id", "waits_for", name=op.f("uq_course_waits_contact_id_waits_for")),
    )
    op.create_index("ix_course_waits_course_id_joined_at", "course_waits", ["course_id", "joined_at"])
    op.create_index("ix_course_waits_course_date_id", "course_waits", ["course_date_id"])
    op.create_index("ix_course_waits_inquiry_id", "course_waits", ["inquiry_id"])

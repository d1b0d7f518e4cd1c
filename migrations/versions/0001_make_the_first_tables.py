"""Make the first tables."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "administrator", "advisor", "reader", name="role", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_accounts_name_not_empty")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_accounts_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_accounts_fs_uniquifier")),
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone_typed", sa.String(length=60), nullable=False),
        sa.Column("phone_e164", sa.String(length=16), nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("email <> ''", name=op.f("ck_contacts_email_not_empty")),
        sa.CheckConstraint("email_key <> ''", name=op.f("ck_contacts_email_key_not_empty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint("email_key", name=op.f("uq_contacts_email_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_contacts_public_id")),
    )
    op.create_table(
        "heartbeats",
        sa.Column(
            "pulse",
            sa.Enum("delivery", "follow_ups", name="pulse", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("pulse", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "administrator", "advisor", "reader", name="role", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_invitations_token_digest")),
    )
    op.create_table(
        "mail_control",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("NOT held OR reason <> ''", name=op.f("ck_mail_control_held_for_a_reason")),
        sa.CheckConstraint("id = 1", name=op.f("ck_mail_control_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_control")),
    )
    op.create_table(
        "sequences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_sequences_name_not_empty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequences")),
        sa.UniqueConstraint("key", name=op.f("uq_sequences_key")),
    )
    op.create_table(
        "stages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("open", "won", "lost", name="outcome", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_stages_name_not_empty")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_stages_position_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stages")),
        sa.UniqueConstraint("name", name=op.f("uq_stages_name")),
        sa.UniqueConstraint("position", name=op.f("uq_stages_position")),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_templates_name_not_empty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("key", name=op.f("uq_templates_key")),
    )
    op.create_table(
        "activities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "inquiry_received",
                "inquiry_suspected",
                "inquiry_released",
                "inquiry_handled",
                "inquiry_reopened",
                "inquiry_marked_spam",
                "consent_granted",
                "consent_withdrawn",
                "lead_opened",
                "enrolled",
                "enrollment_stopped",
                "enrollment_finished",
                "enrollment_skipped",
                "mail_sent",
                "mail_not_sent",
                "mail_uncertain",
                "mail_requeued",
                "mail_settled_by_hand",
                "wish_changed",
                "address_closed",
                "address_reopened",
                name="activity_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "actor",
            sa.Enum("visitor", "staff", "system", name="actor", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.CheckConstraint("(actor = 'staff') = (account_id IS NOT NULL)", name=op.f("ck_activities_staff_named")),
        sa.CheckConstraint("sentence <> ''", name=op.f("ck_activities_sentence_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_activities_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_activities_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activities")),
    )
    with op.batch_alter_table("activities", schema=None) as batch_op:
        batch_op.create_index("ix_activities_contact_id_id", ["contact_id", "id"], unique=False)

    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_audit_entries_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entries_account_id_id", ["account_id", "id"], unique=False)

    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column(
            "change",
            sa.Enum(
                "granted", "withdrawn", name="consent_change", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("wording_version", sa.String(length=20), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("change = 'withdrawn' OR wording <> ''", name=op.f("ck_consents_granted_to_a_wording")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_consents_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.create_index("ix_consents_contact_id_id", ["contact_id", "id"], unique=False)

    op.create_table(
        "enrollments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("sequence_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=60), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "paused",
                "finished",
                "stopped",
                name="enrollment_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("next_position", sa.Integer(), nullable=False),
        sa.Column("next_due_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(status = 'active') = (next_due_at IS NOT NULL)", name=op.f("ck_enrollments_active_has_a_time")
        ),
        sa.CheckConstraint(
            "status IN ('active', 'finished') OR reason <> ''", name=op.f("ck_enrollments_says_why_not")
        ),
        sa.CheckConstraint("next_position >= 1", name=op.f("ck_enrollments_position_from_one")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_enrollments_contact_id")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name=op.f("fk_enrollments_sequence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollments")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("enrollments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrollments_cause"), ["cause"], unique=False)
        batch_op.create_index("ix_enrollments_contact_id_id", ["contact_id", "id"], unique=False)
        batch_op.create_index("ix_enrollments_status_next_due_at", ["status", "next_due_at"], unique=False)
        batch_op.create_index(
            "uq_enrollments_one_running",
            ["contact_id", "sequence_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('active', 'paused')"),
            postgresql_where=sa.text("status IN ('active', 'paused')"),
        )

    op.create_table(
        "follow_up_wishes",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "pace",
            sa.Enum("usual", "less_often", name="pace", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("only_topic", sa.Boolean(), nullable=False),
        sa.Column("paused_until", UtcDateTime(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_follow_up_wishes_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_follow_up_wishes")),
    )
    op.create_table(
        "leads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_leads_contact_id")),
        sa.ForeignKeyConstraint(["stage_id"], ["stages.id"], name=op.f("fk_leads_stage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
    )
    with op.batch_alter_table("leads", schema=None) as batch_op:
        batch_op.create_index("ix_leads_contact_id_id", ["contact_id", "id"], unique=False)
        batch_op.create_index(
            "uq_leads_one_open_per_contact",
            ["contact_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "notice",
                "acknowledgement",
                "follow_up",
                "test",
                name="message_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=60), nullable=False),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("sender", sa.String(length=320), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("recipient_key", sa.String(length=320), nullable=False),
        sa.Column("recipient_domain", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "claimed",
                "sending",
                "sent",
                "held",
                "cancelled",
                "suppressed",
                "failed",
                "uncertain",
                name="message_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=43), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_messages_sent_at_a_time")),
        sa.CheckConstraint(
            "(status IN ('claimed', 'sending')) = (lease_token IS NOT NULL)",
            name=op.f("ck_messages_leased_while_claimed"),
        ),
        sa.CheckConstraint("recipient <> ''", name=op.f("ck_messages_recipient_not_empty")),
        sa.CheckConstraint(
            "status NOT IN ('held', 'cancelled', 'suppressed', 'failed', 'uncertain') OR reason <> ''",
            name=op.f("ck_messages_says_why_not"),
        ),
        sa.CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name=op.f("ck_messages_lease_ends")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_messages_attempts_not_negative")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_messages_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_messages_dedupe_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_messages_message_id")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_messages_cause"), ["cause"], unique=False)
        batch_op.create_index("ix_messages_contact_id_id", ["contact_id", "id"], unique=False)
        batch_op.create_index("ix_messages_recipient_key_id", ["recipient_key", "id"], unique=False)
        batch_op.create_index("ix_messages_sent_at", ["sent_at"], unique=False)
        batch_op.create_index("ix_messages_status_due_at", ["status", "due_at"], unique=False)

    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_staff_sessions_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_staff_sessions_token_digest")),
    )
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_sessions_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_staff_sessions_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sequence_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("letter_key", sa.String(length=60), nullable=False),
        sa.Column("delay_hours", sa.Integer(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.CheckConstraint("letter_key <> ''", name=op.f("ck_steps_letter_key_not_empty")),
        sa.CheckConstraint("delay_hours >= 0", name=op.f("ck_steps_delay_not_negative")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_steps_position_from_one")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name=op.f("fk_steps_sequence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steps")),
        sa.UniqueConstraint("sequence_id", "position", name=op.f("uq_steps_sequence_id_position")),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "hard_bounce",
                "complaint",
                "opt_out",
                "by_hand",
                name="suppression_reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_suppressions_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint("email_key", name=op.f("uq_suppressions_email_key")),
    )
    op.create_table(
        "template_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("body <> ''", name=op.f("ck_template_versions_body_not_empty")),
        sa.CheckConstraint("subject <> ''", name=op.f("ck_template_versions_subject_not_empty")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_template_versions_number_from_one")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_template_versions_account_id")),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name=op.f("fk_template_versions_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_versions")),
        sa.UniqueConstraint("template_id", "number", name=op.f("uq_template_versions_template_id_number")),
    )
    op.create_table(
        "delivery_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "accepted",
                "deferred",
                "refused",
                "unreachable",
                "uncertain",
                "by_hand",
                name="delivery_event_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_delivery_events_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_events")),
    )
    with op.batch_alter_table("delivery_events", schema=None) as batch_op:
        batch_op.create_index("ix_delivery_events_message_id_id", ["message_id", "id"], unique=False)

    op.create_table(
        "inquiries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("consent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("phone_typed", sa.String(length=60), nullable=False),
        sa.Column("phone_e164", sa.String(length=16), nullable=True),
        sa.Column(
            "topic",
            sa.Enum(
                "becoming_a_tpm",
                "csm",
                "pmp",
                "cal",
                "spc",
                "courses",
                "other",
                name="topic",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "handled",
                "suspected",
                "spam",
                name="inquiry_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("suspicions", sa.JSON(), nullable=False),
        sa.Column("source_page", sa.String(length=200), nullable=False),
        sa.Column("source_referrer", sa.String(length=300), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("followed_through_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("email <> ''", name=op.f("ck_inquiries_email_not_empty")),
        sa.CheckConstraint("message <> ''", name=op.f("ck_inquiries_message_not_empty")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_inquiries_name_not_empty")),
        sa.CheckConstraint(
            "state <> 'handled' OR followed_through_at IS NOT NULL",
            name=op.f("ck_inquiries_handled_was_followed_through"),
        ),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_inquiries_consent_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_inquiries_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiries")),
        sa.UniqueConstraint("form_key", name=op.f("uq_inquiries_form_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_inquiries_public_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("inquiries", schema=None) as batch_op:
        batch_op.create_index("ix_inquiries_contact_id_id", ["contact_id", "id"], unique=False)
        batch_op.create_index("ix_inquiries_state_id", ["state", "id"], unique=False)
    _keep_facts()
    _add_stages()
    _add_first_sequence()
    _add_templates()
    _let_mail_out()


IMMUTABLE = {
    "activities": ("id", "at", "kind", "actor", "account_id", "sentence"),
    "audit_entries": ("id", "at", "account_id", "action", "subject"),
    "template_versions": ("id", "template_id", "number", "subject", "preheader", "body", "at", "account_id"),
    "consents": ("id", "change", "wording_version", "wording", "source", "at"),
}
"""Facts: their columns never change. (A contact's id may, when two contacts turn out to be one person.)"""


def _keep_facts() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% are facts and never change', TG_TABLE_NAME; END $$"
        )
    for table, columns in IMMUTABLE.items():
        _refuse(table, f"keep_{table}", f"BEFORE UPDATE OF {', '.join(columns)}")
    _refuse("audit_entries", "keep_every_audit_entry", "BEFORE DELETE")


def _refuse(table: str, trigger: str, what: str) -> None:
    """Make the database refuse to change (or delete) rows of `table`."""
    head = f"CREATE TRIGGER {trigger} {what} ON {table}"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"{head} BEGIN SELECT RAISE(ABORT, '{table} are facts and never change'); END")
    else:
        op.execute(f"{head} FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def _add_stages() -> None:
    stages = sa.table("stages", sa.column("name"), sa.column("position"), sa.column("outcome"))
    names = [("New", "open"), ("In conversation", "open"), ("Enrolled", "won"), ("Lost", "lost")]
    op.bulk_insert(
        stages, [{"name": name, "position": place, "outcome": outcome} for place, (name, outcome) in enumerate(names)]
    )


def _add_first_sequence() -> None:
    """Three mails over two weeks, for whoever wrote and agreed to be followed up."""
    sequences = sa.table("sequences", sa.column("id"), sa.column("key"), sa.column("name"), sa.column("active"))
    steps = sa.table(
        "steps",
        sa.column("sequence_id"),
        sa.column("position"),
        sa.column("letter_key"),
        sa.column("delay_hours"),
        sa.column("topics", sa.JSON()),
        sa.column("topics", sa.JSON()),
    )
    op.bulk_insert(sequences, [{"id": 1, "key": "pathway", "name": "The pathway, step by step", "active": True}])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('sequences', 'id'), 1)")
    certifications = ["csm", "pmp", "cal", "spc"]
    path = ["becoming_a_tpm", "courses", "other"]
    plan = [
        ("follow-up-experience", 3 * 24, path),
        ("follow-up-certifications", 5 * 24, certifications),
        ("follow-up-skills", 6 * 24, path),
    ]
    op.bulk_insert(
        steps,
        [
            {"sequence_id": 1, "position": place, "letter_key": letter, "delay_hours": hours, "topics": topics}
            for place, (letter, hours, topics) in enumerate(plan, start=1)
        ],
    )


def _add_templates() -> None:
    templates = sa.table("templates", sa.column("key"), sa.column("name"))
    names = {
        "acknowledgement": "Acknowledgement",
        "follow-up-experience": "Follow-up: experience",
        "follow-up-certifications": "Follow-up: certifications",
        "follow-up-skills": "Follow-up: skills",
    }
    op.bulk_insert(templates, [{"key": key, "name": name} for key, name in names.items()])


def _let_mail_out() -> None:
    control = sa.table(
        "mail_control", *(sa.column(name) for name in ("id", "held", "reason")), sa.column("since", UtcDateTime())
    )
    op.bulk_insert(control, [{"id": 1, "held": False, "reason": "", "since": datetime.now(UTC)}])

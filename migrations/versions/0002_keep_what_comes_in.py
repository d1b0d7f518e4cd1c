"""Keep what comes in: mails, their attachments, further addresses, and whose turn it is to speak."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.checks import allow
from tpminstitute.core.db import UtcDateTime
from tpminstitute.mail.models import DeliveryEventKind, MessageKind
from tpminstitute.timeline.models import ActivityKind

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

IMMUTABLE = {
    "received_mails": ("fingerprint", "door", "message_id", "sender_email", "subject", "words", "text", "received_at"),
    "received_contents": ("mail_id", "content"),
    "attachment_bodies": ("digest", "encoded"),
}
"""What came in is kept as it came: these columns never change."""


def upgrade() -> None:
    op.create_table(
        "attachment_bodies",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("encoded", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_attachment_bodies")),
    )
    op.create_table(
        "hook_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_events")),
        sa.UniqueConstraint("provider", "event_key", name=op.f("uq_hook_events_provider_event_key")),
    )
    op.create_index(op.f("ix_hook_events_at"), "hook_events", ["at"], unique=False)
    op.create_table(
        "mailbox_states",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=True),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("looked_at", UtcDateTime(), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("lag_seconds", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(error = '') = (error_at IS NULL)", name=op.f("ck_mailbox_states_error_at_a_time")),
        sa.CheckConstraint("last_uid >= 0", name=op.f("ck_mailbox_states_last_uid_not_negative")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailbox_states")),
    )
    op.create_table(
        "contact_addresses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("email <> ''", name=op.f("ck_contact_addresses_email_not_empty")),
        sa.CheckConstraint("email_key <> ''", name=op.f("ck_contact_addresses_email_key_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_contact_addresses_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_contact_addresses_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_addresses")),
        sa.UniqueConstraint("email_key", name=op.f("uq_contact_addresses_email_key")),
    )
    op.create_index(op.f("ix_contact_addresses_contact_id"), "contact_addresses", ["contact_id"], unique=False)
    op.create_table(
        "conversations",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "turn",
            sa.Enum(
                "institute", "visitor", "nobody", name="turn", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_conversations_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_conversations")),
    )
    op.create_index("ix_conversations_turn_since", "conversations", ["turn", "since", "contact_id"], unique=False)
    op.create_table(
        "dropboxes",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.String(length=20), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_dropboxes_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_dropboxes")),
        sa.UniqueConstraint("secret", name=op.f("uq_dropboxes_secret")),
    )
    op.create_table(
        "enrollment_pauses",
        sa.Column("enrollment_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollments.id"], name=op.f("fk_enrollment_pauses_enrollment_id")),
        sa.PrimaryKeyConstraint("enrollment_id", name=op.f("pk_enrollment_pauses")),
    )
    op.create_index(op.f("ix_enrollment_pauses_until"), "enrollment_pauses", ["until"], unique=False)
    op.create_table(
        "received_mails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column(
            "door",
            sa.Enum("mailbox", "webhook", "command", name="door", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "person",
                "out_of_office",
                "automatic",
                "bounce",
                "complaint",
                "unsubscribe",
                name="received_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "writer",
            sa.Enum(
                "visitor", "staff", "ourselves", name="writer", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "standing",
            sa.Enum("trusted", "doubtful", name="standing", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("doubt", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("refers_to", sa.JSON(), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("sender_email", sa.Text(), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("return_on", sa.Date(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("answers_id", sa.Integer(), nullable=True),
        sa.Column("inquiry_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("account_id IS NULL OR writer = 'staff'", name=op.f("ck_received_mails_account_of_staff")),
        sa.CheckConstraint("standing <> 'doubtful' OR doubt <> ''", name=op.f("ck_received_mails_doubtful_says_why")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_received_mails_account_id")),
        sa.ForeignKeyConstraint(["answers_id"], ["messages.id"], name=op.f("fk_received_mails_answers_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_received_mails_contact_id")),
        sa.ForeignKeyConstraint(["inquiry_id"], ["inquiries.id"], name=op.f("fk_received_mails_inquiry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_mails")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_received_mails_fingerprint")),
        sa.UniqueConstraint("inquiry_id", name=op.f("uq_received_mails_inquiry_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_received_mails_public_id")),
    )
    op.create_index("ix_received_mails_contact_id_id", "received_mails", ["contact_id", "id"], unique=False)
    op.create_index(op.f("ix_received_mails_message_id"), "received_mails", ["message_id"], unique=False)
    op.create_index("ix_received_mails_standing_id", "received_mails", ["standing", "id"], unique=False)
    op.create_table(
        "received_attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("encoding", sa.String(length=40), nullable=False),
        sa.Column("inline_id", sa.String(length=200), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_received_attachments_name_not_empty")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_received_attachments_size_not_negative")),
        sa.ForeignKeyConstraint(["digest"], ["attachment_bodies.digest"], name=op.f("fk_received_attachments_digest")),
        sa.ForeignKeyConstraint(["mail_id"], ["received_mails.id"], name=op.f("fk_received_attachments_mail_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_attachments")),
        sa.UniqueConstraint("mail_id", "position", name=op.f("uq_received_attachments_mail_id_position")),
    )
    op.create_index(op.f("ix_received_attachments_digest"), "received_attachments", ["digest"], unique=False)
    op.create_table(
        "received_contents",
        sa.Column("mail_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["received_mails.id"], name=op.f("fk_received_contents_mail_id")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_received_contents")),
    )
    op.add_column("messages", sa.Column("despite_closed", sa.Boolean(), server_default=sa.false(), nullable=False))
    allow(op.get_bind(), "activities", "kind", ActivityKind)
    allow(op.get_bind(), "messages", "kind", MessageKind)
    allow(op.get_bind(), "delivery_events", "kind", DeliveryEventKind)
    _keep_what_came()
    _begin_conversations()


def _keep_what_came() -> None:
    for table, columns in IMMUTABLE.items():
        head = f"CREATE TRIGGER keep_{table} BEFORE UPDATE OF {', '.join(columns)} ON {table}"
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"{head} BEGIN SELECT RAISE(ABORT, '{table} are facts and never change'); END")
        else:
            op.execute(f"{head} FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def _begin_conversations() -> None:
    """Whoever has an open inquiry waits for the institute, since the oldest of them; for the others nobody waits."""
    op.execute(
        "INSERT INTO conversations (contact_id, turn, since) "
        "SELECT contact_id, 'institute', min(received_at) FROM inquiries WHERE state = 'open' GROUP BY contact_id"
    )
    op.execute(
        "INSERT INTO conversations (contact_id, turn, since) "
        "SELECT contact_id, 'nobody', max(received_at) FROM inquiries WHERE state = 'handled' "
        "AND contact_id NOT IN (SELECT contact_id FROM conversations) GROUP BY contact_id"
    )

"""Let staff come in safely, and know who did what: second factors, invitations, and a wider audit log."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.accounts.factor_models import SecondStep
from tpminstitute.accounts.models import OPEN_INVITATION
from tpminstitute.core.checks import allow, release
from tpminstitute.core.db import UtcDateTime, enum_type
from tpminstitute.mail.models import MessageKind

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AUDIT_COLUMNS = ("id", "at", "account_id", "action", "subject", "kind", "contact_id", "address", "once")

LEAVES_NONE = (
    "OLD.role = 'administrator' AND OLD.active AND NOT (NEW.role = 'administrator' AND NEW.active) "
    "AND NOT EXISTS (SELECT 1 FROM accounts WHERE role = 'administrator' AND active AND id <> OLD.id)"
)
NONE_LEFT = "there must be an administrator left"


def upgrade() -> None:
    _write_to_staff()
    _widen_the_audit_log()
    _extend_sessions()
    _extend_invitations()
    _make_second_factors()
    _make_tries()
    _keep_an_administrator()


def _write_to_staff() -> None:
    """A mail to the institute's own people is about no contact."""
    connection = op.get_bind()
    allow(connection, "messages", "kind", MessageKind)
    release(connection, "messages", "contact_id", "contact_id IS NOT NULL OR kind = 'staff'", "about_somebody")


def _widen_the_audit_log() -> None:
    _drop_trigger("keep_audit_entries", "audit_entries")
    for column in (
        sa.Column("kind", sa.String(length=20), server_default="other", nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=45), server_default="", nullable=False),
        sa.Column("once", sa.String(length=80), nullable=True),
    ):
        op.add_column("audit_entries", column)
    op.create_index("ix_audit_entries_account_id_kind_id", "audit_entries", ["account_id", "kind", "id"])
    op.create_index("ix_audit_entries_kind_id", "audit_entries", ["kind", "id"])
    op.create_index("ix_audit_entries_contact_id_id", "audit_entries", ["contact_id", "id"])
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"])
    op.create_index("uq_audit_entries_once", "audit_entries", ["once"], unique=True)
    head = f"CREATE TRIGGER keep_audit_entries BEFORE UPDATE OF {', '.join(AUDIT_COLUMNS)} ON audit_entries"
    if _is_sqlite():
        op.execute(f"{head} BEGIN SELECT RAISE(ABORT, 'audit_entries are facts and never change'); END")
    else:
        op.execute(f"{head} FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def _extend_sessions() -> None:
    op.add_column("staff_sessions", sa.Column("seen_at", UtcDateTime(), nullable=True))
    op.add_column("staff_sessions", sa.Column("browser", sa.String(length=300), server_default="", nullable=False))
    op.add_column("staff_sessions", sa.Column("address", sa.String(length=45), server_default="", nullable=False))


def _extend_invitations() -> None:
    moment = "DATETIME" if _is_sqlite() else "TIMESTAMP WITH TIME ZONE"
    for column in (
        "email VARCHAR(320) CONSTRAINT ck_invitations_email_lower CHECK (email = lower(email))",
        "invited_by INTEGER CONSTRAINT fk_invitations_invited_by REFERENCES accounts(id) "
        "CONSTRAINT ck_invitations_somebody_invites_somebody CHECK (invited_by IS NULL OR email IS NOT NULL)",
        f"expires_at {moment} CONSTRAINT ck_invitations_ends CHECK ((email IS NULL) = (expires_at IS NULL))",
        f"withdrawn_at {moment} CONSTRAINT ck_invitations_used_or_withdrawn "
        "CHECK (used_at IS NULL OR withdrawn_at IS NULL)",
    ):
        op.execute(f"ALTER TABLE invitations ADD COLUMN {column}")
    still_open = sa.text(OPEN_INVITATION)
    op.create_index(
        "uq_invitations_open_email",
        "invitations",
        ["email"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )


def _make_second_factors() -> None:
    rules = op.create_table(
        "access_rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("second_step", enum_type(SecondStep), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_access_rules_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_rules")),
    )
    op.bulk_insert(rules, [{"id": 1, "second_step": "optional"}])
    op.create_table(
        "totp_secrets",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        _of_account("totp_secrets"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_totp_secrets")),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_passkeys_name_not_empty")),
        sa.CheckConstraint("sign_count >= 0", name=op.f("ck_passkeys_sign_count_not_negative")),
        _of_account("passkeys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index("ix_passkeys_account_id", "passkeys", ["account_id"])
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        _of_account("recovery_codes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_recovery_codes_digest")),
    )
    op.create_index("ix_recovery_codes_account_id", "recovery_codes", ["account_id"])
    op.create_table(
        "password_resets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        _of_account("password_resets"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_password_resets_token_digest")),
    )
    op.create_index("ix_password_resets_account_id", "password_resets", ["account_id"])
    op.create_index("ix_password_resets_expires_at", "password_resets", ["expires_at"])


def _make_tries() -> None:
    op.create_table(
        "tries",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("free_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("failed >= 0", name=op.f("ck_tries_failed_not_negative")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tries")),
    )
    op.create_index("ix_tries_last_at", "tries", ["last_at"])
    op.create_table(
        "known_networks",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network", sa.String(length=45), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        _of_account("known_networks"),
        sa.PrimaryKeyConstraint("account_id", "network", name=op.f("pk_known_networks")),
    )


def _keep_an_administrator() -> None:
    """Refuse to close or demote the last one; two that leave at once wait for each other."""
    if _is_sqlite():
        op.execute(
            "CREATE TRIGGER keep_an_administrator BEFORE UPDATE OF role, active ON accounts "
            f"WHEN {LEAVES_NONE} BEGIN SELECT RAISE(ABORT, '{NONE_LEFT}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION keep_an_administrator() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM 1 FROM accounts WHERE role = 'administrator' AND active AND id <> OLD.id ORDER BY id FOR UPDATE; "
        f"IF {LEAVES_NONE} THEN RAISE EXCEPTION '{NONE_LEFT}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER keep_an_administrator BEFORE UPDATE OF role, active ON accounts "
        "FOR EACH ROW EXECUTE FUNCTION keep_an_administrator()"
    )


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_id")
    return sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=name, ondelete="CASCADE")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _drop_trigger(name: str, table: str) -> None:
    op.execute(f"DROP TRIGGER {name}" if _is_sqlite() else f"DROP TRIGGER {name} ON {table}")

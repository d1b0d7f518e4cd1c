"""What beside a password lets somebody in, and what slows down who tries."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class SecondStep(StrEnum):
    """Who is asked for more than a password: nobody, who set it up, all administrators too, or everybody."""

    OFF = "off"
    OPTIONAL = "optional"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


class AccessRules(Base):
    """The institute's rules of coming in: one row."""

    __tablename__ = "access_rules"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    second_step: Mapped[SecondStep] = mapped_column(enum_type(SecondStep))


class TotpSecret(Base):
    """What an account's authenticator app knows (RFC 6238), encrypted; `last_step` is the last time step whose code
    was used, so that no code is taken twice."""

    __tablename__ = "totp_secrets"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    sealed: Mapped[str] = mapped_column(Text)
    last_step: Mapped[int]
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Passkey(Base):
    """A credential of an account's phone, computer or security key (WebAuthn, level 3)."""

    __tablename__ = "passkeys"
    __table_args__ = (non_empty("name"), CheckConstraint("sign_count >= 0", name="sign_count_not_negative"))

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    transports: Mapped[list[str]] = mapped_column(JSON)
    name: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """One of the codes that let somebody in who lost their second factor; only its digest is kept."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PasswordReset(Base):
    """A one-time link to a new password; `account_id` says whose."""

    __tablename__ = "password_resets"
    __table_args__ = (Index("ix_password_resets_expires_at", "expires_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Try(Base):
    """How often something failed lately, by the digest of what it was tried on and from where; until `free_at` it
    isn't tried again."""

    __tablename__ = "tries"
    __table_args__ = (CheckConstraint("failed >= 0", name="failed_not_negative"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failed: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    free_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KnownNetwork(Base):
    """A network that an account signed in from: there, no stranger's tries make its owner wait."""

    __tablename__ = "known_networks"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    network: Mapped[str] = mapped_column(String(45), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)

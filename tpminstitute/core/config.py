"""Settings: from the environment, typed, checked at start (DESIGN.md 4.11 and 6)."""

import os
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import idna
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from tpminstitute.core.errors import SettingsError
from tpminstitute.core.hook_settings import SECRET, SHORTEST_SECRET, HookSettings
from tpminstitute.core.institute_settings import InstituteSettings, checked_mail_address

CATCHER_PORT_OFFSET = 25
"""The built-in mail catcher listens this many ports above the web port, so that every process finds it."""

LONGEST_REPLY_LOCAL_PART = 24
"""Characters, so that a signed word fits into the 64 of a local part (RFC 5321, 4.5.3.1.1)."""


class AppEnv(StrEnum):
    """Where the service runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


class Settings(InstituteSettings, HookSettings):
    """Every setting of the service; each field is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    bind: str = "127.0.0.1:8000"
    data_dir: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""
    smtp_url: str = ""
    imap_url: str = ""
    secret_key: str = ""
    public_url: str = ""
    mail_from: str = ""
    reply_address: str = ""
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    app_env: AppEnv = AppEnv.DEVELOPMENT
    web_workers: int = Field(default=1, ge=1, le=64)
    log_format: LogFormat = LogFormat.TEXT
    screening: Switch = Switch.ON
    lease_seconds: int = Field(default=300, ge=5, le=3600)
    sweep_seconds: int = Field(default=20, ge=1, le=300)
    mail_rate: int = Field(default=0, ge=0)
    mail_domain_rate: int = Field(default=0, ge=0)
    mail_address_rate: int = Field(default=20, ge=0)
    follow_up_most: int = Field(default=3, ge=0, le=100)
    follow_up_days: int = Field(default=7, ge=1, le=365)
    dkim_key: str = ""
    dkim_selector: str = ""
    metrics_token: str = ""

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("bind")
    @classmethod
    def _host_and_port(cls, bind: str) -> str:
        host, _, port = bind.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("write it as address:port, for example 127.0.0.1:8000")
        return bind

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in {"sqlite", "postgresql", "postgres"}:
            raise ValueError("write it as postgresql://user:password@host/database, or leave it out for SQLite")
        return url

    @field_validator("redis_url")
    @classmethod
    def _known_broker(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("write it as redis://host:6379/0, or leave it out for the built-in broker")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _known_mail_server(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"smtp", "smtps", "smtp+starttls"} or not parts.hostname):
            raise ValueError("write it as smtp+starttls://user:password@host:587, smtps://… or smtp://…")
        return url

    @field_validator("imap_url")
    @classmethod
    def _known_mailbox(cls, url: str) -> str:
        if url and not _names_a_mailbox(url):
            raise ValueError(
                "write it as imaps://user:password@host/INBOX, imap+starttls://… or imap://…, "
                "with each @, :, / and # of name and password as %40, %3A, %2F and %23"
            )
        return url

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("write it as https://www.example.org")
        return _ascii_host(url).rstrip("/")

    @field_validator("mail_from", "reply_address")
    @classmethod
    def _sends_and_receives(cls, address: str) -> str:
        return checked_mail_address(address)

    @field_validator("metrics_token")
    @classmethod
    def _hard_to_guess_too(cls, token: str) -> str:
        if token and not SECRET.fullmatch(token):
            raise ValueError(f"write {SHORTEST_SECRET} or more letters and digits; make it with: openssl rand -hex 24")
        return token

    @field_validator("reply_address")
    @classmethod
    def _room_for_a_tag(cls, address: str) -> str:
        local = address.rpartition("@")[0]
        if "+" in local or len(local) > LONGEST_REPLY_LOCAL_PART:
            raise ValueError(
                f"write it without a plus sign, at most {LONGEST_REPLY_LOCAL_PART} characters before the @: "
                "the service adds a plus sign and a signed word"
            )
        return address

    @model_validator(mode="after")
    def _complete(self) -> Self:
        set_ = object.__setattr__
        if self.app_env is AppEnv.PRODUCTION:
            for name in ("secret_key", "public_url", "smtp_url"):
                if not getattr(self, name):
                    raise ValueError(f"{name.upper()} must be set when APP_ENV is production")
        if self.secret_key and len(self.secret_key) < 32:
            raise ValueError("SECRET_KEY needs at least 32 characters; make one with: openssl rand -hex 32")
        if not self.public_url:
            set_(self, "public_url", f"http://{self.bind}")
        if not self.database_url:
            set_(self, "database_url", f"sqlite:///{self.data_dir / 'tpminstitute.db'}")
        if not self.mail_from:
            set_(self, "mail_from", self.institute_email)
        return self

    @property
    def web_host(self) -> str:
        """The address the web door listens on."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def web_port(self) -> int:
        """The port the web door listens on."""
        return int(self.bind.rpartition(":")[2])

    @property
    def mail_is_caught(self) -> bool:
        """Whether mail is kept on this machine instead of being delivered."""
        return not self.smtp_url

    @property
    def mail_folder(self) -> Path:
        """Where the built-in catcher keeps the mail it took."""
        return self.data_dir / "mail"

    @property
    def guide_folder(self) -> Path:
        """Where the guide's PDF and EPUB are kept; whatever is missing there is made again."""
        return self.data_dir / "guide"

    @property
    def catcher_port(self) -> int:
        """The loopback port of the built-in mail catcher."""
        port = self.web_port + CATCHER_PORT_OFFSET
        return port if port < 65536 else self.web_port - CATCHER_PORT_OFFSET

    @property
    def mail_server_url(self) -> str:
        """The SMTP server that mail is handed to: the one of SMTP_URL, else the built-in catcher."""
        return self.smtp_url or f"smtp://127.0.0.1:{self.catcher_port}"

    @property
    def broker_folder(self) -> Path:
        """Where the built-in broker keeps its wake-ups."""
        return self.data_dir / "broker"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment and prepare the data folder.

    Parameters: `overrides`, fields that win over the environment.
    Returns the settings, complete. Raises `SettingsError` with a sentence for the first wrong one.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None
    _prepare_folder(settings.data_dir)
    if settings.secret_key:
        return settings
    return settings.model_copy(update={"secret_key": _kept_secret(settings.data_dir / "secret_key")})


def _ascii_host(url: str) -> str:
    """Return `url` with its host in ASCII (RFC 5890), since it stands in the headers of mails."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    try:
        host = idna.encode(parts.hostname or "", uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError("its host is no name that DNS can hold") from None
    address = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()
    if not address.isascii():
        raise ValueError("write what follows the host in ASCII, with percent signs")
    return address


def _names_a_mailbox(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port  # raises for what is no port, such as half a password
    except ValueError:
        return False
    complete = bool(parts.hostname and parts.username and parts.password) and port != 0
    plain = unquote(url).isprintable() and not parts.query and not parts.fragment
    return parts.scheme in {"imap", "imaps", "imap+starttls"} and complete and plain


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    text = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{text}."
    return f"{str(first['loc'][0]).upper()} is not usable: {text[0].lower()}{text[1:]}."


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The folder {folder} can't be made ({error.strerror}). "
            "Make it yourself, or set DATA_DIR to a folder that this user may write to."
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(
            f"The folder {folder} can't be written to. Give this user the right to, or set DATA_DIR to another folder."
        )


def _kept_secret(path: Path) -> str:
    """Development only: a secret made once and kept, so that links in mails survive a restart."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return path.read_text("ascii").strip()

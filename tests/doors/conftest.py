"""The application behind Flask's test client, on both databases, with a visitor and a staff member at its doors."""

import functools
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import CodeType

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from jinja2.bccache import Bucket, BytecodeCache

from app import create_app
from tests.doors.people import Desk, Visitor
from tests.factories import an_account, make_settings
from tpminstitute.accounts.models import Role
from tpminstitute.accounts.service import save_session
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.jobs import Job
from tpminstitute.guide.chapters import load_guide, load_page
from tpminstitute.pathway.service import shipped


class Hints:
    """Stands where hints go to the broker; the real one is in the journeys."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def hint(self, job: Job) -> None:
        self.jobs.append(job)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """The settings of a test, with its own data folder and database."""
    return make_settings(tmp_path, database_url=database_url)


class CompiledTemplates(BytecodeCache):
    """Keeps what Jinja made of a template from one test's application to the next: it takes longer than the test."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


COMPILED = CompiledTemplates()


@pytest.fixture(scope="session", autouse=True)
def _guide_and_pathway_read_once() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    for load in (load_guide, load_page):
        patch.setattr(f"app.{load.__name__}", functools.cache(load))
    patch.setattr("tpminstitute.web.pathway_table.shipped", functools.cache(shipped))
    yield
    patch.undo()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application as it is wired; its hints are only counted."""
    application = create_app(settings)
    application.jinja_env.bytecode_cache = COMPILED
    # A password's hash as cheap as it can be: the real one takes a fifth of a second, and many tests try many.
    application.extensions["security"].pwd_context.update(argon2__rounds=1, argon2__memory_cost=64)
    application.extensions["tpm"].db.publisher = Hints()
    yield application
    application.extensions["tpm"].db.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    """Ada with her letter."""
    return Visitor(client)


@pytest.fixture
def desk_of(app: Flask, db: Database) -> Callable[..., Desk]:
    """`desk_of("Alice", Role.ADVISOR)`: a desk where that person is signed in, the password given so long ago."""

    def open_desk(name: str = "Alice", role: Role = Role.ADVISOR, password_ago: float = 0) -> Desk:
        secret = tokens.secret()
        with db.write() as session:
            account = an_account(session, name, role)
            given = clock.now().timestamp() - password_ago
            data = {"_user_id": account.fs_uniquifier, "_fresh": True, "fs_paa": given}
            data["csrf_token"] = tokens.digest(secret)
            until = clock.now() + timedelta(hours=1)
            save_session(session, secret, data, owner=account.fs_uniquifier, until=until)
        client = app.test_client()
        client.set_cookie("tpm_staff", secret, path="/staff")
        return Desk(
            client, URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token").dumps(data["csrf_token"])
        )

    return open_desk


@pytest.fixture
def desk(desk_of: Callable[..., Desk]) -> Desk:
    """Alice's desk."""
    return desk_of()

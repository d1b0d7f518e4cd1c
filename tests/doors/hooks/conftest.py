"""Every provider set up, an Amazon of the tests' own, and a follow-up that Ada got."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from tests.factories import make_settings, messages, submitted
from tests.parts import providers
from tests.parts.providers import CERTIFICATE_URL, CONFIRM_URL, Amazon, certificate
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageKind
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.runner import run_due
from tpminstitute.web.hooks.certificates import Certificates
from tpminstitute.web.hooks.door import CERTIFICATES


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Every provider is set up."""
    return make_settings(tmp_path, database_url=database_url, **providers.SETTINGS)


@pytest.fixture
def amazon() -> Amazon:
    """What the service finds at Amazon: a certificate, and a page that confirms."""
    return Amazon(pages={CERTIFICATE_URL: certificate(), CONFIRM_URL: b"<ConfirmSubscriptionResponse/>"})


@pytest.fixture
def app(app: Flask, amazon: Amazon) -> Flask:
    """The application; what it fetches from Amazon, it finds here."""
    app.extensions[CERTIFICATES] = Certificates(amazon.fetch)
    return app


@pytest.fixture
def mailed(db: Database, settings: Settings) -> Message:
    """Ada got the acknowledgement and the first follow-up, and more are planned; returns that follow-up."""
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)
    deliver(db, Post(), settings)
    (follow_up,) = messages(db, kind=MessageKind.FOLLOW_UP)
    return follow_up

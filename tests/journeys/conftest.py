"""What the journeys share: the parts a service may stand on, one service for many of them, a desk in the browser."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.journeys.steps import Started
from tests.parts.service import RunningService
from tests.parts.smtp import MailServer
from tpminstitute.core.db import sqlite_driver

OF_THE_WORK = {"SWEEP_SECONDS", "SCREENING"}
"""Settings of how a service works; with others it stands on parts of the journey's own, or is stopped by it."""


class SharedService:
    """A service for one journey after another; each finds the database as the first start left it.

    Starting one takes six seconds of processor time, often more than the journey itself.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        """Start it."""
        self._service = RunningService(environment).start()
        self._started = Started(self._service, environment)
        self._database = str(make_url(self._started.settings.database_url).database)
        self._as_new = str(Path(self._database).with_name("as_new.db"))
        _copy(self._database, self._as_new)

    def as_new(self) -> Started:
        """Return it as if it had just been started for the first time; to its processes that is one transaction."""
        assert self._service.processes(), f"the service is gone:\n{self._service.output}"
        _copy(self._as_new, self._database)
        return self._started

    def close(self) -> None:
        """End it and remove its folder."""
        self._service.close()


def _copy(one: str, other: str) -> None:
    """Copy an SQLite database over another one, which may be in use: https://sqlite.org/backup.html."""
    connect = sqlite_driver().connect
    with closing(connect(one)) as source, closing(connect(other)) as target:
        source.backup(target)


@pytest.fixture(scope="package")
def _shared_services() -> Iterator[dict[str, SharedService]]:
    services: dict[str, SharedService] = {}
    yield services
    for service in services.values():
        service.close()


@pytest.fixture
def started(
    running_service: Callable[..., Any], mail_server: MailServer, _shared_services: dict[str, SharedService]
) -> Iterator[Callable[..., Started]]:
    """`started()`: a service with the tests' SMTP server, and a look into its database; journeys share it.

    `started(SWEEP_SECONDS="1")`: one that works in another way, shared by those that ask for the same.
    `started(REDIS_URL=...)`: one of the journey's own, on parts that it may stop.
    """

    def start(**environment: str) -> Started:
        basic = {"SMTP_URL": mail_server.url}
        if not environment.keys() <= OF_THE_WORK:
            return Started(running_service(**basic | environment), environment)
        if (key := str(environment)) not in _shared_services:
            _shared_services[key] = SharedService(basic | environment)
        return _shared_services[key].as_new()

    yield start
    for service in _shared_services.values():  # or what it had still to send would come into the next journey's ledger
        service.as_new()

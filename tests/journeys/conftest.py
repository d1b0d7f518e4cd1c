"""What the journeys share: the parts a service may stand on, and a desk in the browser."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.steps import Started


@pytest.fixture
def started(running_service: Callable[..., Any], mail_server: Any) -> Callable[..., Started]:
    """`started(...)`: the service with the tests' SMTP server, and a look into its database."""

    def start(**environment: str) -> Started:
        return Started(running_service(**{"SMTP_URL": mail_server.url} | environment), environment)

    return start

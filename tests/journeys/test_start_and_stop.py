"""Starting, stopping and starting again."""

import socket

from tests.factories import count, submitted
from tests.journeys.steps import Started
from tests.parts.service import RunningService
from tpminstitute.inbox.models import Inquiry


def test_ctrl_c_stops_everything_and_a_second_start_has_all_that_was_there(running_service):
    service = running_service()
    started = Started(service, {})
    with started.database() as db:
        submitted(db, started.settings)
    assert service.stop(5) < 5
    service.start()
    with started.database() as db:
        assert count(db, Inquiry) == 1
    assert service.stop(5) < 5


def test_a_used_port_is_said_in_one_sentence():
    service = RunningService()
    with socket.create_server(("127.0.0.1", service.port)):
        service.launch()
        assert service.wait() != 0
    assert f"127.0.0.1:{service.port} is in use already" in service.output
    assert "Traceback" not in service.output
    assert len(service.output.strip().splitlines()) == 1
    service.close()

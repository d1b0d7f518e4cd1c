"""A copied clock: a simulation has its own time, and nobody else does."""

import logging
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
import structlog
from sqlalchemy import update

from tests.factories import messages, submitted
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.core.config import LogFormat
from tpminstitute.core.logs import set_up_logs
from tpminstitute.mail import claim, delivery
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message

LATER = datetime(2031, 3, 30, 9, 0, tzinfo=UTC)


def test_the_clock_shows_what_it_is_set_to_and_then_the_present_again():
    with clock.at(LATER):
        assert clock.now() == LATER
        with clock.at(LATER + timedelta(days=1)):
            assert clock.now() == LATER + timedelta(days=1)
        assert clock.now() == LATER
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_clock_goes_back_to_the_present_after_an_error():
    with pytest.raises(ZeroDivisionError), clock.at(LATER):
        _ = 1 / 0
    assert not clock.is_copied()


def test_the_clock_shows_utc_wherever_the_moment_was_named():
    with clock.at(datetime(2031, 3, 30, 11, 0, tzinfo=timezone(timedelta(hours=2)))):
        assert (clock.now(), clock.now().tzinfo) == (LATER, UTC)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"), clock.at(datetime(2031, 1, 1)):  # noqa: DTZ001
        pass


def test_another_thread_keeps_the_present():
    seen = []
    with clock.at(LATER):
        other = threading.Thread(target=lambda: seen.append(clock.is_copied()))
        other.start()
        other.join()
    assert seen == [False]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_lane_of_a_delivery_goes_by_the_copied_clock(db, settings, monkeypatch):
    for part in (delivery, claim):
        monkeypatch.setattr(part, "BATCH", 1)  # a lane for each mail
    for number in range(2):
        submitted(db, settings, email=f"reader{number}@example.org")
    seen = []
    post = Post(before_content=lambda _recipient: seen.append(clock.now()))
    with clock.at(LATER):
        deliver(db, post, settings)
    assert post.connections > 1
    assert set(seen) == {LATER}
    assert {mail.sent_at for mail in messages(db)} == {LATER}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_mail_that_is_due_later_waits_by_the_copied_clock(db, settings):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Message).values(due_at=LATER + timedelta(minutes=1)))
    with clock.at(LATER):
        assert deliver(db, Post(), settings) == 0
    with clock.at(LATER + timedelta(minutes=1)):
        assert deliver(db, Post(), settings) == 2


@pytest.fixture
def logs_as_before():
    """What sets up the logs of a whole process is taken back."""
    structured, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.configure(**structured)
    root.handlers[:], root.level = handlers, level


def test_what_happens_on_a_copied_clock_is_not_logged(logs_as_before, capsys):
    set_up_logs(LogFormat.TEXT)
    log = structlog.get_logger("simulated")
    with clock.at(LATER):
        log.error("mails_delivered")
    log.error("mails_waiting")
    shown = capsys.readouterr().out
    assert "mails_waiting" in shown
    assert "mails_delivered" not in shown

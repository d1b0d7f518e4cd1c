"""Hints over the real brokers: quick, best effort, and never in the way."""

import contextlib
import time

import pytest

from tests.factories import make_settings
from tests.parts.ports import free_port
from tpminstitute.core.jobs import Job
from workers.celery_app import create_celery, publish


def test_a_hint_lands_in_the_folder_of_the_built_in_broker(tmp_path):
    settings = make_settings(tmp_path)
    publish(create_celery(settings), Job.DELIVER)
    assert len(list((settings.broker_folder / "queue").iterdir())) == 1


def test_a_hint_lands_in_redis(tmp_path, redis_server):
    import redis

    publish(create_celery(make_settings(tmp_path, redis_url=redis_server.url)), Job.DELIVER)
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.llen("tpminstitute") == 1


def test_a_dead_redis_costs_a_hint_little_time(tmp_path):
    celery = create_celery(make_settings(tmp_path, redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    begun = time.monotonic()
    with pytest.raises(Exception, match="refused"):
        publish(celery, Job.DELIVER)
    assert time.monotonic() - begun < 3


def test_a_silent_redis_costs_a_hint_little_time(tmp_path, redis_server):
    celery = create_celery(make_settings(tmp_path, redis_url=redis_server.url))
    redis_server.freeze()
    begun = time.monotonic()
    with pytest.raises(Exception, match=r"(?i)time"):
        publish(celery, Job.DELIVER)
    assert time.monotonic() - begun < 5


def next_wake_up(celery):
    """The headers of the next wake-up that a worker gets."""
    with celery.connection_for_read() as connection:
        queue = connection.SimpleQueue("tpminstitute", no_ack=True)
        for _ in range(20):
            with contextlib.suppress(queue.Empty):
                return queue.get(timeout=1).headers
    raise AssertionError("no wake-up came")


@pytest.mark.parametrize(
    "spoil",
    [lambda whole: whole[: len(whole) // 2], lambda whole: whole[:-1], lambda _: b"", lambda whole: b"\xff" + whole],
    ids=["half of it", "all but its last octet", "empty", "no text"],
)
def test_a_wake_up_that_a_full_disk_cut_short_is_passed_over(tmp_path, spoil):
    settings = make_settings(tmp_path)
    celery = create_celery(settings)
    publish(celery, Job.TIDY)
    folder = settings.broker_folder / "queue"
    (whole,) = folder.iterdir()
    spoilt = whole.rename(folder / "0_spoilt.tpminstitute.msg")  # the first in line
    spoilt.write_bytes(spoil(spoilt.read_bytes()))
    publish(celery, Job.DELIVER)
    assert next_wake_up(celery)["task"] == Job.DELIVER.value
    assert list(folder.iterdir()) == []

"""Hints over the real brokers: quick, best effort, and never in the way."""

import time

import pytest

from tests.factories import make_settings
from tests.parts.ports import free_port
from tpminstitute.core.jobs import Job
from workers.celery_app import create_celery, publish
from workers.schedule import schedule


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


def test_every_job_has_its_hour():
    assert set(schedule(20)) == {job.value for job in Job}


def test_a_wake_up_that_nobody_took_expires_before_the_next():
    for entry in schedule(20).values():
        assert entry["options"]["expires"] <= entry["schedule"]

"""The schedule in Celery's own scheduler, and that a clock which is set back doesn't put it to rest."""

from datetime import timedelta

import pytest
import time_machine
from celery.beat import PersistentScheduler

from tests.factories import make_settings
from tpminstitute.core import clock
from tpminstitute.core.jobs import Job
from workers.celery_app import create_celery
from workers.schedule import Every, schedule, steady_now

NOW = clock.now()
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(tmp_path):
    return make_settings(tmp_path, sweep_seconds=20)


@pytest.fixture
def start(settings):
    """`start()`: the scheduler as `tpm scheduler` makes it, on the file that the one before left."""
    started = []

    def run():
        celery = create_celery(settings)
        scheduler = PersistentScheduler(celery, schedule_filename=celery.conf.beat_schedule_filename)
        started.append(scheduler)
        return scheduler

    yield run
    for scheduler in started:
        scheduler.close()


def asked_for(settings):
    """The jobs that wait on the broker, by what stands in their files."""
    files = [file.read_text("utf-8") for file in (settings.broker_folder / "queue").glob("*.msg")]
    return sorted(job for job in Job for content in files if f'"task": "{job.value}"' in content)


def test_every_job_has_its_hour():
    assert set(schedule(20)) == {job.value for job in Job}


def test_a_wake_up_that_nobody_took_expires_before_the_next():
    for entry in schedule(20).values():
        assert entry["options"]["expires"] <= entry["schedule"].seconds


@pytest.mark.parametrize(
    ("last_run_at", "due", "seconds"),
    [
        (NOW - timedelta(seconds=25), True, 20),
        (NOW - timedelta(seconds=5), False, 15),
        (NOW, False, 20),
        (NOW + timedelta(seconds=5), True, 20),
        (NOW + HOUR, True, 20),
    ],
    ids=["over", "not over", "just begun", "in the future", "an hour in the future"],
)
def test_an_interval_is_due_when_it_is_over_or_its_last_run_lies_in_the_future(last_run_at, due, seconds):
    assert tuple(Every(20, nowfun=lambda: NOW).is_due(last_run_at)) == (due, seconds)


def test_the_steady_clock_goes_on_whatever_is_done_to_the_clock():
    before = steady_now()
    with time_machine.travel(clock.now() - HOUR, tick=False):
        assert before < steady_now() < before + HOUR


def test_the_scheduler_asks_for_the_jobs_of_the_schedule_and_for_nothing_else(start):
    assert set(start().schedule) == {job.value for job in Job}


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "ahead"])
def test_a_running_scheduler_rests_no_longer_when_the_clock_jumps(start, jump):
    scheduler = start()
    assert 0 < scheduler.tick() <= 20
    with time_machine.travel(clock.now() + jump, tick=True):
        assert 0 < scheduler.tick() <= 20


def test_a_scheduler_that_ran_before_the_clock_was_set_back_asks_for_everything_at_its_start(start, settings):
    first = start()
    for entry in first.schedule.values():
        entry.last_run_at += HOUR
    first.close()
    second = start()
    assert [second.tick() for _ in Job] == [0] * len(Job)
    assert asked_for(settings) == sorted(Job)
    assert 0 < second.tick() <= 20

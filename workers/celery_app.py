"""Celery's wiring: which broker, and the settings that keep a hint a hint (DESIGN.md 4.5)."""

from typing import Any

from celery import Celery

from tpminstitute.core.config import Settings
from tpminstitute.core.jobs import Job
from workers.schedule import schedule

SECONDS_TO_PUBLISH = 1
"""The longest a publishing may take on a dead or silent Redis."""


def create_celery(settings: Settings) -> Celery:
    """Return a Celery application on Redis, or on the built-in broker under DATA_DIR; no task is registered yet."""
    celery = Celery("tpminstitute", set_as_current=False)
    celery.conf.update(
        broker_url=settings.redis_url or "filesystem://localhost",
        broker_transport=None if settings.redis_url else "workers.broker:FolderTransport",
        broker_transport_options=_transport_options(settings),
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=SECONDS_TO_PUBLISH,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        result_expires=None,  # else the scheduler would add a daily job, on another clock than ours
        task_publish_retry=False,
        task_default_queue="tpminstitute",
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        beat_schedule=schedule(settings.sweep_seconds),
        beat_schedule_filename=str(settings.data_dir / "scheduler"),
        timezone="UTC",
    )
    return celery


def publish(celery: Celery, job: Job) -> None:
    """Put one job on the broker; raises what the broker's client raises, within about a second."""
    celery.send_task(job.value, retry=False, ignore_result=True, expires=60)


def _transport_options(settings: Settings) -> dict[str, Any]:
    if settings.redis_url:
        return {
            "socket_timeout": SECONDS_TO_PUBLISH,
            "socket_connect_timeout": SECONDS_TO_PUBLISH,
            "max_retries": 0,
        }
    folder = settings.broker_folder
    for part in ("queue", "control"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.1,
    }

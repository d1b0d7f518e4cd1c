"""Log lines: one event a line, readable on a terminal or as JSON."""

import logging
import sys
from typing import Any

import structlog

from tpminstitute.core import clock
from tpminstitute.core.config import LogFormat

QUIET = ("alembic", "kombu", "celery.app.trace", "celery.worker.strategy", "celery.beat", "mail.log", "imapclient")
"""Libraries whose everyday lines say nothing to an operator; their warnings are shown."""


def set_up_logs(log_format: LogFormat) -> None:
    """Send every log line of this process, ours and the libraries', through one formatter to standard output.

    Text lines carry no time: the supervisor or the operator's journal puts one before each.
    """
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]
    # Plain tracebacks: the fancy ones print local variables, and with them what visitors wrote.
    plain = structlog.dev.plain_traceback
    last: list[Any] = [
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=30, exception_formatter=plain)
    ]
    if log_format is LogFormat.JSON:
        before.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[_of_the_present, *before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _of_the_present(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave out what happens on a copied clock: no operator should read that a simulated mail was delivered."""
    if clock.is_copied():
        raise structlog.DropEvent
    return event

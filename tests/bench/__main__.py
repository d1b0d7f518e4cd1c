"""`make bench`: the product's speed as ratios to the bare floor of the same work, measured in one run.

Each figure is the median of several rounds; product and floor take turns, so that a noisy machine is noisy to both.

`make bench ARGS=--million` measures the desk with a million people instead, on both databases: lists and filters,
searches, contacts, Today, inbox, board and reports, then searches in texts of many words, and 100,000 contacts brought
in and handed out. Most of its time goes into making the people up. With a DATABASE_URL behind it
(`ARGS="--million postgresql://…"`) it measures one that `tpm demo --contacts 1000000` filled before, in minutes.
"""

import argparse
import logging
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import structlog

from tests.bench import desk, exchange, searching
from tests.bench.delivery import delivery_rates
from tests.bench.incoming import intake_rates, reading_rates
from tests.bench.searching import searches
from tests.bench.service import idle_memory, latencies, page_rates, start_times
from tests.bench.ticks import tick_times
from tests.bench.watch import AS_IN_LIFE
from tests.parts.postgres import PostgresServer
from tests.parts.redis import RedisServer


def main() -> None:
    """Read what is asked for, and measure it."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the speed.")
    parser.add_argument("--million", nargs="?", const="", metavar="DATABASE_URL", help="the desk with a million people")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if asked.million is None:
        ratios()
    elif asked.million:
        desk.on_filled(asked.million)
    else:
        desk.on_both(desk.PEOPLE)
        searching.main(searching.PEOPLE)
        exchange.main(exchange.PEOPLE)


def ratios() -> None:
    """Print one line a figure."""
    with tempfile.TemporaryDirectory() as name, PostgresServer(AS_IN_LIFE) as postgres, RedisServer() as redis:
        folder = Path(name)
        say("First page after `make run`, new folder / again", lambda: _seconds(start_times(folder)))
        say("Idle memory of the whole service", lambda: f"{idle_memory(folder):.0f} MB (PSS, all processes)")
        say("Guide page against a bare WSGI page of its size", lambda: _ratio(*page_rates(folder)))
        sqlite_url, postgres_url = f"sqlite:///{folder}/bench.db", postgres.create_database("bench")
        say("Delivery on SQLite against a bare smtplib loop", lambda: _ratio(*delivery_rates(sqlite_url)))
        say("Delivery on PostgreSQL against a bare smtplib loop", lambda: _ratio(*delivery_rates(postgres_url)))
        say("Reading a mail against a bare parse of its parts", lambda: _ratio(*reading_rates()))
        intake_url = postgres.create_database("intake")
        say("Taking a mail in on SQLite", lambda: _ratio(*intake_rates(f"sqlite:///{folder}/intake.db", folder)))
        say("Taking a mail in on PostgreSQL", lambda: _ratio(*intake_rates(intake_url, folder)))
        ticks_url = postgres.create_database("ticks")
        say(
            "A tick, 1,000 of 1,000,000 due, on SQLite",
            lambda: _seconds_each(tick_times(f"sqlite:///{folder}/ticks.db", folder)),
        )
        say("A tick, 1,000 of 1,000,000 due, on PostgreSQL", lambda: _seconds_each(tick_times(ticks_url, folder)))
        search_url = postgres.create_database("search")
        say("A search among 100,000 people on SQLite", lambda: searches(f"sqlite:///{folder}/search.db", 100_000))
        say("A search among 100,000 people on PostgreSQL", lambda: searches(search_url, 100_000))
        say("POST to notice accepted, built-in broker", lambda: _milliseconds(latencies(folder)))
        say("POST to notice accepted, Redis", lambda: _milliseconds(latencies(folder, REDIS_URL=redis.url)))


def say(what: str, measure: Callable[[], str]) -> None:
    """Print what is measured, and then the figure."""
    print(f"{what + ':':<58}", end="", flush=True)
    print(measure(), flush=True)


def _seconds(figures: tuple[float, float]) -> str:
    return f"{figures[0]:.1f} s / {figures[1]:.1f} s"


def _seconds_each(figures: list[float]) -> str:
    return f"median {statistics.median(figures):.2f} s, slowest {max(figures):.2f} s of {len(figures)}"


def _ratio(ours: list[float], floor: list[float]) -> str:
    ratios = [mine / bare for mine, bare in zip(ours, floor, strict=True)]
    rate, bare = statistics.median(ours), statistics.median(floor)
    spread = f"{min(ratios):.0%} to {max(ratios):.0%} in {len(ratios)} rounds"
    return f"{statistics.median(ratios):.0%} ({spread}; {rate:,.0f}/s of {bare:,.0f}/s)"


def _milliseconds(figures: list[float]) -> str:
    return f"median {statistics.median(figures) * 1000:.0f} ms, slowest {max(figures) * 1000:.0f} ms of {len(figures)}"


if __name__ == "__main__":
    main()

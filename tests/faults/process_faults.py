"""Workers are told to stop, killed and frozen; schedulers die and double; clocks are wrong."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.faults.house import LEASE_SECONDS, House
from tests.faults.scenario import WARM_UP, Missing, Scenario
from tests.faults.visitors import Visitors
from tests.parts.smtp_conversation import Moment

FROZEN = 3 * LEASE_SECONDS


def process_faults() -> list[Scenario]:
    """Return the scenarios."""
    return [
        _worker("TERM before the content of a mail", _signalled(signal.SIGTERM, "rcpt")),
        _worker("TERM after the dot of a mail", _signalled(signal.SIGTERM, "dot")),
        replace(
            _worker("QUIT after the dot of a mail", _signalled(signal.SIGQUIT, "dot")),
            uncertain=True,
            quits_unsettled=True,
        ),
        _worker("KILL before the content of a mail", _signalled(signal.SIGKILL, "rcpt")),
        replace(_worker("KILL after the dot of a mail", _signalled(signal.SIGKILL, "dot")), uncertain=True),
        _worker(f"STOP for {FROZEN} s (three leases) before the content, then CONT", _frozen("rcpt")),
        replace(_worker(f"STOP for {FROZEN} s after DATA, then CONT", _frozen("data")), uncertain=True),
        replace(_worker(f"STOP for {FROZEN} s after the dot, then CONT", _frozen("dot")), uncertain=True),
        replace(
            Scenario("worker", "every process killed at once", _all_killed),
            uncertain=True,
        ),
        Scenario("scheduler", f"scheduler dead for {2 * LEASE_SECONDS} s, a worker killed", _no_scheduler),
        Scenario("scheduler", "two schedulers, two workers", _doubled, at_least=40),
        Scenario("scheduler", "clock jumps an hour ahead, then back (rows shifted)", _jumping(-1)),
        Scenario("scheduler", "clock jumps an hour back, then ahead (rows shifted)", _jumping(1)),
        Scenario(
            "scheduler", "clock of one of two workers an hour ahead (libfaketime)", _two_clocks("+3600"), at_least=40
        ),
        Scenario(
            "scheduler", "clock of one of two workers an hour behind (libfaketime)", _two_clocks("-3600"), at_least=40
        ),
    ]


def _worker(name: str, happens: Callable[[House], None]) -> Scenario:
    def fault(house: House, visitors: Visitors) -> None:
        visitors.wait_for_thanks(WARM_UP)
        happens(house)

    return Scenario("worker", f"worker {name}", fault)


def _busy(house: House, moment: Moment) -> threading.Event:
    """Wait until a worker waits for the server's word at `moment`. Returns: what lets the server say it."""
    answer = threading.Event()
    rule = house.postbox.script(moment, None, hold=answer, times=1)
    assert rule.held.wait(timeout=30), f"no mail came to {moment} in 30 s"
    house.wait_until_sending(0 if moment == "rcpt" else 1)  # the mail before it is settled
    return answer


def _signalled(number: signal.Signals, moment: Moment) -> Callable[[House], None]:
    def happens(house: House) -> None:
        answer = _busy(house, moment)
        house.process("worker").signal(number)
        time.sleep(0.3)
        answer.set()
        house.wait_for_death("worker")

    return happens


def _frozen(moment: Moment) -> Callable[[House], None]:
    def happens(house: House) -> None:
        answer = _busy(house, moment)
        house.process("worker").signal(signal.SIGSTOP)
        house.add("worker", "second")
        answer.set()
        time.sleep(FROZEN)
        house.process("worker").signal(signal.SIGCONT)

    return happens


def _all_killed(house: House, visitors: Visitors) -> None:
    visitors.wait_for_thanks(WARM_UP)
    for name in ("web", "worker", "scheduler"):
        house.process(name).signal(signal.SIGKILL)
    for name in ("web", "worker", "scheduler"):
        house.wait_for_death(name)
    house.wait_until_ready()


def _no_scheduler(house: House, visitors: Visitors) -> None:
    visitors.wait_for_thanks(WARM_UP)
    house.supervisor.end("scheduler")
    answer = _busy(house, "rcpt")
    house.process("worker").signal(signal.SIGKILL)
    answer.set()
    time.sleep(2 * LEASE_SECONDS)
    house.supervisor.bring_back("scheduler")


def _doubled(house: House, visitors: Visitors) -> None:
    house.add("scheduler", "second scheduler")
    house.add("worker", "second worker")
    visitors.wait_for_thanks(30)


def _jumping(hours: int) -> Callable[[House, Visitors], None]:
    """Shift the rows' moments instead of the clock: libfaketime fails sleeps that are under way when it jumps."""

    def fault(house: House, visitors: Visitors) -> None:
        visitors.wait_for_thanks(WARM_UP)
        for jump in (hours, -hours):
            house.shift_mails(timedelta(hours=jump))
            visitors.wait_for_thanks(len(visitors.thanked()) + 8)

    return fault


def _two_clocks(offset: str) -> Callable[[House, Visitors], None]:
    def fault(house: House, visitors: Visitors) -> None:
        house.add("worker", "second", **_clock(offset))
        visitors.wait_for_thanks(36)

    return fault


def _clock(offset: str) -> dict[str, str]:
    """Return the environment of a process whose clock is wrong by the seconds of `offset`."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        raise Missing("libfaketime is not on this machine")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }

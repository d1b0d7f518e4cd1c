"""What a scenario is, and how one is played: start, write, break, mend, wait, count."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.audit import Count, audit
from tests.faults.house import LEASE_SECONDS, Ground, House
from tests.faults.visitors import Visitors

BROKERS = {"sqlite": "built-in", "postgresql": "redis"}
"""Which broker goes with which database, where a scenario doesn't ask for one."""

WARM_UP = 4
"""Thank-yous before the fault begins, and after it has ended."""


class Missing(Exception):
    """A part that the scenario needs is not on this machine; the text says which."""


def nothing(_house: House) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Scenario:
    """One fault: how it is prepared before the start, and how it happens while visitors write.

    Fields: `fault` returns when the fault is over; `uncertain` says that visitors' mails may be left to a person,
    because the fault may fall into the gap; `quits_unsettled`, that a worker may say QUIT before it settled.
    """

    group: str
    name: str
    fault: Callable[[House, Visitors], None]
    prepare: Callable[[House], None] = nothing
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    broker: str = ""
    at_least: int = 12
    at_most: int = 300
    follow_ups: bool = False
    uncertain: bool = False
    quits_unsettled: bool = False
    lease_seconds: int = LEASE_SECONDS
    settle_seconds: float = 90


@dataclass
class Row:
    """What came of one scenario on one database."""

    scenario: Scenario
    database: str
    broker: str
    count: Count = field(default_factory=Count)
    recovery: float | None = None
    skipped: str = ""
    log: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was lost, nothing doubled outside the gap, and everything settled."""
        return not self.count.wrong


def play(scenario: Scenario, database: str, ground: Ground) -> Row:
    """Play one scenario from its start to its count; a fault of the play itself is a wrong row as well."""
    row = Row(scenario, database, scenario.broker or BROKERS[database])
    house = House(ground, database, row.broker, lease_seconds=scenario.lease_seconds)
    try:
        scenario.prepare(house)
        with house:
            try:
                _play(row, house)
            except AssertionError as problem:
                row.count.wrong.append(f"not played: {problem}")
            if not row.good:
                row.log = house.tail()
    except Missing as part:
        row.skipped = str(part)
    except Exception:
        row.count.wrong.append("not played: " + traceback.format_exc(limit=-3))
    finally:
        house.close()
    return row


def _play(row: Row, house: House) -> None:
    scenario = row.scenario
    visitors = Visitors(house.url, scenario.at_least, at_most=scenario.at_most, agree=scenario.follow_ups)
    visitors.start()
    try:
        scenario.fault(house, visitors)
        ended = time.monotonic()
        visitors.wait_for_thanks(min(len(visitors.thanked()) + WARM_UP, scenario.at_most), timeout=90)
    finally:
        visitors.finish()
    if scenario.follow_ups:
        house.make_follow_ups_due()  # those of the letters that came meanwhile
    settled = house.wait_until_settled(scenario.settle_seconds, tick=scenario.follow_ups)
    row.count = audit(
        house.db,
        visitors.letters,
        house.postbox.acceptances,
        follow_ups=scenario.follow_ups,
        quits_unsettled=scenario.quits_unsettled,
    )
    if settled is None:
        row.count.wrong.append(f"not settled within {scenario.settle_seconds:.0f} s")
    else:
        row.recovery = max(0.0, settled - ended)
    if row.count.uncertain and not scenario.uncertain:
        row.count.wrong.append(f"{row.count.uncertain} mails are uncertain, and nothing fell into the gap")
    thankless = [letter for letter in visitors.letters if not letter.thanks]
    if thankless:
        problems = thankless[0].problems[-1:] or ["no try ended"]
        row.count.wrong.append(f"{len(thankless)} visitors never saw a thank-you: {problems[0]}")

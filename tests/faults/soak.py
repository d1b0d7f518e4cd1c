"""Kill any process at any moment, for minutes, while visitors write; then count once."""

import random
import signal
import time

from tests.faults.house import Ground, House
from tests.faults.scenario import Row, Scenario, play
from tests.faults.visitors import Visitors

BETWEEN_KILLS = (0.5, 6.0)
VICTIMS = ("web", "worker", "worker", "second worker", "scheduler")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT)


def soak(ground: Ground, database: str, minutes: float) -> Row:
    """Play it once on `database`. Returns: the row with the final count."""
    seed = random.randrange(10**6)
    chance = random.Random(seed)

    def fault(house: House, visitors: Visitors) -> None:
        house.add("worker", "second worker")
        visitors.wait_for_thanks(4)
        over, kills, said = time.monotonic() + minutes * 60, 0, 0.0
        while time.monotonic() < over:
            time.sleep(chance.uniform(*BETWEEN_KILLS))
            house.process(chance.choice(VICTIMS)).signal(chance.choice(SIGNALS))
            kills += 1
            if time.monotonic() - said > 15:
                said = time.monotonic()
                left = max(0, over - time.monotonic())
                print(f"{database}: {kills} kills, {len(visitors.thanked())} thank-yous, {left:.0f} s left", flush=True)

    name = f"soak: random kills for {minutes:g} minutes (seed {seed})"
    scenario = Scenario("soak", name, fault, uncertain=True, quits_unsettled=True, at_most=100_000, settle_seconds=120)
    return play(scenario, database, ground)

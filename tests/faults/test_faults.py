"""A short selection of the failure matrix: nothing is lost, nothing is doubled outside the gap."""

from pathlib import Path

import pytest

from tests.conftest import need
from tests.faults.__main__ import every_scenario
from tests.faults.house import Ground
from tests.faults.scenario import Row, play
from tests.parts.install import find_postgres, find_redis

SHORT = [
    ("killed at 02-intake-before-commit", "sqlite"),
    ("killed at 12-after-dot, the fifth time", "sqlite"),
    ("killed at 05-claim-after-commit", "postgresql"),
    ("SMTP server drops the connection after the dot, three times", "postgresql"),
]
"""One death at the door, one in the gap, one under a claim, and one broken connection: about half a minute in all."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory):
    """What the scenarios stand on."""
    made = Ground(Path(tmp_path_factory.mktemp("faults")))
    yield made
    made.close()


@pytest.mark.parametrize(("name", "database"), SHORT)
def test_a_fault_loses_nothing_and_doubles_nothing_outside_the_gap(ground, name, database):
    if database == "postgresql":
        need(find_postgres(), "the PostgreSQL server")
        need(find_redis(), "redis-server")
    (scenario,) = [scenario for scenario in every_scenario() if scenario.name == name]
    row = play(scenario, database, ground)
    assert row.good, "\n".join([*row.count.wrong, row.log])
    assert row.count.thanks >= scenario.at_least
    assert (row.count.lost, row.count.doubled_outside) == (0, 0)


def test_every_scenario_has_a_name_of_its_own():
    names = [scenario.name for scenario in every_scenario()]
    assert len(set(names)) == len(names)


def test_a_row_with_anything_wrong_is_not_good():
    row = Row(every_scenario()[0], "sqlite", "built-in")
    assert row.good
    row.count.lose("a letter")
    assert not row.good

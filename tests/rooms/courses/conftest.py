"""What tests of courses share: a day in March, Alice, and a course of hers."""

from collections.abc import Iterator

import pytest
import time_machine

from tests.rooms.courses_kept import a_course
from tests.rooms.plans import Writer
from tpminstitute.core.db import Database


@pytest.fixture(autouse=True)
def clockwork() -> Iterator[time_machine.Traveller]:
    """It is 2 March 2027, ten in the morning in New York, until the test says otherwise."""
    with time_machine.travel("2027-03-02 15:00Z", tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def alice(db: Database) -> Writer:
    """Alice the advisor."""
    return Writer(db)


@pytest.fixture
def course(db: Database, alice: Writer) -> int:
    """The id of a course that visitors see."""
    return a_course(db, alice.id)

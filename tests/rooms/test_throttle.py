"""Guessing gets slower and slower, and keeps nobody out for good."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.conftest import on_sqlite
from tests.factories import an_account, count
from tpminstitute.accounts import throttle
from tpminstitute.accounts.factor_models import KnownNetwork, Try
from tpminstitute.accounts.throttle import Limit, begin, limits_on, network_of, succeeded
from tpminstitute.core import tokens

NOON = datetime(2026, 4, 20, 12, tzinfo=UTC)
HERE, THERE = "192.0.2.1", "198.51.100.9"


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def fails(db, limits, times=1):
    """Try and fail so often; returns the waits."""
    waits = []
    for _ in range(times):
        with db.write() as session:
            waits.append(begin(session, limits))
    return waits


def test_the_first_failures_cost_nothing_and_then_each_wait_is_twice_as_long(db, noon):
    limits = {"sign-in:alice": Limit(3)}
    assert fails(db, limits, 4) == [None] * 4
    waits = []
    for _ in range(8):
        (wait,) = fails(db, limits)
        waits.append(wait.total_seconds())
        noon.shift(wait)
        assert fails(db, limits) == [None]
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_trying_while_one_has_to_wait_makes_the_wait_no_longer(db, noon):
    limits = {"k": Limit(0)}
    fails(db, limits)
    fails(db, limits, 50)
    noon.shift(timedelta(seconds=30))
    assert fails(db, limits) == [None]


def test_whoever_gets_it_right_begins_anew_for_themselves_only(db, noon):
    mine, whole = "sign-in:alice:here", "sign-in:network:here"
    limits = {mine: throttle.ON_BOTH, whole: Limit(2)}
    fails(db, limits, 2)
    with db.write() as session:
        assert begin(session, limits) is None
        succeeded(session, limits)
    with db.read() as session:
        failed = {row.key: row.failed for row in session.query(Try)}
    assert failed == {tokens.digest(mine): 0, tokens.digest(whole): 2}


def test_an_own_account_that_gets_in_shortens_no_wait_of_the_network(db, noon):
    network = {"sign-in:network:here": Limit(0)}
    fails(db, network)
    with db.write() as session:
        assert begin(session, network | {"sign-in:charlie:here": throttle.ON_BOTH}) == timedelta(seconds=30)


def test_strangers_make_the_owner_wait_only_where_nobody_knows_her(db, noon):
    with db.write() as session:
        alice = an_account(session).id
        throttle.learn(session, alice, HERE)
    for number in range(21):
        fails(db, limits_on("sign-in", "alice", f"203.0.113.{number}", known=False))
    with db.write() as session:
        assert not throttle.knows(session, alice, THERE)
        assert begin(session, limits_on("sign-in", "alice", THERE, known=False)) == timedelta(seconds=30)
        assert throttle.knows(session, alice, HERE)
        assert begin(session, limits_on("sign-in", "alice", HERE, known=True)) is None


def test_failures_are_forgotten_after_a_day_and_tidied_away(db, noon):
    fails(db, {"k": Limit(0)})
    noon.shift(timedelta(hours=24, seconds=1))
    with db.write() as session:
        throttle.tidy_tries(session)
    assert count(db, Try) == 0
    assert fails(db, {"k": Limit(1)}, 2) == [None, None]


@on_sqlite
def test_a_network_that_was_not_used_for_long_is_strange_again(db, noon):
    with db.write() as session:
        alice = an_account(session).id
        throttle.learn(session, alice, HERE)
        throttle.learn(session, alice, HERE)
        noon.shift(timedelta(days=61))
        assert not throttle.knows(session, alice, HERE)
        throttle.tidy_tries(session)
    assert count(db, KnownNetwork) == 0


def test_guesses_that_come_at_once_are_counted_one_by_one(db):
    limits, answers, start = {"k": Limit(4)}, [], threading.Barrier(8)

    def guess():
        start.wait(30)
        answers.extend(fails(db, limits))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers.count(None) == 5


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_a_network_is_an_ipv4_address_or_the_64_bits_that_a_line_gets(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("wait", "words"), [(0.2, "1 second"), (30, "30 seconds"), (99.1, "2 minutes"), (900, "15 minutes")]
)
def test_a_wait_is_said_plainly_and_never_too_short(wait, words):
    assert throttle.in_words(timedelta(seconds=wait)) == words

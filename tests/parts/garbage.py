"""The garbage collector, which needn't look at what stays until the end.

A process of tests holds half a million objects that live as long as it does: modules, and thousands of tests. Python's
collector looked at all of them again and again, a third of a second each time, which was a quarter of the processor
time of a door's tests. Here they are put out of its sight, as a server does before it forks. What is young is collected
when there is much of it, which is a fifteenth of a door's test cheaper than after each 700 objects, and what a test
leaves behind every few tests, so a connection that nobody closed is still told of.
"""

import gc

AFTER = 25
"""Tests, after which everything is collected, and what has been imported and compiled since is put out of sight."""

YOUNG = 50_000
NEVER = 1_000_000

_tests = 0


def wait() -> None:
    """Collect nothing until `begin`: of what is collected from the tests' files nothing is garbage."""
    gc.disable()


def begin() -> None:
    """Collect again, but never look at what is there: a single look takes a second, and finds nothing."""
    gc.freeze()
    gc.set_threshold(YOUNG, 10, NEVER)
    gc.enable()


def count_a_test() -> None:
    """A test has ended."""
    global _tests
    _tests += 1
    if _tests % AFTER == 0:
        _put_out_of_sight()


def _put_out_of_sight() -> None:
    gc.collect()
    gc.freeze()

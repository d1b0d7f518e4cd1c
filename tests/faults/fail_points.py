"""Every fail point: the process that passes it kills itself right there."""

from collections.abc import Callable
from dataclasses import replace

from tests.faults.house import House
from tests.faults.scenario import Scenario
from tests.faults.visitors import Visitors
from tpminstitute.core.failpoints import FailPoint
from tpminstitute.core.jobs import Job

WEB = (FailPoint.INTAKE_BEFORE_STORE, FailPoint.INTAKE_BEFORE_COMMIT, FailPoint.INTAKE_AFTER_COMMIT)
FOLLOW_UPS = (FailPoint.FOLLOW_UP_BEFORE_COMMIT, FailPoint.FOLLOW_UP_AFTER_COMMIT)
SENDING = (
    FailPoint.SENDING_AFTER_COMMIT,
    FailPoint.AFTER_DATA,
    FailPoint.IN_CONTENT,
    FailPoint.AFTER_DOT,
    FailPoint.AFTER_250,
    FailPoint.SETTLE_BEFORE_COMMIT,
)
"""Between the commit that says sending and the one that settles: the next worker can't know how far this one came."""

OFFERING = (FailPoint.AFTER_MAIL, FailPoint.AFTER_RCPT)
"""While a mail is offered, the one before it may still be on its way to being settled, which is in the gap."""

MAILBOX = (FailPoint.MAILBOX_BEFORE_MARK, FailPoint.MAILBOX_AFTER_MARK)
"""Not on the way of a letter from the form; tests/doors/test_mailbox.py kills there, on a real mailbox."""

IMPORTS = (FailPoint.IMPORT_BEFORE_COMMIT, FailPoint.IMPORT_AFTER_COMMIT)
"""Not on a letter's way either; tests/doors/test_exchange_command.py kills there."""

PER_BATCH = (FailPoint.CLAIM_BEFORE_COMMIT, FailPoint.CLAIM_AFTER_COMMIT, FailPoint.AFTER_CONNECT)

FIFTH, SIXTH = 5, 6
"""Which passing kills. Mails go out by age, mostly in pairs, the notice first: so both kinds are hit."""


def fail_points() -> list[Scenario]:
    """Return the scenarios, in the order an inquiry and its mails pass the points."""
    return [scenario for point in FailPoint if point not in (*MAILBOX, *IMPORTS) for scenario in _scenarios(point)]


def _scenarios(point: FailPoint) -> list[Scenario]:
    if point in WEB:
        return [_scenario(point, "web", 5)]
    if point in FOLLOW_UPS:
        scenario = _scenario(point, "worker", 1)
        return [replace(scenario, follow_ups=True, fault=_in_follow_ups, at_least=8)]
    if point in SENDING:
        return [
            replace(_scenario(point, "worker", times, f", the {words} time"), uncertain=True)
            for times, words in ((FIFTH, "fifth"), (SIXTH, "sixth"))
        ]
    if point in OFFERING:
        return [replace(_scenario(point, "worker", FIFTH), uncertain=True)]
    return [_scenario(point, "worker", 3 if point in PER_BATCH else FIFTH)]


def _scenario(point: FailPoint, process: str, times: int, remark: str = "") -> Scenario:
    name = f"killed at {point.value}{remark}"
    return Scenario("failpoints", name, _wait_for_death(process), prepare=_kill_at(point, process, times))


def _kill_at(point: FailPoint, process: str, times: int) -> Callable[[House], None]:
    def prepare(house: House) -> None:
        house.once[process] = {"FAIL_POINT": f"{point.value}:{times}"}

    return prepare


def _wait_for_death(process: str) -> Callable[[House, Visitors], None]:
    return lambda house, _visitors: house.wait_for_death(process)


def _in_follow_ups(house: House, visitors: Visitors) -> None:
    visitors.wait_for_thanks(6)
    assert house.process("worker").deaths == 0, "the worker died before a follow-up was due"
    house.make_follow_ups_due()
    house.hint(Job.FOLLOW_UP)
    house.wait_for_death("worker")

"""What the doctor finds: one line each, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a thing stands. What can't be told from here is neither right nor wrong."""

    WRONG = "wrong"
    RISK = "at risk"
    UNKNOWN = "unknown"
    OK = "ok"


WORST_FIRST = list(Outcome)


class CannotTell(Exception):
    """A check can't be made from this machine; its text is a sentence that says why."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is, how it stands, a sentence about it, and what to do or `type`."""

    subject: str
    outcome: Outcome
    says: str
    do: str = ""

    @property
    def asks_for_someone(self) -> bool:
        """Whether somebody has to do something."""
        return self.outcome in (Outcome.WRONG, Outcome.RISK)


def ok(subject: str, says: str) -> Finding:
    """Return that all is well."""
    return Finding(subject, Outcome.OK, says)


def at_risk(subject: str, says: str, do: str) -> Finding:
    """Return that it works, and why it may soon not."""
    return Finding(subject, Outcome.RISK, says, do)


def wrong(subject: str, says: str, do: str) -> Finding:
    """Return that something is broken, and how to mend it."""
    return Finding(subject, Outcome.WRONG, says, do)


def unknown(subject: str, says: str, do: str = "") -> Finding:
    """Return that it can't be told from here, and how it can be."""
    return Finding(subject, Outcome.UNKNOWN, says, do)


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Return `findings`, what is wrong before what is well."""
    return sorted(findings, key=lambda finding: WORST_FIRST.index(finding.outcome))


def summary(findings: list[Finding]) -> str:
    """Return one sentence about all of `findings`."""
    counts = {outcome: sum(finding.outcome is outcome for finding in findings) for outcome in Outcome}
    said = []
    if counts[Outcome.WRONG]:
        said.append("1 thing is wrong" if counts[Outcome.WRONG] == 1 else f"{counts[Outcome.WRONG]} things are wrong")
    if counts[Outcome.RISK]:
        said.append(f"{counts[Outcome.RISK]} at risk" if said else f"{_things(counts[Outcome.RISK])} at risk")
    if counts[Outcome.UNKNOWN]:
        said.append(f"{counts[Outcome.UNKNOWN]} can't be told from here")
    said.append(f"{counts[Outcome.OK]} in order" if said else "Everything looked at is in order")
    return ", ".join(said) + "."


def _things(number: int) -> str:
    return "1 thing is" if number == 1 else f"{number} things are"

"""How suspicious a letter is, and why: a score with its reasons. Suspicion sets apart; it never discards.

A letter is any text that somebody sent: an inquiry by the form or by mail, a comment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from tpminstitute.screening import arrivals, content, learning, points
from tpminstitute.screening.folding import LONGEST, fold, plain
from tpminstitute.screening.links import holds_host, holds_link
from tpminstitute.screening.models import Judgement
from tpminstitute.screening.points import Reason


@dataclass(frozen=True)
class Evidence:
    """A letter, and what it shows of how it was sent.

    `trap` is what stands in the line that people can't see, and `others` what stands in its form's other lines;
    `time_to_fill` runs from the page's making; `address` is the sender's IP address; `form` says which opened page it
    was sent from. What a door doesn't know is left empty.
    """

    name: str
    email: str
    text: str
    trap: str = ""
    others: Sequence[str] = ()
    time_to_fill: timedelta | None = None
    address: str = ""
    form: str = ""


@dataclass(frozen=True)
class Verdict:
    """What was found, and whether that is enough to set a letter apart."""

    reasons: Sequence[Reason] = ()

    @property
    def score(self) -> int:
        """The points of all reasons together, never below zero."""
        return max(0, sum(reason.points for reason in self.reasons))

    @property
    def suspected(self) -> bool:
        """Whether the score reaches the threshold."""
        return self.score >= points.SET_APART_AT

    @property
    def told(self) -> list[str]:
        """The reasons as they are kept and shown, the heaviest first."""
        return [reason.told for reason in sorted(self.reasons, key=lambda reason: -reason.points)]

    def and_known(self) -> "Verdict":
        """Return the verdict on a letter by somebody the institute wrote with before: it isn't set apart."""
        return Verdict([*self.reasons, Reason(-self.score, points.KNOWN)])


def provable(score: int | None) -> bool:
    """Return whether a letter with that score is released by a proof."""
    return score is not None and points.SET_APART_AT <= score < points.CLEAR_AT


def screen(session: Session, secret_key: str, evidence: Evidence) -> Verdict:
    """Return the verdict on a letter that came just now, and count it."""
    text = evidence.text[:LONGEST]
    folded = fold(text)
    keys = arrivals.keys_of(secret_key, evidence.email, evidence.address, evidence.form, folded)
    before = arrivals.look(session, keys)
    arrivals.note(session, keys, before)
    words = learning.words_of(text, evidence.email, folded)
    learned = learning.weigh(session, secret_key, words, before.spam, before.honest)
    found = [*sent_how(evidence), *arrivals.reasons(before), *([learned] if learned else [])]
    return Verdict([*found, *content.reasons(evidence.name, evidence.email, text, folded)])


def judged_by_words(name: str, text: str) -> Verdict:
    """Return the verdict on what somebody says, whoever they are and however it came; it counts as no new letter."""
    text = text[:LONGEST]
    return Verdict(content.reasons(name, "", text, fold(text)))


def sent_how(evidence: Evidence) -> list[Reason]:
    """Return what speaks against a letter in how its form was filled in."""
    found = []
    if evidence.trap:
        copied = plain(evidence.trap.strip()) in {plain(line.strip()) for line in evidence.others}
        by_a_program = copied and not (holds_link(evidence.trap) or holds_host(evidence.trap.rpartition("@")[0]))
        found.append((points.TRAP_BY_A_PROGRAM if by_a_program else points.TRAP).found())
    if evidence.time_to_fill is not None and evidence.time_to_fill < timedelta(seconds=points.FAST_SECONDS):
        found.append(points.FAST.found())
    return found


def teach(session: Session, secret_key: str, subject: str, evidence: Evidence, judgement: Judgement | None) -> None:
    """Learn from what a person said of a letter; said otherwise before, that is unlearned first.

    Parameters: `subject`, which letter it is, such as ``inquiry:17``; `judgement`, None when it was taken back.
    """
    text = evidence.text[:LONGEST]
    words = learning.words_of(text, evidence.email, fold(text))
    learning.teach(session, secret_key, subject, words, judgement)


def tidy(session: Session) -> None:
    """Forget what screening kept for long enough."""
    arrivals.tidy(session)
    learning.tidy(session)

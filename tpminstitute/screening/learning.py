"""What staff's decisions teach: which words stand in spam and which in honest letters.

Only counts are kept, by the words' digests. The influence is bounded on both sides (`points.LEARNED_MOST`), and nothing
is said before there are enough decisions of both kinds: with spam alone every common word would look like it.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.screening import links, points
from tpminstitute.screening.addresses import is_provider
from tpminstitute.screening.digests import digest_for
from tpminstitute.screening.folding import Folded
from tpminstitute.screening.models import EVERY_LETTER, Judgement, LearnedWord, Lesson
from tpminstitute.screening.points import Reason

FEWEST_LESSONS = 5
"""Decisions of either kind, before anything is said."""

WORDS_KEPT = timedelta(days=400)
"""A word that stood in no judged letter for so long is forgotten, and a decision that old can't be unlearned."""

_MOST_WORDS = 120
_MOST_TELLING = 12
_SHORTEST, _LONGEST = 3, 24
_SURE_AT = 2
"""Letters that a word must have stood in."""

_POINTS_PER_NAT = 1.0
_STRONGEST = 2.0
"""How much one word may say, as a natural logarithm: no single word decides."""


def words_of(text: str, email: str, folded: Folded) -> list[str]:
    """Return what of a letter is learned: its words, its links' hosts, its sender's domain unless a big provider's."""
    words = [word for word in folded.words if _SHORTEST <= len(word) <= _LONGEST and not word.isdigit()]
    hosts = [f"host:{host}" for host in links.hosts_in(text)[:10]]
    domain = email.rpartition("@")[2].lower()
    sender = [] if not domain or is_provider(domain) else [f"from:{domain}"]
    return list(dict.fromkeys([*sender, *hosts, *words]))[:_MOST_WORDS]


_COUNTS = select(LearnedWord.key, LearnedWord.spam, LearnedWord.honest).where(
    LearnedWord.key.in_(bindparam("keys", expanding=True, type_=BigInteger))
)


def weigh(session: Session, secret_key: str, words: Sequence[str], spam: int, honest: int) -> Reason | None:
    """Return what was learned about these words, or None where it says nothing.

    Parameters: `spam` and `honest`, how many letters were judged so. It is a naive Bayes classifier with add-half
    smoothing over the most telling words, each bounded, and the sum as well.
    """
    if min(spam, honest) < FEWEST_LESSONS or not words:
        return None
    digest = digest_for(secret_key, "words")
    said = {digest(word): word for word in words}
    rows = session.connection().execute(_COUNTS, {"keys": list(said)}).all()
    telling = {said[key]: _says(s, h, spam, honest) for key, s, h in rows if s + h >= _SURE_AT}
    strongest = sorted(telling, key=lambda word: -abs(telling[word]))[:_MOST_TELLING]
    total = _POINTS_PER_NAT * sum(telling[word] for word in strongest)
    counted = max(points.LEARNED_LEAST, min(points.LEARNED_MOST, round(total)))
    if counted == 0:
        return None
    sentence = points.LEARNED_SPAM if counted > 0 else points.LEARNED_HONEST
    shown = [word.rpartition(":")[2] for word in strongest if telling[word] * counted > 0]
    return Reason(counted, sentence.format(spam + honest, ", ".join(shown[: points.MOST_SHOWN])))


def _says(in_spam: int, in_honest: int, spam: int, honest: int) -> float:
    ratio = math.log((in_spam + 0.5) / (spam + 1)) - math.log((in_honest + 0.5) / (honest + 1))
    return max(-_STRONGEST, min(_STRONGEST, ratio))


def teach(session: Session, secret_key: str, subject: str, words: Sequence[str], judgement: Judgement | None) -> None:
    """Learn from a person's word on a letter, once; judged otherwise before, that is unlearned first.

    Parameters: `subject`, which letter it is, such as ``inquiry:17``; `words`, those of `words_of`; `judgement`, None
    when the word was taken back.
    """
    lesson = session.get(Lesson, subject, with_for_update=True, populate_existing=True)
    before = None if lesson is None else lesson.judgement
    if before is judgement:
        return
    digest = digest_for(secret_key, "words")
    keys = [EVERY_LETTER, *sorted({digest(word) for word in words})]
    if lesson is not None and before is not None:
        session.delete(lesson)
        session.flush()
        _count(session, keys, before, -1)
    if judgement is not None:
        session.add(Lesson(subject=subject, judgement=judgement, at=clock.now()))
        session.flush()
        _count(session, keys, judgement, +1)


def _count(session: Session, keys: Sequence[int], judgement: Judgement, by: int) -> None:
    """Add to the counts of some words, in the order of their keys: two who judge at once don't wait in a ring."""
    spam, honest = (by, 0) if judgement is Judgement.SPAM else (0, by)
    now = clock.now()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [{"key": key, "spam": max(spam, 0), "honest": max(honest, 0), "at": now} for key in keys]
    session.execute(
        insert(LearnedWord)
        .values(rows)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "spam": _never_below_zero(LearnedWord.spam + spam),
                "honest": _never_below_zero(LearnedWord.honest + honest),
                "at": now,
            },
        ),
        execution_options={"synchronize_session": False},
    )


def _never_below_zero(count: ColumnElement[int]) -> ColumnElement[int]:
    """A word that was forgotten meanwhile, and is unlearned after that, begins at nothing again."""
    return case((count < 0, 0), else_=count)


def tidy(session: Session) -> None:
    """Forget words and decisions that are too old."""
    limit = clock.now() - WORDS_KEPT
    session.execute(delete(LearnedWord).where(LearnedWord.at < limit, LearnedWord.key != EVERY_LETTER))
    session.execute(delete(Lesson).where(Lesson.at < limit))

"""How often somebody wrote lately, and who else sent nearly the same text. Counted in the database, so that several
processes count together; kept for a day and a fortnight."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, delete, func, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.db import UtcDateTime
from tpminstitute.screening import points
from tpminstitute.screening.digests import digest_for, network_of
from tpminstitute.screening.folding import Folded
from tpminstitute.screening.models import EVERY_LETTER, Arrival, LearnedWord, SeenText
from tpminstitute.screening.points import Reason

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEXTS_KEPT = timedelta(days=14)

_FEWEST_WORDS = 8
"""In a shorter text several people say the same by chance."""

_MOST_WORDS = 300
_BANDS, _ROWS = 4, 4
_FEWEST_SHINGLES = 30

_CAP = points.NETWORK_AN_HOUR[-1][0]
"""Nothing is counted further, so that a flood makes neither tables nor queries grow."""

_CAP_TEXTS = points.SAME_TEXT[-1][0]


@dataclass(frozen=True)
class Keys:
    """What a letter is counted by."""

    sender: int
    network: int | None
    form: int | None
    texts: Sequence[int]


@dataclass(frozen=True)
class Counts:
    """What came before: letters of the same sender, network and page, other senders of nearly the same text, and how
    many letters were judged as spam and as honest."""

    sender: int
    network: int
    form: int
    others: int
    spam: int
    honest: int


def keys_of(secret_key: str, email: str, address: str, form: str, folded: Folded) -> Keys:
    """Return what a letter is counted by: its sender's e-mail and IP address, its opened page, its words.

    Who leaves no e-mail address, as under a comment, is known by the page they opened.
    """
    digest = digest_for(secret_key, "arrivals")
    network = network_of(address)
    return Keys(
        sender=digest(f"address:{email.casefold()}" if email else f"page:{form}"),
        network=digest(f"network:{network}") if network else None,
        form=digest(f"form:{form}") if form else None,
        texts=[digest(part) for part in _parts(folded.words)],
    )


def _parts(words: Sequence[str]) -> Iterator[str]:
    """Yield what two texts share that are nearly the same: all words in order, or some of their smallest shingles.

    A text's numbers don't count, since they are what is changed from one copy to the next. Of the shingles of three
    words each bin keeps the least hash, and four bins make a band (one-permutation hashing: P. Li, A. Owen and
    C.-H. Zhang, NIPS 2012): of texts that share 80 % of their shingles, about 9 in 10 have a band in common.
    """
    words = [word for word in words[:_MOST_WORDS] if not word.isdigit()]
    if len(words) < _FEWEST_WORDS:
        return
    yield "text:" + " ".join(words)
    shingles = {" ".join(words[at : at + 3]) for at in range(len(words) - 2)}
    if len(shingles) < _FEWEST_SHINGLES:
        return
    bins: dict[int, int] = {}
    for shingle in shingles:
        value, at = divmod(zlib.crc32(shingle.encode("utf-8", "surrogatepass")), _BANDS * _ROWS)
        bins[at] = min(value, bins.get(at, value))
    for band in range(_BANDS):
        yield f"band:{band}:" + ",".join(str(bins.get(band * _ROWS + row, "")) for row in range(_ROWS))


def _letters(key: str, since: str, most: int) -> Any:
    rows = select(literal(1)).where(
        Arrival.key == bindparam(key, type_=BigInteger), Arrival.at > bindparam(since, type_=UtcDateTime)
    )
    return select(func.count()).select_from(rows.limit(most).subquery()).scalar_subquery()


def _others() -> Any:
    keys = [bindparam(f"text_{at}", type_=BigInteger) for at in range(1 + _BANDS)]
    rows = select(SeenText.sender).where(
        SeenText.key.in_(keys),
        SeenText.sender != bindparam("sender", type_=BigInteger),
        SeenText.at > bindparam("fortnight", type_=UtcDateTime),
    )
    near = rows.limit(_CAP_TEXTS * (1 + _BANDS)).subquery()
    return select(func.count(near.c.sender.distinct())).scalar_subquery()


def _learned(column: Any) -> Any:
    return select(column).where(LearnedWord.key == EVERY_LETTER).scalar_subquery()


_LOOK: Select[Any] = select(
    _letters("sender", "day", _CAP),
    _letters("network", "hour", _CAP),
    _letters("form", "day", _CAP),
    _others(),
    _learned(LearnedWord.spam),
    _learned(LearnedWord.honest),
)
"""Made once: it is asked for every letter."""

_ARRIVED = insert(Arrival.__table__)  # type: ignore[arg-type]
_SEEN = {
    "postgresql": postgresql.insert(SeenText.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
    "sqlite": sqlite.insert(SeenText.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
}


def look(session: Session, keys: Keys) -> Counts:
    """Return what came before a letter with these keys."""
    now = clock.now()
    texts: list[int | None] = [*keys.texts, *[None] * (1 + _BANDS - len(keys.texts))]
    named = {f"text_{at}": key for at, key in enumerate(texts)}
    known = {"sender": keys.sender, "network": keys.network, "form": keys.form}
    since = {"day": now - DAY, "hour": now - HOUR, "fortnight": now - TEXTS_KEPT}
    row = session.connection().execute(_LOOK, {**known, **named, **since}).one()
    return Counts(*(number or 0 for number in row))


def note(session: Session, keys: Keys, before: Counts) -> None:
    """Note that a letter with these keys came; what reached its cap isn't counted further."""
    now = clock.now()
    came = [(keys.sender, before.sender), (keys.network, before.network), (keys.form, before.form)]
    rows = [{"key": key, "at": now} for key, count in came if key is not None and count < _CAP]
    if rows:
        session.connection().execute(_ARRIVED, rows)
    if keys.texts and before.others < _CAP_TEXTS:
        seen = [{"key": key, "sender": keys.sender, "at": now} for key in sorted(set(keys.texts))]
        session.connection().execute(_SEEN[session.get_bind().dialect.name], seen)


_MOST_TIMES = 50
_CAME = select(_letters("key", "since", _MOST_TIMES))


def may_confirm_plainly(session: Session, secret_key: str, address: str) -> bool:
    """Return whether a letter from `address` may be confirmed by pressing a button alone, and count it.

    That costs a machine no more than waiting, so a network may do it only so often an hour.
    """
    network = network_of(address)
    what = f"confirmed:{network}"
    return network is None or is_within(session, secret_key, what, points.PLAIN_PROOFS_AN_HOUR, HOUR)


def is_within(session: Session, secret_key: str, what: str, most: int, during: timedelta) -> bool:
    """Return whether `what` came fewer than `most` times (50 at most) `during` the last time, and count it then.

    Parameters: `what`, such as ``confirmed:192.0.2.0``, kept as a digest; `during`, a day at most.
    """
    key, now = digest_for(secret_key, "arrivals")(what), clock.now()
    came = session.connection().execute(_CAME, {"key": key, "since": now - during}).scalar_one()
    if came >= most:
        return False
    session.connection().execute(_ARRIVED, [{"key": key, "at": now}])
    return True


def reasons(before: Counts) -> list[Reason]:
    """Return what speaks against a letter in how many came before it."""
    found = [
        points.step(points.ADDRESS_A_DAY, before.sender + 1),
        points.step(points.NETWORK_AN_HOUR, before.network + 1),
        points.step(points.FORM_A_DAY, before.form + 1),
        points.step(points.SAME_TEXT, before.others),
    ]
    return [reason for reason in found if reason is not None]


def tidy(session: Session) -> None:
    """Forget what is too old to count."""
    now: datetime = clock.now()
    session.execute(delete(Arrival).where(Arrival.at < now - DAY))
    session.execute(delete(SeenText).where(SeenText.at < now - TEXTS_KEPT))

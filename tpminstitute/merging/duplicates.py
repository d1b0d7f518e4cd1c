"""Find contacts that may be the same person: whoever is new or has changed is compared with those who share a key."""

from collections.abc import Container, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, Executable, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.core import clock
from tpminstitute.core.db import Base, Database
from tpminstitute.core.errors import Refusal
from tpminstitute.merging.likeness import PROVED, Likeness, hints, keys_of, likeness_of, name_key, strength
from tpminstitute.merging.models import DuplicatePair, LikenessKey, PairState, UncomparedContact

BATCH = 500
"""Contacts that are compared in one transaction."""

LARGEST_BLOCK = 40
"""Contacts that share a key. One that more share says nothing: no more are kept, and nobody is compared by it."""

RARE = range(2, 4)
"""Contacts who share a name of two words or more, so that it says something by itself."""

SECONDS = 2.0
"""How long one look may take, since mails wait meanwhile; the next look goes on."""

_AT_ONCE = 5_000


def compare_waiting(db: Database) -> int:
    """Compare, for a few seconds, the contacts that are new or have changed; returns how many there were."""
    compared, batch = 0, BATCH
    until = monotonic() + SECONDS
    while batch == BATCH and monotonic() < until:
        with db.write() as session:
            batch = compare_batch(session)
        compared += batch
    return compared


def compare_batch(session: Session) -> int:
    """Compare one batch of the contacts that wait for it; returns how many there were."""
    waiting = select(UncomparedContact.contact_id).order_by(UncomparedContact.contact_id).limit(BATCH)
    ids = session.scalars(waiting.with_for_update(skip_locked=True)).all()
    if not ids:
        return 0
    _run(session, delete(UncomparedContact).where(UncomparedContact.contact_id.in_(ids)))
    likenesses = _likenesses(session, ids)
    blocks = _keep_keys(session, ids, {who: keys_of(like) for who, like in likenesses.items()})
    near = {who: blocks_of for who, blocks_of in _neighbours(likenesses, blocks).items() if blocks_of}
    others = _likenesses(session, {other for them in near.values() for other in them} - likenesses.keys())
    rare = {who for who, like in likenesses.items() if len(blocks.get(name_key(like), ())) in RARE}
    _keep_pairs(session, ids, _pairs(near, {**others, **likenesses}, rare))
    return len(ids)


def dismiss(session: Session, pair_id: int, account_id: int) -> DuplicatePair:
    """Say that two contacts are two people: they aren't shown as a pair again. Raises `Refusal` when it is gone."""
    pair = session.scalar(select(DuplicatePair).where(DuplicatePair.id == pair_id).with_for_update())
    if pair is None:
        raise Refusal("This pair is not there any more: one of the two has changed or was merged. Nothing was changed.")
    if pair.state is PairState.OPEN:
        pair.state, pair.decided_at, pair.account_id = PairState.DISMISSED, clock.now(), account_id
    return pair


def take_up(session: Session, pair_id: int) -> DuplicatePair:
    """Take back that two contacts are two people. Raises `Refusal` when the pair is gone."""
    pair = session.scalar(select(DuplicatePair).where(DuplicatePair.id == pair_id).with_for_update())
    if pair is None:
        raise Refusal("This pair is not there any more: one of the two has changed or was merged. Nothing was changed.")
    pair.state, pair.decided_at, pair.account_id = PairState.OPEN, None, None
    return pair


def say_two(session: Session, one_id: int, other_id: int, account_id: int) -> None:
    """Say that two contacts are two people, whether they were a pair or not."""
    low, high = sorted((one_id, other_id))
    pair = session.scalar(select(DuplicatePair).where(DuplicatePair.low_id == low, DuplicatePair.high_id == high))
    if pair is None:
        pair = DuplicatePair(low_id=low, high_id=high, why=[], strength=1, found_at=clock.now())
        session.add(pair)
    pair.state, pair.decided_at, pair.account_id = PairState.DISMISSED, clock.now(), account_id
    session.flush()


def suggest(session: Session, one_id: int, other_id: int) -> None:
    """Say that one of two contacts proved that they read the other's mail; a pair that was dismissed opens again."""
    low, high = sorted((one_id, other_id))
    pair = session.scalar(select(DuplicatePair).where(DuplicatePair.low_id == low, DuplicatePair.high_id == high))
    if pair is None:
        pair = DuplicatePair(low_id=low, high_id=high, why=[], found_at=clock.now())
        session.add(pair)
    pair.why = [PROVED, *(hint for hint in pair.why if hint != PROVED)]
    pair.strength = strength(pair.why)
    pair.state, pair.decided_at, pair.account_id = PairState.OPEN, None, None
    session.flush()


def forget(session: Session, contact_id: int) -> None:
    """Forget what a contact was compared by, and the open pairs with it: it is a shell now."""
    _run(session, delete(LikenessKey).where(LikenessKey.contact_id == contact_id))
    _run(session, delete(UncomparedContact).where(UncomparedContact.contact_id == contact_id))
    _run(session, delete(DuplicatePair).where(_with([contact_id]), DuplicatePair.state == PairState.OPEN))


def compare_again(session: Session, contact_ids: Iterable[int]) -> None:
    """Let contacts wait to be compared, as if they had changed."""
    _insert_new(session, UncomparedContact, [{"contact_id": who} for who in contact_ids])


def _likenesses(session: Session, ids: Iterable[int]) -> dict[int, Likeness]:
    """Return what of each contact is compared; shells are left out."""
    wanted = list(ids)
    if not wanted:
        return {}
    further: dict[int, list[str]] = {}
    for who, key in session.execute(
        select(ContactAddress.contact_id, ContactAddress.email_key).where(ContactAddress.contact_id.in_(wanted))
    ):
        further.setdefault(who, []).append(key)
    rows = session.execute(
        select(Contact.id, Contact.name, Contact.email_key, Contact.phone_e164, Contact.phone_typed).where(
            Contact.id.in_(wanted), Contact.merged_into_id.is_(None), Contact.erased_at.is_(None)
        )
    )
    return {who: likeness_of(name, [key, *further.get(who, ())], phone, typed) for who, name, key, phone, typed in rows}


def _keep_keys(session: Session, ids: Sequence[int], keys: Mapping[int, set[int]]) -> dict[int, set[int]]:
    """Write the contacts' keys anew; returns whoever shares each of them, without those that too many share."""
    _run(session, delete(LikenessKey).where(LikenessKey.contact_id.in_(ids)))
    wanted = sorted({key for theirs in keys.values() for key in theirs})
    blocks: dict[int, set[int]] = {key: set() for key in wanted}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        query = select(LikenessKey.key, LikenessKey.contact_id).where(LikenessKey.key.in_(some))
        for key, who in session.execute(query):
            blocks[key].add(who)
    new = []
    for who, theirs in keys.items():
        for key in theirs:
            if len(blocks[key]) < LARGEST_BLOCK:
                blocks[key].add(who)
                new.append({"key": key, "contact_id": who})
    if new:
        _insert_new(session, LikenessKey, new)
    return {key: block for key, block in blocks.items() if 1 < len(block) < LARGEST_BLOCK}


def _neighbours(likenesses: Mapping[int, Likeness], blocks: Mapping[int, set[int]]) -> dict[int, set[int]]:
    near: dict[int, set[int]] = {who: set() for who in likenesses}
    for block in blocks.values():
        for who in block & near.keys():
            near[who] |= block - {who}
    return near


def _pairs(
    near: Mapping[int, set[int]], likenesses: Mapping[int, Likeness], rare: Container[int]
) -> dict[tuple[int, int], list[str]]:
    """Return those who are alike, and by what; `rare` are those whose name few others have."""
    found: dict[tuple[int, int], list[str]] = {}
    for who, others in near.items():
        for other in others & likenesses.keys():
            pair = (min(who, other), max(who, other))
            if pair not in found:
                why = hints(likenesses[who], likenesses[other], rare_name=who in rare)
                if why:
                    found[pair] = why
    return found


def _keep_pairs(session: Session, ids: Sequence[int], found: Mapping[tuple[int, int], list[str]]) -> None:
    """Write the pairs of these contacts that are found now; open ones that aren't any more go, decided ones stay.

    What one of them proved stays a reason, whatever comparing says.
    """
    known = session.execute(
        select(DuplicatePair.id, DuplicatePair.low_id, DuplicatePair.high_id, DuplicatePair.why, DuplicatePair.state)
        .where(_with(ids))
        .order_by(DuplicatePair.id)
    ).all()
    new = dict(found)
    over = []
    for pair_id, low, high, why, state in known:
        now = new.pop((low, high), None)
        if PROVED in why:
            now = [PROVED, *(now or ())]
        if now is None and state is PairState.OPEN:
            over.append(pair_id)
        elif now is not None and now != why:
            changed = update(DuplicatePair).where(DuplicatePair.id == pair_id)
            _run(session, changed.values(why=now, strength=strength(now)))
    if over:
        _run(session, delete(DuplicatePair).where(DuplicatePair.id.in_(over)))
    if new:
        at = clock.now()
        rows = [
            {"low_id": low, "high_id": high, "why": why, "strength": strength(why), "state": PairState.OPEN}
            | {"found_at": at, "decided_at": None, "account_id": None}
            for (low, high), why in sorted(new.items())
        ]
        _insert_new(session, DuplicatePair, rows)


def _insert_new(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Write rows, but for those that are there already."""
    kind = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.connection().execute(kind(model.__table__).on_conflict_do_nothing(), rows)  # type: ignore[arg-type]


def _with(ids: Sequence[int]) -> ColumnElement[bool]:
    return or_(DuplicatePair.low_id.in_(ids), DuplicatePair.high_id.in_(ids))


def _run(session: Session, statement: Executable) -> None:
    session.execute(statement, execution_options={"synchronize_session": False})

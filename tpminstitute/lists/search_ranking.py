"""Whom a search finds, in which order: names and addresses first, then what was written, from the newest on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.lists import search_engine
from tpminstitute.lists.search_documents import Pair, Written, read_people, read_texts
from tpminstitute.lists.search_expressions import is_true
from tpminstitute.lists.search_models import SearchPerson, Source
from tpminstitute.lists.search_sought import Corrected, Reader, Sought
from tpminstitute.lists.search_typed import Typed
from tpminstitute.lists.search_upkeep import waiting
from tpminstitute.lists.search_vocabulary import after

FRESH = 200
"""Changes that the index has yet to read, and that are looked at one by one."""

FEW = 3
"""Contacts; when fewer are found by what was typed, near words are looked for as well."""


@dataclass(frozen=True)
class Hit:
    """A contact who is found, by who they are (`text` is None) or by a text; `sought` is what is true there."""

    contact_id: int
    text: Pair | None
    sought: Sought


@dataclass(frozen=True)
class Ranked:
    """Who is found, in their order; `more` says that there are others, `corrected` what else was looked for.

    `newest_only` says that older texts were not looked at.
    """

    hits: list[Hit]
    more: bool
    corrected: Corrected | None
    newest_only: bool = False


@dataclass(frozen=True)
class Everybody:
    """The ids of contacts who are found, in no order; `more` says that there are others."""

    ids: Sequence[int]
    more: bool


class _Asked:
    """What was typed, what that looks for, and what isn't in the index yet."""

    def __init__(self, session: Session, typed: Typed) -> None:
        self.typed, self.reader, self.fresh = typed, Reader(session, typed), _Fresh(session)
        self.people, self.texts = self.reader.sought(people=True), self.reader.sought(people=False)


def ranked(session: Session, typed: Typed, most: int) -> Ranked:
    """Return up to `most` contacts for what was typed, the best first, each once."""
    return _ranked(session, _Asked(session, typed), most) if typed.parts else Ranked([], False, None)


def everybody(session: Session, typed: Typed, most: int) -> Everybody:
    """Return the contacts that `ranked` finds, in no order; where there are more than `most`, the best of them.

    Whom a frequent name finds is found sooner so: their order costs a row for each name and each text.
    """
    if not typed.parts:
        return Everybody([], False)
    asked = _Asked(session, typed)
    found = _gathered(session, asked, most)
    if FEW <= len(found) <= most:
        return Everybody(list(found), False)
    best = _ranked(session, asked, most)
    return Everybody([hit.contact_id for hit in best.hits], best.more or best.newest_only)


def _gathered(session: Session, asked: _Asked, most: int) -> set[int]:
    """Return who is found, or nobody where they are too many to be gathered."""
    if not search_engine.are_gathered(session, asked.people, asked.texts, most):
        return set()
    fresh = asked.fresh
    found = search_engine.gathered(
        session,
        asked.typed.name_key,
        asked.people,
        asked.texts,
        most + 1,
        but_people=fresh.contact_ids,
        but_texts=fresh.pairs,
    )
    by_address = [one for query in _by_address(asked.typed) for one in session.scalars(query)]
    hits = chain(
        fresh.people(asked.people), fresh.texts(asked.texts, apart=False), fresh.texts(asked.texts, apart=True)
    )
    return {*found, *(one for one in by_address if one not in fresh.contact_ids), *(hit.contact_id for hit in hits)}


def _ranked(session: Session, asked: _Asked, most: int) -> Ranked:
    typed, reader, fresh, people, texts = asked.typed, asked.reader, asked.fresh, asked.people, asked.texts
    found: dict[int, Hit] = {}
    _collect(found, most, _by_name(session, typed, fresh, people, most), _by_words(session, fresh, people, texts, most))
    corrected = None
    if len(found) < FEW:
        before, near = len(found), reader.corrected()
        if near is not None:
            _collect(found, most, _by_words(session, fresh, near.people, near.texts, most))
            corrected = near if len(found) > before else None
    hits = list(found.values())
    more = len(hits) > most
    newest_only = not more and search_engine.looks_at_newest_only(session, texts)
    return Ranked(hits[:most], more, corrected, newest_only)


def _collect(found: dict[int, Hit], most: int, *ways: Iterable[Hit]) -> None:
    """Keep the first hit of each contact, until there is one more than `most`."""
    for way in ways:
        if len(found) > most:
            return
        for hit in way:
            found.setdefault(hit.contact_id, hit)
            if len(found) > most:
                return


class _Fresh:
    """What changed and isn't in the index yet: looked at as it is now, and not believed where it stands in there."""

    def __init__(self, session: Session) -> None:
        pairs = waiting(session, FRESH)
        self.contact_ids = {source_id for source, source_id in pairs if source is Source.PERSON}
        self.pairs = {pair for pair in pairs if pair[0] is not Source.PERSON}
        self._people = (
            [(one.id, one.words()) for one in read_people(session, self.contact_ids)] if self.contact_ids else []
        )
        self._texts: list[tuple[Written, list[str]]] = []
        if self.pairs:
            self._texts = [(one, one.words(name)) for one, name in read_texts(session, self.pairs)]
            self._texts.sort(key=lambda one: one[0].at, reverse=True)

    def people(self, sought: Sought) -> Iterator[Hit]:
        """Yield those contacts among them who are what is sought."""
        for contact_id, words in self._people:
            if is_true(sought.expression, words):
                yield Hit(contact_id, None, sought)

    def texts(self, sought: Sought, *, apart: bool) -> Iterator[Hit]:
        """Yield the contacts of those texts among them in which stands what is sought."""
        for written, words in self._texts:
            if (written.apart is not None) is apart and is_true(sought.expression, words):
                yield Hit(written.contact_id, (written.source, written.source_id), sought)


def _by_name(session: Session, typed: Typed, fresh: _Fresh, people: Sought, most: int) -> Iterator[Hit]:
    """Yield who has this very address or name, then whose name begins so."""
    key = typed.name_key
    for query in (
        *_by_address(typed),
        select(SearchPerson.contact_id)
        .where(SearchPerson.name_key == key)
        .order_by(SearchPerson.contact_id.desc())
        .limit(most + 1),
        select(SearchPerson.contact_id)
        .where(SearchPerson.name_key >= key, SearchPerson.name_key < after(key))
        .order_by(SearchPerson.name_key, SearchPerson.contact_id)
        .limit(most + 1),
    ):
        for contact_id in session.scalars(query):
            if contact_id not in fresh.contact_ids:
                yield Hit(contact_id, None, people)


def _by_address(typed: Typed) -> list[Select[int]]:
    """Return the queries for whose address it is that was typed; none for what is no address."""
    try:
        key = read_email(typed.text).key
    except AddressError:
        return []
    return [
        select(Contact.id).where(
            Contact.email_key == key, Contact.merged_into_id.is_(None), Contact.erased_at.is_(None)
        ),
        select(ContactAddress.contact_id).where(ContactAddress.email_key == key),
    ]


def _by_words(session: Session, fresh: _Fresh, people: Sought, texts: Sought, most: int) -> Iterator[Hit]:
    """Yield who is found by any word of theirs, then by what was written, and last by what was set apart."""
    yield from fresh.people(people)
    for match in search_engine.people(session, people, most + 1 + len(fresh.contact_ids)):
        if match.contact_id not in fresh.contact_ids:
            yield Hit(match.contact_id, None, people)
    for apart in (False, True):
        yield from fresh.texts(texts, apart=apart)
        yield from _by_texts(session, fresh, texts, most, apart=apart)


def _by_texts(session: Session, fresh: _Fresh, sought: Sought, most: int, *, apart: bool) -> Iterator[Hit]:
    """Yield contacts by their texts, a quarter more than contacts are asked for at a time: one may have several."""
    below, size = search_engine.ALL, most + most // 4 + 1
    while True:
        found = 0
        for match in search_engine.texts(session, sought, size, apart=apart, below=below):
            found += 1
            pair = (Source(match.source), match.source_id)
            if pair not in fresh.pairs:
                yield Hit(match.contact_id, pair, sought)
            below = match.id
        if found < size:
            return

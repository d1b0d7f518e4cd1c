"""Write the search index: the words of who people are and of each text, and how often each stands somewhere."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Integer, Text, cast, delete, func, insert, select, update
from sqlalchemy.orm import Session

from tpminstitute.core.bulk import ForEach
from tpminstitute.lists.search_documents import Pair, read_people, read_texts, texts_of
from tpminstitute.lists.search_models import WORDS, SearchPerson, SearchText, Source
from tpminstitute.lists.search_vocabulary import Counted, count_words
from tpminstitute.lists.search_words import is_counted


@dataclass
class _Written:
    """How much more often words stand in the index than before."""

    people: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)

    def note(self, counter: Counter[str], before: Collection[str], now: Collection[str]) -> None:
        old, new = set(before), set(now)
        counter.update(filter(is_counted, new - old))
        counter.subtract(filter(is_counted, old - new))

    def counted(self) -> list[Counted]:
        words = {*self.people, *self.texts}
        return [Counted(word, self.people[word], self.texts[word]) for word in words]


def write(session: Session, pairs: Iterable[Pair]) -> None:
    """Read what `pairs` name as it is now, and write down its words; what is no more is taken out.

    Only one transaction at a time may do so.
    """
    pairs = list(dict.fromkeys(pairs))
    written = _Written()
    ids = [contact_id for source, contact_id in pairs if source is Source.PERSON]
    again = _write_people(session, ids, written) if ids else []
    texts = [pair for pair in pairs if pair[0] is not Source.PERSON]
    if again:
        texts = list(dict.fromkeys((*texts, *texts_of(session, again))))
    if texts:
        _write_texts(session, texts, written)
    count_words(session, written.counted())


def _write_people(session: Session, ids: Sequence[int], written: _Written) -> list[int]:
    """Write down who some contacts are; returns those whose texts must be read again.

    Their texts have their name, which is another one now, or they are gone.
    """
    before = {
        contact_id: (name_key, words.split())
        for contact_id, name_key, words in session.execute(
            select(SearchPerson.contact_id, SearchPerson.name_key, _as_list(session, SearchPerson.words)).where(
                SearchPerson.contact_id.in_(ids)
            )
        )
    }
    people = {person.id: person for person in read_people(session, ids)}
    now = {contact_id: people[contact_id].words() if contact_id in people else [] for contact_id in ids}
    for contact_id in ids:
        written.note(written.people, before.get(contact_id, ("", []))[1], now[contact_id])

    _delete(session, SearchPerson, SearchPerson.contact_id, [id for id in before if id not in people])
    rows = [(person.id, person.name_key, _as_document(session, now[person.id])) for person in people.values()]
    _run(session, _CHANGE_PERSON, [row for row in rows if row[0] in before])
    _run(session, _ADD_PERSON, [row for row in rows if row[0] not in before])
    return [id for id, (name_key, _) in before.items() if id not in people or people[id].name_key != name_key]


def _write_texts(session: Session, pairs: Sequence[Pair], written: _Written) -> None:
    before: dict[Pair, tuple[int, list[str]]] = {}
    for source in Source:
        ids = [source_id for kind, source_id in pairs if kind is source]
        query = select(SearchText.source_id, SearchText.id, _as_list(session, SearchText.words))
        if ids:
            for source_id, row_id, words in session.execute(
                query.where(SearchText.source == source, SearchText.source_id.in_(ids))
            ):
                before[source, source_id] = (row_id, words.split())
    order = {pair: place for place, pair in enumerate(pairs)}
    read = sorted(read_texts(session, pairs), key=lambda found: order[found[0].source, found[0].source_id])
    now = {(one.source, one.source_id): one.words(name) for one, name in read}
    for pair in pairs:
        written.note(written.texts, before.get(pair, (0, []))[1], now.get(pair, []))

    _delete(session, SearchText, SearchText.id, [row_id for pair, (row_id, _) in before.items() if pair not in now])
    old, new = [], []
    for one, _ in read:
        pair = (one.source, one.source_id)
        document = _as_document(session, now[pair])
        if pair in before:
            old.append((before[pair][0], one.contact_id, document))
        else:
            new.append((one.source.value, one.source_id, one.contact_id, document))
    _run(session, _CHANGE_TEXT, old)
    _run(session, _ADD_TEXT, new)


def _run(session: Session, statement: ForEach, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        statement.run(session.connection(), rows)


_ADD_PERSON = ForEach(
    lambda given: insert(SearchPerson).from_select(
        ["contact_id", "name_key", "words"], select(given["id"], given["name_key"], cast(given["words"], WORDS))
    ),
    id=Integer,
    name_key=Text,
    words=Text,
)
_CHANGE_PERSON = ForEach(
    lambda given: (
        update(SearchPerson)
        .where(SearchPerson.contact_id == given["id"])
        .values(name_key=given["name_key"], words=cast(given["words"], WORDS))
    ),
    id=Integer,
    name_key=Text,
    words=Text,
)
_ADD_TEXT = ForEach(
    lambda given: insert(SearchText).from_select(
        ["source", "source_id", "contact_id", "words"],
        select(given["source"], given["source_id"], given["contact_id"], cast(given["words"], WORDS)),
    ),
    source=Text,
    source_id=Integer,
    contact_id=Integer,
    words=Text,
)
_CHANGE_TEXT = ForEach(
    lambda given: (
        update(SearchText)
        .where(SearchText.id == given["id"])
        .values(contact_id=given["contact_id"], words=cast(given["words"], WORDS))
    ),
    id=Integer,
    contact_id=Integer,
    words=Text,
)


def _delete(session: Session, model: Any, column: Any, ids: Sequence[int]) -> None:
    if ids:
        session.execute(delete(model).where(column.in_(ids)).execution_options(synchronize_session=False))


def _as_document(session: Session, words: Sequence[str]) -> str:
    """Return words as the database keeps them: apart, or with their positions."""
    if session.get_bind().dialect.name == "sqlite":
        return " ".join(words)
    return " ".join(f"'{word}':{place}" for place, word in enumerate(words, start=1))


def _as_list(session: Session, column: Any) -> Any:
    """Return the words of a document as one text, in whatever order."""
    if session.get_bind().dialect.name == "sqlite":
        return column
    return func.array_to_string(func.tsvector_to_array(column), " ")

"""Find people by whatever is known of them: a name, an address, a number, any word that was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from tpminstitute.inbox.models import InquiryState
from tpminstitute.lists.search_documents import Person, Written, read_people, read_texts
from tpminstitute.lists.search_expressions import Expression, terms_of
from tpminstitute.lists.search_models import Source
from tpminstitute.lists.search_passages import Piece, has_marks, marked, passage
from tpminstitute.lists.search_ranking import FRESH, Everybody, Hit, everybody, ranked
from tpminstitute.lists.search_typed import read_typed
from tpminstitute.lists.search_upkeep import count_waiting
from tpminstitute.lists.search_words import REFERENCE

PAGE = 25
"""People on a page."""

COUNTED = 100
"""People up to whom it is said how many there are."""

MOST = 1_000
"""People beyond whom nobody turns pages: another word says more than the fortieth page."""


@dataclass(frozen=True)
class Place:
    """Where a page ended: how many were shown by then, and who was the last."""

    shown: int
    contact_id: int


@dataclass(frozen=True)
class Passage:
    """What was found in one place: what it is (None for who they are), when it was written, and the words, marked."""

    source: Source | None
    at: datetime | None
    pieces: Sequence[Piece]


@dataclass(frozen=True)
class FoundPerson:
    """One person who was found, and where; `apart` says that the text was set apart as suspected or spam."""

    contact_id: int
    public_id: str
    name: Sequence[Piece]
    passages: Sequence[Passage]
    apart: InquiryState | None


@dataclass(frozen=True)
class Found:
    """A page of people, the best first.

    `before` is how many stand above it, `count` how many there are in all, and `more_than_counted` that there are
    more than that. `next` is where the next page begins. `also_for` tells which words were taken for which others.
    `newest_only` says that older texts were not looked at, `cut` that not all that was typed was looked for, `behind`
    that newer changes are not in the index yet.
    """

    people: Sequence[FoundPerson]
    before: int
    count: int
    more_than_counted: bool
    next: Place | None
    also_for: Sequence[tuple[str, Sequence[str]]]
    cut: bool
    newest_only: bool
    behind: bool
    nothing_asked: bool


def find(session: Session, typed: str, limit: int = PAGE, after: Place | None = None) -> Found:
    """Return a page of the people for whom `typed` stands somewhere, with their passages marked.

    Any text may be typed. Phrases in quotation marks stand word for word; a word that is no whole word here, and the
    last one, may be a beginning; where hardly anybody is found, near words are looked for as well.

    Parameters: `limit`, people on a page; `after`, where the page before ended (`Found.next`).
    """
    read = read_typed(typed)
    shown = min(max(after.shown, 0), MOST) if after else 0
    answer = ranked(session, read, min(max(COUNTED, shown + limit), MOST))
    ids = [hit.contact_id for hit in answer.hits]
    begin = ids.index(after.contact_id) + 1 if after and after.contact_id in ids else shown
    hits = answer.hits[begin : begin + limit]
    end = begin + len(hits)
    goes_on = bool(hits) and (end < len(ids) or (answer.more and end < MOST))
    return Found(
        people=_people(session, hits),
        before=begin,
        count=len(ids),
        more_than_counted=answer.more,
        next=Place(end, hits[-1].contact_id) if goes_on else None,
        also_for=answer.corrected.words if answer.corrected else [],
        cut=read.cut,
        newest_only=answer.newest_only,
        behind=count_waiting(session, FRESH + 1) > FRESH,
        nothing_asked=not read.parts,
    )


def matching_ids(session: Session, typed: str, cap: int) -> Everybody:
    """Return the ids of the contacts that `find` would show, in no order, to be combined with filters.

    Parameters: `cap`, the most; where there are more, they are those that `find` shows first.
    """
    return everybody(session, read_typed(typed), cap)


def _people(session: Session, hits: Sequence[Hit]) -> list[FoundPerson]:
    people = {person.id: person for person in read_people(session, [hit.contact_id for hit in hits])}
    read = read_texts(session, [hit.text for hit in hits if hit.text])
    texts = {(one.source, one.source_id): one for one, _ in read}
    return [
        _found_person(people[hit.contact_id], texts.get(hit.text) if hit.text else None, hit.sought.expression)
        for hit in hits
        if hit.contact_id in people
    ]


def _found_person(person: Person, text: Written | None, sought: Expression) -> FoundPerson:
    return FoundPerson(
        contact_id=person.id,
        public_id=person.public_id,
        name=marked(person.name, sought),
        passages=[_text_passage(text, sought)] if text else _person_passages(person, sought),
        apart=text.apart if text else None,
    )


def _text_passage(text: Written, sought: Expression) -> Passage:
    pieces = passage(text.text, sought)
    subject = marked(text.subject, sought)
    if text.subject and (has_marks(subject) or not text.text):
        pieces = [*subject, Piece(" · ", False), *pieces]
    if _asks_for(text.reference, sought):
        pieces = [*_reference(text.reference), Piece(" · ", False), *pieces]
    return Passage(text.source, text.at, pieces)


def _person_passages(person: Person, sought: Expression) -> list[Passage]:
    """Return the address, and whatever else of who they are has a word that was found."""
    own = marked(person.email, sought)
    further = [marked(text, sought) for text in (*person.addresses, *person.phones[-1:], *person.tags)]
    shown = [own, *(pieces for pieces in further if has_marks(pieces))]
    if _asks_for(person.public_id[:REFERENCE], sought):
        shown.append(_reference(person.public_id[:REFERENCE]))
    return [Passage(None, None, pieces) for pieces in shown]


def _asks_for(reference: str, sought: Expression) -> bool:
    return any(term.words == (reference,) for term in terms_of(sought))


def _reference(public_id: str) -> list[Piece]:
    start = public_id[:REFERENCE].upper()
    return [Piece("Reference ", False), Piece(f"{start[:4]}-{start[4:]}", True)]

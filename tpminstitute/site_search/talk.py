"""What is public about the guide's chapters beside the guide: comments, and questions that the institute answered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from tpminstitute.comments.chapters import chapter_of
from tpminstitute.comments.said import (
    PublicAnswer,
    PublicComment,
    Standing,
    answers_with,
    comments_with,
    standing_answers,
    standing_comments,
)
from tpminstitute.comments.words import plain
from tpminstitute.core.text import one_line
from tpminstitute.site_search.passages import Passage
from tpminstitute.site_search.search import Index, Read

TITLE = 120
"""Characters of a question that stand as its title."""


@dataclass(frozen=True)
class _Kept:
    """What was public when it was last asked, with the words of it."""

    comments: Sequence[Standing] = ()
    answers: Sequence[int] = ()
    read: Mapping[Standing | int, Read | None] = field(default_factory=dict)
    index: Index = field(default_factory=lambda: Index.of([]))


class KeptTalk:
    """The words of all that is public, as a process keeps them.

    Each search asks the database what is public now, which is one look into an index, and reads only the words of what
    is new. So what was taken away or erased is found no more from that moment on, and its words are let go with the
    next search. Any number of threads may ask.
    """

    def __init__(self) -> None:
        """Begin with nothing; the first search reads everything."""
        self._kept = _Kept()

    def index(self, session: Session) -> Index:
        """Return all that is public now: answers first, then comments, the newest first."""
        kept, comments, answers = self._kept, standing_comments(session), standing_answers(session)
        if (kept.comments, kept.answers) == (comments, answers):
            return kept.index
        order: list[Standing | int] = [*answers, *comments]
        read = {one: kept.read[one] for one in order if one in kept.read}
        new_answers = [one for one in answers if one not in read]
        read |= {one.id: _read(_of_answer(one)) for one in answers_with(session, new_answers)}
        numbers = dict(one for one in comments if one not in read)
        read |= {(one.id, numbers[one.id]): _read(_of_comment(one)) for one in comments_with(session, list(numbers))}
        index = Index.of(_in_order(read, order))
        self._kept = _Kept(comments, answers, read, index)
        return index


def _in_order(read: Mapping[Standing | int, Read | None], order: Sequence[Standing | int]) -> Iterator[Read]:
    found = (read.get(one) for one in order)
    return (one for one in found if one is not None)


def _read(passage: Passage | None) -> Read | None:
    return None if passage is None else Read.of(passage)


def _of_comment(comment: PublicComment) -> Passage | None:
    """Return a comment as a passage, or None when its chapter is gone, and no page shows it."""
    chapter = chapter_of(comment.chapter)
    if chapter is None:
        return None
    href = f"/comments/{comment.chapter}?comment={comment.public_id}#c-{comment.public_id}"
    return Passage(comment.name, href, plain(comment.body), f"Comment on “{chapter.title}”")


def _of_answer(one: PublicAnswer) -> Passage | None:
    """Return a question and its answer as a passage, or None when its chapter is gone."""
    chapter = chapter_of(one.chapter)
    if chapter is None:
        return None
    question, answer = plain(one.question), plain(one.answer)
    text = answer if len(question) <= TITLE else f"{question} {answer}"
    href = f"/comments/{one.chapter}#q-{one.public_id}"
    return Passage(one_line(question, TITLE), href, text, f"Answer of the institute, on “{chapter.title}”")

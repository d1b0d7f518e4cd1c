"""Comments go out as JSON and come back as they were; the same file twice changes nothing."""

import json

import pytest
from sqlalchemy import delete, select

from tests.conftest import on_sqlite
from tests.factories import an_account, messages
from tests.rooms.commented import CHAPTER, commented
from tests.rooms.test_comments import answered, page
from tpminstitute.comments.exchange import FORMAT, pieces, read, take_in
from tpminstitute.comments.models import Comment, CommentWriter
from tpminstitute.core.errors import Refusal

ENTRY = {
    "id": "old1",
    "chapter": CHAPTER,
    "edition": "",
    "answers": None,
    "name": "Grace",
    "body": "A good chapter.",
    "state": "published",
    "written_at": "2024-05-01T09:30:00+00:00",
}


def exported(db):
    return "".join(pieces(db))


def brought(db, entries):
    with db.write() as session:
        return take_in(session, entries, None)


def kept(db):
    """What the exchange is to keep, by public id."""
    return {entry["id"]: entry for entry in json.loads(exported(db))["comments"]}


def test_what_goes_out_comes_back_as_it_was_and_only_once(db, settings):
    with db.write() as session:
        alice = an_account(session)
    top = commented(db, settings, email="ada@example.org", wants_answers=True, body="“Ünïcode” & *stars*")
    answered(db, settings, top, alice)
    commented(db, settings, suspicions=["Links."])
    text, before, mails = exported(db), kept(db), len(messages(db))
    with db.write() as session:
        session.execute(delete(CommentWriter))
        session.execute(delete(Comment).where(Comment.parent_id.is_not(None)))
        session.execute(delete(Comment))
    report = brought(db, read(text))
    assert (report.added, report.known, report.problems) == (3, 0, [])
    assert kept(db) == before
    again = brought(db, read(text))
    assert (again.added, again.known) == (0, 3)
    assert len(messages(db)) == mails


def test_answers_find_what_they_answer_in_any_order_and_however_deep(db):
    deep = [ENTRY | {"id": f"deep{n}", "answers": f"deep{n - 1}" if n else None} for n in range(10)]
    report = brought(db, list(reversed(deep)))
    assert (report.added, report.problems) == (10, [])
    (thread,) = page(db).threads
    assert len(thread.answers) == 9


@on_sqlite
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"id": "NOT OURS"}, "Its id is none of ours"),
        ({"id": 7}, "“id” is missing, or no text"),
        ({"body": ""}, "“body” is missing"),
        ({"body": "x" * 5001}, "5,000 are the most"),
        ({"body": "a\0b"}, "or no text"),
        ({"chapter": "../etc"}, "no address of a chapter"),
        ({"state": "lost"}, "none of ours"),
        ({"answers": "nowhere"}, "not there"),
        ({"answers": "old1"}, "not there"),
        ({"written_at": "yesterday"}, "no moment with a time zone"),
        ({"written_at": "2024-05-01T09:30:00"}, "no moment with a time zone"),
        ({"email": "nobody"}, "Check the e-mail address"),
    ],
)
def test_an_entry_that_cant_be_taken_in_is_named_and_the_others_are(db, changed, says):
    good = ENTRY | {"id": "good"}
    report = brought(db, [ENTRY | changed, good])
    assert report.added == 1
    (problem,) = report.problems
    assert problem.startswith("Entry 1: ")
    assert says in problem
    with db.read() as session:
        assert session.scalars(select(Comment.public_id)).all() == ["good"]


@on_sqlite
@pytest.mark.parametrize("entry", [None, 7, "text", []])
def test_what_is_no_entry_at_all_is_named(db, entry):
    assert brought(db, [entry]).problems == ["Entry 1: It is no comment."]


@on_sqlite
def test_an_answer_by_an_account_that_isnt_here_is_taken_in_and_told(db):
    report = brought(db, [ENTRY | {"by_institute": "gone@tpminstitute.org"}])
    assert report.added == 1
    assert "no such account" in report.problems[0]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format": "other", "comments": []}', f'{{"format": "{FORMAT}"}}', "[" * 100_000]
)
def test_what_is_no_export_of_comments_is_refused(text):
    with pytest.raises(Refusal, match="nothing was taken in"):
        read(text)

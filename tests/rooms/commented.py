"""Comments as tests write, publish and look at them."""

import itertools

from sqlalchemy import select

from tests.parts import lint
from tpminstitute.comments.models import Comment
from tpminstitute.comments.moderation import locked_comment, publish
from tpminstitute.comments.submit import Written, submit
from tpminstitute.contacts.identity import read_email

CHAPTER = "gaining-relevant-experience"

_numbers = itertools.count(1)


def commented(db, settings, *, email=None, published=False, **fields):
    """Write a comment, Ada's if nothing else is said, and return it as the database has it."""
    values = {
        "form_key": f"comment-{next(_numbers)}",
        "chapter": CHAPTER,
        "edition": "00000000",
        "name": "Ada Lovelace",
        "body": "Where does one find a mentor?",
        "email": read_email(email) if email else None,
        **fields,
    }
    lint.remember(values["body"])
    with db.write() as session:
        public_id = submit(session, settings, Written(**values))
        if published:
            comment = locked_comment(session, public_id)
            assert comment
            publish(session, settings, comment, comment.number, None)
    return comment_of(db, public_id)


def comment_of(db, public_id):
    with db.read() as session:
        return session.scalars(select(Comment).where(Comment.public_id == public_id)).one()


def states(db):
    with db.read() as session:
        return list(session.scalars(select(Comment.state).order_by(Comment.id)))

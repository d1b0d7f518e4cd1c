"""A conversation that is marked as done by mistake waits again as it did before."""

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import an_account, contact_of, submitted
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import conversations
from tpminstitute.inbox.closing import close_conversation, open_again
from tpminstitute.inbox.models import Conversation, Inquiry, InquiryState, Turn


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def ada(db, settings):
    submitted(db, settings)
    return contact_of(db)


def standing(db):
    with db.read() as session:
        kept = session.scalars(select(Conversation)).one()
        return kept.turn, kept.since, session.scalars(select(Inquiry.state)).one()


def test_taken_back_it_waits_since_when_it_did(db, ada, alice):
    before = standing(db)
    with db.write() as session:
        closed = close_conversation(session, ada.id, alice)
        assert closed is not None
    assert standing(db)[0] is Turn.NOBODY
    with db.write() as session:
        open_again(session, closed, alice)
    assert standing(db) == before
    assert before[2] is InquiryState.OPEN


@on_sqlite
def test_one_that_is_done_already_changes_nothing(db, ada, alice):
    with db.write() as session:
        assert close_conversation(session, ada.id, alice)
        assert close_conversation(session, ada.id, alice) is None


@on_sqlite
def test_it_is_not_taken_back_over_what_came_in_since(db, ada, alice):
    with db.write() as session:
        closed = close_conversation(session, ada.id, alice)
        assert closed is not None
        conversations.waits_for_institute(session, ada.id)
    with pytest.raises(Refusal, match="nothing to undo"), db.write() as session:
        open_again(session, closed, alice)

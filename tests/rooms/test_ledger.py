"""The pen of several lanes: what is written at the same moment is written together, and nobody's fault is another's."""

import threading

import pytest
from sqlalchemy import text, update

from tests.factories import messages, submitted
from tpminstitute.core.db import Database
from tpminstitute.mail.ledger import Ledger, OneByOne
from tpminstitute.mail.models import Message


class Desk:
    """Writes reasons into rows; keeps the groups in which it was asked to."""

    def __init__(self, refused=None, problem=None):
        self.groups = []
        self._refused, self._problem = refused, problem

    def write(self, session, ids):
        self.groups.append(list(ids))
        for one in ids:
            session.execute(update(Message).where(Message.id == one).values(reason="Written."))
        if self._refused in ids and (len(ids) > 1 or self._problem):
            raise self._problem or OneByOne
        return [one != self._refused for one in ids]


def written_together(db, desk, ids):
    """Ask for everything while the ledger is busy, and return what is to come of it."""
    busy, begun = threading.Event(), threading.Event()

    def keep_busy(session, _):
        begun.set()
        busy.wait(10)
        return [None]

    with Ledger(db) as ledger:
        ledger.commit(keep_busy, None)
        assert begun.wait(10)
        outcomes = [ledger.commit(desk.write, one) for one in ids]
        busy.set()
    return outcomes


@pytest.fixture
def ids(db, settings):
    for number in range(2):
        submitted(db, settings, email=f"reader{number}@example.org")
    return [message.id for message in messages(db)]


def reasons(db):
    return [message.reason for message in messages(db)]


def test_what_is_asked_for_at_the_same_moment_is_written_together(db, ids):
    desk = Desk()
    outcomes = written_together(db, desk, ids)
    assert desk.groups == [ids]
    assert [outcome.result() for outcome in outcomes] == [True] * 4
    assert reasons(db) == ["Written."] * 4


def test_one_that_is_unlike_the_others_is_told_apart(db, ids):
    desk = Desk(refused=ids[2])
    outcomes = written_together(db, desk, ids)
    assert desk.groups == [ids, *([one] for one in ids)]
    assert [outcome.result() for outcome in outcomes] == [True, True, False, True]


def test_one_that_fails_keeps_no_other_from_being_written(db, ids):
    outcomes = written_together(db, Desk(refused=ids[2], problem=ValueError("no")), ids)
    assert [type(outcome.exception()) for outcome in outcomes] == [type(None), type(None), ValueError, type(None)]
    assert reasons(db) == ["Written.", "Written.", "", "Written."]


def test_after_postgresql_ended_the_connection_a_new_one_is_used(postgres_url, settings):
    def end_it(session, _):
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    db = Database(postgres_url)
    submitted(db, settings)
    with Ledger(db) as ledger:
        assert ledger.commit(end_it, None).exception(10) is not None
        assert ledger.commit(Desk().write, messages(db)[0].id).result(10)
    assert "Written." in reasons(db)
    db.close()

"""The weekly summary: last week in numbers, once, to whom it is to go."""

from datetime import datetime, timedelta
from threading import Barrier, Thread
from zoneinfo import ZoneInfo

import pytest
import time_machine

from tests.conftest import on_postgresql, on_sqlite
from tests.factories import an_account, messages, submitted
from tpminstitute.core.db import Database
from tpminstitute.institute.recipients import NoticeKind, Told, save_told
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.queries import plain_text
from tpminstitute.reports.weekly import write_summaries
from tpminstitute.sequences.models import Holiday

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime(2027, 3, 8, 7, 0, tzinfo=NEW_YORK)
"""The morning's mails go out at seven."""


@pytest.fixture
def week(db, settings):
    """Ada wrote on Wednesday, Bob on Sunday at 23:00, both by New York's clock."""
    with time_machine.travel(datetime(2027, 3, 3, 12, tzinfo=NEW_YORK), tick=False):
        submitted(db, settings, consents=True)
    with time_machine.travel(datetime(2027, 3, 7, 23, tzinfo=NEW_YORK), tick=False):
        submitted(db, settings, email="bob@example.org")


def written(db, settings, at=MONDAY):
    with time_machine.travel(at, tick=False):
        return write_summaries(db, settings)


def summaries(db):
    return messages(db, kind=MessageKind.STAFF)


def choose(db, **chosen):
    with db.write() as session:
        alice = an_account(session, "Charlie").id
        save_told(session, NoticeKind.WEEKLY_SUMMARY, Told(**chosen), 0, alice)


def test_last_week_is_told_on_monday_morning(db, settings, week):
    assert written(db, settings) == 1
    (mail,) = summaries(db)
    assert mail.recipient.endswith("info@tpminstitute.org")
    text = " ".join(plain_text(mail.content).split())
    assert "Inquiries: 2, 0 the week before. About: Becoming a technical program manager 2." in text
    assert "Leads: 2 opened, 0 won, 0 lost." in text
    assert "Follow-ups: 1 begun. Their mails so far: 0." in text
    assert "Waiting for an answer now: 2." in text


@on_sqlite
def test_nothing_is_told_before_the_hour(db, settings, week):
    assert written(db, settings, MONDAY - timedelta(seconds=1)) == 0


def test_it_comes_once_however_often_one_looks(db, settings, week):
    written(db, settings)
    assert written(db, settings, MONDAY + timedelta(minutes=1)) == 0
    assert written(db, settings, MONDAY + timedelta(days=3)) == 0
    assert len(summaries(db)) == 1


@on_sqlite
def test_a_service_that_stood_still_on_monday_catches_up(db, settings, week):
    assert written(db, settings, MONDAY + timedelta(days=2)) == 1


@on_sqlite
def test_it_waits_for_the_first_working_day_of_the_week(db, settings, week):
    with db.write() as session:
        session.add(Holiday(day=MONDAY.date(), name="A holiday"))
    assert written(db, settings) == 0
    assert written(db, settings, MONDAY + timedelta(days=1)) == 1


@on_sqlite
def test_a_week_in_which_nothing_happened_is_not_worth_a_mail(db, settings):
    assert written(db, settings) == 0


@on_sqlite
def test_each_one_who_was_chosen_gets_one(db, settings, week):
    with db.write() as session:
        alice = an_account(session).id
    choose(db, institute=False, accounts=(alice,), addresses=("board@example.org",))
    assert written(db, settings) == 2
    assert {mail.recipient_key for mail in summaries(db)} == {"alice@tpminstitute.org", "board@example.org"}


@on_sqlite
def test_who_is_chosen_later_in_the_week_gets_it_then(db, settings, week):
    written(db, settings)
    choose(db, addresses=("board@example.org",))
    assert written(db, settings, MONDAY + timedelta(hours=1)) == 1
    assert len(summaries(db)) == 2


@on_sqlite
def test_nobody_gets_it_where_nobody_is_chosen(db, settings, week):
    choose(db, institute=False)
    assert written(db, settings) == 0


@on_postgresql
def test_two_workers_at_once_write_it_once(db, settings, week, database_url):
    together, done = Barrier(2), []

    def work():
        mine = Database(database_url)
        together.wait()
        done.append(write_summaries(mine, settings))
        mine.close()

    with time_machine.travel(MONDAY, tick=False):
        threads = [Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(done) == 1
    assert len(summaries(db)) == 1

"""The reply promise: a breach is announced once, before it happens, to whoever can still keep the promise."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.conftest import on_postgresql, on_sqlite
from tests.factories import an_account, messages
from tests.rooms.post import Post
from tests.rooms.waits import is_answered, looked_after, many_wait, somebody_waits
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.service import locked
from tpminstitute.inbox import conversations
from tpminstitute.institute.recipients import NoticeKind, Told, save_told
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.queries import html, plain_text
from tpminstitute.sequences.models import Holiday
from tpminstitute.timeline.models import Activity, ActivityKind
from tpminstitute.today.promises import AT_ONCE, warn_of_promises

MONDAY_NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
"""Noon in New York, three hours into the week."""

FRIDAY_ONE = MONDAY_NOON - timedelta(days=3) + timedelta(hours=1)
"""Who wrote then waits for seven of eight working hours at Monday noon."""

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel(MONDAY_NOON, tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def ada(db, settings, alice):
    """Ada, whom Alice looks after, and whose promise is at risk since Friday."""
    contact = somebody_waits(db, settings, FRIDAY_ONE, "Ada Lovelace")
    looked_after(db, contact, alice)
    return contact


def warnings(db):
    return messages(db, kind=MessageKind.STAFF)


def text_of(mail):
    return " ".join(plain_text(mail.content).split())


def test_whoever_looks_after_them_is_told_before_the_promise_is_broken(db, settings, ada):
    assert warn_of_promises(db, settings) == 1
    (mail,) = warnings(db)
    assert mail.recipient == "alice@tpminstitute.org"
    assert mail.subject == "An answer to Ada Lovelace is due by Mon 23 Nov 2026 13:00 (America/New_York)"
    assert f"http://institute.test/staff/contacts/{ada.public_id}" in text_of(mail)
    assert "You get this because you look after them." in text_of(mail)
    deliver(db, Post(), settings)  # which lints it


def test_each_wait_is_announced_once(db, settings, ada, clockwork):
    warn_of_promises(db, settings)
    clockwork.shift(2 * HOUR)
    assert warn_of_promises(db, settings) == 0
    assert len(warnings(db)) == 1


def test_two_workers_at_once_announce_it_once(db, settings, ada):
    together = threading.Barrier(2)

    def work():
        together.wait()
        warn_of_promises(db, settings)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(warnings(db)) == 1


def test_the_next_wait_of_the_same_person_is_announced_anew(db, settings, ada, clockwork):
    warn_of_promises(db, settings)
    is_answered(db, ada)
    with db.write() as session:
        conversations.waits_for_institute(session, ada.id)
    clockwork.shift(timedelta(days=1))
    assert warn_of_promises(db, settings) == 1


def test_who_was_answered_meanwhile_is_no_news(db, settings, ada):
    is_answered(db, ada)
    assert warn_of_promises(db, settings) == 0


def test_it_is_told_on_the_timeline(db, settings, ada):
    warn_of_promises(db, settings)
    with db.read() as session:
        told = session.scalars(select(Activity.sentence).where(Activity.kind == ActivityKind.PROMISE_AT_RISK)).all()
    due = "Mon 23 Nov 2026 13:00 (America/New_York)"
    assert told == [f"The answer is promised by {due}: Alice got a mail about it."]


@on_sqlite
@pytest.mark.parametrize("when", [timedelta(hours=-3, minutes=-1), timedelta(hours=5), timedelta(days=5)])
def test_nobody_is_told_while_the_office_is_closed(db, settings, ada, clockwork, when):
    clockwork.shift(when)
    assert warn_of_promises(db, settings) == 0


@on_sqlite
def test_a_holiday_lets_the_promise_rest(db, settings, ada):
    with db.write() as session:
        session.add(Holiday(day=FRIDAY_ONE.date(), name="A day off"))
    assert warn_of_promises(db, settings) == 0


@on_sqlite
def test_a_promise_with_time_left_is_no_news(db, settings):
    somebody_waits(db, settings, FRIDAY_ONE + 2 * HOUR)
    assert warn_of_promises(db, settings) == 0


@on_sqlite
def test_one_that_was_broken_while_the_service_was_down_says_so(db, settings, ada, clockwork):
    clockwork.shift(3 * HOUR)
    warn_of_promises(db, settings)
    assert warnings(db)[0].subject == "An answer to Ada Lovelace was due by Mon 23 Nov 2026 13:00 (America/New_York)"


@on_sqlite
def test_who_waits_for_weeks_already_is_on_the_page_and_no_news(db, settings):
    somebody_waits(db, settings, MONDAY_NOON - timedelta(days=20))
    assert warn_of_promises(db, settings) == 0


@on_sqlite
def test_whom_nobody_looks_after_is_told_to_those_whom_an_administrator_chose(db, settings, alice):
    somebody_waits(db, settings, FRIDAY_ONE)
    with db.write() as session:
        an_account(session, "Bob")
        save_told(session, NoticeKind.PROMISE, Told(accounts=(alice,)), 0, alice)
    warn_of_promises(db, settings)
    assert {mail.recipient for mail in warnings(db)} == {"info@tpminstitute.org", "alice@tpminstitute.org"}


@on_sqlite
def test_what_a_closed_account_looked_after_is_told_to_the_institute(db, settings, ada, alice):
    with db.write() as session:
        session.execute(update(Account).where(Account.id == alice).values(active=False))
    warn_of_promises(db, settings)
    assert [mail.recipient for mail in warnings(db)] == ["info@tpminstitute.org"]


@on_sqlite
def test_several_people_at_once_are_one_mail(db, settings, ada, alice):
    many_wait(db, 25, FRIDAY_ONE, alice)
    warn_of_promises(db, settings)
    (mail,) = warnings(db)
    assert mail.subject == "26 people wait for an answer that is due"
    assert "And 6 more on the page Today" in text_of(mail)
    deliver(db, Post(), settings)


@on_sqlite
def test_what_a_hostile_name_says_is_only_text(db, settings, alice):
    hostile = somebody_waits(db, settings, FRIDAY_ONE, "[Ada](javascript:x) <b>{due_1}</b>\u202e", message="x")
    looked_after(db, hostile, alice)
    warn_of_promises(db, settings)
    (mail,) = warnings(db)
    assert "<b>" not in html(mail.content)
    assert "[Ada](javascript:x) <b>{due_1}</b>" in text_of(mail)


def test_hundreds_at_once_are_all_announced_in_one_mail(db, settings):
    many_wait(db, AT_ONCE + 5, FRIDAY_ONE)
    assert warn_of_promises(db, settings) == AT_ONCE + 5
    assert len(warnings(db)) == 1


@on_postgresql
def test_who_is_in_somebodys_hands_is_left_for_the_next_minute(db, settings, ada):
    with db.write() as answering:
        locked(answering, ada.id)
        assert warn_of_promises(db, settings) == 0
    assert warn_of_promises(db, settings) == 1

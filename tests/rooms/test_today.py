"""Today: what needs a person in one list, the oldest promise first, whoever it belongs to."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.conftest import on_sqlite
from tests.factories import an_account
from tests.rooms.commented import commented
from tests.rooms.waits import (
    a_draft_waits,
    a_mail_failed,
    a_mail_to_look_at,
    is_answered,
    looked_after,
    somebody_waits,
)
from tpminstitute.accounts.models import Account
from tpminstitute.mail.models import MessageStatus
from tpminstitute.pipeline.reminders import Wanted, finish, remind
from tpminstitute.today.items import EVERYBODYS, NOBODYS, Whose
from tpminstitute.today.queries import Urgency, today

MONDAY_NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
"""Noon in New York, three hours into the week."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel(MONDAY_NOON, tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def bob(db):
    with db.write() as session:
        return an_account(session, "Bob").id


@pytest.fixture
def day(db, settings):
    def look(whose=EVERYBODYS, **asked):
        with db.read() as session:
            return today(session, settings, whose, **asked)

    return look


def reminded(db, settings, contact, account_id, due, text="Call them"):
    with db.write() as session:
        return remind(session, settings, contact.id, Wanted(account_id, due, text), account_id).public_id


def names(page):
    return [item.name for item in page.items]


# --- what is in it ------------------------------------------------------------------------------------------


def test_everything_that_needs_a_person_is_there_the_oldest_promise_first(db, settings, alice, day):
    grace = somebody_waits(db, settings, MONDAY_NOON - 6 * HOUR, "Grace", consents=True)
    katherine = somebody_waits(db, settings, MONDAY_NOON - 2 * DAY, "Katherine")
    is_answered(db, katherine)
    reminded(db, settings, katherine, alice, MONDAY_NOON + HOUR)
    a_draft_waits(db, MONDAY_NOON - 4 * DAY, grace.email)
    a_mail_failed(db, katherine, MONDAY_NOON - 3 * DAY)
    a_mail_to_look_at(db, MONDAY_NOON - 5 * DAY)
    with time_machine.travel(MONDAY_NOON - 7 * DAY):
        commented(db, settings)
        commented(db, settings, suspicions=["Spam."])
    found = day()
    assert [(item.label, item.name) for item in found.items] == [
        ("Comment", "Ada Lovelace"),
        ("To look at", "Mallory"),
        ("Draft", "Grace"),
        ("Mail failed", "Katherine"),
        ("Reminder", "Katherine"),
        ("Inquiry", "Grace"),
    ]
    assert found.counts == {"reminders": 1, "people": 1, "drafts": 1, "look": 1, "mails": 1, "comments": 1}


@on_sqlite
def test_nothing_is_there_that_needs_nobody(db, settings, alice, day):
    ada = somebody_waits(db, settings, MONDAY_NOON - DAY)
    is_answered(db, ada)
    done = reminded(db, settings, ada, alice, MONDAY_NOON + HOUR)
    with db.write() as session:
        finish(session, done, alice)
    reminded(db, settings, ada, alice, MONDAY_NOON + DAY, "tomorrow's")
    assert names(day()) == []


@on_sqlite
def test_a_mail_to_look_at_stands_once_where_its_contact_waits_anyway(db, settings, day):
    ada = somebody_waits(db, settings, MONDAY_NOON - DAY, "Ada")
    a_mail_to_look_at(db, MONDAY_NOON - HOUR, "Ada?", ada)
    assert names(day()) == ["Ada"]
    is_answered(db, ada)
    assert names(day()) == ["Ada?"]


@on_sqlite
def test_an_uncertain_mail_waits_as_a_failed_one_does(db, settings, day):
    ada = somebody_waits(db, settings, MONDAY_NOON - DAY, "Ada")
    is_answered(db, ada)
    a_mail_failed(db, ada, MONDAY_NOON - HOUR, MessageStatus.UNCERTAIN)
    assert [item.label for item in day().items] == ["Mail uncertain"]


# --- how the promise stands ---------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(
    ("waited", "urgency"),
    [
        (timedelta(minutes=5), Urgency.FINE),
        (3 * DAY - 3 * HOUR, Urgency.FINE),  # since Friday at three: two working hours then, three today
        (3 * DAY - 2 * HOUR, Urgency.AT_RISK),
        (3 * DAY - HOUR, Urgency.AT_RISK),
        (3 * DAY, Urgency.BROKEN),
        (3 * DAY + 2 * HOUR, Urgency.BROKEN),
    ],
)
def test_a_promise_is_fine_at_risk_or_broken_by_working_time(db, settings, day, waited, urgency):
    somebody_waits(db, settings, MONDAY_NOON - waited)
    found = day()
    assert found.urgency(found.items[0]) == urgency


@on_sqlite
def test_a_reminder_is_due_at_its_own_time(db, settings, alice, day, clockwork):
    ada = somebody_waits(db, settings, MONDAY_NOON)
    is_answered(db, ada)
    reminded(db, settings, ada, alice, MONDAY_NOON + 4 * HOUR)
    standings = []
    for _ in range(3):
        found = day()
        standings.append(found.urgency(found.items[0]))
        clockwork.shift(2 * HOUR)
    assert standings == [Urgency.FINE, Urgency.AT_RISK, Urgency.BROKEN]


# --- whose it is --------------------------------------------------------------------------------------------


def test_the_list_can_be_ones_own_or_what_nobody_looks_after(db, settings, alice, bob, day):
    hers = somebody_waits(db, settings, MONDAY_NOON - 3 * HOUR, "Hers", consents=True)
    his = somebody_waits(db, settings, MONDAY_NOON - 2 * HOUR, "His")
    nobodys = somebody_waits(db, settings, MONDAY_NOON - HOUR, "Nobody's")
    looked_after(db, hers, alice)
    looked_after(db, his, bob)
    reminded(db, settings, his, alice, MONDAY_NOON + HOUR)
    a_draft_waits(db, MONDAY_NOON, hers.email)
    a_mail_failed(db, his, MONDAY_NOON)
    a_mail_failed(db, nobodys, MONDAY_NOON)
    a_mail_to_look_at(db, MONDAY_NOON)
    with time_machine.travel(MONDAY_NOON):
        commented(db, settings)
    mine, others = day(Whose(alice)), day(NOBODYS)
    assert [(item.label, item.name) for item in mine.items] == [
        ("Reminder", "His"),
        ("Inquiry", "Hers"),
        ("Draft", "Hers"),
    ]
    assert mine.counts == {"reminders": 1, "people": 1, "drafts": 1, "look": 0, "mails": 0, "comments": 0}
    assert names(others) == ["Nobody's", "Mallory", "Nobody's", "Ada Lovelace"]
    assert others.counts == {"reminders": 0, "people": 1, "drafts": 0, "look": 1, "mails": 1, "comments": 1}
    assert day(Whose(bob)).owners == {bob: "Bob"}


def test_what_a_closed_account_looked_after_is_nobodys(db, settings, bob, day):
    his = somebody_waits(db, settings, MONDAY_NOON - HOUR, "His")
    looked_after(db, his, bob)
    reminded(db, settings, his, bob, MONDAY_NOON + HOUR)
    with db.write() as session:
        session.get_one(Account, bob).active = False
    assert len(day(NOBODYS).items) == 2


# --- a long list --------------------------------------------------------------------------------------------


@pytest.fixture
def long_list(db, settings, alice):
    """Twelve people and twelve reminders, several of each with the same promise, and four drafts of the same moment."""
    people = [somebody_waits(db, settings, MONDAY_NOON - (number // 3) * HOUR, consents=True) for number in range(12)]
    with time_machine.travel(MONDAY_NOON - 9 * DAY, tick=False):
        for number in range(12):
            due = MONDAY_NOON - DAY + (number // 3) * 5 * HOUR
            reminded(db, settings, people[0], alice, due, f"{number}")
    for person in people[:4]:
        a_draft_waits(db, MONDAY_NOON - HOUR, person.email)


@pytest.mark.parametrize("most", [1, 5])
def test_turning_the_pages_shows_everything_once_and_in_order(db, day, long_list, most):
    whole = day().items
    assert len(whole) == 28
    turned, spot = [], None
    for _ in range(len(whole)):
        page = day(after=spot, most=most)
        turned += page.items
        spot = page.next
        if spot is None:
            break
    assert turned == whole
    assert [item.due for item in turned] == sorted(item.due for item in turned)


@on_sqlite
def test_one_kind_can_be_asked_for(day, long_list):
    assert {item.source for item in day(only="drafts").items} == {"drafts"}

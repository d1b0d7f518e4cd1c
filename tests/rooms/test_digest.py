"""The morning digest: once a working day, never empty, and only what its reader wants to be told."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import an_account, messages
from tests.rooms.commented import commented
from tests.rooms.post import Post
from tests.rooms.waits import a_draft_waits, is_answered, looked_after, many_wait, somebody_waits
from tpminstitute.accounts.models import Account, Role
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.queries import plain_text
from tpminstitute.pipeline.reminders import Wanted, remind
from tpminstitute.sequences.models import Holiday
from tpminstitute.today.digest import write_digests
from tpminstitute.today.models import Digest, StaffNews

MONDAY = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
"""One minute past seven in New York."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel(MONDAY, tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def alice(db):
    with db.write() as session:
        account = an_account(session)
        account.created_at = MONDAY - 30 * DAY
        return account.id


@pytest.fixture
def ada(db, settings):
    """Ada, who was answered and whom nobody looks after."""
    contact = somebody_waits(db, settings, MONDAY - 3 * DAY, "Ada Lovelace", consents=True)
    is_answered(db, contact)
    return contact


@pytest.fixture
def call_ada(db, settings, ada, alice):
    """Alice is to call Ada at ten."""
    with db.write() as session:
        remind(session, settings, ada.id, Wanted(alice, MONDAY + 3 * HOUR, "Call her about June"), alice)


def wants(db, account_id, digest):
    with db.write() as session:
        session.add(StaffNews(account_id=account_id, digest=digest))


def digests(db):
    return messages(db, kind=MessageKind.STAFF)


def text_of(mail):
    return " ".join(plain_text(mail.content).split())


def test_who_is_to_do_something_today_is_told_in_the_morning(db, settings, call_ada):
    assert write_digests(db, settings) == 1
    (mail,) = digests(db)
    assert (mail.recipient, mail.subject) == ("alice@tpminstitute.org", "Today: 1 reminder")
    line = "reminder: Call her about June, due by Mon 23 Nov 2026 10:01 (America/New_York)"
    assert line in text_of(mail)
    deliver(db, Post(), settings)  # which lints it


@on_sqlite
def test_a_comment_that_waits_is_a_link_to_it(db, settings, alice):
    wants(db, alice, Digest.EVERYTHING)
    comment = commented(db, settings)
    assert write_digests(db, settings) == 1
    mail = next(one for one in digests(db) if one.subject == "Today: 1 comment to approve")
    assert f"/staff/comments/{comment.public_id}" in plain_text(mail.content)


def test_it_comes_once_a_day(db, settings, call_ada, clockwork):
    write_digests(db, settings)
    clockwork.shift(HOUR)
    assert write_digests(db, settings) == 0
    clockwork.shift(DAY - HOUR)
    assert write_digests(db, settings) == 1


def test_two_workers_at_once_write_it_once(db, settings, call_ada):
    together, written = threading.Barrier(2), []

    def work():
        together.wait()
        written.append(write_digests(db, settings))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(written) == [0, 1]
    assert len(digests(db)) == 1


def test_an_empty_morning_has_no_mail_and_what_comes_later_waits_for_the_next(db, settings, ada, alice, clockwork):
    assert write_digests(db, settings) == 0
    with db.write() as session:
        remind(session, settings, ada.id, Wanted(alice, MONDAY + HOUR, "Call her"), alice)
    clockwork.shift(timedelta(minutes=30))
    assert write_digests(db, settings) == 0


@on_sqlite
@pytest.mark.parametrize(
    "shift",
    [timedelta(minutes=-2), 4 * HOUR, -DAY, -2 * DAY],
    ids=["before seven", "at noon", "on Sunday", "on Saturday"],
)
def test_it_comes_in_the_morning_of_a_working_day(db, settings, call_ada, clockwork, shift):
    clockwork.shift(shift)
    assert write_digests(db, settings) == 0


@on_sqlite
def test_nobody_is_woken_on_a_holiday(db, settings, call_ada):
    with db.write() as session:
        session.add(Holiday(day=date(2026, 11, 23), name="A day off"))
    assert write_digests(db, settings) == 0


@on_sqlite
def test_who_said_nothing_is_told_of_their_own_only(db, settings, alice):
    somebody_waits(db, settings, MONDAY - HOUR)
    assert write_digests(db, settings) == 0


@on_sqlite
def test_who_looks_after_somebody_is_told_that_they_wait(db, settings, alice):
    looked_after(db, somebody_waits(db, settings, MONDAY - 3 * DAY, "Grace"), alice)
    assert write_digests(db, settings) == 1
    assert digests(db)[0].subject == "Today: 1 person waits"


@on_sqlite
def test_who_wants_everything_is_told_of_everything(db, settings, ada, alice):
    wants(db, alice, Digest.EVERYTHING)
    many_wait(db, 25, MONDAY - HOUR)
    a_draft_waits(db, MONDAY - 9 * DAY, ada.email)
    assert write_digests(db, settings) == 1
    (mail,) = digests(db)
    assert mail.subject == "Today: 25 people wait, 1 draft"
    assert "And 6 more on the page Today" in text_of(mail)
    deliver(db, Post(), settings)


@on_sqlite
def test_who_wants_none_gets_none(db, settings, call_ada, alice):
    wants(db, alice, Digest.NEVER)
    assert write_digests(db, settings) == 0


@on_sqlite
@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.READER}, {"created_at": MONDAY}])
def test_who_can_not_act_or_is_new_today_gets_none(db, settings, call_ada, alice, change):
    with db.write() as session:
        for name, value in change.items():
            setattr(session.scalars(select(Account).where(Account.id == alice)).one(), name, value)
    assert write_digests(db, settings) == 0

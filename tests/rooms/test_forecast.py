"""The mails to come, as they are told to staff before anybody gets them."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.factories import ADA, a_sequence, contact_of, messages, submitted
from tpminstitute.contacts.models import Contact, ZoneSource
from tpminstitute.core import clock
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.templates import current_subjects
from tpminstitute.sequences.forecast import expected_for, expected_of_run
from tpminstitute.sequences.models import Enrollment, Sequence
from tpminstitute.sequences.pauses import pause_for_contact
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.sequences.wishes import PAUSE, Wish, wish

DAY = timedelta(days=1)
NOON = datetime(2027, 3, 1, 17, 0, tzinfo=UTC)
"""A Monday noon in New York."""


@pytest.fixture
def begun(db, settings):
    """Ada agreed to follow-ups on a Monday at noon; the clock stands still but for what a test shifts."""
    with time_machine.travel(NOON, tick=False) as clockwork:
        submitted(db, settings, consents=True)
        yield clockwork


def told(db, settings):
    """Return in how many days each mail of Ada's run is said to come."""
    with db.read() as session:
        run = session.scalars(select(Enrollment)).one()
        return [
            (mail.at - clock.now()) / DAY for mail in expected_of_run(session, settings, run, current_subjects(session))
        ]


def change(db, what, *more, **named):
    with db.write() as session:
        what(session, *more, **named)


def test_every_mail_of_a_run_is_told_with_its_time(db, settings, begun):
    assert told(db, settings) == [3, 8, 14]


def test_what_was_told_is_what_comes(db, settings, begun):
    expected = told(db, settings)
    came: list[float] = []
    for _ in range(60):
        run_due(db, settings)
        came += [(clock.now() - NOON) / DAY] * (len(messages(db, kind=MessageKind.FOLLOW_UP)) - len(came))
        begun.shift(DAY / 4)
    assert came == expected


def test_a_run_that_came_to_its_second_mail_tells_the_rest(db, settings, begun):
    begun.shift(3 * DAY)
    run_due(db, settings)
    assert told(db, settings) == [5, 11]


def test_a_pause_moves_what_is_told(db, settings, begun):
    with db.write() as session:
        wish(session, settings, session.get_one(Contact, contact_of(db).id), Wish.PAUSE)
    assert told(db, settings)[0] == PAUSE / DAY


def test_a_run_that_waits_until_a_day_goes_on_then(db, settings, begun):
    change(db, pause_for_contact, contact_of(db).id, "Away.", clock.now() + 10 * DAY)
    assert told(db, settings)[0] == 10


def test_nothing_is_told_of_a_run_that_waits_for_a_person_or_is_over(db, settings, begun):
    change(db, pause_for_contact, contact_of(db).id, "Somebody may have answered.")
    assert told(db, settings) == []
    change(db, stop_for_contact, contact_of(db).id, "They answered.")
    assert told(db, settings) == []


def test_what_somebody_would_get_is_told_before_they_begin(db, settings, begun):
    special = a_sequence(db, "special", waits=[24, 48])
    ada = contact_of(db)
    with db.read() as session:
        sequence = session.get_one(Sequence, special)
        mails = expected_for(session, settings, sequence, {ada.id: "Courses"})[ada.id]
    assert [(mail.at - NOON) / DAY for mail in mails] == [1, 3]


def test_times_are_told_by_the_clock_where_they_live(db, settings, begun):
    with db.write() as session:
        ada = session.scalars(select(Contact).where(Contact.email_key == ADA)).one()
        ada.time_zone, ada.time_zone_source = "Asia/Tokyo", ZoneSource.BROWSER
    with db.read() as session:
        run = session.scalars(select(Enrollment)).one()
        zones = {mail.zone.key for mail in expected_of_run(session, settings, run, current_subjects(session))}
    assert zones == {"Asia/Tokyo"}

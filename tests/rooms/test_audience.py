"""Choosing many contacts at once."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.factories import ADA, an_account, contact_of, submitted
from tpminstitute.contacts.models import Background, BackgroundSource, Contact, ContactTag
from tpminstitute.core import clock
from tpminstitute.inbox.audience import Audience, candidates
from tpminstitute.inbox.models import Topic
from tpminstitute.pipeline.models import Lead

BOB, CHARLIE = "bob@example.org", "charlie@example.org"


@pytest.fixture
def three(db, settings):
    """Ada asked about a certificate, then Bob and Charlie about courses."""
    submitted(db, settings, topic=Topic.CSM)
    submitted(db, settings, email=BOB, topic=Topic.COURSES)
    submitted(db, settings, email=CHARLIE, topic=Topic.COURSES)


def chosen(db, *, most=10, after=None, **fields):
    with db.read() as session:
        return [found.contact.email for found in candidates(session, Audience(**fields), most, after)]


def test_without_a_choice_everybody_is_meant_who_wrote_last_first(db, three):
    assert chosen(db) == [CHARLIE, BOB, ADA]


def test_the_list_goes_on_after_a_place(db, three):
    with db.read() as session:
        first = candidates(session, Audience(), 1)[0]
    assert chosen(db, most=1, after=first.place) == [BOB]


def test_a_topic_is_that_of_the_newest_inquiry(db, settings, three):
    submitted(db, settings, email=BOB, topic=Topic.CSM)
    assert chosen(db, topic=Topic.CSM) == [BOB, ADA]
    assert chosen(db, topic=Topic.COURSES) == [CHARLIE]


def test_who_was_only_suspected_is_nobody_to_write_to(db, settings, three):
    submitted(db, settings, email="spam@example.org", suspicions=["It holds a web address."])
    assert chosen(db) == [CHARLIE, BOB, ADA]


def test_a_stage_is_that_of_the_newest_lead(db, three):
    ada = contact_of(db)
    with db.write() as session:
        session.execute(update(Lead).where(Lead.contact_id == ada.id).values(stage_id=2))
    assert chosen(db, stage_id=2) == [ADA]


def test_a_word_put_on_a_contact_finds_them(db, three):
    with db.write() as session:
        alice = an_account(session)
        session.add(ContactTag(contact_id=contact_of(db, BOB).id, tag="evening", account_id=alice.id, at=clock.now()))
    assert chosen(db, tag="evening") == [BOB]


def test_where_they_stand_on_the_path_finds_them(db, three):
    stands = {"background": Background.NEW, "background_source": BackgroundSource.STAFF}
    with db.write() as session:
        session.execute(update(Contact).where(Contact.email_key == CHARLIE).values(**stands))
    assert chosen(db, background=Background.NEW) == [CHARLIE]


def test_the_time_they_wrote_narrows_the_choice(db, three):
    now = clock.now()
    assert chosen(db, wrote_from=now + timedelta(minutes=1)) == []
    assert chosen(db, wrote_before=now + timedelta(minutes=1)) == [CHARLIE, BOB, ADA]


def test_one_contact_can_be_meant_alone(db, three):
    assert chosen(db, public_id=contact_of(db, BOB).public_id) == [BOB]

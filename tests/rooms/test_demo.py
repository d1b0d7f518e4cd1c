"""Invented people fill a database as if they had written, and never get among real ones or any mail."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, func, select, text

from tests.conftest import on_sqlite
from tests.factories import contact_of, count, make_settings, submitted
from tests.rooms.schema import differences
from tests.rooms.test_cards import all_cards
from tpminstitute.contacts import cards
from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.core import clock
from tpminstitute.core.db import Base
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.models import Inquiry
from tpminstitute.inbox.queries import unacknowledged
from tpminstitute.mail import control
from tpminstitute.simulation.demo import Demo, fill
from tpminstitute.timeline.models import Activity

PEOPLE = 120
TODAY = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def filled(db, settings):
    """A database with invented people."""
    invent(db, settings)
    return db


def invent(db, settings, seed=1):
    """Add invented people; returns how many were told of."""
    told: list[int] = []
    with clock.at(TODAY):
        fill(db, settings, Demo(PEOPLE, seed), told.append)
    return sum(told)


@on_sqlite
def test_so_many_people_are_invented_as_were_asked_for(db, settings):
    assert invent(db, settings) == PEOPLE == count(db, Contact)


@on_sqlite
def test_each_has_a_history_of_five_facts_at_least(filled):
    with filled.read() as session:
        known = select(Activity.contact_id).group_by(Activity.contact_id).having(func.count() >= 5)
        few = session.scalars(select(ContactCard).where(ContactCard.contact_id.not_in(known))).all()
    assert all(card.apart for card in few)


def test_their_cards_say_what_the_facts_say(filled):
    with filled.write() as session:
        kept = all_cards(session)
        session.execute(delete(ContactCard))
        cards.rebuild(session)
        assert kept == all_cards(session)
        assert len(kept) == PEOPLE


@on_sqlite
def test_every_invented_inquiry_was_acknowledged(filled):
    with filled.read() as session:
        assert unacknowledged(session, session.scalars(select(Inquiry)).all()) == set()


def test_the_database_is_whole_again_afterwards(filled, settings):
    assert differences(filled) == []
    submitted(filled, settings, email="next@example.org")
    with filled.read() as session:
        card = session.get_one(ContactCard, contact_of(filled, "next@example.org").id)
    assert card.turn == "institute"


@on_sqlite
def test_the_same_seed_invents_the_same_people_and_another_one_others(db, settings, tmp_path):
    invent(db, settings)
    first = everybody(db)
    with db.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if "contact_id" in table.c:
                session.execute(delete(table))
        session.execute(delete(Contact))
    invent(db, settings)
    assert everybody(db) == first
    invent(db, settings, seed=2)
    assert len(set(everybody(db))) == 2 * PEOPLE


def everybody(db):
    with db.read() as session:
        return session.execute(select(Contact.name, Contact.public_id, Contact.first_seen_at)).all()


@on_sqlite
def test_no_invented_address_can_exist(filled):
    with filled.read() as session:
        domains = {email.rpartition("@")[2] for email in session.scalars(select(Contact.email))}
    assert {domain for domain in domains if not domain.endswith((".example", "example.org"))} <= {
        "example.com",
        "example.net",
    }


@on_sqlite
def test_a_database_with_real_contacts_is_refused_and_stays_as_it_is(db, settings):
    submitted(db, settings, email="charlie@gmail.com")
    with pytest.raises(Refusal, match="holds real contacts"):
        invent(db, settings)
    assert count(db, Contact) == 1


@on_sqlite
def test_mail_is_held_where_it_would_be_delivered(db, tmp_path):
    invent(db, make_settings(tmp_path, smtp_url="smtp://127.0.0.1:25"))
    with db.read() as session:
        assert control.control(session).held


@on_sqlite
def test_nothing_is_counted_in_the_tables_of_the_full_text_index_before_they_are_filled(filled):
    looked_up = "EXPLAIN QUERY PLAN DELETE FROM search_texts_index_data WHERE id >= 1 AND id <= 2"
    with filled.read() as session:
        plan = session.execute(text(looked_up)).one()[-1]
    assert plan.startswith("SEARCH")

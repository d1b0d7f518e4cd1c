"""A contact's card says what the facts say, whatever happens: triggers keep it, and it can be made anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from alembic import command
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from sqlalchemy import delete, insert, select, text, update

from tests.factories import ADA, ENDING, an_account, contact_of, submitted
from tpminstitute.contacts import cards, consent, tags
from tpminstitute.contacts.marks import marks_sql, tag_bit_sql, tag_mark
from tpminstitute.contacts.models import Consent, Contact, ContactCard, ContactTag, Origin
from tpminstitute.contacts.name_keys import name_key, name_key_sql
from tpminstitute.core import clock
from tpminstitute.core.db import Database, _alembic_config, upgrade
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import conversations, service
from tpminstitute.inbox.models import Conversation, Inquiry, InquiryState
from tpminstitute.pipeline.models import Lead
from tpminstitute.pipeline.service import lead_of, move_lead
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import Activity, ActivityKind
from tpminstitute.timeline.service import record

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUSPICION = ["It has many links."]


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


def card_of(db, email=ADA):
    with db.read() as session:
        return session.scalars(select(ContactCard).where(ContactCard.contact_id == contact_of(db, email).id)).one()


def all_cards(session):
    table = ContactCard.__table__
    return session.execute(select(table).order_by(table.c.contact_id)).all()


def test_a_new_inquiry_fills_the_card(db, settings):
    inquiry = submitted(db, settings, consents=True, name="Émile Ødegård", topic="csm")
    card = card_of(db)
    assert (card.name_key, card.topic, card.source, card.stage_id) == ("emile odegard", "csm", "form", 1)
    assert (card.consent, card.turn, card.follow_ups, card.apart) == ("granted", "institute", "running", False)
    assert card.last_touch_at == inquiry.received_at


def test_who_is_only_suspected_stands_apart_until_released(db, settings, alice):
    inquiry = submitted(db, settings, suspicions=SUSPICION)
    assert card_of(db).apart
    with db.write() as session:
        service.release(session, settings, session.get_one(Inquiry, inquiry.id), alice)
    assert not card_of(db).apart


def test_spam_in_somebodys_name_is_no_touch_and_no_topic(db, settings):
    submitted(db, settings, topic="csm")
    before = card_of(db)
    submitted(db, settings, topic="pmp", suspicions=SUSPICION)
    after = card_of(db)
    assert (after.topic, after.last_touch_at, after.apart) == ("csm", before.last_touch_at, False)


@pytest.mark.parametrize(
    ("kind", "touches"), [(ActivityKind.STAFF_REPLIED, True), (ActivityKind.MAIL_SENT, False), ("tags_changed", False)]
)
def test_a_word_between_people_is_a_touch_and_an_automatic_mail_is_none(db, settings, kind, touches):
    submitted(db, settings)
    later = clock.now() + timedelta(days=1)
    with clock.at(later), db.write() as session:
        record(session, contact_of(db).id, ActivityKind(kind), "It happened.")
    assert (card_of(db).last_touch_at == later) is touches


def test_a_touch_that_is_erased_was_none(db, settings):
    inquiry = submitted(db, settings)
    with clock.at(clock.now() + timedelta(days=1)), db.write() as session:
        record(session, contact_of(db).id, ActivityKind.CALL_NOTED, "Talked.")
    with db.write() as session:
        session.execute(delete(Activity).where(Activity.kind == ActivityKind.CALL_NOTED))
    assert card_of(db).last_touch_at == inquiry.received_at


@pytest.mark.parametrize(
    ("kind", "source"), [(ActivityKind.CONTACT_IMPORTED, Origin.IMPORT), (ActivityKind.CONTACT_ADDED, Origin.BY_HAND)]
)
def test_the_first_fact_says_how_somebody_came(db, settings, alice, kind, source):
    with db.write() as session:
        contact_id = a_bare_contact(session, ADA)
        record(session, contact_id, kind, "They came.", account_id=alice)
    submitted(db, settings)
    assert card_of(db).source is source


def test_who_wrote_before_an_import_came_by_the_form(db, settings, alice):
    submitted(db, settings)
    with db.write() as session:
        record(session, contact_of(db).id, ActivityKind.CONTACT_IMPORTED, "In the list too.", account_id=alice)
    assert card_of(db).source is Origin.FORM


def test_a_card_goes_with_its_contact(db):
    with db.write() as session:
        contact_id = a_bare_contact(session, ADA)
        session.execute(delete(Contact).where(Contact.id == contact_id))
    with db.read() as session:
        assert all_cards(session) == []


@effort(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30))
def test_a_name_is_folded_alike_in_python_and_in_the_database(db, name):
    dialect = db.engine.dialect.name
    key = text(f"SELECT {name_key_sql('CAST(:name AS TEXT)', dialect)}")
    with db.read() as session:
        assert session.execute(key, {"name": name}).scalar_one() == name_key(name)


@effort(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tag=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60))
def test_a_tag_has_the_same_mark_in_python_and_in_the_database(db, tag):
    dialect = db.engine.dialect.name
    mark = text(f"SELECT {marks_sql(tag_bit_sql(dialect), 'FROM (SELECT CAST(:tag AS TEXT) AS tag) AS given')}")
    with db.read() as session:
        assert session.execute(mark, {"tag": tag}).scalar_one() == tag_mark(tag)


def test_cards_are_sorted_alike_on_both_databases(db):
    names = ["Zoë", "emil", "Émile", "Ångström", "Ada", "Ωmega", "中文", "_x", "Ñandú", "éa"]
    with db.write() as session:
        for number, name in enumerate(names):
            a_bare_contact(session, f"{number}@example.org", name)
    with db.read() as session:
        found = session.scalars(select(ContactCard.name_key).order_by(ContactCard.name_key)).all()
    assert found == sorted(map(name_key, names))


def a_bare_contact(session, email, name="Somebody"):
    """Add a contact of whom nothing else is known."""
    values = {"public_id": email[:20], "email": email, "email_key": email, "name": name, "phone_typed": ""}
    return session.scalar(insert(Contact).values(**values, first_seen_at=clock.now()).returning(Contact.id))


# --- whatever happens -------------------------------------------------------------------------------------------


PEOPLE = 4
people = st.integers(0, PEOPLE - 1)
doings = st.lists(st.tuples(st.integers(0, 18), people, people), min_size=10, max_size=30)


@effort(max_examples=12, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doings=doings)
def test_the_triggers_say_what_the_facts_say_whatever_happens(db, settings, doings):
    world = World(db, settings)
    for number, (what, who, other) in enumerate(doings):
        with clock.at(BEGAN + timedelta(hours=world.hours + number)):
            world.do(what, who, other)
    world.hours += len(doings)
    with db.write() as session:
        kept = all_cards(session)
        session.execute(delete(ContactCard))
        cards.rebuild(session)
        assert kept == all_cards(session)


INQUIRIES: tuple[dict[str, Any], ...] = (
    {},
    {"suspicions": SUSPICION},
    {"consents": True},
    {"source_page": "mail"},
    {"topic": "pmp"},
)


class World:
    """A few people to whom anything may happen, in any order, some of it past every service."""

    hours = 0

    def __init__(self, db, settings):
        self.db, self.settings = db, settings
        with db.write() as session:
            known = session.scalar(text("SELECT min(id) FROM accounts"))
            self.alice = known or an_account(session).id

    def do(self, what, who, other):
        """Let one thing happen; what is refused is nothing."""
        if what < 5:
            submitted(self.db, self.settings, email=email_of(who), **INQUIRIES[what])
            return
        with self.db.write() as session:
            ids = {each.email_key: each.id for each in session.scalars(select(Contact))}
            mine = ids.get(email_of(who)) or a_bare_contact(session, email_of(who))
            theirs = ids.get(email_of(other), mine)
            try:
                with session.begin_nested():
                    self._to_a_contact(session, what, mine, theirs)
            except Refusal:
                pass

    def _to_a_contact(self, session, what, mine, theirs):
        lead, inquiry = lead_of(session, mine), newest_inquiry(session, mine)
        match what:
            case 5 if inquiry is not None:
                service.mark_spam(session, self.settings, inquiry, self.alice)
            case 6 if inquiry is not None:
                service.release(session, self.settings, inquiry, self.alice)
            case 7 if lead is not None:
                move_lead(session, lead.id, theirs % 4 + 1, self.alice, ENDING)
            case 8:
                conversations.waits_for_visitor(session, mine)
                record(session, mine, ActivityKind.STAFF_REPLIED, "Answered.", account_id=self.alice)
            case 9:
                consent.withdraw(session, mine, "link")
                stop_for_contact(session, mine, "They left.")
            case 10:
                owner = self.alice if theirs == mine else None
                session.execute(update(Contact).where(Contact.id == mine).values(owner_id=owner, name="Ærø"))
            case 11:
                kind = (ActivityKind.CONTACT_IMPORTED, ActivityKind.CONTACT_ADDED)[theirs % 2]
                record(session, mine, kind, "They came.", account_id=self.alice)
            case 12:
                conversations.close(session, mine, self.alice)
            case 13:
                self._move(session, mine, theirs)
            case 14:
                session.execute(update(Inquiry).where(Inquiry.contact_id == mine).values(consent_id=None))
                for model in (Activity, Conversation, Consent, Lead):
                    session.execute(delete(model).where(model.contact_id == mine))
                bare = update(Enrollment).where(Enrollment.contact_id == mine, Enrollment.ended_at.is_not(None))
                session.execute(bare.values(contact_id=theirs))
            case 15:
                session.execute(update(Activity).where(Activity.contact_id == mine).values(contact_id=theirs))
            case 16:
                tags.add_tag(session, mine, f"tag {theirs}", self.alice)
            case 17:
                session.execute(delete(ContactTag).where(ContactTag.contact_id == mine))
            case 18:
                session.execute(update(Inquiry).where(Inquiry.contact_id == mine).values(state=InquiryState.SPAM))
                earlier = Contact.first_seen_at < clock.now() - timedelta(hours=theirs)
                session.execute(update(Contact).where(Contact.id == mine, earlier).values(first_seen_at=clock.now()))

    @staticmethod
    def _move(session, mine, theirs):
        """Give one contact's facts to another, as a merge does."""
        lost = {"stage_id": 4, "closed_at": clock.now()}
        session.execute(update(Lead).where(Lead.contact_id == mine, Lead.closed_at.is_(None)).values(lost))
        session.execute(delete(Conversation).where(Conversation.contact_id == theirs))
        stop_for_contact(session, mine, "They are one.")
        for model in (Activity, Inquiry, Lead, Enrollment, Conversation, Consent):
            session.execute(update(model).where(model.contact_id == mine).values(contact_id=theirs))


def email_of(who):
    """Return the address of the person with that number."""
    return f"reader{who}@example.org"


def newest_inquiry(session, contact_id):
    """Return a contact's newest inquiry, or None."""
    return session.scalar(select(Inquiry).where(Inquiry.contact_id == contact_id).order_by(Inquiry.id.desc()).limit(1))


# --- an upgrade -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_who_was_there_before_the_upgrade_has_a_card_after_it(request, tmp_path, kind):
    url = f"sqlite:///{tmp_path}/old.db"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_server").create_database("before_cards")
    db = Database(url)
    with db._writing.begin() as connection:
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        values = "1, 'ada', 'ada@example.org', 'ada@example.org', 'Ada', '', '2026-01-02 03:04:05.000000+00'"
        columns = "id, public_id, email, email_key, name, phone_typed, first_seen_at"
        connection.execute(text(f"INSERT INTO contacts ({columns}) VALUES ({values})".replace(":", "\\:")))
    upgrade(db)
    with db.read() as session:
        assert [(card.contact_id, card.name_key) for card in all_cards(session)] == [(1, "ada")]
    db.close()

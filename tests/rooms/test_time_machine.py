"""The time machine's answer is what the real scheduler then does, and asking costs the live database nothing."""

import itertools
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis
import pytest
import time_machine
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from tests.conftest import on_sqlite
from tests.factories import TOPIC_LABELS, a_sequence, an_account, contact_of, store_letter, submitted
from tests.rooms.trials import Step, planned
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Background, Contact, ZoneSource
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock, zones
from tpminstitute.core.db import Base, Database
from tpminstitute.inbox.models import ReceivedMail
from tpminstitute.inbox.opt_out import contact_of_token
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Suppression
from tpminstitute.sequences.course_dates import CourseFacts, add_course_date
from tpminstitute.sequences.enrolling import begin_by_hand
from tpminstitute.sequences.models import Sequence, WaitUnit
from tpminstitute.sequences.runner import run_due
from tpminstitute.simulation import machine
from tpminstitute.simulation.machine import DAYS, MadeUp, Throw, Thrown, Trial, event_of, run
from tpminstitute.simulation.passing import IN_VAIN, Nowhere, Remark
from tpminstitute.simulation.story import told
from tpminstitute.simulation.world import OF_CONTACT, OF_RUN, copy_plan, one_state_of, throw_away

BERLIN = "Europe/Berlin"
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
_keys = itertools.count(1)


def ada_in(db, settings, zone, at):
    """Ada, who wrote to us the day before and lives by the clock of `zone`; returns her id and an account's."""
    with time_machine.travel(at - timedelta(days=1), tick=False):
        submitted(db, settings, consents=True, topic=Topic.OTHER)
        with db.write() as session:
            account_id = an_account(session).id
            session.execute(update(Contact).values(time_zone=zone, time_zone_source=ZoneSource.STAFF))
    return contact_of(db).id, account_id


def really(db, settings, trial, every):
    """Begin the sequence in the live database and let the real scheduler's ticks come, all of them; tell the story."""
    zone = ZoneInfo(zone_name(db, trial.who))
    remarks = []
    events = sorted(event_of(thrown, trial, zone, trial.who) for thrown in trial.thrown)
    with time_machine.travel(trial.begins, tick=False) as clockwork:
        with db.write() as session:
            sequence = session.get_one(Sequence, trial.sequence_id)
            sequence.active = True
            session.flush()
            begin_by_hand(session, settings, trial.who, TOPIC_LABELS[Topic.OTHER], sequence, trial.account_id)
        while clock.now() <= trial.begins + timedelta(days=DAYS):
            while events and events[0].at <= clock.now():
                sentence = events.pop(0).act(db, settings)
                remarks += [Remark(clock.now(), sentence)] if sentence else []
            run_due(db, settings)
            deliver(db, Nowhere(), settings)
            clockwork.shift(every)
        with db.read() as session:
            return told(session, trial.who, zone, trial.begins, remarks)


def zone_name(db, contact_id):
    with db.read() as session:
        return session.get_one(Contact, contact_id).time_zone


def in_short(entries):
    """What happened and when; the links in a mail are signed with another secret in a simulation."""
    return [(entry.at, entry.sentence, entry.mail and (entry.mail.subject, entry.mail.sequence)) for entry in entries]


def the_same(db, settings, zone, begins, steps, thrown, every):
    contact_id, account_id = ada_in(db, settings, zone, begins)
    trial = Trial(planned(db, *steps), contact_id, begins, account_id, thrown)
    with time_machine.travel(begins - timedelta(hours=1), tick=False):
        foretold = in_short(run(db, settings, trial, every).entries)
    assert foretold == in_short(really(db, settings, trial, every))
    return foretold


STEPS = st.builds(
    Step,
    amount=st.integers(0, 12),
    unit=st.sampled_from([WaitUnit.HOURS, WaitUnit.DAYS, WaitUnit.WORKING_DAYS]),
    days=st.sampled_from(["1234567", "12345", "2", "67"]),
    hours=st.sampled_from([(0, 24), (9, 17), (20, 24)]),
    conditions=st.sampled_from([(), (), ("not_replied",)]),
)
THROWN = st.builds(
    Thrown,
    st.sampled_from([throw for throw in Throw if throw is not Throw.COURSE_MOVES]),
    st.integers(0, 40),
    st.integers(1, 30),
)


@hypothesis.settings(
    max_examples=3,
    deadline=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.reuse, hypothesis.Phase.generate],  # 90 days take their time
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    zone=st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata", "Pacific/Apia"]),
    begins=st.sampled_from([MONDAY, datetime(2026, 10, 14, 3, tzinfo=UTC), datetime(2027, 12, 23, 18, tzinfo=UTC)]),
    steps=st.lists(STEPS, min_size=1, max_size=3),
    thrown=st.lists(THROWN, max_size=3, unique_by=lambda thrown: thrown.day),
)
def test_the_answer_is_what_the_real_scheduler_then_does(sqlite_file, settings, zone, begins, steps, thrown):
    copy = sqlite_file.with_name(f"{next(_keys)}.db")
    shutil.copyfile(sqlite_file, copy)
    db = Database(f"sqlite:///{copy}", durable=False)
    try:
        the_same(db, settings, zone, begins, steps, thrown, timedelta(hours=11))
    finally:
        db.close()


def test_the_answer_holds_on_both_databases(db, settings):
    steps = [Step(3), Step(5, WaitUnit.WORKING_DAYS), Step(30, WaitUnit.HOURS, "1234567", (0, 24))]
    thrown = [Thrown(Throw.AWAY, 4, 20), Thrown(Throw.HOLIDAY, 35), Thrown(Throw.ANSWERS, 38)]
    foretold = the_same(db, settings, BERLIN, MONDAY, steps, thrown, timedelta(hours=17))
    assert sum(mail is not None for _, _, mail in foretold) >= 2


# --- what is tried -------------------------------------------------------------------------------------------


ADA = MadeUp("Ada Lovelace", Topic.CSM, ZoneInfo(BERLIN))


@pytest.fixture
def alice(db):
    """Alice's account, who asks."""
    with db.write() as session:
        return an_account(session).id


def tried(db, settings, alice, who=ADA, *thrown, second=5):
    """Try two mails on working days, the second so many days after the first, from a Monday on."""
    sequence_id = planned(db, Step(3), Step(second))
    return run(db, settings, Trial(sequence_id, who, MONDAY, alice, thrown))


def mails_in(outcome):
    return [
        (zones.written(entry.at, outcome.zone), entry.mail.subject)
        for entry in outcome.entries
        if entry.mail is not None
    ]


def sentences(outcome):
    return [entry.sentence for entry in outcome.entries]


@on_sqlite
@pytest.mark.parametrize(("stands", "mails"), [(Background.ENGINEERING, 1), (Background.NEW, 0), (None, 0)])
def test_somebody_made_up_stands_where_a_pathway_check_may_have_said(db, settings, alice, stands, mails):
    for_engineers = {"kind": "background", "one_of": [Background.ENGINEERING.value]}
    sequence_id = planned(db, Step(3, conditions=(for_engineers,)))
    who = replace(ADA, background=stands)
    outcome = run(db, settings, Trial(sequence_id, who, MONDAY, alice, ()))
    acknowledgement = 1
    assert len(mails_in(outcome)) == acknowledgement + mails


@on_sqlite
def test_somebody_made_up_gets_the_mails_of_a_sequence_that_is_off_by_their_own_clock(db, settings, alice):
    outcome = tried(db, settings, alice)
    (acknowledged, first), *follow_ups = mails_in(outcome)
    assert acknowledged == "Mon 1 Mar 2027 10:00 (Europe/Berlin)"
    assert first.startswith("We have your message")
    assert follow_ups == [
        ("Thu 4 Mar 2027 10:00 (Europe/Berlin)", "The experience that leads to program management"),
        ("Tue 9 Mar 2027 10:00 (Europe/Berlin)", "Four certifications, and how to think about them"),
    ]


@on_sqlite
def test_each_mail_can_be_read_and_says_why_it_was_written(db, settings, alice):
    entry = next(entry for entry in tried(db, settings, alice).entries if entry.mail and entry.mail.sequence)
    assert "mail 1 of" in entry.sentence
    assert "Hello Ada" in entry.mail.text
    assert "<html" in entry.mail.html


@on_sqlite
def test_a_sequence_that_starts_for_their_topic_begins_by_its_rule_whatever_else_would(db, settings, alice):
    a_sequence(db, "narrower", starts_for=["csm"])
    sequence_id = planned(db, Step(1))
    with db.write() as session:
        session.get_one(Sequence, sequence_id).starts_for = ["csm", "pmp"]
    outcome = run(db, settings, Trial(sequence_id, ADA, MONDAY, alice))
    begun = [sentence for sentence in sentences(outcome) if "started" in sentence]
    assert len(begun) == 1
    assert "by hand" not in begun[0]


@on_sqlite
@pytest.mark.parametrize(
    ("thrown", "sentence"),
    [
        (Thrown(Throw.ANSWERS, 4), "The follow-ups were stopped. They answered."),
        (Thrown(Throw.LEAVES, 4), "The follow-ups were stopped. The person unsubscribed."),
        (Thrown(Throw.BOUNCES, 4), "The follow-ups were stopped. Mail to this address came back for good."),
        (Thrown(Throw.COMPLAINS, 4), "The follow-ups were stopped. The person reported a mail as spam."),
        (Thrown(Throw.WE_ANSWER, 4), "The follow-ups wait. The institute wrote to them."),
        (Thrown(Throw.AWAY, 4, 10), "The follow-ups wait. They are away until 15 Mar 2027."),
        (Thrown(Throw.PAUSES, 4), "Asked for no follow-ups until 4 Apr 2027."),
        (Thrown(Throw.LESS_OFTEN, 4), "Asked for follow-ups less often: they come after twice the usual time."),
        (Thrown(Throw.HOLIDAY, 3), "A holiday: no follow-up goes out on this day."),
        (Thrown(Throw.COURSE_MOVES, 4, 7), "These follow-ups lead up to no course, so none could be moved."),
    ],
    ids=lambda value: value.what.value if isinstance(value, Thrown) else "",
)
def test_what_is_thrown_in_does_what_it_does_in_life(db, settings, alice, thrown, sentence):
    assert sentence in sentences(tried(db, settings, alice, ADA, thrown, second=10))


@on_sqlite
def test_a_mail_before_a_course_moves_with_it(db, settings, alice):
    sequence_id = planned(db, Step(10, WaitUnit.BEFORE_COURSE))
    with db.write() as session, clock.at(MONDAY):
        course = add_course_date(session, CourseFacts("CSM in May", MONDAY + timedelta(days=60)), alice)
        session.get_one(Sequence, sequence_id).course_date_id = course.id
    outcome = run(db, settings, Trial(sequence_id, ADA, MONDAY, alice, [Thrown(Throw.COURSE_MOVES, 5, 7)]))
    assert mails_in(outcome)[-1][0] == "Tue 27 Apr 2027 11:00 (Europe/Berlin)"
    assert any("was moved from" in sentence for sentence in sentences(outcome))


@on_sqlite
def test_the_changes_of_the_clock_are_told(db, settings, alice):
    outcome = tried(db, settings, alice, second=40)
    assert "The clock in Europe/Berlin is set forward." in sentences(outcome)
    assert mails_in(outcome)[-1][0] == "Tue 13 Apr 2027 10:00 (Europe/Berlin)"


@on_sqlite
def test_a_contact_who_cannot_begin_is_told_why(db, settings, alice):
    submitted(db, settings)
    outcome = tried(db, settings, alice, contact_of(db).id)
    assert outcome.refused == "They have not agreed to follow-ups, or took it back. Nothing was started."
    assert not any(entry.mail.sequence for entry in outcome.entries if entry.mail)


@on_sqlite
def test_a_letter_that_can_not_be_made_is_named_and_ends_the_run_before_it_takes_forever(
    db, settings, alice, monkeypatch
):
    monkeypatch.setattr(machine, "MOST_LOOKS", 5)
    store_letter(db, alice, "follow-up-experience", body="Hello {stranger}")
    outcome = tried(db, settings, alice)
    assert any(sentence.startswith("Held: Version 1 of the letter") for sentence in sentences(outcome))
    assert sentences(outcome)[-1] == IN_VAIN


@on_sqlite
def test_a_run_that_is_under_way_goes_on_from_where_it_is(db, settings, alice):
    with time_machine.travel(MONDAY, tick=False) as clockwork:
        submitted(db, settings, consents=True)
        clockwork.shift(timedelta(days=4))
        run_due(db, settings)
        deliver(db, Nowhere(), settings)
        clockwork.shift(timedelta(hours=1))
        outcome = run(db, settings, Trial(1, contact_of(db).id, clock.now(), alice))
    assert not outcome.refused
    assert [subject for _, subject in mails_in(outcome)] == [
        "Four certifications, and how to think about them",
        "Five skills to look at honestly",
    ]


@on_sqlite
def test_the_links_in_a_simulated_mail_open_nothing(db, settings, alice):
    submitted(db, settings, consents=True)
    outcome = tried(db, settings, alice, contact_of(db).id)
    text = next(entry.mail.text for entry in outcome.entries if entry.mail and "/unsubscribe/" in entry.mail.text)
    token = text.partition("/unsubscribe/")[2].split()[0]
    with db.read() as session:
        assert contact_of_token(session, settings, token) is None


# --- what it costs -------------------------------------------------------------------------------------------


def everything_in(db):
    with db.read() as session:
        return {name: session.execute(select(table)).all() for name, table in sorted(Base.metadata.tables.items())}


def test_nothing_is_written_to_the_live_database(db, settings, alice):
    submitted(db, settings, consents=True)
    sequence_id = planned(db, Step(3))
    before = everything_in(db)
    thrown = [Thrown(Throw.HOLIDAY, 2), Thrown(Throw.BOUNCES, 5)]
    for who in (ADA, contact_of(db).id):
        assert mails_in(run(db, settings, Trial(sequence_id, who, clock.now(), alice, thrown)))
    assert everything_in(db) == before


def test_the_live_database_is_open_for_reading_only(postgres_url, settings):
    db = Database(postgres_url)
    with one_state_of(db) as session, pytest.raises(DBAPIError, match="read-only transaction"):
        session.execute(text("UPDATE contacts SET name = 'Somebody else'"))
    db.close()


OF_THE_DESK = {
    "address_wishes",
    "audit_entries",
    "bulk_changes",
    "comment_writers",
    "contact_cards",
    "course_waits",
    "erasure_wishes",
    "erasures",
    "import_problems",
    "import_rows",
    "lead_cards",
    "likeness_keys",
    "merges",
    "notes",
    "presences",
    "promise_warnings",
    "published_answers",
    "reminders",
    "removed_notes",
    "reply_drafts",
    "search_people",
    "search_texts",
    "uncompared_contacts",
    "voided_links",
    "writer_erasures",
}
"""What no mail depends on: nobody sits at the desk of a simulation, or at their own page."""


def test_whatever_hangs_on_a_contact_is_copied_or_left_out_on_purpose():
    hanging = {
        table.name
        for table in Base.metadata.tables.values()
        if {"contact_id", "enrollment_id", "email_key"} & set(table.columns.keys())
    }
    copied = {model.__tablename__ for model in (*OF_CONTACT, *OF_RUN, Contact, Suppression, ReceivedMail)}
    assert hanging - copied == OF_THE_DESK


@on_sqlite
def test_no_password_is_copied(db, settings):
    with db.write() as session:
        an_account(session, password_hash="secret hash")
    with throw_away() as world:
        with one_state_of(db) as live, world.write() as session:
            copy_plan(live, session)
        with world.read() as session:
            assert session.scalars(select(Account.password)).all() == ["-"]

"""Conditions: what they let through, what they say when they don't, and what is refused while editing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import TOPICS, an_account, contact_of, submitted
from tpminstitute.contacts.models import Background, BackgroundSource, Contact, ContactTag
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences.conditions import Condition, Facts, as_json, describe, parse, unmet
from tpminstitute.sequences.facts import facts_of
from tpminstitute.sequences.models import Enrollment
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

MAY = datetime(2026, 5, 3, 12, tzinfo=UTC)
ADA = Facts(TOPICS, "Ada", Topic.CSM, "New", frozenset({"Met at a fair"}), Background.ENGINEERING, MAY)

MET: list[dict[str, Any]] = [
    {"kind": "topic", "one_of": ["pmp", "csm"]},
    {"kind": "stage", "one_of": ["New", "Talking"]},
    {"kind": "tagged", "tag": "met at a fair"},
    {"kind": "not_tagged", "tag": "vip"},
    {"kind": "background", "one_of": ["engineering"]},
    {"kind": "replied"},
]
NOT_MET: list[tuple[dict[str, Any], str]] = [
    (
        {"kind": "topic", "one_of": ["pmp", "cal"]},
        "Skipped: it is for people who wrote about “Project Management Professional (PMP)” or "
        "“Certified Agile Leadership (CAL)”, and Ada wrote about “Certified Scrum Master (CSM)”.",
    ),
    (
        {"kind": "stage", "one_of": ["Talking"]},
        "Skipped: it is for people who have a lead in “Talking”, and Ada's is in “New”.",
    ),
    ({"kind": "tagged", "tag": "vip"}, "Skipped: it is for people who have the tag “vip”, and Ada doesn't have it."),
    (
        {"kind": "not_tagged", "tag": "met at a fair"},
        "Skipped: it is for people who don't have the tag “met at a fair”, and Ada has it.",
    ),
    (
        {"kind": "background", "one_of": ["new", "project_management"]},
        "Skipped: it is for people who are new to the field or are project managers moving up, and Ada is among those "
        "who are engineers moving over.",
    ),
    ({"kind": "not_replied"}, "Skipped: it is for people who haven't replied, and Ada replied on 3 May 2026."),
]


def read(stored):
    (condition,) = parse([stored])
    return condition


@pytest.mark.parametrize("stored", MET)
def test_a_condition_that_is_met_says_nothing(stored):
    assert unmet(read(stored), ADA) is None


@pytest.mark.parametrize(("stored", "says"), NOT_MET)
def test_a_condition_that_is_not_met_says_for_whom_the_mail_is_and_what_is_otherwise(stored, says):
    assert unmet(read(stored), ADA) == says


@pytest.mark.parametrize(
    ("stored", "nothing", "says"),
    [
        ({"kind": "stage", "one_of": ["New"]}, {"stage": None}, "Ada has no lead."),
        ({"kind": "background", "one_of": ["new"]}, {"background": None}, "nobody knows where Ada stands."),
        ({"kind": "replied"}, {"replied_at": None}, "Ada hasn't."),
    ],
)
def test_what_is_not_known_is_said_to_be_so(stored, nothing, says):
    assert str(unmet(read(stored), replace(ADA, **nothing))).endswith(f"and {says}")


@pytest.mark.parametrize("stored", [*MET, *(stored for stored, _ in NOT_MET)])
def test_a_condition_is_stored_as_it_was_read(stored):
    assert as_json(parse([stored])) == [stored]


def test_every_kind_is_among_these_tests():
    assert set(Condition.kinds) == {stored["kind"] for stored in [*MET, *(stored for stored, _ in NOT_MET)]}


def test_a_condition_is_told_as_a_clause_of_a_sentence():
    assert describe(read({"kind": "not_replied"}), TOPICS) == "they haven't replied"


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ({"kind": "weather"}, "There is no condition “weather”."),
        ({}, "There is no condition “None”."),
        ({"kind": "topic"}, "“topic” is incomplete or says too much (“one_of”)."),
        ({"kind": "replied", "since": "May"}, "“replied” is incomplete or says too much (“since”)."),
        ({"kind": "topic", "one_of": []}, "Choose at least one topic"),
        ({"kind": "topic", "one_of": "csm"}, "Choose at least one topic"),
        ({"kind": "stage", "one_of": [" "]}, "Choose at least one stage"),
        ({"kind": "tagged", "tag": ""}, "Choose at least one tag"),
        ({"kind": "tagged", "tag": 7}, "Choose at least one tag"),
        ({"kind": "background", "one_of": ["rich"]}, "There is no result of the pathway check “rich”."),
    ],
)
def test_what_is_no_condition_is_refused_with_a_sentence(stored, says):
    with pytest.raises(Refusal) as refused:
        parse([stored])
    assert says in str(refused.value)


def test_the_facts_are_those_of_the_moment(db, settings):
    submitted(db, settings, topic=Topic.CSM, consents=True)
    ada = contact_of(db)
    with db.write() as session:
        account_id = an_account(session).id
        session.add(ContactTag(contact_id=ada.id, tag="vip", account_id=account_id, at=clock.now()))
        known = {"background": Background.NEW, "background_source": BackgroundSource.STAFF}
        session.execute(update(Contact).values(**known))
        record(session, ada.id, ActivityKind.REPLY_RECEIVED, "Answered.", actor=Actor.VISITOR)
    with db.read() as session:
        run = session.scalars(select(Enrollment)).one()
        facts = facts_of(session, settings, [run])[run.id]
    assert (facts.name, facts.topic, facts.background) == ("Ada", Topic.CSM, Background.NEW)
    assert facts.tags == frozenset({"vip"})
    assert facts.stage == "New"
    assert facts.replied_at is not None

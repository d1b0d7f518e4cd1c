"""Topics are rows: renamed, ordered and archived, while what was written about them stays about them."""

import pytest
from sqlalchemy import delete, insert, select, text, update

from tests.conftest import on_sqlite
from tests.factories import a_submission, an_account, contact_of, messages, submitted
from tests.rooms.test_schema import refused
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.contacts import topic_editing as editing
from tpminstitute.contacts.models import InquiryTopic
from tpminstitute.contacts.topic_editing import TopicFacts, TopicProblem
from tpminstitute.contacts.topics import Topic, topics_of
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.models import Inquiry
from tpminstitute.inbox.submit import submit_inquiry
from tpminstitute.institute.service import version
from tpminstitute.mail.models import MessageKind
from tpminstitute.sequences.editing import set_start_rule
from tpminstitute.sequences.models import Enrollment, Sequence


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, "Alice", Role.ADMINISTRATOR).id


def added(db, alice, label="Evening courses", heading="Other"):
    with db.write() as session:
        return editing.add_topic(session, TopicFacts(label, heading), alice).key


def known(db):
    with db.read() as session:
        return topics_of(session)


def on_the_form(db):
    return [choice.label for choice in known(db).offered]


def test_a_new_topic_stands_before_something_else_and_can_be_written_about(db, settings, alice):
    key = added(db, alice)
    assert key == "own-evening-courses"
    assert on_the_form(db)[-2:] == ["Evening courses", "Something else"]
    submitted(db, settings, topic=key)
    [letter] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert "Evening courses" in letter.content.decode()


def test_each_change_makes_processes_read_again_and_is_on_record(db, alice):
    with db.read() as session:
        before = version(session)
    key = added(db, alice)
    with db.write() as session:
        editing.change_topic(session, key, 1, TopicFacts("Courses in the evening", "Other"), alice)
        editing.move_topic(session, key, -1, alice)
        editing.archive_topic(session, key, alice)
        editing.offer_topic(session, key, alice)
    with db.read() as session:
        assert version(session) == before + 5
        told = session.scalars(select(AuditEntry.subject).order_by(AuditEntry.id)).all()
    assert told[1] == "own-evening-courses, “Evening courses” to “Courses in the evening”"
    assert len(told) == 5


def test_a_run_begun_under_the_old_name_is_still_about_its_topic(db, settings, alice):
    with db.write() as session:
        set_start_rule(session, session.scalars(select(Sequence.id)).first() or 0, [Topic.CSM], alice)
    submitted(db, settings, topic=Topic.CSM, consents=True)
    with db.write() as session:
        editing.change_topic(session, Topic.CSM, 1, TopicFacts("Scrum Master", "Certifications"), alice)
    with db.read() as session:
        run = session.scalars(select(Enrollment)).one()
        assert run.topic == "Certified Scrum Master (CSM)"
        assert topics_of(session).key_of(run.topic) == topics_of(session).key_of("Scrum Master") == Topic.CSM


@on_sqlite
def test_the_name_that_a_topic_had_goes_to_no_other(db, alice):
    with db.write() as session:
        editing.change_topic(session, Topic.CSM, 1, TopicFacts("Scrum Master"), alice)
    with pytest.raises(TopicProblem, match="is or was called"):
        added(db, alice, "certified scrum master (csm)")


def test_a_page_opened_before_a_topic_was_archived_can_still_be_sent(db, settings, alice):
    letter = a_submission(topic=Topic.PMP)
    with db.write() as session:
        editing.archive_topic(session, Topic.PMP, alice)
    assert "Project Management Professional (PMP)" not in on_the_form(db)
    with db.write() as session:
        submit_inquiry(session, settings, letter)
    with db.read() as session:
        assert session.scalars(select(Inquiry.topic)).all() == [Topic.PMP]


@on_sqlite
def test_something_else_stays_on_the_form(db, alice):
    with pytest.raises(Refusal, match="stays on the form"), db.write() as session:
        editing.archive_topic(session, Topic.OTHER, alice)


@on_sqlite
def test_a_topic_moves_up_and_down_and_not_past_the_ends(db, alice):
    first, second = on_the_form(db)[:2]
    with db.write() as session:
        editing.move_topic(session, Topic.BECOMING_A_TPM, -1, alice)
        editing.move_topic(session, Topic.BECOMING_A_TPM, 1, alice)
    assert on_the_form(db)[:2] == [second, first]


@on_sqlite
def test_who_saves_a_stale_topic_reads_what_it_is_called_now(db, alice):
    with db.write() as session:
        editing.change_topic(session, Topic.CSM, 1, TopicFacts("Scrum Master"), alice)
    with pytest.raises(TopicProblem, match="to “Scrum Master” while"), db.write() as session:
        editing.change_topic(session, Topic.CSM, 1, TopicFacts("CSM"), alice)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (TopicFacts(" "), "label"),
        (TopicFacts("W" * 81), "label"),
        (TopicFacts("courses"), "label"),
        (TopicFacts("Evenings", "W" * 61), "heading"),
    ],
    ids=["empty", "too long", "taken", "long heading"],
)
@on_sqlite
def test_a_topic_that_cannot_be_is_refused_with_a_sentence_at_its_field(db, alice, facts, field):
    with pytest.raises(TopicProblem) as problem, db.write() as session:
        editing.add_topic(session, facts, alice)
    assert problem.value.field == field


def test_the_database_refuses_what_no_topic_may_be(db, settings):
    submitted(db, settings)
    contact_of(db)
    refused(db, update(Inquiry).values(topic="cooking"))
    refused(db, delete(InquiryTopic))
    refused(db, text("UPDATE topics SET archived_at = '2026-01-01 00:00:00' WHERE key = 'other'"))
    refused(db, insert(InquiryTopic).values(key="own-x", label="Courses", heading="", position=9, number=1))

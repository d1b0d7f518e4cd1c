"""What an earlier release stored is still there, and means the same, after an upgrade."""

import pytest
from alembic import command
from sqlalchemy import select, text

from tpminstitute.core.db import Database, _alembic_config, upgrade
from tpminstitute.lists.search import matching_ids
from tpminstitute.lists.search_upkeep import settle
from tpminstitute.sequences.models import (
    Enrollment,
    Sequence,
    SequenceStep,
    StepOutcome,
    StepRecord,
    WaitUnit,
)
from tpminstitute.sequences.versions import newest_version, steps_of

ADA = (
    "INSERT INTO contacts (id, public_id, email, email_key, name, phone_typed, first_seen_at) "
    "VALUES (1, 'ada', 'ada@example.org', 'ada@example.org', 'Ada', '', CURRENT_TIMESTAMP)"
)
RUN = (
    "INSERT INTO enrollments (contact_id, sequence_id, cause, status, reason, topic, next_position, next_due_at, "
    "started_at) VALUES (1, 1, 'inquiry:1', 'active', '', 'Courses', 2, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
)

MAIL = (
    "INSERT INTO messages (kind, contact_id, cause, dedupe_key, message_id, sender, recipient, recipient_key, "
    "recipient_domain, subject, content, status, reason, due_at, created_at, attempts, sent_at) "
    "VALUES ('follow_up', 1, "
    "'enrollment:1', 'enrollment:1:step:1', '<1@x>', 'info@x', 'ada@example.org', 'ada@example.org', 'example.org', "
    "'s', '', 'sent', '', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 1, CURRENT_TIMESTAMP)"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def db_of_release_2(request, tmp_path):
    """A database as the release before sequences were written down left it, with Ada in the middle of her run."""
    url = f"sqlite:///{tmp_path}/old.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").create_database("release_2")
    db = Database(url)
    with db._writing.begin() as connection:
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(text(ADA))
        connection.execute(text(RUN))
        connection.execute(text(MAIL))
    yield db
    db.close()
    if request.param == "postgresql":
        request.getfixturevalue("postgres_server").drop_database("release_2")


def test_a_run_goes_on_through_the_same_mails_after_an_upgrade(db_of_release_2):
    upgrade(db_of_release_2)
    with db_of_release_2.read() as session:
        run = session.scalars(select(Enrollment)).one()
        steps = session.scalars(
            select(SequenceStep).where(SequenceStep.version_id == run.version_id).order_by(SequenceStep.position)
        ).all()
    assert run.next_position == 2
    assert [(step.number, step.letter_key, step.wait_amount, step.wait_unit) for step in steps] == [
        (1, "follow-up-experience", 72, WaitUnit.HOURS),
        (2, "follow-up-certifications", 120, WaitUnit.HOURS),
        (3, "follow-up-skills", 144, WaitUnit.HOURS),
    ]


def test_the_starter_sequences_begin_for_nobody_who_was_there_before(db_of_release_2):
    upgrade(db_of_release_2)
    with db_of_release_2.read() as session:
        of_runs = select(Sequence.key).join(Enrollment, Enrollment.sequence_id == Sequence.id)
        assert session.scalars(of_runs).all() == ["pathway"]
        assert session.scalars(select(Sequence.key).where(Sequence.active)).all() == ["pathway"]


def test_the_first_sequence_still_begins_for_every_topic_after_an_upgrade(db_of_release_2):
    upgrade(db_of_release_2)
    with db_of_release_2.read() as session:
        first = session.scalars(select(Sequence).where(Sequence.key == "pathway")).one()
    assert len(first.starts_for) == 7
    assert (first.active, first.archived_at) == (True, None)


def test_a_new_run_gets_the_same_mails_at_decent_hours_after_an_upgrade(db_of_release_2):
    upgrade(db_of_release_2)
    with db_of_release_2.read() as session:
        steps = steps_of(session, newest_version(session, 1))
    assert [(step.number, step.letter_key, step.wait_amount, step.wait_unit) for step in steps] == [
        (1, "follow-up-experience", 3, WaitUnit.DAYS),
        (2, "follow-up-certifications", 5, WaitUnit.DAYS),
        (3, "follow-up-skills", 6, WaitUnit.DAYS),
    ]
    assert {(step.days, step.opens_minute, step.closes_minute) for step in steps} == {("12345", 9 * 60, 17 * 60)}


def test_a_mail_that_was_written_before_counts_for_its_step_after_an_upgrade(db_of_release_2):
    upgrade(db_of_release_2)
    with db_of_release_2.read() as session:
        kept = session.scalars(select(StepRecord)).one()
    assert (kept.enrollment_id, kept.number, kept.outcome) == (1, 1, StepOutcome.QUEUED)


def test_who_was_there_before_is_found_after_an_upgrade(db_of_release_2):
    upgrade(db_of_release_2)
    with db_of_release_2.read() as session:
        assert matching_ids(session, "ada", 10).ids == [1]
    assert settle(db_of_release_2) == 1
    with db_of_release_2.read() as session:
        assert matching_ids(session, "@example.org", 10).ids == [1]

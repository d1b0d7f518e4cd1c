"""The database refuses what the rules forbid, and is the one the models describe."""

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from tests.factories import an_account, contact_of, submitted
from tests.rooms.schema import differences
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.models import Consent, Contact
from tpminstitute.core import clock
from tpminstitute.core.db import Base
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.pipeline.models import Lead
from tpminstitute.sequences.models import Enrollment, SequenceStep, SequenceVersion
from tpminstitute.timeline.models import Activity


@pytest.fixture
def ada(db, settings):
    submitted(db, settings, consents=True)
    return contact_of(db)


def refused(db, statement):
    with pytest.raises(DBAPIError), db.write() as session:
        session.execute(statement)


def test_the_migrations_make_what_the_models_describe(db):
    assert differences(db) == []


def test_every_constraint_has_a_name():
    unnamed = [
        f"{table.name}: {constraint}"
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name is None
    ]
    assert unnamed == []


def test_a_second_contact_with_the_same_address_is_refused(db, ada):
    copy = {"email": ada.email, "email_key": ada.email_key, "name": "Copy", "phone_typed": ""}
    refused(db, insert(Contact).values(public_id="another", first_seen_at=clock.now(), **copy))


def test_a_second_open_lead_is_refused(db, ada):
    refused(db, insert(Lead).values(contact_id=ada.id, stage_id=1, opened_at=clock.now()))


def test_a_second_running_enrollment_is_refused(db, ada):
    with db.read() as session:
        first = session.query(Enrollment).one()
    again = {
        "contact_id": ada.id,
        "sequence_id": first.sequence_id,
        "version_id": 1,
        "cause": "x",
        "topic": "x",
        "reason": "",
    }
    refused(
        db,
        insert(Enrollment).values(
            status="active", next_position=1, next_due_at=clock.now(), started_at=clock.now(), **again
        ),
    )


def test_a_message_that_is_not_sent_must_say_why(db, ada):
    refused(db, update(Message).values(status=MessageStatus.FAILED, reason=""))


def test_a_message_is_leased_exactly_while_it_is_claimed(db, ada):
    refused(db, update(Message).values(status=MessageStatus.CLAIMED))
    refused(db, update(Message).values(lease_token="token", lease_until=clock.now()))


def test_an_unknown_state_is_refused(db, ada):
    refused(db, text("UPDATE inquiries SET state = 'lost in the post'"))


def test_an_empty_message_is_refused(db, ada):
    refused(db, update(Inquiry).values(message=""))


STEP = {
    "version_id": 1,
    "position": 9,
    "number": 9,
    "letter_key": "follow-up-skills",
    "wait_amount": 1,
    "wait_unit": "days",
    "days": "12345",
    "opens_minute": 9 * 60,
    "closes_minute": 17 * 60,
    "conditions": [],
    "topics": [],
}


def test_a_step_is_as_it_should_be(db):
    with db.write() as session:
        session.execute(insert(SequenceStep).values(STEP))


@pytest.mark.parametrize(
    "wrong",
    [
        {"wait_amount": -1},
        {"position": 0},
        {"position": 1},
        {"number": 1},
        {"days": ""},
        {"opens_minute": 17 * 60},
        {"closes_minute": 1441},
        {"letter_key": ""},
        {"version_id": 99},
    ],
    ids=str,
)
def test_a_step_that_could_never_be_taken_is_refused(db, wrong):
    refused(db, insert(SequenceStep).values(STEP | wrong))


def test_a_version_of_a_sequence_never_changes(db):
    refused(db, update(SequenceStep).values(wait_amount=1))
    refused(db, update(SequenceVersion).values(number=7))


def test_a_run_follows_a_version(db, ada):
    refused(db, text("UPDATE enrollments SET version_id = NULL"))
    refused(db, update(Enrollment).values(version_id=99))


def test_a_fact_on_the_timeline_never_changes(db, ada):
    refused(db, update(Activity).values(sentence="It never happened."))


def test_a_consent_never_changes(db, ada):
    refused(db, update(Consent).values(wording="I agree to everything."))


def test_the_audit_log_is_only_ever_added_to(db):
    with db.write() as session:
        alice = an_account(session)
        record_audit(session, "signed_in", "account 1", account_id=alice.id)
    refused(db, update(AuditEntry).values(action="nothing"))
    refused(db, delete(AuditEntry))


def test_a_contact_with_inquiries_cannot_vanish(db, ada):
    refused(db, delete(Contact))

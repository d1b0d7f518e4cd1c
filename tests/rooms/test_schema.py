"""The database refuses what the rules forbid, and is the one the models describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from tests.factories import an_account, contact_of, submitted
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.models import Consent, Contact
from tpminstitute.core import clock
from tpminstitute.core.db import Base
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.pipeline.models import Lead
from tpminstitute.sequences.models import Enrollment, Step
from tpminstitute.timeline.models import Activity


@pytest.fixture
def ada(db, settings):
    submitted(db, settings, consents=True)
    return contact_of(db)


def refused(db, statement):
    with pytest.raises(DBAPIError), db.write() as session:
        session.execute(statement)


def test_the_migrations_make_what_the_models_describe(db):
    with db.engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
        )
    assert differences == []


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
    again = {"contact_id": ada.id, "sequence_id": first.sequence_id, "cause": "x", "topic": "x", "reason": ""}
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


def test_a_negative_delay_is_refused(db):
    refused(db, update(Step).values(delay_hours=-1))


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

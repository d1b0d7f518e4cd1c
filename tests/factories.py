"""Plain factories and the people of the tests: Alice the advisor, Bob her colleague, Ada the prospective student."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.parts import lint
from tpminstitute.accounts.models import Account, Role
from tpminstitute.accounts.service import add_account
from tpminstitute.contacts import consent
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import Person
from tpminstitute.contacts.topics import SHIPPED
from tpminstitute.core import clock
from tpminstitute.core.config import Settings, load_settings
from tpminstitute.core.db import Base, Database
from tpminstitute.inbox.models import Inquiry, Topic
from tpminstitute.inbox.submit import Submission, submit_inquiry
from tpminstitute.mail.models import Message, Template, TemplateVersion
from tpminstitute.pipeline.endings import Ending
from tpminstitute.sequences.models import Enrollment, SequenceStep, SequenceVersion, WaitUnit
from tpminstitute.sequences.models import Sequence as Plan

ADA = "ada@example.org"
PASSWORD = "four unrelated words"
"""Of every staff account that a factory makes."""

PASSWORD_HASH = "$argon2id$v=19$m=64,t=1,p=1$PbMKWIb9xPMvL3ZNxP6lZQ$fmX9k17xoCwr7HeHjvPq0lRxxUglC9QFsWo7B/w9/ls"
"""Its hash, as cheap as argon2 can be."""
TOPICS, TOPIC_LABELS = SHIPPED, SHIPPED.labels
"""The topics that came with the service, for what asks no database."""

_numbers = itertools.count(1)


def make_settings(folder: Path, **fields: Any) -> Settings:
    """Return settings with a data folder of the test's own."""
    return load_settings(
        **({"public_url": "http://institute.test", "postal_address": lint.POSTAL_ADDRESS} | fields),
        data_dir=folder / "var",
    )


def a_submission(*, email: str = ADA, consents: bool = False, **fields: Any) -> Submission:
    """Return one filled-in contact form; each call is another form."""
    name = fields.pop("name", "Ada Lovelace")
    phone_typed, phone_e164 = fields.pop("phone", ("", None))
    person = Person(name, read_email(email), phone_typed, phone_e164, fields.pop("time_zone", ""))
    values: dict[str, Any] = {
        "form_key": f"form-{next(_numbers)}",
        "topic": Topic.BECOMING_A_TPM,
        "message": "How do I begin?",
        "wording": consent.CURRENT_WORDING if consents else None,
        "source_page": "/contact",
        "source_referrer": "",
    }
    submission = Submission(person=person, **(values | fields))
    lint.remember(name, phone_typed, submission.message)
    return submission


def submitted(db: Database, settings: Settings, **fields: Any) -> Inquiry:
    """Store one inquiry and return it as the database has it."""
    with db.write() as session:
        public_id = submit_inquiry(session, settings, a_submission(**fields))
    with db.read() as session:
        return session.scalars(select(Inquiry).where(Inquiry.public_id == public_id)).one()


def an_account(
    session: Session, name: str = "Alice", role: Role = Role.ADVISOR, password_hash: str = PASSWORD_HASH
) -> Account:
    """Add a staff account: `alice@tpminstitute.org` and the like."""
    return add_account(
        session, name=name, email=f"{name.lower()}@tpminstitute.org", password_hash=password_hash, role=role
    )


def store_letter(db: Database, account_id: int, key: str, number: int = 1, **parts: str) -> None:
    """Put a version into the table past every check, as an older release may have."""
    with db.write() as session:
        template_id = session.scalars(select(Template.id).where(Template.key == key)).one()
        texts = {"subject": "s", "preheader": "p", "body": "b", **parts}
        session.add(
            TemplateVersion(template_id=template_id, number=number, at=clock.now(), account_id=account_id, **texts)
        )


def count(db: Database, model: type[Base]) -> int:
    """Return how many rows a table has."""
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def messages(db: Database, **fields: Any) -> list[Message]:
    """Return the messages whose columns equal `fields`, oldest first."""
    with db.read() as session:
        return list(session.scalars(select(Message).filter_by(**fields).order_by(Message.id)))


def contact_of(db: Database, email: str = ADA) -> Contact:
    """Return the contact with that address."""
    with db.read() as session:
        return session.scalars(select(Contact).where(Contact.email_key == email)).one()


def statuses(db: Database) -> dict[str, str]:
    """Return each message's status by its dedupe key."""
    return {message.dedupe_key: message.status.value for message in messages(db)}


ENDING = Ending(lost_reason_id=1, course="Leading programs")
"""What is said when a lead is closed: why it was lost, or which course was won."""


def plan_pathway(db: Database, *, waits: Sequence[int] = (72, 120, 144), topics: Sequence[str] = ()) -> None:
    """Write a version of the first sequence, its steps `waits` hours apart and about `topics`; every run follows it."""
    version_id = plan_sequence(db, 1, waits=waits, topics=topics)
    with db.write() as session:
        session.execute(update(Enrollment).values(version_id=version_id))


def plan_sequence(db: Database, sequence_id: int, *, waits: Sequence[int], topics: Sequence[str] = ()) -> int:
    """Write a new version of a sequence, its steps `waits` hours apart at any hour; returns the version's id."""
    of_sequence = SequenceVersion.sequence_id == sequence_id
    with db.write() as session:
        number = session.scalar(select(func.max(SequenceVersion.number)).where(of_sequence))
        return _a_version(session, sequence_id, (number or 0) + 1, waits, topics)


def a_sequence(db: Database, key: str, *, waits: Sequence[int] = (72, 120), **fields: Any) -> int:
    """Add a sequence that is switched on, its steps `waits` hours apart at any hour; returns its id."""
    values = {"name": key, "active": True, "archived_at": None, "starts_for": [], "course_date_id": None, **fields}
    with db.write() as session:
        sequence = Plan(key=key, **values)
        session.add(sequence)
        session.flush()
        _a_version(session, sequence.id, 1, waits, ())
        return sequence.id


def plan_steps(db: Database, sequence_id: int, steps: Sequence[dict[str, Any]]) -> int:
    """Write a new version of a sequence, its steps mails at any hour but for what is said; returns the version's id."""
    of_sequence = SequenceVersion.sequence_id == sequence_id
    with db.write() as session:
        number = session.scalar(select(func.max(SequenceVersion.number)).where(of_sequence))
        return _version_of(session, sequence_id, (number or 0) + 1, steps)


def _a_version(session: Session, sequence_id: int, number: int, waits: Sequence[int], topics: Sequence[str]) -> int:
    steps = [{"wait_amount": hours, "topics": list(topics)} for hours in waits]
    return _version_of(session, sequence_id, number, steps)


def _version_of(session: Session, sequence_id: int, number: int, steps: Sequence[dict[str, Any]]) -> int:
    letters = ("follow-up-experience", "follow-up-certifications", "follow-up-skills")
    version = SequenceVersion(sequence_id=sequence_id, number=number, at=clock.now(), account_id=None)
    session.add(version)
    session.flush()
    for position, fields in enumerate(steps, start=1):
        usual = {
            "number": position,
            "letter_key": letters[(position - 1) % len(letters)],
            "wait_amount": 0,
            "wait_unit": WaitUnit.HOURS,
            "days": "1234567",
            "opens_minute": 0,
            "closes_minute": 1440,
            "conditions": [],
            "topics": [],
        }
        session.add(SequenceStep(version_id=version.id, position=position, **(usual | fields)))
    session.flush()
    return version.id


def open_at_all_hours(db: Database) -> None:
    """Let the first sequence's mails go at any hour again, as in its first version: a test runs at night as well."""
    with db.write() as session:
        first = session.scalars(select(SequenceStep).where(SequenceStep.version_id == 1)).all()
        version = SequenceVersion(sequence_id=1, number=3, at=clock.now(), account_id=None)
        session.add(version)
        session.flush()
        for step in first:
            values = {column.name: getattr(step, column.name) for column in SequenceStep.__table__.columns}
            session.add(SequenceStep(**(values | {"id": None, "version_id": version.id})))

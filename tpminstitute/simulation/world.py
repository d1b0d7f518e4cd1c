"""A throw-away database, and what is copied into it of the live one, which is only read.

What runs in it is the real runner, delivery and inbox, which find there what they find in the live database: the
plans, letters, holidays and courses, and of one contact everything that decides about mails.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import ColumnElement, Table, insert, or_, select, true
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Consent, Contact, ContactAddress, ContactTag, InquiryTopic, TopicLabel
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Base, Database
from tpminstitute.inbox.models import BroughtAlong, Conversation, Inquiry, ReceivedMail
from tpminstitute.mail.models import MailControl, Message, Suppression, Template, TemplateVersion
from tpminstitute.pipeline.models import Lead, Stage
from tpminstitute.sequences.models import (
    Course,
    CourseDate,
    Enrollment,
    EnrollmentPause,
    FollowUpDraft,
    FollowUpWish,
    Holiday,
    Sequence,
    SequenceStep,
    SequenceVersion,
    StepRecord,
)
from tpminstitute.timeline.models import Activity

PLAN = (
    InquiryTopic,
    TopicLabel,
    Stage,
    Course,
    CourseDate,
    Holiday,
    Template,
    TemplateVersion,
    Sequence,
    SequenceVersion,
    SequenceStep,
)
"""Copied whole, each after what it refers to."""

OF_CONTACT: tuple[Any, ...] = (
    ContactAddress,
    ContactTag,
    Consent,
    FollowUpWish,
    Lead,
    Inquiry,
    Message,
    Enrollment,
    Conversation,
    Activity,
)
OF_RUN: tuple[Any, ...] = (EnrollmentPause, StepRecord, FollowUpDraft)


@contextmanager
def throw_away(like: Path | None = None) -> Iterator[Database]:
    """Yield a database that is gone afterwards, with every table; mail in it is let out.

    Parameters: `like`, the file of another one to begin with; by default it is empty.
    """
    with TemporaryDirectory(prefix="tpm-simulation-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "world.db"
        if like is not None:
            copyfile(like, file)
        world = Database(f"sqlite:///{file}", durable=False)
        try:
            if like is None:
                _make(world)
            yield world
        finally:
            world.close()


def _make(world: Database) -> None:
    with world.write() as session:
        Base.metadata.create_all(session.connection())
        session.add(MailControl(id=1, held=False, reason="", since=clock.now()))


def simulated(settings: Settings) -> Settings:
    """Return the settings for a simulation.

    The links in its mails open nothing, mails aren't signed (DKIM), and a minute holds as many as are due in it.
    """
    changed = {"secret_key": tokens.secret(), "dkim_key": "", "mail_rate": 0, "mail_domain_rate": 0}
    return settings.model_copy(update=changed)


@contextmanager
def one_state_of(db: Database) -> Iterator[Session]:
    """Yield a session that reads the live database as it is at one moment, however long it reads."""
    with db.read() as session:
        if not db.is_sqlite:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        yield session


def copy_plan(live: Session, world: Session) -> None:
    """Copy what the follow-ups are made of, and who may make them: names of staff, and nothing that opens a door."""
    for row in live.execute(select(Account.__table__)).mappings():
        closed = {"password": "-", "fs_uniquifier": tokens.public_id()}
        world.execute(insert(Account), {**row, **closed})
    for model in PLAN:
        _copy(live, world, model, true())


def copy_contact(live: Session, world: Session, contact_id: int) -> None:
    """Copy a contact with all that decides about mails to them: wishes, tags, consent, runs, what they got and said."""
    _copy(live, world, Contact, Contact.id == contact_id)
    keys = select(Contact.email_key).where(Contact.id == contact_id)
    further = select(ContactAddress.email_key).where(ContactAddress.contact_id == contact_id)
    _copy(live, world, Suppression, or_(Suppression.email_key.in_(keys), Suppression.email_key.in_(further)))
    for model in OF_CONTACT:
        _copy(live, world, model, model.contact_id == contact_id)
    theirs = select(Inquiry.id).where(Inquiry.contact_id == contact_id)
    _copy(live, world, BroughtAlong, BroughtAlong.inquiry_id.in_(theirs))
    # A mail may have answered one that went to somebody else, who isn't there.
    _copy(live, world, ReceivedMail, ReceivedMail.contact_id == contact_id, {"answers_id": None})
    runs = select(Enrollment.id).where(Enrollment.contact_id == contact_id)
    for model in OF_RUN:
        _copy(live, world, model, model.enrollment_id.in_(runs))


def _copy(
    live: Session,
    world: Session,
    model: type[Base],
    which: ColumnElement[bool],
    instead: Mapping[str, Any] | None = None,
) -> None:
    table = model.__table__
    assert isinstance(table, Table)
    keys = list(table.primary_key)
    rows = live.execute(select(table).where(which).order_by(*keys)).mappings()
    values = [{**row, **(instead or {})} for row in rows]
    if values:
        world.execute(insert(table), values)

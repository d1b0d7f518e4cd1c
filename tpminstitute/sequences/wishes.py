"""What people wish of their follow-ups beside leaving them: fewer, only their topic, a pause.

A wish is kept once and looked at by whatever plans a mail: `enroll`, the runner, and `wish` itself, which plans the
running follow-ups anew from what was sent so far, so that going back to the usual restores the usual times.
"""

from collections.abc import Sequence as Row
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.mail import outbox
from tpminstitute.mail.models import Message
from tpminstitute.sequences import mails
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, FollowUpWish, Pace, SequenceStep
from tpminstitute.sequences.planning import Reader, plan_through, reader_of
from tpminstitute.sequences.versions import step_key, steps_of
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

PAUSE = timedelta(days=30)
"""The month that a pause lasts, where nothing else is said."""

LONGEST_PAUSE = timedelta(days=366)
"""How far ahead a pause may end."""


class Wish(StrEnum):
    """What somebody may choose; `USUAL` takes back the other three."""

    LESS_OFTEN = "less_often"
    ONLY_TOPIC = "only_topic"
    PAUSE = "pause"
    USUAL = "usual"


_KEPT = (
    select(FollowUpWish)
    .where(FollowUpWish.contact_id == bindparam("contact"))
    .execution_options(populate_existing=True)
)


def wishes_of(session: Session, contact_id: int) -> FollowUpWish | None:
    """Return what holds for a contact now, or None when it is all as usual."""
    kept = session.scalar(_KEPT, {"contact": contact_id})
    if kept is None or not (kept.pace is Pace.LESS_OFTEN or kept.only_topic or pause_end(kept)):
        return None
    return kept


def pause_end(kept: FollowUpWish | None) -> datetime | None:
    """Return until when somebody wants no follow-up, or None when there is no pause."""
    if kept is None or kept.paused_until is None or kept.paused_until <= clock.now():
        return None
    return kept.paused_until


def left_out(reader: Reader, topic: str, step: SequenceStep) -> bool:
    """Return whether a step is about something else than the one topic its reader wants to hear of.

    Parameters: `topic`, what they wrote about, in words.
    A step without topics is about all of them.
    """
    about_it = not step.topics or reader.topics.key_of(topic) in step.topics
    return reader.only_topic and not about_it


def off_topic(run: Enrollment) -> str:
    """Return why a mail isn't for a reader who asked for their own topic only, as a sentence."""
    return f"The person asked for mails about “{run.topic}” only, and it is about something else."


def pause_until(session: Session, settings: Settings, contact: Contact, until: datetime) -> None:
    """Let no follow-up come before `until`, whatever pause was wished before, and plan the running ones by it.

    Raises `Refusal` for a moment that isn't ahead, or further than `LONGEST_PAUSE`.
    """
    if not clock.now() < until <= clock.now() + LONGEST_PAUSE:
        raise Refusal("Choose a day from tomorrow to a year ahead. Nothing was changed.")
    lock(session, contact)
    kept = _keep(session, contact.id, wishes_of(session, contact.id), Wish.PAUSE, until)
    record(session, contact.id, ActivityKind.WISH_CHANGED, _sentence(Wish.PAUSE, kept), actor=Actor.VISITOR)
    _plan_anew(session, settings, contact.id)


def wish(session: Session, settings: Settings, contact: Contact, what: Wish) -> bool:
    """Keep a wish and plan the running follow-ups by it; returns False when it held already.

    Mails already written that go against it don't go: one about another topic is cancelled, one that a pause keeps
    back is taken back and written anew after it, since it would arrive with an old date and old words.
    """
    lock(session, contact)
    before = wishes_of(session, contact.id)
    if _holds(before, what):
        return False
    kept = _keep(session, contact.id, before, what)
    record(session, contact.id, ActivityKind.WISH_CHANGED, _sentence(what, kept), actor=Actor.VISITOR)
    _plan_anew(session, settings, contact.id)
    return True


def lock(session: Session, contact: Contact) -> None:
    """Hold a contact's row: two clicks at once come one after the other, and an inquiry that would enroll waits.

    The row's key stays free, since a tick that holds a run refers to it; waiting for each other would be a deadlock.
    """
    session.execute(select(Contact.id).where(Contact.id == contact.id).with_for_update(key_share=True))


def _holds(kept: FollowUpWish | None, what: Wish) -> bool:
    if kept is None:
        return what is Wish.USUAL
    match what:
        case Wish.LESS_OFTEN:
            return kept.pace is Pace.LESS_OFTEN
        case Wish.ONLY_TOPIC:
            return kept.only_topic
        case Wish.PAUSE:
            return pause_end(kept) is not None
        case Wish.USUAL:
            return False


def _keep(
    session: Session, contact_id: int, before: FollowUpWish | None, what: Wish, until: datetime | None = None
) -> FollowUpWish:
    usual = before is None or what is Wish.USUAL
    values = {
        "pace": Pace.USUAL if before is None or usual else before.pace,
        "only_topic": False if before is None or usual else before.only_topic,
        "paused_until": None if before is None or usual else before.paused_until,
        "at": clock.now(),
    }
    match what:
        case Wish.LESS_OFTEN:
            values["pace"] = Pace.LESS_OFTEN
        case Wish.ONLY_TOPIC:
            values["only_topic"] = True
        case Wish.PAUSE:
            values["paused_until"] = until or clock.now() + PAUSE
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return session.scalars(
        insert(FollowUpWish)
        .values(contact_id=contact_id, **values)
        .on_conflict_do_update(index_elements=["contact_id"], set_=values)
        .returning(FollowUpWish)
        .execution_options(populate_existing=True)
    ).one()


def _sentence(what: Wish, kept: FollowUpWish) -> str:
    match what:
        case Wish.LESS_OFTEN:
            return "Asked for follow-ups less often: they come after twice the usual time."
        case Wish.ONLY_TOPIC:
            return "Asked for follow-ups about their own topic only."
        case Wish.PAUSE:
            return f"Asked for no follow-ups until {kept.paused_until:%-d %b %Y}."
        case Wish.USUAL:
            return "Asked for follow-ups as usual again."


def _plan_anew(session: Session, settings: Settings, contact_id: int) -> None:
    """First the runs, then, in the next statements, their mails: the other way round, a race leaves a mail queued."""
    runs = session.scalars(
        select(Enrollment)
        .where(Enrollment.contact_id == contact_id)
        .order_by(Enrollment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for run in runs:
        reader = reader_of(session, settings, contact_id, run.sequence_id)
        steps = steps_of(session, run.version_id)
        if reader.paused_until is None:
            _cancel_off_topic(session, run, steps, reader)
        elif run.status is not EnrollmentStatus.STOPPED:
            _take_back(session, run, reader.paused_until)
        if run.status is EnrollmentStatus.ACTIVE:
            run.next_due_at = _due_again(run, steps, _written(session, run, steps), reader)


def _written(session: Session, run: Enrollment, steps: Row[SequenceStep]) -> dict[int, datetime]:
    """Return when the mails of a run were written, by the positions of their steps."""
    positions = {step_key(run.id, step.number): step.position for step in steps}
    mails = session.execute(select(Message.dedupe_key, Message.created_at).where(Message.dedupe_key.in_(positions)))
    return {positions[key]: at for key, at in mails}


def _due_again(run: Enrollment, steps: Row[SequenceStep], written: dict[int, datetime], reader: Reader) -> datetime:
    """Return when a run's next mail is due, counted from its last mail (or its start) through whatever was left out.

    A mail of the next step itself, written before the run came back to it, is none of those that went before.
    """
    before = [position for position in written if position < run.next_position]
    last = max(before, default=0)
    since = written[last] if before else run.started_at
    return plan_through([step for step in steps if last < step.position <= run.next_position], since, reader).at


def _take_back(session: Session, run: Enrollment, until: datetime) -> None:
    """Let a run whose mail is written and not sent yet come back to that mail's step; it may have been its last one."""
    back = mails.take_back(session, run, f"The person asked for no follow-ups until {until:%-d %b %Y}.")
    if back is not None:
        run.next_position = back.position
        if run.status is EnrollmentStatus.FINISHED:
            run.status, run.next_due_at, run.ended_at = EnrollmentStatus.ACTIVE, until, None
        session.flush()


def _cancel_off_topic(session: Session, run: Enrollment, steps: Row[SequenceStep], reader: Reader) -> None:
    keys = [step_key(run.id, step.number) for step in steps if left_out(reader, run.topic, step)]
    outbox.cancel(session, f"enrollment:{run.id}", off_topic(run), keys)

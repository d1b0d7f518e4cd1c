"""Whatever happens in whatever order, the follow-ups keep their promises: the real runner, real rows, any history.

Hypothesis makes up the histories: inquiries, ticks (two schedulers at once, one that is weeks late), replies, opt-outs,
wishes, pauses, a person who was in touch, moves to other time zones, edits, holidays, and clocks that are set back.
"""

import shutil
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import time_machine
from hypothesis import Phase
from hypothesis import settings as effort
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, select, update

from tests.factories import a_sequence, an_account, plan_steps, submitted
from tests.rooms.post import ACCEPTED, Post
from tpminstitute.contacts import consent
from tpminstitute.contacts.models import Contact, ZoneSource
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import opt_out
from tpminstitute.inbox.models import Topic
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.transport import Answer
from tpminstitute.sequences.enrolling import begin_by_hand
from tpminstitute.sequences.frequency import AUTOMATIC, COUNTED
from tpminstitute.sequences.models import (
    Enrollment,
    EnrollmentStatus,
    Holiday,
    Sequence,
    SequenceStep,
    StepRecord,
)
from tpminstitute.sequences.pauses import ask_first, pause_for_contact, resume_for_contact
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.sequences.wishes import Wish, wish

STEPS = 25
BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday, so that the clocks of both continents are changed within the weeks after it."""

ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "Gone/Away", None)
WINDOWS = (
    {"days": "1234567", "opens_minute": 0, "closes_minute": 1440},
    {"days": "12345", "opens_minute": 9 * 60, "closes_minute": 17 * 60},
    {"days": "67", "opens_minute": 2 * 60, "closes_minute": 3 * 60},
    {"days": "2", "opens_minute": 23 * 60, "closes_minute": 1440},
)
readers = st.integers(0, 2)
plans = st.lists(
    st.builds(
        lambda amount, unit, window, conditions: {
            "wait_amount": amount,
            "wait_unit": unit,
            **window,
            "conditions": conditions,
        },
        st.sampled_from([0, 1, 1, 2, 2, 3, 20]),
        st.sampled_from(["hours", "hours", "working_days", "days"]),
        st.sampled_from([*WINDOWS[:1] * 5, *WINDOWS]),
        st.sampled_from([[], [], [], [], [{"kind": "not_replied"}], [{"kind": "topic", "one_of": ["csm"]}]]),
    ),
    min_size=2,
    max_size=4,
)


class Patient(Post):
    """A mail server that takes mails that waited for weeks as well; all others are read by the lint elsewhere."""

    def hand_over(self, content: bytes) -> Answer:
        return ACCEPTED


class FollowUps(RuleBasedStateMachine):
    """A world of three readers and two sequences, whose promises are looked at after each thing that happens."""

    def __init__(self, open_database: Callable[[], Database], settings: Settings) -> None:
        super().__init__()
        self.db, self.settings = open_database(), settings
        self.clockwork = time_machine.travel(BEGAN, tick=False)
        self.time = self.clockwork.start()
        with self.db.write() as session:
            self.account_id = an_account(session).id
        self.special = a_sequence(self.db, "special")
        self.stopped: dict[int, int] = {}

    def teardown(self) -> None:
        self.clockwork.stop()
        self.db.close()

    # --- what happens ---

    @initialize(plan=plans, special=plans)
    def they_are_planned(self, plan, special):
        plan_steps(self.db, 1, plan)
        plan_steps(self.db, self.special, special)
        submitted(self.db, self.settings, email=email_of(0), consents=True)
        self.alice_begins_another_sequence(0)

    @rule(reader=readers, topic=st.sampled_from([Topic.CSM, Topic.COURSES]))
    def somebody_inquires(self, reader, topic):
        submitted(self.db, self.settings, email=email_of(reader), topic=topic, consents=True)

    @rule(reader=readers)
    def alice_begins_another_sequence(self, reader):
        with self.db.write() as session:
            sequence = session.get_one(Sequence, self.special)
            self._about(
                session,
                reader,
                lambda c: begin_by_hand(session, self.settings, c.id, "Courses", sequence, self.account_id),
            )

    @rule(days=st.integers(1, 40))
    def the_scheduler_is_days_late(self, days):
        self.time.shift(timedelta(days=days))
        self._tick()
        self._tick()

    @rule(minutes=st.integers(1, 300))
    def the_clock_is_set_back(self, minutes):
        self.time.shift(timedelta(minutes=-minutes))
        self._tick()

    @rule(hours=st.integers(1, 100))
    def two_schedulers_tick_at_once(self, hours):
        self.time.shift(timedelta(hours=hours))
        before = self._follow_ups()
        both = [threading.Thread(target=run_due, args=(self.db, self.settings)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        self._look_at_new(before)

    @rule()
    def the_mails_go_out(self):
        deliver(self.db, Patient(), self.settings)

    @rule(reader=readers)
    def somebody_replies(self, reader):
        self._write(reader, lambda session, contact: stop_for_contact(session, contact.id, "They answered."))
        self._note_stopped()

    @rule(reader=readers)
    def somebody_unsubscribes(self, reader):
        self._write(reader, lambda session, contact: opt_out.opt_out(session, contact))
        self._note_stopped()

    @rule(reader=readers)
    def somebody_comes_back(self, reader):
        words = consent.CURRENT_WORDING
        self._write(reader, lambda session, contact: opt_out.come_back(session, self.settings, contact, words))
        self._note_stopped()

    @rule(reader=readers, what=st.sampled_from(list(Wish)))
    def somebody_wishes(self, reader, what):
        self._write(reader, lambda session, contact: wish(session, self.settings, contact, what))

    @rule(reader=readers, days=st.integers(1, 30))
    def somebody_is_away(self, reader, days):
        until = clock.now() + timedelta(days=days)
        self._write(reader, lambda session, contact: pause_for_contact(session, contact.id, "They are away.", until))

    @rule(reader=readers)
    def bob_writes_to_somebody(self, reader):
        self._write(
            reader, lambda session, contact: ask_first(session, self.settings, contact.id, "Bob wrote to them.")
        )

    @rule(reader=readers)
    def alice_lets_them_go_on(self, reader):
        self._write(reader, lambda session, contact: resume_for_contact(session, contact.id, self.account_id))

    @rule(reader=readers, zone=st.sampled_from(ZONES))
    def somebody_moves(self, reader, zone):
        source = ZoneSource.STAFF if zone else None
        values = {"time_zone": zone, "time_zone_source": source}
        whose = Contact.id
        self._write(reader, lambda s, contact: s.execute(update(Contact).where(whose == contact.id).values(**values)))

    @rule(plan=plans, back=st.integers(0, 1))
    def alice_edits_and_moves_everybody_over(self, plan, back):
        """Some come to stand before a mail that they have had."""
        version_id, position = plan_steps(self.db, 1, plan), Enrollment.next_position
        with self.db.write() as session:
            moved = position <= len(plan), position > back, Enrollment.sequence_id == 1
            values = {"version_id": version_id, "next_position": position - back}
            session.execute(update(Enrollment).where(*moved).values(**values))

    @rule(days=st.integers(0, 20))
    def a_holiday_is_added(self, days):
        with self.db.write() as session:
            session.merge(Holiday(day=(clock.now() + timedelta(days=days)).date(), name="A day off"))

    @invariant()
    def some_hours_go_by_and_the_scheduler_ticks(self):
        self.time.shift(timedelta(hours=7))
        self._tick()

    # --- what holds ---

    @invariant()
    def after_a_stop_nothing_is_written_and_nothing_waits_to_go_out(self):
        with self.db.read() as session:
            for run in session.scalars(select(Enrollment).where(Enrollment.status == EnrollmentStatus.STOPPED)):
                mails = session.scalars(select(Message).where(Message.cause == f"enrollment:{run.id}")).all()
                assert {mail.status for mail in mails} <= {MessageStatus.SENT, MessageStatus.CANCELLED}
                assert len(mails) == self.stopped.get(run.id, len(mails)), "a mail was written after the stop"

    @invariant()
    def no_step_is_written_twice_and_the_order_is_kept(self):
        for run_id, mails in self._by_run().items():
            numbers = [number_of(mail) for mail in mails if mail.status is not MessageStatus.CANCELLED]
            assert numbers == sorted(set(numbers)), f"run {run_id} got its steps as {numbers}"

    @invariant()
    def every_mail_is_explained_by_one_record_and_every_record_is_a_sentence(self):
        written = {(run_id, number_of(mail)) for run_id, mails in self._by_run().items() for mail in mails}
        with self.db.read() as session:
            records = session.scalars(select(StepRecord)).all()
        queued = Counter((record.enrollment_id, record.number) for record in records if record.outcome == "queued")
        assert dict(queued) == dict.fromkeys(written, 1)
        for record in records:
            assert record.sentence[0].isupper()
            assert record.sentence.endswith((".", "”"))

    # --- how it is looked at ---

    def _tick(self) -> None:
        before = self._follow_ups()
        run_due(self.db, self.settings)
        self._look_at_new(before)

    def _look_at_new(self, before: dict[int, Message]) -> None:
        new = [mail for number, mail in self._follow_ups().items() if number not in before]
        runs = [mail.cause for mail in new]
        assert len(runs) == len(set(runs)), "two mails of one run were written in the same tick"
        for mail in new:
            self._look_at_its_time(mail)
            assert mail.contact_id is not None
            self._look_at_how_many(mail.contact_id)

    def _look_at_its_time(self, mail: Message) -> None:
        """By hand, not by the product's own calendar: a weekday, an hour, no holiday, the first of two equal hours."""
        with self.db.read() as session:
            run = session.get_one(Enrollment, int(mail.cause.partition(":")[2]))
            name = session.get_one(Contact, mail.contact_id).time_zone
            holidays = set(session.scalars(select(Holiday.day)))
            step = session.scalars(
                select(SequenceStep).where(
                    SequenceStep.version_id == run.version_id, SequenceStep.number == number_of(mail)
                )
            ).one()
        zone = self.settings.institute_zone if name in (None, "Gone/Away") else ZoneInfo(str(name))
        local = mail.created_at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        assert str(local.isoweekday()) in step.days, f"{local} is none of {step.days}"
        assert step.opens_minute <= minute < step.closes_minute, f"{local} is outside its window"
        assert local.date() not in holidays
        assert not local.fold

    def _look_at_how_many(self, contact_id: int) -> None:
        since = clock.now() - timedelta(days=self.settings.follow_up_days)
        with self.db.read() as session:
            mails = session.scalars(
                select(Message).where(
                    Message.contact_id == contact_id, Message.kind.in_(AUTOMATIC), Message.status.in_(COUNTED)
                )
            ).all()
        lately = [mail for mail in mails if (mail.sent_at or mail.created_at) > since]
        assert len(lately) <= self.settings.follow_up_most, f"{len(lately)} automatic mails within a week"

    def _follow_ups(self) -> dict[int, Message]:
        with self.db.read() as session:
            mails = session.scalars(select(Message).where(Message.kind == MessageKind.FOLLOW_UP).order_by(Message.id))
            return {mail.id: mail for mail in mails}

    def _by_run(self) -> dict[int, list[Message]]:
        found: dict[int, list[Message]] = {}
        for mail in self._follow_ups().values():
            found.setdefault(int(mail.cause.partition(":")[2]), []).append(mail)
        return found

    def _note_stopped(self) -> None:
        """Remember how many mails each stopped run has had; of one that goes on again, nothing."""
        mails = self._by_run()
        with self.db.read() as session:
            stopped = session.scalars(select(Enrollment.id).where(Enrollment.status == EnrollmentStatus.STOPPED)).all()
        self.stopped = {run_id: self.stopped.get(run_id, len(mails.get(run_id, []))) for run_id in stopped}

    def _write(self, reader, what) -> None:
        with self.db.write() as session:
            self._about(session, reader, lambda contact: what(session, contact))

    def _about(self, session, reader, what) -> None:
        contact = session.scalar(select(Contact).where(Contact.email_key == email_of(reader)))
        if contact is None:
            return
        try:
            what(contact)
        except Refusal:
            session.rollback()  # it is said why; nothing was changed


def email_of(reader: int) -> str:
    return f"reader{reader}@example.org"


def number_of(mail: Message) -> int:
    return int(mail.dedupe_key.split(":")[3])


def promised(open_database: Callable[[], Database], settings: Settings, histories: int) -> None:
    """Let histories happen; raises with one that breaks a promise."""

    class History(FollowUps):
        def __init__(self) -> None:
            super().__init__(open_database, settings)

    run_state_machine_as_test(
        History,
        settings=effort(
            max_examples=histories,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            # A history is not made shorter: with a database under it, that takes minutes.
            phases=[Phase.generate],
        ),
    )


def test_no_history_breaks_a_promise_on_sqlite(sqlite_file, settings, tmp_path):
    path, pristine = sqlite_file, tmp_path / "pristine.db"
    shutil.copyfile(path, pristine)

    db = Database(f"sqlite:///{path}")  # one engine: it keeps what it compiled from one history to the next
    # Histories need not survive a power cut, and waiting for the disk would be most of their time.
    event.listen(db.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF").close())

    def fresh() -> Database:
        for old in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            old.unlink(missing_ok=True)
        shutil.copyfile(pristine, path)
        return db

    promised(fresh, settings, histories=12)


def test_no_history_breaks_a_promise_on_postgresql(postgres_url, settings, request):
    database = request.getfixturevalue("_postgres_database")

    db = Database(postgres_url)

    def fresh() -> Database:
        database.restore()
        return db

    promised(fresh, settings, histories=2)

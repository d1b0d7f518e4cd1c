"""What people wish of their follow-ups beside leaving them, and the way back."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import (
    ADA,
    TOPIC_LABELS,
    TOPICS,
    an_account,
    contact_of,
    messages,
    plan_pathway,
    store_letter,
    submitted,
)
from tests.rooms.post import Post
from tpminstitute.contacts import consent
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import opt_out
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, StepOutcome, StepRecord
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.wishes import PAUSE, Wish, wish, wishes_of
from tpminstitute.timeline.models import Activity, ActivityKind

DAY = timedelta(days=1)


@pytest.fixture
def begun(db, settings):
    """Ada agreed to follow-ups just now; the clock stands still but for what a test shifts."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as clockwork:
        submitted(db, settings, consents=True)
        yield clockwork


@pytest.fixture
def every_topic(db):
    """Each step is about everything, so that only time decides."""
    plan_pathway(db)


def wished(db, settings, what):
    with db.write() as session:
        return wish(session, settings, contact_of(db), what)


def run(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def follow_ups(db):
    return messages(db, kind=MessageKind.FOLLOW_UP)


def said(db, kind):
    with db.read() as session:
        return list(session.scalars(select(Activity.sentence).where(Activity.kind == kind).order_by(Activity.id)))


def sent_on_days(db, settings, clockwork, days=80):
    """Let the days pass; returns on which of them a follow-up was written."""
    start = clock.now()
    on: list[int] = []
    for _ in range(days):
        run_due(db, settings)
        on += [(clock.now() - start).days] * (len(follow_ups(db)) - len(on))
        clockwork.shift(DAY)
    return on


def in_a_race(one, other):
    start = threading.Barrier(2)

    def begin(what):
        start.wait()
        what()

    both = [threading.Thread(target=begin, args=(what,)) for what in (one, other)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()


# --- less often --------------------------------------------------------------------------------------------


def test_less_often_doubles_the_waiting_times(db, settings, begun, every_topic):
    wished(db, settings, Wish.LESS_OFTEN)
    assert sent_on_days(db, settings, begun) == [6, 16, 28]


def test_less_often_doubles_the_waiting_time_that_runs_now(db, settings, begun, every_topic):
    begun.shift(3 * DAY)
    run_due(db, settings)
    begun.shift(2 * DAY)
    wished(db, settings, Wish.LESS_OFTEN)
    assert run(db).next_due_at == clock.now() + 8 * DAY


def test_back_to_the_usual_restores_the_usual_time(db, settings, begun):
    usual = run(db).next_due_at
    wished(db, settings, Wish.LESS_OFTEN)
    wished(db, settings, Wish.PAUSE)
    wished(db, settings, Wish.USUAL)
    assert run(db).next_due_at == usual


# --- a pause -----------------------------------------------------------------------------------------------


def test_nothing_is_written_during_a_pause_and_it_goes_on_after_it(db, settings, begun, every_topic):
    wished(db, settings, Wish.PAUSE)
    assert run(db).next_due_at == clock.now() + PAUSE
    assert sent_on_days(db, settings, begun) == [30, 35, 41]


def test_a_pause_that_ends_before_the_next_mail_moves_nothing(db, settings, begun):
    plan_pathway(db, waits=[24 * 90])
    wished(db, settings, Wish.PAUSE)
    assert run(db).next_due_at == clock.now() + 90 * DAY


def test_a_mail_that_waited_already_is_taken_back_by_a_pause_and_says_so(db, settings, begun):
    begun.shift(3 * DAY)
    run_due(db, settings)
    wished(db, settings, Wish.PAUSE)
    (mail,) = follow_ups(db)
    assert mail.status is MessageStatus.CANCELLED
    assert "no follow-ups until" in mail.reason
    with db.read() as session:
        written, back = session.scalars(select(StepRecord).order_by(StepRecord.id))
    assert (written.outcome, back.outcome) == (StepOutcome.QUEUED, StepOutcome.HELD)
    assert "taken back before it went out. The person asked for no follow-ups until" in back.sentence


def test_what_a_pause_took_back_comes_after_it_in_the_words_of_then_and_nothing_is_lost(
    db, settings, begun, every_topic
):
    begun.shift(3 * DAY)
    run_due(db, settings)
    wished(db, settings, Wish.PAUSE)
    begun.shift(DAY)
    with db.write() as session:
        alice = an_account(session).id
    for letter in ("follow-up-skills", "follow-up-experience", "follow-up-certifications"):
        store_letter(db, alice, letter, subject="New words", body="New words.")
    assert sent_on_days(db, settings, begun) == [0, 29, 34, 40]  # 0: the one that was taken back
    assert [mail.subject for mail in follow_ups(db)[1:]] == ["New words"] * 3
    assert follow_ups(db)[1].dedupe_key == f"enrollment:{run(db).id}:step:1"


def test_the_last_mail_of_a_run_that_was_through_already_comes_after_a_pause_too(db, settings, begun):
    plan_pathway(db, waits=[72])
    begun.shift(3 * DAY)
    run_due(db, settings)
    assert run(db).status is EnrollmentStatus.FINISHED
    wished(db, settings, Wish.PAUSE)
    assert (run(db).status, run(db).next_due_at) == (EnrollmentStatus.ACTIVE, clock.now() + PAUSE)
    assert sent_on_days(db, settings, begun) == [0, 30]
    assert run(db).status is EnrollmentStatus.FINISHED


def test_a_pause_that_is_lifted_lets_what_it_took_back_come_at_once(db, settings, begun, every_topic):
    begun.shift(3 * DAY)
    run_due(db, settings)
    wished(db, settings, Wish.PAUSE)
    wished(db, settings, Wish.USUAL)
    run_due(db, settings)
    assert [mail.status for mail in follow_ups(db)] == [MessageStatus.CANCELLED, MessageStatus.QUEUED]


def test_a_mail_that_is_out_already_is_not_written_again_by_a_pause(db, settings, begun, every_topic):
    begun.shift(3 * DAY)
    run_due(db, settings)
    deliver(db, Post(), settings)
    wished(db, settings, Wish.PAUSE)
    assert sent_on_days(db, settings, begun) == [0, 30, 36]
    assert run(db).status is EnrollmentStatus.FINISHED


def test_a_run_that_came_back_to_a_step_written_before_waits_out_a_pause_too(db, settings, begun, every_topic):
    begun.shift(3 * DAY)
    run_due(db, settings)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_position=1))
    wished(db, settings, Wish.PAUSE)
    assert run(db).next_due_at == clock.now() + PAUSE


def test_the_answers_to_what_was_asked_are_not_cancelled_by_a_pause(db, settings, begun):
    wished(db, settings, Wish.PAUSE)
    assert {m.status for m in messages(db)} == {MessageStatus.QUEUED}


def test_a_due_run_that_the_pause_did_not_move_waits_all_the_same(db, settings, begun):
    wished(db, settings, Wish.PAUSE)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)
    assert not follow_ups(db)
    assert run(db).next_due_at == clock.now() + PAUSE


def test_a_pause_that_is_over_holds_nothing(db, settings, begun):
    wished(db, settings, Wish.PAUSE)
    begun.shift(PAUSE + DAY)
    with db.read() as session:
        assert wishes_of(session, contact_of(db).id) is None
    assert wished(db, settings, Wish.PAUSE)


def test_a_run_that_starts_during_a_pause_waits_for_its_end(db, settings):
    submitted(db, settings)
    with time_machine.travel(clock.now(), tick=False):
        wished(db, settings, Wish.PAUSE)
        submitted(db, settings, consents=True)
        assert run(db).next_due_at == clock.now() + PAUSE


def test_a_race_of_a_pause_against_a_tick_leaves_no_mail_queued(db, settings):
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    in_a_race(lambda: run_due(db, settings), lambda: wished(db, settings, Wish.PAUSE))
    assert [m.status for m in follow_ups(db)] in ([], [MessageStatus.CANCELLED])
    assert run(db).next_due_at > clock.now() + PAUSE - DAY


# --- only their topic --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "expected"), [(Topic.CSM, [2]), (Topic.BECOMING_A_TPM, [1, 3]), (Topic.OTHER, [1, 3])]
)
def test_only_their_topic_leaves_out_the_steps_about_others(db, settings, topic, expected):
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        submitted(db, settings, consents=True, topic=topic)
        wished(db, settings, Wish.ONLY_TOPIC)
        sent_on_days(db, settings, clockwork)
    assert [int(m.dedupe_key.rpartition(":")[2]) for m in follow_ups(db)] == expected
    assert run(db).status is EnrollmentStatus.FINISHED


def test_what_was_left_out_is_said_with_its_reason(db, settings, begun):
    with db.write() as session:
        session.execute(update(Enrollment).values(topic=TOPIC_LABELS[Topic.CSM]))
    wished(db, settings, Wish.ONLY_TOPIC)
    begun.shift(3 * DAY)
    run_due(db, settings)
    (sentence,) = said(db, ActivityKind.MAIL_NOT_SENT)
    assert sentence.startswith("Follow-up 1 was left out.")
    assert "Certified Scrum Master" in sentence


def test_a_mail_about_something_else_that_waited_already_is_cancelled(db, settings, begun):
    with db.write() as session:
        session.execute(update(Enrollment).values(topic=TOPIC_LABELS[Topic.CSM]))
    begun.shift(3 * DAY)
    run_due(db, settings)
    wished(db, settings, Wish.ONLY_TOPIC)
    assert [m.status for m in follow_ups(db)] == [MessageStatus.CANCELLED]


def test_a_mail_about_their_topic_that_waited_already_is_still_sent(db, settings, begun):
    begun.shift(3 * DAY)
    run_due(db, settings)
    wished(db, settings, Wish.ONLY_TOPIC)
    assert [m.status for m in follow_ups(db)] == [MessageStatus.QUEUED]


@pytest.mark.parametrize("topic", list(Topic))
def test_a_topic_is_known_by_its_label(topic):
    assert TOPICS.key_of(TOPIC_LABELS[topic]) == topic


def test_words_that_are_no_topic_of_ours_are_about_something_else():
    assert TOPICS.key_of("Evening courses") == Topic.OTHER


# --- all of them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [Wish.LESS_OFTEN, Wish.ONLY_TOPIC, Wish.PAUSE])
def test_a_wish_is_kept_once_and_said_on_the_timeline(db, settings, begun, what):
    assert wished(db, settings, what) is True
    assert wished(db, settings, what) is False
    assert len(said(db, ActivityKind.WISH_CHANGED)) == 1
    assert wished(db, settings, Wish.USUAL) is True
    assert wished(db, settings, Wish.USUAL) is False
    assert said(db, ActivityKind.WISH_CHANGED)[1:] == ["Asked for follow-ups as usual again."]


def test_wishes_add_up(db, settings, begun):
    for what in (Wish.LESS_OFTEN, Wish.ONLY_TOPIC, Wish.PAUSE):
        wished(db, settings, what)
    with db.read() as session:
        kept = wishes_of(session, contact_of(db).id)
        assert kept is not None
        assert (kept.pace, kept.only_topic, kept.paused_until) == ("less_often", True, clock.now() + PAUSE)


def test_two_wishes_at_once_are_both_kept(db, settings):
    submitted(db, settings, consents=True)
    in_a_race(lambda: wished(db, settings, Wish.LESS_OFTEN), lambda: wished(db, settings, Wish.ONLY_TOPIC))
    with db.read() as session:
        kept = wishes_of(session, contact_of(db).id)
        assert kept is not None
    assert (kept.pace, kept.only_topic) == ("less_often", True)


# --- the way back from an opt-out --------------------------------------------------------------------------


def left(db):
    with db.write() as session:
        opt_out.opt_out(session, contact_of(db))


def back(db, settings):
    with db.write() as session:
        opt_out.come_back(session, settings, contact_of(db), consent.CURRENT_WORDING)


def test_coming_back_opens_the_address_with_a_new_consent(db, settings, begun):
    left(db)
    back(db, settings)
    with db.read() as session:
        assert suppression_of(session, ADA) is None
        newest = consent.current(session, contact_of(db).id)
        assert newest is not None
    assert (newest.change, newest.wording) == ("granted", consent.CURRENT_WORDING.text)
    assert len(said(db, ActivityKind.ADDRESS_REOPENED)) == 1


def test_coming_back_goes_on_where_it_stopped(db, settings, begun, every_topic):
    begun.shift(3 * DAY)
    run_due(db, settings)
    left(db)
    begun.shift(60 * DAY)
    back(db, settings)
    assert (run(db).status, run(db).next_position) == (EnrollmentStatus.ACTIVE, 2)
    assert run(db).next_due_at == clock.now() + 5 * DAY
    sent_on_days(db, settings, begun)
    assert [int(m.dedupe_key.rpartition(":")[2]) for m in follow_ups(db)] == [1, 2, 3]


def test_coming_back_twice_changes_nothing_more(db, settings, begun):
    left(db)
    back(db, settings)
    before = len(said(db, ActivityKind.CONSENT_GRANTED))
    back(db, settings)
    assert len(said(db, ActivityKind.CONSENT_GRANTED)) == before


@pytest.mark.parametrize(
    "reason", [SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT, SuppressionReason.BY_HAND]
)
def test_nobody_lifts_another_reason_by_coming_back(db, settings, begun, reason):
    left(db)
    with db.write() as session:
        suppress(session, ADA, reason)
    with pytest.raises(Refusal, match="another reason"):
        back(db, settings)
    with db.read() as session:
        found = suppression_of(session, ADA)
        assert found is not None
        assert found.reason is reason
    assert run(db).status is EnrollmentStatus.STOPPED


def test_leaving_twice_at_once_is_said_once(db, settings):
    submitted(db, settings, consents=True)
    in_a_race(lambda: left(db), lambda: left(db))
    assert said(db, ActivityKind.CONSENT_WITHDRAWN) == ["Unsubscribed from follow-ups."]

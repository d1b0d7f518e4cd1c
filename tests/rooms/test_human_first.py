"""Human first: after staff were in touch the next follow-up is a draft that somebody sends, changes or drops."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, an_account, contact_of, messages, plan_pathway, store_letter, submitted
from tests.rooms.post import Post
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import opt_out
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.letters import LetterError, LetterSource
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences import drafts
from tpminstitute.sequences.models import (
    DraftStatus,
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    FollowUpDraft,
    StepRecord,
)
from tpminstitute.sequences.pauses import ask_first, pause_for_contact, resume_for_contact
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.sequences.wishes import PAUSE, Wish, wish
from tpminstitute.timeline.models import Activity, ActivityKind

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DAY = timedelta(days=1)
WROTE = "Alice wrote to them."


@pytest.fixture
def begun(db, settings):
    """Ada agreed to follow-ups just now, and her other mails are out; the clock stands still but for its shifts."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as clockwork:
        submitted(db, settings, consents=True)
        deliver(db, Post(), settings)
        yield clockwork


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def bob(db):
    with db.write() as session:
        return an_account(session, "Bob")


@pytest.fixture
def draft(db, settings, begun, alice):
    """Alice wrote to Ada, and the first follow-up waits for a word since."""
    touch(db, settings)
    begun.shift(3 * DAY)
    run_due(db, settings)
    return drafts_of(db)[0].id


def touch(db, settings, reason=WROTE, email=ADA):
    with db.write() as session:
        return ask_first(session, settings, contact_of(db, email).id, reason)


def away(db, until, reason="They are away."):
    with db.write() as session:
        return pause_for_contact(session, contact_of(db).id, reason, until)


def go_on(db, account):
    with db.write() as session:
        return resume_for_contact(session, contact_of(db).id, account.id)


def stop(db, reason="They unsubscribed."):
    with db.write() as session:
        return stop_for_contact(session, contact_of(db).id, reason)


def approve(db, settings, draft_id, account, edited=None):
    with db.write() as session:
        drafts.approve(session, settings, draft_id, account.id, edited)


def drop(db, settings, draft_id, account):
    with db.write() as session:
        drafts.drop(session, settings, draft_id, account.id)


def drafts_of(db):
    with db.read() as session:
        return list(session.scalars(select(FollowUpDraft).order_by(FollowUpDraft.id)))


def run(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def pause(db):
    with db.read() as session:
        return session.scalars(select(EnrollmentPause)).one()


def follow_ups(db):
    return messages(db, kind=MessageKind.FOLLOW_UP)


def unsent_follow_up(db, settings, clockwork):
    """Let the first follow-up be written, and not sent."""
    clockwork.shift(3 * DAY)
    run_due(db, settings)
    (mail,) = follow_ups(db)
    return mail


def outcomes(db):
    with db.read() as session:
        found = session.execute(select(StepRecord.number, StepRecord.outcome).order_by(StepRecord.id))
        return [(number, outcome.value) for number, outcome in found]


def said(db, kind):
    with db.read() as session:
        return list(session.scalars(select(Activity.sentence).where(Activity.kind == kind).order_by(Activity.id)))


# --- the touch ---------------------------------------------------------------------------------------------


def test_after_a_touch_the_next_follow_up_becomes_a_draft_when_it_is_due(db, settings, begun):
    touch(db, settings)
    begun.shift(3 * DAY - timedelta(minutes=1))
    run_due(db, settings)
    assert drafts_of(db) == []
    begun.shift(timedelta(minutes=1))
    run_due(db, settings)
    (draft,) = drafts_of(db)
    assert (draft.status, draft.number, draft.reason) == (DraftStatus.WAITING, 1, WROTE)
    assert (follow_ups(db), run(db).status) == ([], EnrollmentStatus.PAUSED)


@on_sqlite
def test_a_draft_is_the_letters_source_with_its_variables(db, draft):
    assert "{greeting}" in drafts_of(db)[0].body


def test_a_draft_is_written_once_however_often_the_scheduler_looks(db, settings, begun, draft):
    begun.shift(30 * DAY)
    run_due(db, settings)
    assert len(drafts_of(db)) == 1


def test_an_unsent_follow_up_is_taken_back_by_a_touch_and_becomes_a_draft_at_once(db, settings, begun):
    unsent_follow_up(db, settings, begun)
    touch(db, settings)
    (mail,) = follow_ups(db)
    assert (mail.status, mail.reason) == (MessageStatus.CANCELLED, WROTE)
    assert [draft.number for draft in drafts_of(db)] == [1]
    assert outcomes(db)[-2:] == [(1, "held"), (1, "drafted")]


def test_the_last_follow_up_is_taken_back_as_well(db, settings, begun):
    plan_pathway(db, waits=[72])
    unsent_follow_up(db, settings, begun)
    assert run(db).status is EnrollmentStatus.FINISHED
    touch(db, settings)
    assert (run(db).status, run(db).ended_at) == (EnrollmentStatus.PAUSED, None)
    assert [draft.number for draft in drafts_of(db)] == [1]


@on_sqlite
def test_a_touch_changes_nothing_for_who_is_through(db, settings, begun):
    plan_pathway(db, waits=[72])
    unsent_follow_up(db, settings, begun)
    deliver(db, Post(), settings)
    assert touch(db, settings) == 0
    assert run(db).status is EnrollmentStatus.FINISHED


@on_sqlite
def test_a_follow_up_that_went_out_is_not_written_again(db, settings, begun):
    unsent_follow_up(db, settings, begun)
    deliver(db, Post(), settings)
    touch(db, settings)
    assert (drafts_of(db), run(db).next_position) == ([], 2)


@on_sqlite
def test_a_second_touch_leaves_the_draft_that_waits(db, settings, draft):
    assert touch(db, settings, "Bob wrote to them.") == 0
    assert [(one.id, one.status) for one in drafts_of(db)] == [(draft, DraftStatus.WAITING)]
    assert pause(db).drafts is False


@on_sqlite
def test_a_broken_letter_makes_its_draft_wait_until_it_is_mended(db, settings, begun, alice):
    store_letter(db, alice.id, "follow-up-experience", subject="{")
    touch(db, settings)
    begun.shift(3 * DAY)
    run_due(db, settings)
    assert drafts_of(db) == []
    store_letter(db, alice.id, "follow-up-experience", 2, subject="Mended")
    begun.shift(timedelta(hours=1))
    run_due(db, settings)
    assert [draft.subject for draft in drafts_of(db)] == ["Mended"]


# --- other pauses and wishes -------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize("away_first", [True, False])
def test_no_draft_is_written_while_they_are_away(db, settings, begun, away_first):
    until = clock.now() + 10 * DAY
    happenings = [lambda: away(db, until), lambda: touch(db, settings)]
    for happen in happenings if away_first else reversed(happenings):
        happen()
    begun.shift(10 * DAY - timedelta(minutes=1))
    run_due(db, settings)
    assert drafts_of(db) == []
    begun.shift(timedelta(minutes=1))
    run_due(db, settings)
    assert (len(drafts_of(db)), follow_ups(db)) == (1, [])


@on_sqlite
def test_a_draft_waits_for_the_end_of_the_pause_they_asked_for(db, settings, begun):
    touch(db, settings)
    with db.write() as session:
        wish(session, settings, contact_of(db), Wish.PAUSE)
    begun.shift(PAUSE - timedelta(minutes=1))
    run_due(db, settings)
    assert drafts_of(db) == []
    begun.shift(timedelta(minutes=1))
    run_due(db, settings)
    assert len(drafts_of(db)) == 1


@on_sqlite
def test_no_draft_is_written_of_what_they_asked_not_to_get(db, settings, begun):
    plan_pathway(db, topics=["csm"])
    touch(db, settings)
    with db.write() as session:
        wish(session, settings, contact_of(db), Wish.ONLY_TOPIC)
    begun.shift(3 * DAY)
    run_due(db, settings)
    assert (drafts_of(db), run(db).next_position, run(db).status) == ([], 2, EnrollmentStatus.PAUSED)
    assert "was left out" in said(db, ActivityKind.MAIL_NOT_SENT)[0]


@on_sqlite
def test_let_go_on_before_the_draft_was_due_the_mail_comes_by_itself_on_its_day(db, settings, begun, alice):
    touch(db, settings)
    assert go_on(db, alice) == 1
    begun.shift(3 * DAY)
    run_due(db, settings)
    assert (drafts_of(db), len(follow_ups(db))) == ([], 1)


@on_sqlite
def test_a_run_whose_draft_waits_goes_on_only_by_deciding(db, alice, draft):
    assert go_on(db, alice) == 0
    assert run(db).status is EnrollmentStatus.PAUSED


def test_a_follow_up_that_a_pause_took_back_is_written_again_and_sent_once(db, settings, begun):
    unsent_follow_up(db, settings, begun)
    away(db, clock.now() + DAY)
    begun.shift(DAY)
    run_due(db, settings)
    post = Post()
    deliver(db, post, settings)
    assert [mail.status for mail in follow_ups(db)] == [MessageStatus.CANCELLED, MessageStatus.SENT]
    assert post.recipients == [ADA]
    assert follow_ups(db)[1].dedupe_key == f"enrollment:{run(db).id}:step:1"
    assert run(db).next_position == 2


def test_a_pause_in_the_middle_of_sending_takes_nothing_back_that_may_have_gone(db, settings, begun):
    unsent_follow_up(db, settings, begun)
    post = Post(before_content=lambda _: away(db, None))
    deliver(db, post, settings)
    (mail,) = follow_ups(db)
    assert mail.status in (MessageStatus.CANCELLED, MessageStatus.SENT)
    assert (post.recipients == []) == (mail.status is MessageStatus.CANCELLED)
    assert run(db).next_position == (1 if mail.status is MessageStatus.CANCELLED else 2)


@on_sqlite
def test_a_mail_that_a_later_one_overtook_is_not_written_again(db, settings, begun):
    first = unsent_follow_up(db, settings, begun)
    begun.shift(5 * DAY)
    run_due(db, settings)
    set_status(db, first.id + 1, MessageStatus.SENT, sent_at=clock.now())
    away(db, clock.now() + DAY)
    assert run(db).next_position == 3


def set_status(db, message_id, status, **fields):
    with db.write() as session:
        session.execute(update(Message).where(Message.id == message_id).values(status=status, **fields))


# --- deciding ----------------------------------------------------------------------------------------------


def test_an_approved_draft_goes_out_now_and_the_run_goes_on_from_now(db, settings, begun, alice, draft):
    begun.shift(DAY)
    approve(db, settings, draft, alice)
    post = Post()
    deliver(db, post, settings)
    assert post.recipients == [ADA]
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in follow_ups(db)[0].content
    assert (run(db).status, run(db).next_position) == (EnrollmentStatus.ACTIVE, 2)
    assert run(db).next_due_at == clock.now() + 5 * DAY
    assert outcomes(db) == [(1, "drafted"), (1, "queued")]
    assert said(db, ActivityKind.FOLLOW_UP_DECIDED)[0].startswith("Approved the follow-up")


@on_sqlite
def test_an_edited_draft_goes_out_as_it_was_edited(db, settings, alice, draft):
    approve(db, settings, draft, alice, LetterSource("As we said", "Shortly", "{greeting}\n\nSee you on Monday.\n"))
    (mail,) = follow_ups(db)
    assert mail.subject == "As we said"
    assert "Hello Ada,\n\nSee you on Monday." in plain_text(mail.content).replace("\r\n", "\n")
    assert drafts_of(db)[0].body == "{greeting}\n\nSee you on Monday.\n"


@on_sqlite
@pytest.mark.parametrize(("body", "says"), [("{firstname}", "no such variable"), ("", "is empty"), ("{", "a brace")])
def test_an_edited_draft_that_cannot_be_made_changes_nothing(db, settings, alice, draft, body, says):
    with pytest.raises(LetterError, match=says):
        approve(db, settings, draft, alice, LetterSource("s", "p", body))
    assert (follow_ups(db), drafts_of(db)[0].status) == ([], DraftStatus.WAITING)


def test_a_dropped_draft_is_never_sent_and_the_run_goes_on_from_now(db, settings, begun, alice, draft):
    drop(db, settings, draft, alice)
    assert (follow_ups(db), run(db).next_position) == ([], 2)
    assert run(db).next_due_at == clock.now() + 5 * DAY
    assert outcomes(db) == [(1, "drafted"), (1, "dropped")]
    begun.shift(5 * DAY)
    run_due(db, settings)
    assert [mail.dedupe_key[-1] for mail in follow_ups(db)] == ["2"]


@on_sqlite
def test_after_the_last_draft_the_run_is_through(db, settings, begun, alice):
    plan_pathway(db, waits=[72])
    touch(db, settings)
    begun.shift(3 * DAY)
    run_due(db, settings)
    drop(db, settings, drafts_of(db)[0].id, alice)
    assert run(db).status is EnrollmentStatus.FINISHED


def test_a_taken_back_mail_that_is_approved_is_sent_once(db, settings, begun, alice):
    unsent_follow_up(db, settings, begun)
    touch(db, settings)
    approve(db, settings, drafts_of(db)[0].id, alice)
    post = Post()
    deliver(db, post, settings)
    assert post.recipients == [ADA]
    assert [mail.status for mail in follow_ups(db)] == [MessageStatus.CANCELLED, MessageStatus.SENT]


@on_sqlite
def test_who_decides_second_reads_who_was_first(db, settings, alice, bob, draft):
    approve(db, settings, draft, alice)
    with pytest.raises(drafts.Decided, match=r"^Alice sent this follow-up already\. Nothing was changed\.$"):
        drop(db, settings, draft, bob)


def test_of_two_who_decide_at_once_one_is_told(db, settings, alice, bob, draft):
    start, told = threading.Barrier(2), []

    def decide(what):
        start.wait()
        try:
            what()
        except drafts.Decided as refusal:
            told.append(str(refusal))

    both = [
        threading.Thread(target=decide, args=(what,))
        for what in (lambda: approve(db, settings, draft, alice), lambda: drop(db, settings, draft, bob))
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    sent = drafts_of(db)[0].status is DraftStatus.APPROVED
    first = "Alice sent" if sent else "Bob decided not to send"
    assert told == [f"{first} this follow-up already. Nothing was changed."]
    assert len(follow_ups(db)) == (1 if sent else 0)


def test_a_stop_ends_the_draft_and_says_why(db, settings, alice, draft):
    stop(db)
    with pytest.raises(drafts.Decided, match=r"were stopped\. They unsubscribed\. Nothing was changed"):
        approve(db, settings, draft, alice)
    assert (follow_ups(db), drafts_of(db)[0].account_id) == ([], None)


@on_sqlite
def test_who_unsubscribes_while_a_draft_waits_gets_nothing(db, settings, alice, draft):
    with db.write() as session:
        opt_out.opt_out(session, locked(session, contact_of(db).id))
    with pytest.raises(drafts.Decided):
        approve(db, settings, draft, alice)


@on_sqlite
def test_a_closed_address_gets_no_draft_and_the_draft_is_kept(db, settings, alice, draft):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.BY_HAND)
    with pytest.raises(Refusal, match=r"ada@example.org is closed\..*the draft is kept"):
        approve(db, settings, draft, alice)
    assert (follow_ups(db), drafts_of(db)[0].status) == ([], DraftStatus.WAITING)


@on_sqlite
def test_a_pause_they_asked_for_stands_against_sending(db, settings, alice, draft):
    with db.write() as session:
        wish(session, settings, contact_of(db), Wish.PAUSE)
    with pytest.raises(Refusal, match="asked for no follow-ups until"):
        approve(db, settings, draft, alice)


# --- the list ----------------------------------------------------------------------------------------------


@on_sqlite
def test_the_list_shows_what_waits_longest_first(db, settings, begun):
    touch(db, settings)
    begun.shift(DAY)
    submitted(db, settings, consents=True, email="grace@example.org", name="Grace Hopper")
    touch(db, settings, "Alice noted a call.", "grace@example.org")
    for days in (2, 1):
        begun.shift(days * DAY)
        run_due(db, settings)
    with db.read() as session:
        shown = [(one.name, one.reason) for one in drafts.waiting(session)]
        assert len(session.scalars(drafts.waiting_ids()).all()) == 2
    assert shown == [("Ada Lovelace", WROTE), ("Grace Hopper", "Alice noted a call.")]


@on_sqlite
def test_what_is_decided_is_on_no_list(db, settings, alice, draft):
    drop(db, settings, draft, alice)
    with db.read() as session:
        assert drafts.waiting(session) == []
        assert drafts.waiting_for(session, contact_of(db).id) == []
        assert drafts.one_waiting(session, draft) is None

"""Reports count what happened, by the institute's clock, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from tests.conftest import on_sqlite
from tests.factories import ENDING, an_account, contact_of, submitted
from tests.rooms.came import a_mail, came
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import conversations, service
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.calls import note_call
from tpminstitute.inbox.models import Topic
from tpminstitute.inbox.sending import hold_back, send, send_held_back, take_back
from tpminstitute.inbox.unsent import Unsent
from tpminstitute.institute.promise import promise_of
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.pipeline.service import lead_of, move_lead
from tpminstitute.reports.answers import answers_report, percentile
from tpminstitute.reports.follow_ups import follow_up_lines
from tpminstitute.reports.funnel import funnel_report
from tpminstitute.reports.inquiries import inquiry_report
from tpminstitute.reports.periods import MOST_PIECES, Period, Piece, period, weeks_until
from tpminstitute.reports.workload import workload

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2027, 3, 1)
WEEK = Period(MONDAY, MONDAY + timedelta(days=6), Piece.DAY, NEW_YORK)
CONVERSATION, WON, LOST = 2, 3, 4
"""The stages as migrated."""


def at(day, hour=12, minute=0):
    """A moment of the week by New York's clock."""
    return datetime(2027, 3, day, hour, minute, tzinfo=NEW_YORK)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


def wrote(db, settings, day, hour=12, **fields):
    with time_machine.travel(at(day, hour), tick=False):
        return submitted(db, settings, **fields)


def answered(db, settings, alice, day, hour=12, email="ada@example.org"):
    """Let Alice reply, and the reply go in the same moment."""
    with time_machine.travel(at(day, hour), tick=False), db.write() as session:
        contact = session.get_one(Contact, contact_of(db, email).id, with_for_update=True)
        reply(
            session, settings, contact, Answer(f"{day} {hour}", "Come on Monday.", session.get_one(Account, alice.id))
        )
        let_replies_go(session)


def let_replies_go(session, status=MessageStatus.SENT):
    """Let every reply that waits go now."""
    waiting = update(Message).where(Message.kind == MessageKind.REPLY, Message.status == MessageStatus.QUEUED)
    went = {"sent_at": clock.now()} if status is MessageStatus.SENT else {"reason": "The server said nothing."}
    session.execute(waiting.values(status=status, **went))


def replied(db, settings, alice, day, hour, **choice):
    """Let Alice write a reply at the desk that doesn't go at once; returns its mail's id."""
    with time_machine.travel(at(day, hour), tick=False), db.write() as session:
        contact, account = locked(session, contact_of(db).id), session.get_one(Account, alice.id)
        unsent = Unsent("About the path", "Come on Monday.", f"{day} {hour}")
        return send(session, settings, contact, account, unsent, **choice)


def taken_back(db, alice, message_id, day, hour):
    with time_machine.travel(at(day, hour), tick=False), db.write() as session:
        take_back(session, locked(session, contact_of(db).id), message_id, session.get_one(Account, alice.id))


def moved(db, alice, day, stage, email="ada@example.org"):
    with time_machine.travel(at(day), tick=False), db.write() as session:
        lead = lead_of(session, contact_of(db, email).id)
        assert lead
        move_lead(session, lead.id, stage, alice.id, ENDING)


def report_of(db, make, *more, chosen=WEEK, now=None):
    with time_machine.travel(now or at(7, 23), tick=False), db.read() as session:
        return make(session, chosen, *more)


@pytest.fixture
def answers(db, settings):
    """`answers()`: the report; the promise is an answer within eight hours, Monday to Friday from nine to five."""
    return lambda **fields: report_of(db, answers_report, promise_of(settings, frozenset()), **fields)


# --- periods -----------------------------------------------------------------------------------------------


def test_a_day_begins_at_the_institutes_midnight():
    (first, *_) = WEEK.buckets
    assert first.begins == datetime(2027, 3, 1, 5, tzinfo=UTC)


def test_the_day_on_which_the_clock_is_set_forward_has_23_hours():
    day = Period(date(2027, 3, 14), date(2027, 3, 14), Piece.DAY, NEW_YORK).buckets[0]
    assert day.ends - day.begins == timedelta(hours=23)


def test_weeks_begin_on_monday_and_the_first_is_cut_where_the_period_begins():
    chosen = Period(date(2027, 3, 4), date(2027, 3, 16), Piece.WEEK, NEW_YORK)
    assert [bucket.first for bucket in chosen.buckets] == [date(2027, 3, 4), date(2027, 3, 8), date(2027, 3, 15)]


def test_the_last_twelve_weeks_begin_on_a_monday_and_end_today():
    chosen = weeks_until(date(2027, 3, 3), NEW_YORK)
    assert (chosen.first.weekday(), chosen.last, len(chosen.buckets)) == (0, date(2027, 3, 3), 12)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 100), st.sampled_from(Piece))
def test_the_pieces_are_the_period_without_a_gap(first, days, piece):
    chosen = period(first, first + timedelta(days=days), piece, NEW_YORK)
    buckets = chosen.buckets
    assert (buckets[0].begins, buckets[-1].ends) == (chosen.begins, chosen.ends)
    assert all(one.ends == following.begins for one, following in pairwise(buckets))


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(Refusal, match="lies before"):
        period(MONDAY, MONDAY - timedelta(days=1), Piece.DAY, NEW_YORK)


def test_a_period_of_too_many_pieces_is_refused():
    with pytest.raises(Refusal, match=f"more than {MOST_PIECES} days"):
        period(MONDAY, MONDAY + timedelta(days=MOST_PIECES), Piece.DAY, NEW_YORK)


# --- inquiries ---------------------------------------------------------------------------------------------


def test_inquiries_count_on_the_institutes_day_by_topic(db, settings):
    wrote(db, settings, 1, 23, topic=Topic.PMP)
    wrote(db, settings, 2, 1)
    wrote(db, settings, 2, 2)
    report = report_of(db, inquiry_report)
    becoming, pmp = "Becoming a technical program manager", "Project Management Professional (PMP)"
    assert report.by_piece[:2] == [{pmp: 1}, {becoming: 2}]
    assert [(topic.name, topic.inquiries) for topic in report.topics] == [(becoming, 2), (pmp, 1)]


def test_what_was_set_apart_is_not_counted(db, settings):
    wrote(db, settings, 1, suspicions=["The form was filled within two seconds."])
    assert report_of(db, inquiry_report).total == 0


def test_inquiries_before_and_after_the_period_are_not_counted(db, settings):
    with time_machine.travel(at(1, 0) - timedelta(seconds=1), tick=False):
        submitted(db, settings)
    wrote(db, settings, 8, 0)
    assert report_of(db, inquiry_report).total == 0


def test_a_source_is_the_site_that_led_here_else_how_they_wrote(db, settings):
    wrote(db, settings, 1, source_referrer="https://www.example.com/jobs/1")
    wrote(db, settings, 1, source_referrer="https://example.com/jobs/2")
    wrote(db, settings, 1)
    with time_machine.travel(at(2), tick=False):
        came(db, settings, a_mail(sender="bob@example.org", subject="A question"))
    sources = [(source.name, source.inquiries) for source in report_of(db, inquiry_report).sources]
    assert sources == [("example.com", 2), ("By mail", 1), ("Straight to the contact page", 1)]


# --- first answers -----------------------------------------------------------------------------------------


def test_only_working_hours_count_until_the_first_answer(db, settings, alice, answers):
    wrote(db, settings, 1, 16)
    answered(db, settings, alice, 2, 10)
    total = answers().total
    assert (total.in_time, total.late, total.median) == (1, 0, 2.0)


def test_an_answer_after_the_promise_is_late(db, settings, alice, answers):
    wrote(db, settings, 1, 9)
    answered(db, settings, alice, 2, 10)
    total = answers().total
    assert (total.in_time, total.late, total.kept) == (0, 1, 0.0)


def test_only_the_first_answer_counts(db, settings, alice, answers):
    wrote(db, settings, 1, 9)
    answered(db, settings, alice, 1, 10)
    answered(db, settings, alice, 5, 10)
    assert answers().total.median == 1.0


def test_an_answer_before_the_inquiry_is_none_to_it(db, settings, alice, answers):
    wrote(db, settings, 1, 9)
    answered(db, settings, alice, 1, 10)
    wrote(db, settings, 2, 9)
    assert answers(now=at(2, 10)).by_piece[1].waiting == 1


def test_a_reply_for_later_answers_when_it_goes(db, settings, alice, answers):
    wrote(db, settings, 1, 9)
    replied(db, settings, alice, 1, 10, goes_at=at(1, 14))
    assert answers(now=at(1, 12)).total.waiting == 1
    with time_machine.travel(at(1, 14), tick=False), db.write() as session:
        let_replies_go(session)
    assert answers().total.median == 5.0


def test_a_reply_that_was_taken_back_answers_nobody(db, settings, alice, answers):
    wrote(db, settings, 1, 9)
    taken_back(db, alice, replied(db, settings, alice, 1, 10), 1, 10)
    assert answers(now=at(1, 12)).total.waiting == 1
    assert report_of(db, funnel_report).answered == 0
    (load,) = report_of(db, workload)
    assert load.done["Answers"] == 0
    answered(db, settings, alice, 1, 13)
    assert answers().total.median == 4.0


@on_sqlite
def test_a_reply_of_which_nobody_knows_whether_it_arrived_counts_as_one(db, settings, alice, answers):
    wrote(db, settings, 1, 9)
    replied(db, settings, alice, 1, 10)
    with db.write() as session:
        let_replies_go(session, MessageStatus.UNCERTAIN)
    assert round(answers().total.median, 2) == 1.0


def test_a_noted_call_is_an_answer(db, settings, alice, answers):
    wrote(db, settings, 1, 9)
    with time_machine.travel(at(1, 12), tick=False), db.write() as session:
        contact = session.get_one(Contact, contact_of(db).id, with_for_update=True)
        note_call(session, settings, contact, session.get_one(Account, alice.id))
    assert answers().total.median == 3.0


def test_who_waits_longer_than_promised_counts_against_it(db, settings, answers):
    wrote(db, settings, 1, 9)
    assert answers(now=at(1, 17)).total.waiting == 1
    late = answers(now=at(2, 10)).total
    assert (late.waiting, late.overdue, late.kept) == (0, 1, 0.0)


def test_what_was_closed_without_an_answer_is_told_apart(db, settings, alice, answers):
    inquiry = wrote(db, settings, 1, 9)
    with time_machine.travel(at(1, 10), tick=False), db.write() as session:
        locked = service.locked_inquiry(session, inquiry.public_id)
        assert locked
        service.mark_handled(session, locked, alice.id)
    total = answers().total
    assert (total.closed, total.waiting, total.kept, total.median) == (1, 0, None, None)


@given(st.lists(st.integers(0, 1000), min_size=1))
def test_nine_in_ten_waited_no_longer_than_the_90th_percentile(waits):
    ordered = sorted(timedelta(minutes=wait) for wait in waits)
    found = percentile(ordered, 0.9)
    assert found in ordered
    assert sum(wait <= found for wait in ordered) >= 0.9 * len(ordered)
    assert sum(wait < found for wait in ordered) < 0.9 * len(ordered)


# --- leads -------------------------------------------------------------------------------------------------


def test_a_lead_counts_when_it_was_opened_and_where_it_stands_now(db, settings, alice):
    wrote(db, settings, 1)
    wrote(db, settings, 2, email="bob@example.org")
    moved(db, alice, 5, WON)
    report = report_of(db, funnel_report)
    assert [cohort.in_stages for cohort in report.cohorts[:2]] == [{WON: 1}, {1: 1}]
    assert (report.total(), report.days_to_win) == (2, 4.0)


def test_a_lead_is_answered_when_a_person_wrote_after_it_was_opened(db, settings, alice):
    wrote(db, settings, 1)
    wrote(db, settings, 1, email="bob@example.org")
    answered(db, settings, alice, 2)
    assert report_of(db, funnel_report).answered == 1


def test_a_period_without_leads_knows_no_days_to_win(db):
    assert report_of(db, funnel_report).days_to_win is None


# --- follow-ups --------------------------------------------------------------------------------------------


def test_follow_ups_count_when_they_began_and_by_how_they_stand(db, settings):
    for email in ("ada@example.org", "bob@example.org"):
        wrote(db, settings, 1, email=email, consents=True)
    with time_machine.travel(at(2), tick=False):
        came(db, settings, a_mail(sender="ada@example.org"))
    (line,) = report_of(db, follow_up_lines)
    assert (line.begun, line.running, line.answered, line.unsubscribed, line.mails) == (2, 1, 1, 0, 0)


def test_follow_ups_of_another_time_are_not_counted(db, settings):
    wrote(db, settings, 8, consents=True)
    assert report_of(db, follow_up_lines) == []


# --- people ------------------------------------------------------------------------------------------------


def test_what_a_person_did_in_the_time_counts_for_them(db, settings, alice):
    wrote(db, settings, 1)
    answered(db, settings, alice, 2)
    answered(db, settings, alice, 9)
    moved(db, alice, 3, CONVERSATION)
    (load,) = report_of(db, workload)
    assert (load.name, load.done["Answers"], load.done["Leads moved"], load.done["Calls"]) == ("Alice", 1, 1, 0)


@on_sqlite
@pytest.mark.parametrize("by_bob", [False, True])
def test_a_reply_that_was_held_back_and_sent_later_is_one_answer_of_who_wrote_it(db, settings, alice, by_bob):
    with db.write() as session:
        bob = an_account(session, "Bob")
    wrote(db, settings, 1)
    held = replied(db, settings, alice, 1, 10, goes_at=at(3, 10))
    with time_machine.travel(at(2, 10), tick=False), db.write() as session:
        hold_back(session, contact_of(db).id)
    with time_machine.travel(at(2, 11), tick=False), db.write() as session:
        who = session.get_one(Account, (bob if by_bob else alice).id)
        send_held_back(session, settings, locked(session, contact_of(db).id), held, who)
    assert {load.name: load.done["Answers"] for load in report_of(db, workload)} == {"Alice": 1, "Bob": 0}


def test_contacts_of_a_person_count_and_those_of_them_who_wait(db, settings, alice):
    wrote(db, settings, 1)
    wrote(db, settings, 1, email="bob@example.org")
    with db.write() as session:
        for email in ("ada@example.org", "bob@example.org"):
            session.get_one(Contact, contact_of(db, email).id).owner_id = alice.id
        conversations.close(session, contact_of(db, "bob@example.org").id, alice.id)
    (load,) = report_of(db, workload)
    assert (load.contacts, load.waiting) == (2, 1)


@on_sqlite
def test_a_closed_account_that_did_nothing_is_left_out(db, alice):
    with db.write() as session:
        session.get_one(Account, alice.id).active = False
    assert report_of(db, workload) == []

"""Rules by which things go by themselves: none without an administrator's word, and exactly what the preview shows."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update

from tests.conftest import on_sqlite
from tests.factories import an_account, contact_of, count, messages, submitted
from tests.rooms.came import a_mail, came, received
from tests.rooms.commented import comment_of, commented
from tests.rooms.courses_kept import a_course, joins
from tests.rooms.post import Post
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.comments.models import Comment, CommentWriter
from tpminstitute.comments.moderation import refuse, remove
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.contents import content_of
from tpminstitute.inbox.models import AttachmentBody, Inquiry, InquiryState, ReceivedContent
from tpminstitute.inbox.wait_models import CourseWait
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.pipeline.endings import Ending
from tpminstitute.pipeline.reminders import Wanted, finish, remind
from tpminstitute.pipeline.service import lead_of, move_lead, stages
from tpminstitute.privacy.models import Erasure, RetentionRun, RuleKind
from tpminstitute.privacy.retention import AGAIN_AFTER, preview, rules_of, run_rules, set_rule

BOB = "bob@example.org"
YEAR = timedelta(days=366)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


def rule(db, alice, kind, length):
    with db.write() as session:
        set_rule(session, kind, length, alice.id)


def shown(db, kind, length):
    with db.read() as session:
        found = preview(session, kind, length)
    return found.count, [one.name for one in found.sample]


def erased(db):
    with db.read() as session:
        return set(session.scalars(select(Erasure.contact_id)))


def a_year_passes(db, settings):
    """Send what waits, and return to a year later."""
    deliver(db, Post(), settings)
    return time_machine.travel(clock.now() + YEAR, tick=False)


# --- contacts ----------------------------------------------------------------------------------------------


@on_sqlite
def test_nothing_goes_without_a_rule(db, settings):
    submitted(db, settings)
    with a_year_passes(db, settings):
        assert run_rules(db) == 0
    assert erased(db) == set()


def test_quiet_contacts_go_and_whoever_was_heard_of_stays(db, settings, alice):
    submitted(db, settings)
    submitted(db, settings, email=BOB, name="Bob")
    with a_year_passes(db, settings):
        came(db, settings, a_mail(sender=BOB, text="Still here."))
        rule(db, alice, RuleKind.QUIET_CONTACTS, 6)
        assert shown(db, RuleKind.QUIET_CONTACTS, 6) == (1, ["Ada Lovelace"])
        ada = contact_of(db).id
        assert run_rules(db) == 1
        assert erased(db) == {ada}
        assert shown(db, RuleKind.QUIET_CONTACTS, 6) == (0, [])


@on_sqlite
def test_who_was_won_stays(db, settings, alice):
    submitted(db, settings)
    with db.write() as session:
        lead = lead_of(session, contact_of(db).id)
        assert lead is not None
        won = next(stage.id for stage in stages(session) if stage.outcome == "won")
        move_lead(session, lead.id, won, alice.id, Ending(course="PMP in spring"))
    with a_year_passes(db, settings):
        assert shown(db, RuleKind.QUIET_CONTACTS, 6) == (0, [])


@on_sqlite
def test_who_gets_follow_ups_now_stays(db, settings, alice):
    submitted(db, settings, consents=True)
    with a_year_passes(db, settings):
        assert shown(db, RuleKind.QUIET_CONTACTS, 6) == (0, [])


@on_sqlite
def test_who_is_to_be_reminded_of_stays(db, settings, alice):
    submitted(db, settings)
    with db.write() as session:
        due = clock.now() + YEAR + timedelta(days=30)
        reminder = remind(session, settings, contact_of(db).id, Wanted(alice.id, due, "Her project ends."), alice.id)
    with a_year_passes(db, settings):
        assert shown(db, RuleKind.QUIET_CONTACTS, 6) == (0, [])
        with db.write() as session:
            finish(session, reminder.public_id, alice.id)
    with time_machine.travel(clock.now() + 3 * YEAR, tick=False):
        assert shown(db, RuleKind.QUIET_CONTACTS, 6) == (1, ["Ada Lovelace"])


@on_sqlite
def test_who_waits_for_a_place_in_a_course_stays(db, settings, alice):
    joins(db, settings, a_course(db, alice.id), dated=False)
    with a_year_passes(db, settings):
        assert shown(db, RuleKind.QUIET_CONTACTS, 6) == (0, [])
        with db.write() as session:
            session.execute(update(CourseWait).values(waits_for="left 1", left_at=clock.now(), left_why="Alice knows."))
        assert shown(db, RuleKind.QUIET_CONTACTS, 6) == (1, ["Ada Lovelace"])


@on_sqlite
def test_a_rule_rests_for_the_day_and_runs_again_the_next(db, settings, alice):
    submitted(db, settings)
    with a_year_passes(db, settings) as clockwork:
        rule(db, alice, RuleKind.QUIET_CONTACTS, 6)
        run_rules(db)
        submitted(db, settings, email=BOB)
        with db.write() as session:
            session.execute(update(Contact).values(first_seen_at=clock.now() - YEAR))
        deliver(db, Post(), settings)
        rule(db, alice, RuleKind.QUIET_CONTACTS, 1)
        clockwork.shift(timedelta(days=60))
        run_rules(db)
        run_rules(db)
        with db.read() as session:
            assert session.scalar(select(func.count()).select_from(RetentionRun)) == 2
        clockwork.shift(AGAIN_AFTER + timedelta(minutes=1))
        run_rules(db)
        with db.read() as session:
            assert [run.gone for run in session.scalars(select(RetentionRun))] == [1, 1, 0]


@on_sqlite
def test_one_whose_mail_is_on_its_way_waits_and_holds_nobody_up(db, settings, alice):
    submitted(db, settings)
    submitted(db, settings, email=BOB)
    with a_year_passes(db, settings):
        rule(db, alice, RuleKind.QUIET_CONTACTS, 6)
        with db.write() as session:
            first = messages(db, contact_id=contact_of(db).id)[0].id
            leased = {"lease_token": "t", "lease_until": clock.now(), "sent_at": None}
            session.execute(update(Message).where(Message.id == first).values(status=MessageStatus.SENDING, **leased))
        bob = contact_of(db, BOB).id
        assert run_rules(db) == 1
    assert erased(db) == {bob}


@on_sqlite
def test_what_went_and_who_said_so_is_on_the_record(db, settings, alice):
    submitted(db, settings)
    with a_year_passes(db, settings):
        rule(db, alice, RuleKind.QUIET_CONTACTS, 6)
        run_rules(db)
    with db.read() as session:
        lines = session.execute(select(AuditEntry.action, AuditEntry.subject, AuditEntry.account_id)).all()
        kept = session.scalars(select(Erasure)).one()
    assert ("retention_changed", "quiet_contacts: after 6 months", alice.id) in lines
    assert ("retention_run", "quiet_contacts: 1", None) in lines
    assert kept.rule is RuleKind.QUIET_CONTACTS


# --- the others --------------------------------------------------------------------------------------------


def spam(db, inquiry):
    with db.write() as session:
        session.execute(update(Inquiry).where(Inquiry.id == inquiry.id).values(state=InquiryState.SPAM))


def test_spam_is_emptied_and_whoever_sent_nothing_else_is_erased(db, settings, alice):
    suspected = {"suspicions": ["It shouts."], "message": "BUY QUOKKAS"}
    spam(db, submitted(db, settings, email="spam@example.net", **suspected))
    submitted(db, settings)
    spam(db, submitted(db, settings, message="BUY QUOKKAS"))
    with a_year_passes(db, settings):
        rule(db, alice, RuleKind.SPAM_INQUIRIES, 30)
        assert shown(db, RuleKind.SPAM_INQUIRIES, 30)[0] == 2
        assert run_rules(db) == 2
    with db.read() as session:
        assert session.scalars(select(Inquiry.message).order_by(Inquiry.id)).all() == [
            "Erased.", "How do I begin?", "Erased.",
        ]  # fmt: skip
        gone = session.scalars(select(Contact.name).where(Contact.erased_at.is_not(None))).all()
    assert gone == ["(erased)"]
    assert contact_of(db).name == "Ada Lovelace"


def test_the_bytes_of_sent_mails_go_and_the_rest_stays(db, settings, alice):
    submitted(db, settings)
    with a_year_passes(db, settings):
        submitted(db, settings, email=BOB)
        rule(db, alice, RuleKind.SENT_BYTES, 6)
        assert run_rules(db) == 2
    contents = [bool(one.content) for one in messages(db)]
    assert contents == [False, False, True, True]
    assert all(one.subject for one in messages(db))


def test_the_bytes_of_received_mails_go_and_their_text_stays(db, settings, alice):
    mail = a_mail(text="Words that stay.")
    mail.add_attachment(b"quokka " * 100, maintype="text", subtype="x-quokka", filename="quokka.txt")
    kept = received(db, came(db, settings, mail))
    with a_year_passes(db, settings):
        rule(db, alice, RuleKind.RECEIVED_BYTES, 6)
        assert run_rules(db) == 1
    assert (count(db, ReceivedContent), count(db, AttachmentBody)) == (0, 0)
    with db.read() as session:
        assert content_of(session, kept) == b""
    assert received_words(db, kept) == "Words that stay."


def received_words(db, kept):
    with db.read() as session:
        return session.get_one(type(kept), kept.id).words.strip()


def test_refused_and_removed_comments_are_emptied_after_their_days_and_no_others(db, settings, alice):
    waits = commented(db, settings, name="Bob", body="Waits")
    public = commented(db, settings, name="Bob", body="Public", published=True)
    refused = commented(db, settings, email="ada@example.org", body="Buy quokkas")
    removed = commented(db, settings, name="Charlie", body="Rude quokkas", published=True)
    answer = commented(db, settings, name="Bob", body="No quokkas", answers=removed.public_id, published=True)
    with db.write() as session:
        refuse(session, session.get_one(Comment, refused.id), 1, None)
        remove(session, session.get_one(Comment, removed.id), 1, alice)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        rule(db, alice, RuleKind.REFUSED_COMMENTS, 30)
        assert shown(db, RuleKind.REFUSED_COMMENTS, 32) == (0, [])
        assert shown(db, RuleKind.REFUSED_COMMENTS, 30) == (2, ["Ada Lovelace", "Charlie"])
        assert run_rules(db) == 2
        assert shown(db, RuleKind.REFUSED_COMMENTS, 30) == (0, [])
    said = [comment_of(db, one.public_id).body for one in (waits, public, refused, removed, answer)]
    assert said == ["Waits", "Public", "Erased.", "Erased.", "No quokkas"]
    assert comment_of(db, refused.public_id).name == "(erased)"
    assert count(db, CommentWriter) == 0


@on_sqlite
def test_a_rule_is_taken_back(db, alice):
    rule(db, alice, RuleKind.SENT_BYTES, 6)
    rule(db, alice, RuleKind.SENT_BYTES, None)
    with db.read() as session:
        assert rules_of(session) == {}


@on_sqlite
@pytest.mark.parametrize("length", [0, -1, 3651])
def test_a_length_that_is_none_is_refused(db, alice, length):
    with pytest.raises(Refusal, match="from 1 to 3650"):
        rule(db, alice, RuleKind.SENT_BYTES, length)

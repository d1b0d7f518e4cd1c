"""Answers by staff: from the desk, by answering a notice, or copied to a dropbox; and what they make wait."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.rooms.came import a_mail, came, conversation_of, received, signed_address
from tests.rooms.post import Post
from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.inbox.answers import AddressClosed, Answer, reply
from tpminstitute.inbox.dropboxes import dropbox_address, renew_dropbox
from tpminstitute.inbox.models import Inquiry, InquiryState, Standing, Turn, Writer
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.personal import LONGEST, ReplyError
from tpminstitute.mail.reply_addresses import Purpose
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences.drafts import waiting
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.pauses import pause_for_contact, resume_for_contact
from tpminstitute.sequences.runner import run_due


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"reply_address": "info@tpminstitute.org"})


@pytest.fixture
def alice(db, settings):
    """Alice, and Ada's inquiry with consent, whose mails are out."""
    with db.write() as session:
        account = an_account(session)
    submitted(db, settings, consents=True)
    deliver(db, Post(), settings)
    return account


def answered(db, settings, alice, text="Come on Monday at ten.", key="one", **fields):
    with db.write() as session:
        account = session.get_one(Account, alice.id)
        return reply(session, settings, locked(session, contact_of(db).id), Answer(key, text, account, **fields))


def replies(db):
    return messages(db, kind=MessageKind.REPLY)


def read(message):
    return message_from_bytes(message.content, policy=policy.default)


def run_of(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def staff_address(db, settings):
    return signed_address(settings, Purpose.STAFF, contact_of(db))


def test_a_reply_goes_out_from_the_institute_in_the_staff_members_name(db, settings, alice):
    answered(db, settings, alice)
    mail = read(replies(db)[0])
    assert mail["From"].addresses[0].addr_spec == "info@tpminstitute.org"
    assert mail["From"].addresses[0].display_name == "Alice, TPM Institute"
    assert mail["To"].addresses[0].addr_spec == ADA
    assert "Come on Monday at ten." in mail.get_body(("plain",)).get_content()


def test_a_reply_passes_the_mail_lint_on_its_way_out(db, settings, alice):
    post = Post()
    answered(db, settings, alice)
    deliver(db, post, settings)
    assert post.recipients == [ADA]


def test_a_reply_joins_the_thread_of_the_acknowledgement(db, settings, alice):
    answered(db, settings, alice)
    [acknowledgement] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    mail = read(replies(db)[0])
    assert mail["In-Reply-To"] == acknowledgement.message_id
    assert mail["Subject"] == f"Re: {acknowledgement.subject}"


def test_a_reply_to_a_mail_joins_its_thread_and_quotes_it(db, settings, alice):
    theirs = a_mail(subject="A question", text="Is there a course in May?")
    came(db, settings, theirs)
    answered(db, settings, alice)
    mail = read(replies(db)[0])
    assert (mail["In-Reply-To"], mail["Subject"]) == (theirs["Message-ID"], "Re: A question")
    assert "> Is there a course in May?" in mail.get_body(("plain",)).get_content()


def test_an_answer_to_a_reply_comes_to_the_contacts_own_address(db, settings, alice):
    answered(db, settings, alice)
    address = read(replies(db)[0])["Reply-To"].addresses[0].addr_spec
    assert address == signed_address(settings, Purpose.VISITOR, contact_of(db))


def test_the_same_answer_twice_is_sent_once(db, settings, alice):
    assert answered(db, settings, alice)
    assert not answered(db, settings, alice)
    assert len(replies(db)) == 1


def test_a_reply_handles_the_open_inquiry_and_waits_for_the_visitor(db, settings, alice):
    answered(db, settings, alice)
    with db.read() as session:
        assert session.scalars(select(Inquiry)).one().state is InquiryState.HANDLED
    assert conversation_of(db).turn is Turn.VISITOR


def test_a_reply_makes_the_next_follow_up_ask_a_person_first(db, settings, alice):
    answered(db, settings, alice)
    assert (run_of(db).status, run_of(db).reason) == (EnrollmentStatus.PAUSED, "Alice wrote to them.")
    with time_machine.travel(clock.now() + timedelta(days=60)):
        run_due(db, settings)
    assert messages(db, kind=MessageKind.FOLLOW_UP) == []
    with db.read() as session:
        assert [draft.reason for draft in waiting(session)] == ["Alice wrote to them."]


def test_a_run_that_waits_for_a_person_goes_on_by_their_word(db, settings, alice):
    with db.write() as session:
        pause_for_contact(session, contact_of(db).id, "Somebody else wrote.")
    with time_machine.travel(clock.now() + timedelta(days=60)):
        run_due(db, settings)
        assert messages(db, kind=MessageKind.FOLLOW_UP) == []
        with db.write() as session:
            resume_for_contact(session, contact_of(db).id, alice.id)
        run_due(db, settings)
    assert len(messages(db, kind=MessageKind.FOLLOW_UP)) == 1


def test_a_pause_until_a_day_ends_by_itself(db, settings, alice):
    until = clock.now() + timedelta(days=10)
    with db.write() as session:
        pause_for_contact(session, contact_of(db).id, "They are away.", until)
    with time_machine.travel(until - timedelta(minutes=1)):
        run_due(db, settings)
        assert messages(db, kind=MessageKind.FOLLOW_UP) == []
    with time_machine.travel(until + timedelta(minutes=1)):
        run_due(db, settings)
    assert len(messages(db, kind=MessageKind.FOLLOW_UP)) == 1


def test_a_pause_never_brings_a_mail_forward(db, settings, alice):
    with db.write() as session:
        pause_for_contact(session, contact_of(db).id, "They are away.", clock.now() + timedelta(hours=1))
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        run_due(db, settings)
        assert run_of(db).status is EnrollmentStatus.ACTIVE
        assert run_of(db).next_due_at > clock.now() + timedelta(days=2)


def test_a_shorter_pause_leaves_the_longer_one(db, settings, alice):
    with db.write() as session:
        pause_for_contact(session, contact_of(db).id, "Alice wrote to them.")
        pause_for_contact(session, contact_of(db).id, "They are away.", clock.now() + timedelta(days=1))
    with time_machine.travel(clock.now() + timedelta(days=30)):
        run_due(db, settings)
    assert run_of(db).reason == "Alice wrote to them."


def test_a_written_follow_up_that_waits_is_cancelled_by_a_reply(db, settings, alice):
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)
    answered(db, settings, alice)
    [follow_up] = messages(db, kind=MessageKind.FOLLOW_UP)
    assert (follow_up.status, follow_up.reason) == (MessageStatus.CANCELLED, "Alice wrote to them.")


def test_a_reply_to_a_closed_address_asks_first(db, settings, alice):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    with pytest.raises(AddressClosed, match="came back for good"):
        answered(db, settings, alice)
    assert replies(db) == []


def test_a_reply_that_was_asked_about_goes_to_a_closed_address(db, settings, alice):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    answered(db, settings, alice, despite_closed=True)
    deliver(db, Post(), settings)
    assert replies(db)[0].status is MessageStatus.SENT


def test_a_reply_that_nobody_was_asked_about_stops_at_an_address_closed_meanwhile(db, settings, alice):
    answered(db, settings, alice)
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.COMPLAINT)
    deliver(db, Post(), settings)
    assert replies(db)[0].status is MessageStatus.SUPPRESSED


@pytest.mark.parametrize(("text", "says"), [("  \n", "is empty"), ("x" * (LONGEST + 1), "Shorten the reply")])
def test_an_empty_or_endless_reply_is_refused(db, settings, alice, text, says):
    with pytest.raises(ReplyError, match=says):
        answered(db, settings, alice, text)
    assert replies(db) == []


def test_an_answer_to_a_notice_goes_on_to_the_visitor_in_the_institutes_name(db, settings, alice):
    text = (
        "Come on Monday.\n\nOn 22 Nov 2026, TPM Institute wrote:\n> Open the contact: http://institute.test/staff/x\n"
    )
    mail = a_mail(sender="Alice <alice@tpminstitute.org>", to=staff_address(db, settings), text=text)
    row = received(db, came(db, settings, mail))
    content = read(replies(db)[0]).get_body(("plain",)).get_content()
    assert "Come on Monday." in content
    assert "/staff/" not in content
    assert (row.writer, row.account_id, row.standing) == (Writer.STAFF, alice.id, Standing.TRUSTED)
    assert run_of(db).status is EnrollmentStatus.PAUSED


def test_an_answer_to_a_notice_that_comes_twice_goes_on_once(db, settings, alice):
    mail = a_mail(sender="alice@tpminstitute.org", to=staff_address(db, settings))
    came(db, settings, mail)
    came(db, settings, mail)
    assert len(replies(db)) == 1


def test_an_answer_from_the_institutes_shared_mailbox_goes_on_too(db, settings, alice):
    came(db, settings, a_mail(sender="info@tpminstitute.org", to=staff_address(db, settings)))
    assert len(replies(db)) == 1


@pytest.mark.parametrize("sender", ["charlie@example.net", ADA, "rita@tpminstitute.org"])
def test_nobody_but_staff_who_may_act_can_answer_a_notice(db, settings, alice, sender):
    with db.write() as session:
        an_account(session, "Rita", role=Role.READER)
    row = received(db, came(db, settings, a_mail(sender=sender, to=staff_address(db, settings))))
    assert replies(db) == []
    assert (row.standing, "no staff member's" in row.doubt) == (Standing.DOUBTFUL, True)


def test_a_forged_staff_address_sends_nothing_on(db, settings, alice):
    forged = f"info+s-{contact_of(db).public_id}-{'a' * 16}@tpminstitute.org"
    row = received(db, came(db, settings, a_mail(sender="alice@tpminstitute.org", to=forged)))
    assert replies(db) == []
    assert row.standing is Standing.DOUBTFUL


def test_a_visitors_address_is_no_staff_address(db, settings, alice):
    visitor = signed_address(settings, Purpose.VISITOR, contact_of(db))
    came(db, settings, a_mail(sender="alice@tpminstitute.org", to=visitor.replace("+v-", "+s-")))
    assert replies(db) == []


def test_an_answer_to_a_notice_of_a_closed_address_waits_for_a_person(db, settings, alice):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    row = received(db, came(db, settings, a_mail(sender="alice@tpminstitute.org", to=staff_address(db, settings))))
    assert (row.standing, "was not sent on" in row.doubt) == (Standing.DOUBTFUL, True)


def own_dropbox(db, settings, alice):
    with db.write() as session:
        return dropbox_address(session, settings, session.get_one(Account, alice.id))


def test_a_copy_to_the_dropbox_is_filed_and_counts_as_the_human_touch(db, settings, alice):
    mail = a_mail(sender="alice@tpminstitute.org", to=f"{ADA}, {own_dropbox(db, settings, alice)}")
    row = received(db, came(db, settings, mail))
    assert (row.writer, row.contact_id, row.account_id) == (Writer.STAFF, contact_of(db).id, alice.id)
    assert run_of(db).status is EnrollmentStatus.PAUSED
    assert replies(db) == []


def test_a_copy_to_somebody_unknown_makes_a_contact(db, settings, alice):
    dropbox = own_dropbox(db, settings, alice)
    came(db, settings, a_mail(sender="alice@tpminstitute.org", to="grace@example.org", Cc=dropbox))
    assert contact_of(db, "grace@example.org").name == "grace"


def test_a_visitor_who_answers_to_all_is_no_staff(db, settings, alice):
    mail = a_mail(to=f"info@tpminstitute.org, {own_dropbox(db, settings, alice)}")
    row = received(db, came(db, settings, mail))
    assert (row.writer, row.contact_id) == (Writer.VISITOR, contact_of(db).id)
    assert run_of(db).status is EnrollmentStatus.STOPPED


def test_a_renewed_dropbox_files_nothing_at_its_old_address(db, settings, alice):
    old = own_dropbox(db, settings, alice)
    with db.write() as session:
        renew_dropbox(session, session.get_one(Account, alice.id))
    came(db, settings, a_mail(sender="alice@tpminstitute.org", to=f"{ADA}, {old}"))
    assert run_of(db).status is EnrollmentStatus.ACTIVE


def test_without_a_reply_address_nothing_is_signed(db, settings, alice):
    plain = settings.model_copy(update={"reply_address": ""})
    assert own_dropbox(db, plain, alice) is None
    answered(db, plain, alice)
    assert read(replies(db)[0])["Reply-To"].addresses[0].addr_spec == "info@tpminstitute.org"

"""What comes in is stored once, filed with whose it is, and stops, pauses, closes or only records."""

import threading
from datetime import date, timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import select, update

from tests.factories import ADA, an_account, contact_of, count, messages, statuses, submitted
from tests.rooms.came import a_bounce, a_complaint, a_mail, came, conversation_of, received, signed_address
from tests.rooms.post import Post
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.inbox import opt_out
from tpminstitute.inbox.contents import attachment_content, content_of
from tpminstitute.inbox.models import (
    AttachmentBody,
    Door,
    Inquiry,
    InquiryState,
    ReceivedAttachment,
    ReceivedMail,
    Standing,
    Turn,
    Writer,
)
from tpminstitute.inbox.receive import Incoming, receive
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import DeliveryEvent, DeliveryEventKind, Message, MessageKind, SuppressionReason
from tpminstitute.mail.reply_addresses import Purpose
from tpminstitute.mail.suppression import suppression_of
from tpminstitute.pipeline.models import Lead
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.runner import run_due
from tpminstitute.timeline.models import Activity, ActivityKind


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"reply_address": "info@tpminstitute.org"})


@pytest.fixture
def follow_up(db, settings):
    """A follow-up that Ada got, the first of three."""
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)
    deliver(db, Post(), settings)
    [message] = messages(db, kind=MessageKind.FOLLOW_UP)
    return message


def run_of(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def turn(db, email=ADA):
    return conversation_of(db, email).turn


def closed(db, email=ADA):
    with db.read() as session:
        kept = suppression_of(session, email)
        return kept and kept.reason


def said(db, kind):
    with db.read() as session:
        return list(session.scalars(select(Activity.sentence).where(Activity.kind == kind)))


def test_a_reply_stops_the_follow_ups_before_the_next_mail(db, settings, follow_up):
    came(db, settings, a_mail(answers=follow_up))
    assert run_of(db).status is EnrollmentStatus.STOPPED
    assert run_of(db).reason == "They answered."


def test_a_reply_cancels_a_follow_up_that_waits_in_the_queue(db, settings, follow_up):
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)
    came(db, settings, a_mail(answers=follow_up))
    assert statuses(db)["enrollment:1:step:2"] == "cancelled"


def test_a_reply_is_filed_with_the_mail_it_answers_and_waits_for_the_institute(db, settings, follow_up):
    mail = received(db, came(db, settings, a_mail(answers=follow_up)))
    assert (mail.contact_id, mail.answers_id) == (follow_up.contact_id, follow_up.id)
    assert (mail.kind, mail.writer, mail.standing) == (ReceivedKind.PERSON, Writer.VISITOR, Standing.TRUSTED)
    assert turn(db) is Turn.INSTITUTE


def test_an_answer_to_a_follow_up_finds_its_contact_by_its_address_alone(db, settings, follow_up):
    reply_to = message_from_bytes(follow_up.content, policy=policy.default)["Reply-To"].addresses[0].addr_spec
    mail = received(db, came(db, settings, a_mail(to=reply_to)))
    assert mail.contact_id == follow_up.contact_id
    assert reply_to == signed_address(settings, Purpose.VISITOR, contact_of(db))


def test_a_reply_opens_a_lead_again(db, settings, follow_up):
    with db.write() as session:
        session.execute(update(Lead).values(stage_id=4, closed_at=clock.now()))
    came(db, settings, a_mail(answers=follow_up))
    with db.read() as session:
        assert session.scalar(select(Lead.id).where(Lead.closed_at.is_(None)))


def test_a_provider_that_replaced_our_message_id_doesnt_hide_whose_bounce_it_is(db, settings, follow_up):
    bounce = a_bounce(follow_up).replace(follow_up.message_id.encode(), b"<0100018-provider@mail.example.net>")
    came(db, settings, bounce)
    assert closed(db) is SuppressionReason.HARD_BOUNCE


def test_a_mail_by_a_known_sender_is_theirs_without_any_thread(db, settings, follow_up):
    mail = received(db, came(db, settings, a_mail(subject="Another question")))
    assert mail.contact_id == contact_of(db).id
    assert run_of(db).status is EnrollmentStatus.STOPPED


def test_an_address_in_capitals_is_the_same_person(db, settings, follow_up):
    mail = received(db, came(db, settings, a_mail(sender="ADA@EXAMPLE.ORG")))
    assert mail.contact_id == contact_of(db).id


def test_the_same_mail_is_stored_once_whatever_way_it_comes(db, settings, follow_up):
    mail = a_mail(answers=follow_up)
    first = came(db, settings, mail)
    travelled = b"Received: from a by b; Sun, 22 Nov 2026 10:00:01 +0000\r\n" + mail.as_bytes().replace(b"\r\n", b"\n")
    again = came(db, settings, travelled, door=Door.WEBHOOK)
    assert (first.first, again.first) == (True, False)
    assert again.public_id == first.public_id
    assert count(db, ReceivedMail) == 1
    assert len(said(db, ActivityKind.REPLY_RECEIVED)) == 1


def test_twenty_copies_at_once_are_stored_once(db, settings, follow_up):
    content = a_mail(answers=follow_up).as_bytes()
    receipts = []
    start = threading.Barrier(20)

    def take() -> None:
        start.wait()
        receipts.append(receive(db, settings, Incoming(content, Door.MAILBOX)))

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(receipt.first for receipt in receipts) == 1
    assert count(db, ReceivedMail) == 1


def test_two_mails_with_the_same_message_id_are_both_kept(db, settings, follow_up):
    for text in ("The first.", "The second."):
        mail = a_mail(text=text)
        mail.replace_header("Message-ID", "<not-unique@mail.example.org>")
        came(db, settings, mail)
    assert count(db, ReceivedMail) == 2


def test_two_mails_that_say_nothing_of_themselves_are_both_kept(db, settings):
    for content in (b"X-First: 1\r\n\r\n", b"X-Second: 2\r\n\r\n"):
        came(db, settings, content)
    assert count(db, ReceivedMail) == 2


def test_mail_from_somebody_unknown_becomes_an_inquiry(db, settings):
    receipt = came(db, settings, a_mail(subject="Where do I begin?", text="I am a nurse.\n"))
    with db.read() as session:
        inquiry = session.scalars(select(Inquiry)).one()
    assert (inquiry.name, inquiry.email) == ("Ada Lovelace", ADA)
    assert inquiry.message == "Where do I begin?\n\nI am a nurse."
    assert inquiry.state is InquiryState.OPEN
    assert received(db, receipt).inquiry_id == inquiry.id
    assert turn(db) is Turn.INSTITUTE
    assert set(statuses(db)) == {"inquiry:1:notice", "inquiry:1:ack"}


def test_the_acknowledgement_of_a_mail_joins_its_thread(db, settings):
    mail = a_mail()
    came(db, settings, mail)
    [acknowledgement] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert f"In-Reply-To: {mail['Message-ID']}".encode() in acknowledgement.content
    assert b"because you wrote to us" in acknowledgement.content.replace(b"=\r\n", b"")


def test_a_second_mail_by_the_same_person_is_acknowledged_no_more(db, settings):
    came(db, settings, a_mail(text="First."))
    came(db, settings, a_mail(text="Second."))
    assert len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT)) == 1


def test_mail_that_looks_like_spam_is_set_apart_and_causes_no_mail(db, settings):
    came(db, settings, a_mail(sender="Charlie <charlie@example.net>", X_Spam_Flag="YES"))
    with db.read() as session:
        assert session.scalars(select(Inquiry)).one().state is InquiryState.SUSPECTED
    assert messages(db) == []


def test_mail_that_our_own_list_hands_out_is_a_persons(db, settings):
    came(db, settings, a_mail(List_Id="<info.tpminstitute.org>", List_Post="<mailto:info@tpminstitute.org>"))
    with db.read() as session:
        assert session.scalars(select(Inquiry)).one().state is InquiryState.OPEN


def test_mail_without_a_usable_sender_waits_for_a_person(db, settings):
    mail = received(db, came(db, settings, a_mail(sender="nobody")))
    assert (mail.standing, mail.contact_id) == (Standing.DOUBTFUL, None)
    assert count(db, Contact) == 0


def test_a_stranger_on_a_thread_is_shown_and_never_trusted(db, settings, follow_up):
    receipt = came(db, settings, a_mail(sender="Charlie <charlie@example.net>", answers=follow_up))
    mail = received(db, receipt)
    assert mail.standing is Standing.DOUBTFUL
    assert "charlie@example.net" in mail.doubt
    assert mail.contact_id == follow_up.contact_id
    assert run_of(db).status is EnrollmentStatus.PAUSED
    assert said(db, ActivityKind.REPLY_RECEIVED) == []


def test_who_names_no_usable_address_on_a_thread_is_not_trusted_either(db, settings, follow_up):
    mail = received(db, came(db, settings, a_mail(sender="nobody", answers=follow_up)))
    assert (mail.standing, mail.contact_id) == (Standing.DOUBTFUL, follow_up.contact_id)
    assert said(db, ActivityKind.REPLY_RECEIVED) == []


def test_a_signed_reply_address_says_whose_mail_it_is(db, settings, follow_up):
    address = signed_address(settings, Purpose.VISITOR, contact_of(db))
    mail = received(db, came(db, settings, a_mail(sender="a.lovelace@example.net", to=address)))
    assert mail.contact_id == contact_of(db).id
    assert mail.standing is Standing.DOUBTFUL


def test_a_signed_address_may_come_back_in_capitals(db, settings, follow_up):
    address = signed_address(settings, Purpose.VISITOR, contact_of(db)).upper()
    mail = received(db, came(db, settings, a_mail(sender="a.lovelace@example.net", to=address)))
    assert mail.contact_id == contact_of(db).id


def test_a_forged_reply_address_is_shown_as_forged(db, settings, follow_up):
    local, _, domain = signed_address(settings, Purpose.VISITOR, contact_of(db)).partition("@")
    another = "3" if local.endswith("2") else "2"
    forged = f"{local[:-1]}{another}@{domain}"
    mail = received(db, came(db, settings, a_mail(to=forged)))
    assert mail.standing is Standing.DOUBTFUL
    assert "forged" in mail.doubt
    assert run_of(db).status is EnrollmentStatus.PAUSED


def test_a_forged_reply_address_from_a_stranger_is_set_apart(db, settings):
    submitted(db, settings)
    forged = f"info+v-{contact_of(db).public_id}-{'a' * 16}@tpminstitute.org"
    came(db, settings, a_mail(sender="charlie@example.net", to=forged))
    with db.read() as session:
        newest = session.scalars(select(Inquiry).order_by(Inquiry.id.desc())).first()
    assert newest.state is InquiryState.SUSPECTED
    assert "forged" in newest.suspicions[0]


def test_a_hard_bounce_closes_the_address_and_stops_the_follow_ups(db, settings, follow_up):
    came(db, settings, a_bounce(follow_up))
    assert closed(db) is SuppressionReason.HARD_BOUNCE
    assert run_of(db).status is EnrollmentStatus.STOPPED
    with db.read() as session:
        event = session.scalars(select(DeliveryEvent).where(DeliveryEvent.kind == DeliveryEventKind.BOUNCED)).one()
    assert (event.message_id, "No such user" in event.text) == (follow_up.id, True)


def test_a_soft_bounce_is_only_recorded(db, settings, follow_up):
    came(db, settings, a_bounce(follow_up, status="4.2.2", said="452 4.2.2 Mailbox full"))
    assert closed(db) is None
    assert run_of(db).status is EnrollmentStatus.ACTIVE
    assert len(said(db, ActivityKind.MAIL_BOUNCED)) == 1


def test_a_bounce_that_names_no_mail_of_ours_closes_nothing(db, settings, follow_up):
    invented = Message(recipient=ADA, content=b"From: info@tpminstitute.org\r\nMessage-ID: <made@up>\r\n\r\n")
    mail = received(db, came(db, settings, a_bounce(invented)))
    assert (mail.kind, mail.contact_id) == (ReceivedKind.BOUNCE, None)
    assert closed(db) is None


def test_a_bounced_notice_never_closes_the_institutes_own_address(db, settings):
    submitted(db, settings)
    [notice] = messages(db, kind=MessageKind.NOTICE)
    came(db, settings, a_bounce(notice))
    assert closed(db, "info@tpminstitute.org") is None
    assert len(said(db, ActivityKind.MAIL_BOUNCED)) == 1


def test_a_complaint_closes_the_address(db, settings, follow_up):
    came(db, settings, a_complaint(follow_up))
    assert closed(db) is SuppressionReason.COMPLAINT
    assert run_of(db).status is EnrollmentStatus.STOPPED


def test_an_out_of_office_pauses_until_the_day_it_names(db, settings, follow_up):
    back = clock.now().date() + timedelta(days=20)
    text = f"I am out of the office until {back:%d %B %Y}. For urgent matters call Bob."
    mail = a_mail(subject="Automatic reply: The path", text=text, answers=follow_up, Auto_Submitted="auto-replied")
    came(db, settings, mail)
    assert run_of(db).status is EnrollmentStatus.PAUSED
    assert turn(db) is not Turn.VISITOR
    with db.read() as session:
        assert session.scalar(select(ReceivedMail.return_on)) in (back, back + timedelta(days=1))


def test_an_out_of_office_without_a_day_pauses_for_a_week(db, settings, follow_up):
    mail = a_mail(subject="Out of office", text="I am away.", answers=follow_up, Auto_Submitted="auto-replied")
    came(db, settings, mail)
    assert "name no day" in run_of(db).reason


def test_an_automatic_answer_is_only_recorded(db, settings, follow_up):
    mail = a_mail(subject="Ticket 4711 received", text="We got it.", answers=follow_up, Auto_Submitted="auto-generated")
    before = len(messages(db))
    came(db, settings, mail)
    assert run_of(db).status is EnrollmentStatus.ACTIVE
    assert len(messages(db)) == before
    assert len(said(db, ActivityKind.AUTOMATIC_MAIL_RECEIVED)) == 1


def test_an_automatic_mail_by_somebody_unknown_is_kept_and_answered_by_nobody(db, settings):
    came(db, settings, a_mail(sender="robot@example.net", Auto_Submitted="auto-replied"))
    assert (count(db, ReceivedMail), count(db, Contact), messages(db)) == (1, 0, [])


def test_two_machines_that_answer_each_other_come_to_an_end_at_once(db, settings):
    """A responder that hides what it is gets one acknowledgement, and nothing for whatever it says to that."""
    came(db, settings, a_mail(sender="desk@example.net", text="Thank you for your message number 0."))
    for number in range(1, 50):
        [answer] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
        text = f"Thank you for your message number {number}."
        came(db, settings, a_mail(sender="desk@example.net", text=text, answers=answer))
    assert len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT)) == 1


def test_an_unsubscribe_by_mail_is_as_good_as_the_link(db, settings, follow_up):
    came(db, settings, a_mail(subject="Unsubscribe", text="unsubscribe", answers=follow_up))
    with db.read() as session:
        assert opt_out.opted_out(session, contact_of(db))
    assert run_of(db).status is EnrollmentStatus.STOPPED
    assert closed(db) is SuppressionReason.OPT_OUT


def test_an_unsubscribe_link_that_is_quoted_in_a_reply_unsubscribes_nobody(db, settings, follow_up):
    text = "Yes, please tell me more.\n\n> Get no more of these mails: https://institute.test/unsubscribe/abc\n"
    came(db, settings, a_mail(text=text, answers=follow_up))
    with db.read() as session:
        assert not opt_out.opted_out(session, contact_of(db))
    assert closed(db) is None


def test_a_copy_of_our_own_mail_is_not_kept_twice(db, settings):
    submitted(db, settings)
    [notice] = messages(db, kind=MessageKind.NOTICE)
    receipt = came(db, settings, notice.content)
    assert (receipt.public_id, count(db, ReceivedMail)) == (None, 0)


def test_a_mail_that_says_it_is_from_us_causes_nothing(db, settings, follow_up):
    before = len(messages(db))
    mail = received(db, came(db, settings, a_mail(sender="info@tpminstitute.org", answers=follow_up)))
    assert mail.writer is Writer.OURSELVES
    assert len(messages(db)) == before
    assert run_of(db).status is EnrollmentStatus.ACTIVE


def test_a_reply_through_a_webhook_is_told_to_the_institute(db, settings, follow_up):
    before = len(messages(db, kind=MessageKind.NOTICE))
    came(db, settings, a_mail(answers=follow_up), door=Door.WEBHOOK)
    assert len(messages(db, kind=MessageKind.NOTICE)) == before + 1


def test_a_reply_that_lies_in_the_institutes_mailbox_is_not_told_again(db, settings, follow_up):
    before = len(messages(db, kind=MessageKind.NOTICE))
    came(db, settings, a_mail(answers=follow_up))
    assert len(messages(db, kind=MessageKind.NOTICE)) == before


def test_an_attachment_is_kept_once_and_comes_back_as_it_was(db, settings, follow_up):
    pdf = b"%PDF-1.7\n" + bytes(range(256)) * 20
    for text in ("One.", "Two."):
        mail = a_mail(text=text)
        mail.add_attachment(pdf, maintype="application", subtype="pdf", filename="cv.pdf")
        content = mail.as_bytes()
        row = received(db, came(db, settings, content))
        with db.read() as session:
            assert content_of(session, row) == content
            attachment = session.scalars(select(ReceivedAttachment).where(ReceivedAttachment.mail_id == row.id)).one()
            assert (attachment.name, attachment.media_type) == ("cv.pdf", "application/pdf")
            assert attachment_content(session, attachment) == pdf
    assert count(db, AttachmentBody) == 1


def test_a_mail_over_the_limit_is_kept_cut_and_says_so(db, settings, monkeypatch):
    monkeypatch.setattr("tpminstitute.inbox.receive.LARGEST", 10_000)
    row = received(db, came(db, settings, a_mail(text="word " * 5_000)))
    with db.read() as session:
        assert len(content_of(session, row)) == 10_000
    assert any("Its beginning was kept" in problem for problem in row.problems)


def test_a_mail_that_breaks_what_reads_it_is_kept_and_waits_for_a_person(db, settings, monkeypatch):
    def broken(*_: object) -> None:
        raise ValueError("a surprise")

    monkeypatch.setattr("tpminstitute.inbox.receive.follow", broken)
    content = a_mail().as_bytes()
    row = received(db, came(db, settings, content))
    assert row.standing is Standing.DOUBTFUL
    with db.read() as session:
        assert content_of(session, row) == content


def test_a_staff_members_out_of_office_to_a_notice_goes_to_nobody(db, settings):
    submitted(db, settings)
    with db.write() as session:
        an_account(session)
    address = signed_address(settings, Purpose.STAFF, contact_of(db))
    mail = a_mail(
        sender="alice@tpminstitute.org",
        to=address,
        subject="Automatic reply",
        text=f"I am out of the office until {date(2026, 12, 1):%d %B %Y}.",
        Auto_Submitted="auto-replied",
    )
    came(db, settings, mail)
    assert messages(db, kind=MessageKind.REPLY) == []

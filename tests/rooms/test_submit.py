"""An inquiry comes in: what is stored, and what it sets in motion."""

import threading

from sqlalchemy import select

from tests.factories import ADA, a_submission, contact_of, count, messages, statuses, submitted
from tpminstitute.contacts.consent import CURRENT_WORDING
from tpminstitute.contacts.models import Consent, Contact
from tpminstitute.inbox.along import Along
from tpminstitute.inbox.models import BroughtAlong, Inquiry, InquiryState, Topic
from tpminstitute.inbox.submit import submit_inquiry
from tpminstitute.mail.models import Message, MessageKind
from tpminstitute.mail.queries import plain_text
from tpminstitute.pipeline.models import Lead
from tpminstitute.sequences.models import Enrollment
from tpminstitute.timeline.queries import timeline_of


def test_an_inquiry_is_stored_as_received(db, settings):
    text = "  Two lines,\n\tkept 🙂 \u202eas they are.  "
    inquiry = submitted(db, settings, message=text, topic=Topic.SPC, phone=("020 7946 0958", "+442079460958"))
    assert (inquiry.message, inquiry.topic, inquiry.state) == (text, Topic.SPC, InquiryState.OPEN)
    assert (inquiry.name, inquiry.email) == ("Ada Lovelace", ADA)
    assert (inquiry.phone_typed, inquiry.phone_e164) == ("020 7946 0958", "+442079460958")


def test_an_inquiry_owes_two_mails(db, settings):
    inquiry = submitted(db, settings)
    assert statuses(db) == {f"inquiry:{inquiry.id}:notice": "queued", f"inquiry:{inquiry.id}:ack": "queued"}


def test_the_notice_goes_to_the_institute_and_is_answered_to_the_visitor(db, settings):
    submitted(db, settings, message="How do I begin?")
    (notice,) = messages(db, kind=MessageKind.NOTICE)
    assert notice.recipient == "info@tpminstitute.org"
    assert b"Reply-To: Ada Lovelace <ada@example.org>" in notice.content
    text = plain_text(notice.content)
    assert "How do I begin?" in text
    assert f"http://institute.test/staff/contacts/{contact_of(db).public_id}" in text


def test_the_acknowledgement_echoes_nothing_but_a_first_name(db, settings):
    submitted(db, settings, name="Ada <b>Lovelace</b> http://spam.example", message="Buy pills at http://spam.example")
    (acknowledgement,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert acknowledgement.recipient == ADA
    assert b"spam" not in acknowledgement.content
    assert "pills" not in plain_text(acknowledgement.content)


def test_a_repeated_form_is_one_inquiry(db, settings):
    form = a_submission(consents=True)
    ids = set()
    for _ in range(3):
        with db.write() as session:
            ids.add(submit_inquiry(session, settings, form))
    assert len(ids) == 1
    assert [count(db, table) for table in (Inquiry, Contact, Lead, Consent, Enrollment, Message)] == [1, 1, 1, 1, 1, 2]


def test_twenty_parallel_replays_are_one_inquiry(db, settings):
    form = a_submission(consents=True)
    start = threading.Barrier(20)
    answers, problems = [], []

    def send():
        start.wait()
        try:
            with db.write() as session:
                answers.append(submit_inquiry(session, settings, form))
        except Exception as problem:  # a thread's failure must reach the test
            problems.append(problem)

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(answers) == 20
    assert len(set(answers)) == 1
    assert [count(db, table) for table in (Inquiry, Contact, Lead, Consent, Enrollment, Message)] == [1, 1, 1, 1, 1, 2]


def test_a_second_inquiry_joins_the_same_contact_and_open_lead(db, settings):
    submitted(db, settings, message="First")
    submitted(db, settings, message="Second", email="ADA@Example.org")
    assert [count(db, table) for table in (Inquiry, Contact, Lead)] == [2, 1, 1]


def test_a_form_does_not_overwrite_what_is_known_but_fills_gaps(db, settings):
    submitted(db, settings)
    submitted(db, settings, name="Somebody Else", phone=("+1 215 430 2201", "+12154302201"))
    contact = contact_of(db)
    assert (contact.name, contact.phone_e164) == ("Ada Lovelace", "+12154302201")


def test_consent_is_stored_with_its_wording_and_source(db, settings):
    submitted(db, settings, consents=True)
    with db.read() as session:
        consent = session.scalars(select(Consent)).one()
    assert (consent.wording_version, consent.wording) == (CURRENT_WORDING.version, CURRENT_WORDING.text)
    assert consent.source == "contact form at /contact"


def test_without_consent_no_follow_ups_start(db, settings):
    submitted(db, settings)
    assert count(db, Enrollment) == 0


def test_a_returning_inquirer_does_not_get_the_same_follow_ups_twice(db, settings):
    submitted(db, settings, consents=True)
    submitted(db, settings, consents=True)
    assert count(db, Enrollment) == 1
    with db.read() as session:
        sentences = [entry.sentence for entry in timeline_of(session, contact_of(db).id)]
    assert any("were started for this contact before" in sentence for sentence in sentences)


def test_a_suspected_inquiry_is_stored_and_causes_nothing(db, settings):
    inquiry = submitted(db, settings, consents=True, suspicions=["The name holds a web address."])
    assert inquiry.state is InquiryState.SUSPECTED
    assert [count(db, table) for table in (Message, Lead, Enrollment)] == [0, 0, 0]


def test_the_timeline_says_who_did_what(db, settings):
    submitted(db, settings, consents=True, topic=Topic.PMP)
    with db.read() as session:
        entries = timeline_of(session, contact_of(db).id)
    assert [(entry.actor, entry.sentence) for entry in reversed(entries)] == [
        ("Visitor", "Sent an inquiry: Project Management Professional (PMP)."),
        ("Visitor", "Agreed to be followed up by e-mail."),
        ("Automatic", "A lead was opened in “New”."),
        ("Automatic", "The follow-ups “The pathway, step by step” started."),
    ]


def test_a_failed_transaction_leaves_nothing_behind(db, settings):
    try:
        with db.write() as session:
            submit_inquiry(session, settings, a_submission())
            raise RuntimeError("the power went off")
    except RuntimeError:
        pass
    assert [count(db, table) for table in (Inquiry, Contact, Lead, Message)] == [0, 0, 0, 0]


def test_what_was_sent_along_is_kept_and_told_in_the_notice(db, settings):
    along = Along("the chapter “Conclusion”", "0123abcd", ["Introduction", "Conclusion"], "e1x2", "You stand here.")
    inquiry = submitted(db, settings, along=along)
    with db.read() as session:
        kept = session.get_one(BroughtAlong, inquiry.id)
        text = plain_text(session.scalars(select(Message.content).where(Message.kind == MessageKind.NOTICE)).one())
    assert (kept.about, kept.edition, kept.chapters_read) == (along.about, "0123abcd", ["Introduction", "Conclusion"])
    assert (kept.pathway, kept.pathway_words) == ("e1x2", "You stand here.")
    assert "Had read:   Introduction; Conclusion (edition 0123abcd)" in text
    assert "You stand here." in text


def test_an_inquiry_that_brings_nothing_leaves_no_row(db, settings):
    submitted(db, settings)
    assert count(db, BroughtAlong) == 0

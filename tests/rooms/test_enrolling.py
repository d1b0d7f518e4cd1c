"""Who begins follow-ups: by the rule of a new inquiry, or by hand, and why somebody doesn't."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.factories import ADA, a_sequence, an_account, contact_of, submitted
from tpminstitute.contacts import consent
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.models import Topic
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences.enrolling import begin_by_hand, obstacles
from tpminstitute.sequences.models import CourseDate, Enrollment, EnrollmentStatus, Sequence
from tpminstitute.timeline.models import Activity, ActivityKind

CSM = ["csm"]


def runs(db, email=ADA):
    """Return (sequence's key, status) of a contact's runs, oldest first."""
    with db.read() as session:
        found = session.execute(
            select(Sequence.key, Enrollment.status)
            .join(Enrollment, Enrollment.sequence_id == Sequence.id)
            .where(Enrollment.contact_id == contact_of(db, email).id)
            .order_by(Enrollment.id)
        )
        return [(key, status.value) for key, status in found]


def said(db, kind):
    with db.read() as session:
        return list(session.scalars(select(Activity.sentence).where(Activity.kind == kind).order_by(Activity.id)))


def by_hand(db, settings, sequence_id, email=ADA):
    with db.write() as session:
        alice = an_account(session)
        sequence = session.get_one(Sequence, sequence_id)
        return begin_by_hand(session, settings, contact_of(db, email).id, "Courses", sequence, alice.id)


def against(db, sequence_id, email=ADA):
    contact = contact_of(db, email)
    with db.read() as session:
        return obstacles(session, session.get_one(Sequence, sequence_id), [contact.id]).get(contact.id)


# --- by rule -----------------------------------------------------------------------------------------------


def test_an_inquiry_begins_the_sequence_that_is_for_the_fewest_topics(db, settings):
    a_sequence(db, "scrum", starts_for=CSM)
    submitted(db, settings, consents=True, topic=Topic.CSM)
    assert runs(db) == [("scrum", "active")]


def test_an_inquiry_about_something_else_begins_the_sequence_for_everything(db, settings):
    a_sequence(db, "scrum", starts_for=CSM)
    submitted(db, settings, consents=True, topic=Topic.PMP)
    assert runs(db) == [("pathway", "active")]


def test_a_sequence_without_a_rule_begins_for_nobody(db, settings):
    a_sequence(db, "by-hand", starts_for=[])
    submitted(db, settings, consents=True)
    assert runs(db) == [("pathway", "active")]


def test_who_writes_again_about_something_new_gets_what_fits_it_instead(db, settings):
    a_sequence(db, "scrum", starts_for=CSM)
    submitted(db, settings, consents=True, topic=Topic.PMP)
    submitted(db, settings, consents=True, topic=Topic.CSM)
    assert runs(db) == [("pathway", "stopped"), ("scrum", "active")]
    assert "They wrote again, about “Certified Scrum Master (CSM)”" in said(db, ActivityKind.ENROLLMENT_STOPPED)[0]


def test_who_writes_again_about_the_same_keeps_the_run_that_goes_on(db, settings):
    submitted(db, settings, consents=True)
    submitted(db, settings, consents=True)
    assert runs(db) == [("pathway", "active")]


def test_a_run_begun_by_hand_goes_on_beside_what_a_new_inquiry_begins(db, settings):
    scrum = a_sequence(db, "scrum", starts_for=CSM)
    special = a_sequence(db, "special", starts_for=[])
    submitted(db, settings, consents=True, topic=Topic.PMP)
    by_hand(db, settings, special)
    submitted(db, settings, consents=True, topic=Topic.CSM)
    assert runs(db) == [("pathway", "stopped"), ("special", "active"), ("scrum", "active")]
    assert scrum


def test_a_sequence_about_a_full_course_begins_for_nobody(db, settings):
    course = a_course_date(db, full_at=clock.now())
    a_sequence(db, "scrum", starts_for=CSM, course_date_id=course)
    submitted(db, settings, consents=True, topic=Topic.CSM)
    assert runs(db) == [("pathway", "active")]


def test_without_any_sequence_for_it_the_timeline_says_so(db, settings):
    with db.write() as session:
        session.execute(update(Sequence).values(active=False))
    submitted(db, settings, consents=True)
    assert said(db, ActivityKind.ENROLLMENT_SKIPPED) == ["No follow-ups were started. None starts for this topic."]


# --- by hand -----------------------------------------------------------------------------------------------


def test_a_person_begins_follow_ups_for_a_contact(db, settings):
    special = a_sequence(db, "special", starts_for=[])
    submitted(db, settings, consents=True)
    run_id = by_hand(db, settings, special)
    with db.read() as session:
        run = session.get_one(Enrollment, run_id)
    assert (run.topic, run.status) == ("Courses", EnrollmentStatus.ACTIVE)
    assert said(db, ActivityKind.ENROLLED)[-1] == "The follow-ups “special” started by hand."


def test_nobody_is_begun_by_hand_who_did_not_agree(db, settings):
    special = a_sequence(db, "special", starts_for=[])
    submitted(db, settings)
    with pytest.raises(Refusal, match=r"took it back\. Nothing was started"):
        by_hand(db, settings, special)
    assert runs(db) == []


def test_who_took_the_consent_back_is_not_begun(db, settings):
    special = a_sequence(db, "special", starts_for=[])
    submitted(db, settings, consents=True)
    with db.write() as session:
        consent.withdraw(session, contact_of(db).id, "by mail")
    assert against(db, special) == "They have not agreed to follow-ups, or took it back."


def test_a_closed_address_is_not_begun(db, settings):
    special = a_sequence(db, "special", starts_for=[])
    submitted(db, settings, consents=True)
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    assert against(db, special) == "The address is closed. Mail to this address came back for good."


def test_nobody_is_in_the_same_follow_ups_twice_at_once(db, settings):
    submitted(db, settings, consents=True)
    assert against(db, 1) == "They are in these follow-ups now."


@pytest.mark.parametrize("ended", [{"status": "finished"}, {"status": "stopped", "reason": "x", "next_position": 2}])
def test_nobody_gets_the_same_mails_again(db, settings, ended):
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=None, ended_at=clock.now(), **ended))
    assert against(db, 1) == "They had mails of these follow-ups."


def test_a_run_that_ended_before_its_first_mail_may_begin_anew(db, settings):
    submitted(db, settings, consents=True)
    with db.write() as session:
        values = {"status": "stopped", "reason": "x", "next_due_at": None, "ended_at": clock.now()}
        session.execute(update(Enrollment).values(**values))
    assert against(db, 1) is None


def test_a_switched_off_sequence_begins_for_nobody(db, settings):
    special = a_sequence(db, "special", starts_for=[], active=False)
    submitted(db, settings, consents=True)
    assert against(db, special) == "The follow-ups “special” are switched off."


def test_a_course_that_has_begun_is_said(db, settings):
    course = a_course_date(db, begins_at=clock.now() - timedelta(days=1))
    special = a_sequence(db, "special", starts_for=[], course_date_id=course)
    submitted(db, settings, consents=True)
    assert against(db, special) == "The course “Scrum in spring” has begun."


def a_course_date(db, **fields):
    values = {"name": "Scrum in spring", "begins_at": clock.now() + timedelta(days=60), "full_at": None, **fields}
    with db.write() as session:
        course = CourseDate(number=1, **values)
        session.add(course)
        session.flush()
        return course.id

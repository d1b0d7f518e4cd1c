"""One thing done with many contacts happens exactly as it was shown, and is taken back exactly."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from tests.conftest import on_sqlite
from tests.factories import ENDING, an_account, contact_of, messages, submitted
from tests.rooms.test_cards import a_bare_contact, all_cards
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact, ContactTag
from tpminstitute.contacts.tags import add_tag, remove_tag, tags_of
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.lists import bulk
from tpminstitute.lists.bulk_queries import Whom, left_of, outcomes, preview, recent
from tpminstitute.lists.bulk_ways import NOBODY, Doing
from tpminstitute.lists.filters import Chosen
from tpminstitute.lists.models import BulkAction, BulkChange, BulkKind, BulkOutcome, BulkState
from tpminstitute.mail.models import MessageStatus
from tpminstitute.pipeline.endings import Ending, EndingProblem
from tpminstitute.pipeline.models import Lead, LeadEnding, Stage
from tpminstitute.pipeline.service import move_lead
from tpminstitute.sequences.course_dates import CourseFacts, add_course_date
from tpminstitute.sequences.models import CourseDate, Enrollment, EnrollmentStatus
from tpminstitute.sequences.pauses import pause_for_contact
from tpminstitute.timeline.models import Activity
from tpminstitute.timeline.queries import timeline_of

EVERYBODY = Whom(Chosen(ZoneInfo("America/New_York")))
NAMES = ("ana", "ben", "cleo", "dan")


@pytest.fixture
def four(db, settings):
    """Ana, Ben, Cleo and Dan wrote and agreed to follow-ups."""
    for name in NAMES:
        submitted(db, settings, email=email(name), name=name.title(), consents=True)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def bob(db):
    with db.write() as session:
        return an_account(session, "Bob").id


def email(name):
    return f"{name}@example.org"


def id_of(db, name):
    return contact_of(db, email(name)).id


def shown(db, doing, whom=EVERYBODY):
    """Return the names whom a preview means, and those whom it leaves, by why."""
    with db.read() as session:
        found = preview(session, whom, doing)
    return [name for _, name in found.meant.first], {g.why: [name for _, name in g.first] for g in found.left}


def done(db, alice, doing, whom=EVERYBODY, expected=None):
    """Do it for as many as the preview says; returns the action's id."""
    with db.write() as session:
        number = preview(session, whom, doing).meant.number if expected is None else expected
        action_id = bulk.begin(session, alice, whom, doing, "All contacts.", number).id
    bulk.go_on(db)
    return action_id


def taken_back(db, action_id, alice):
    """Take it back; returns what stayed, a sentence each."""
    with db.write() as session:
        bulk.take_back(session, action_id, alice)
    bulk.go_on(db)
    with db.read() as session:
        assert session.get_one(BulkAction, action_id).state is BulkState.UNDONE
        return sorted(group.why for group in left_of(session, action_id))


def everything(db):
    """Return all that an action may change."""
    with db.read() as session:
        return (
            session.execute(select(Contact.id, Contact.owner_id).order_by(Contact.id)).all(),
            session.execute(
                select(ContactTag.contact_id, ContactTag.tag, ContactTag.account_id, ContactTag.at).order_by(
                    ContactTag.contact_id, ContactTag.tag
                )
            ).all(),
            session.execute(select(Lead.id, Lead.stage_id, Lead.closed_at, Lead.moved_at).order_by(Lead.id)).all(),
            session.execute(select(*LeadEnding.__table__.c).order_by(LeadEnding.lead_id)).all(),
            session.execute(
                select(Enrollment.id, Enrollment.status, Enrollment.reason, Enrollment.next_due_at).order_by(
                    Enrollment.id
                )
            ).all(),
            all_cards(session),
        )


WAYS = [
    Doing(BulkKind.ASSIGN, "2"),
    Doing(BulkKind.ASSIGN, NOBODY),
    Doing(BulkKind.TAG, "Hot"),
    Doing(BulkKind.UNTAG, "old"),
    Doing(BulkKind.MOVE, "2"),
    Doing(BulkKind.MOVE, "3", Ending(course="Leading teams")),
    Doing(BulkKind.MOVE, "4", Ending(lost_reason_id=2, note="They ask again in May.")),
    Doing(BulkKind.STOP),
]


@pytest.fixture
def mixed(db, settings, four, alice, bob):
    """The four, each standing otherwise: Ana is Bob's and won, Ben is tagged, Cleo's follow-ups wait, Dan is new."""
    with db.write() as session:
        session.execute(update(Contact).where(Contact.id == id_of(db, "ana")).values(owner_id=bob))
        for name, tag in (("ben", "old"), ("ben", "hot"), ("cleo", "old")):
            add_tag(session, id_of(db, name), tag, alice)
        lead_id = session.scalars(select(Lead.id).where(Lead.contact_id == id_of(db, "ana"))).one()
        move_lead(session, lead_id, 3, alice, ENDING)
        pause_for_contact(session, id_of(db, "cleo"), "They are away.", clock.now() + timedelta(days=3))


@pytest.mark.parametrize("doing", WAYS, ids=str)
def test_what_is_taken_back_is_as_it_was(db, mixed, alice, doing):
    before = everything(db)
    action_id = done(db, alice, doing)
    assert everything(db) != before
    assert taken_back(db, action_id, alice) == sorted(shown(db, doing)[1])
    assert everything(db) == before


@pytest.mark.parametrize("doing", WAYS, ids=str)
def test_what_was_shown_is_what_happens(db, mixed, alice, doing):
    meant, left = shown(db, doing)
    action_id = done(db, alice, doing)
    assert shown(db, doing)[0] == []
    with db.read() as session:
        told = {group.why: [name for _, name in group.first] for group in left_of(session, action_id)}
        assert outcomes(session, action_id)[BulkOutcome.DONE] == len(meant)
        sentence = session.get_one(BulkAction, action_id).sentence
        facts = [timeline_of(session, id_of(db, name.lower()))[0].sentence for name in meant]
    assert told == left
    assert all(sentence in fact for fact in facts)


def test_the_preview_says_who_is_left_and_why(db, mixed):
    assert shown(db, Doing(BulkKind.TAG, "hot")) == (["Ana", "Cleo", "Dan"], {"They have the tag already.": ["Ben"]})
    assert shown(db, Doing(BulkKind.MOVE, "3", ENDING)) == (
        ["Ben", "Cleo", "Dan"],
        {"Their lead stands there already.": ["Ana"]},
    )
    assert shown(db, Doing(BulkKind.STOP))[1] == {"No follow-ups are running for them.": ["Ana"]}


def test_a_lost_lead_stops_the_follow_ups_and_its_mails(db, four, alice):
    done(db, alice, Doing(BulkKind.MOVE, "4", ENDING))
    with db.read() as session:
        assert set(session.scalars(select(Enrollment.status))) == {EnrollmentStatus.STOPPED}
    assert not messages(db, kind="follow_up", status=MessageStatus.QUEUED)


@on_sqlite
@pytest.mark.parametrize(
    ("stage", "ending", "field"),
    [
        ("3", Ending(), "course"),
        ("3", Ending(lost_reason_id=1), "course"),
        ("3", Ending(course_date_id=99), "course"),
        ("4", Ending(), "reason"),
        ("4", Ending(lost_reason_id=99), "reason"),
        ("4", Ending(lost_reason_id=1, note="x" * 501), "note"),
    ],
    ids=str,
)
def test_leads_that_end_together_say_how(db, four, alice, stage, ending, field):
    with pytest.raises(EndingProblem) as problem:
        shown(db, Doing(BulkKind.MOVE, stage, ending))
    assert problem.value.field == field
    with pytest.raises(EndingProblem):
        done(db, alice, Doing(BulkKind.MOVE, stage, ending), expected=4)


def test_each_lead_that_ended_together_keeps_how(db, mixed, alice):
    with db.write() as session:
        begins = clock.now() + timedelta(days=30)
        course = add_course_date(session, CourseFacts("Leading programs", begins), alice)
        course_id = course.id
    action_id = done(db, alice, Doing(BulkKind.MOVE, "4", Ending(lost_reason_id=2, note="They ask again in May.")))
    with db.read() as session:
        said = session.execute(select(LeadEnding.lost_reason_id, LeadEnding.course, LeadEnding.note)).all()
        sentence = session.get_one(BulkAction, action_id).sentence
    assert said == [(2, "", "They ask again in May.")] * 4
    assert sentence.endswith("They ask again in May. Their follow-ups stop.")
    done(db, alice, Doing(BulkKind.MOVE, "3", Ending(course_date_id=course_id)))
    with db.read() as session:
        said = session.execute(select(LeadEnding.course_date_id, LeadEnding.course, LeadEnding.note)).all()
    assert said == [(course_id, "Leading programs", "")] * 4


def test_an_open_stage_asks_for_no_ending_and_keeps_none(db, four, alice):
    action_id = done(db, alice, Doing(BulkKind.MOVE, "2", ENDING))
    with db.read() as session:
        assert session.scalars(select(LeadEnding)).all() == []
        assert session.get_one(BulkAction, action_id).ending == {}


def test_an_ending_that_was_said_otherwise_since_stays(db, four, alice):
    action_id = done(db, alice, Doing(BulkKind.MOVE, "4", ENDING))
    with db.write() as session:
        lead_id = session.scalars(select(Lead.id).where(Lead.contact_id == id_of(db, "ben"))).one()
        move_lead(session, lead_id, 4, alice, Ending(lost_reason_id=3))
    (why,) = taken_back(db, action_id, alice)
    assert why.startswith("It was said since how the lead ended")
    with db.read() as session:
        assert session.scalars(select(LeadEnding.lost_reason_id)).all() == [3]


def test_nobody_goes_back_to_a_stage_of_the_archive(db, four, alice):
    action_id = done(db, alice, Doing(BulkKind.MOVE, "4", ENDING))
    with db.write() as session:
        session.execute(update(Stage).where(Stage.id == 1).values(archived_at=clock.now()))
    (why,) = taken_back(db, action_id, alice)
    assert why.endswith("the stage where it stood is in the archive.")


@on_sqlite
def test_nobody_is_moved_to_a_stage_of_the_archive(db, four, alice):
    with db.write() as session:
        session.execute(update(Stage).where(Stage.id == 2).values(archived_at=clock.now()))
    with pytest.raises(Refusal, match="Choose the stage"):
        shown(db, Doing(BulkKind.MOVE, "2"))


def test_an_ending_whose_course_left_the_calendar_comes_back_by_its_name(db, four, alice):
    with db.write() as session:
        course = add_course_date(session, CourseFacts("Leading teams", clock.now() + timedelta(days=30)), alice)
        won = Ending(course_date_id=course.id)
        for lead_id in session.scalars(select(Lead.id)).all():
            move_lead(session, lead_id, 3, alice, won)
    action_id = done(db, alice, Doing(BulkKind.MOVE, "1"))
    with db.write() as session:
        session.execute(delete(CourseDate))
    assert taken_back(db, action_id, alice) == []
    with db.read() as session:
        assert (
            session.execute(select(LeadEnding.course_date_id, LeadEnding.course)).all() == [(None, "Leading teams")] * 4
        )


def test_what_somebody_changed_since_stays_and_is_told(db, mixed, alice, bob):
    action_id = done(db, alice, Doing(BulkKind.ASSIGN, str(alice)))
    with db.write() as session:
        session.execute(update(Contact).where(Contact.id == id_of(db, "dan")).values(owner_id=bob))
    assert taken_back(db, action_id, alice) == ["Somebody else was put in since."]
    with db.read() as session:
        assert dict(session.execute(select(Contact.name, Contact.owner_id)).all()) == {
            "Ana": bob,
            "Ben": None,
            "Cleo": None,
            "Dan": bob,
        }


def test_a_tag_that_was_put_on_again_by_hand_stays(db, four, alice):
    action_id = done(db, alice, Doing(BulkKind.TAG, "hot"))
    with db.write() as session:
        remove_tag(session, id_of(db, "ana"), "hot", alice)
        add_tag(session, id_of(db, "ana"), "hot", alice)
    assert taken_back(db, action_id, alice) == ["The tag was taken off by hand since."]
    with db.read() as session:
        assert [tags_of(session, id_of(db, name)) for name in NAMES] == [["hot"], [], [], []]


def test_follow_ups_that_were_begun_anew_since_stay_as_they_are(db, four, alice):
    action_id = done(db, alice, Doing(BulkKind.STOP))
    with db.write() as session:
        run = session.scalars(select(Enrollment).where(Enrollment.contact_id == id_of(db, "ben"))).one()
        run.reason = "They unsubscribed."
    assert taken_back(db, action_id, alice) == ["Their follow-ups changed since."]
    with db.read() as session:
        running = select(Enrollment.contact_id).where(Enrollment.status == EnrollmentStatus.ACTIVE)
        assert id_of(db, "ben") not in session.scalars(running).all()


def test_a_list_that_changed_since_the_preview_is_refused(db, settings, four, alice):
    submitted(db, settings, email="new@example.org")
    with pytest.raises(Refusal, match="would happen to 5 and not to 4"):
        done(db, alice, Doing(BulkKind.TAG, "hot"), expected=4)
    with db.read() as session:
        assert session.scalars(select(ContactTag)).all() == []


@on_sqlite
def test_nobody_to_whom_it_could_happen_is_said(db, four, alice):
    with pytest.raises(Refusal, match="nobody left"):
        done(db, alice, Doing(BulkKind.UNTAG, "no such tag"))


@on_sqlite
@pytest.mark.parametrize(
    "doing",
    [
        Doing(BulkKind.ASSIGN, "99"),
        Doing(BulkKind.ASSIGN, ""),
        Doing(BulkKind.TAG, " "),
        Doing(BulkKind.UNTAG, "x" * 61),
        Doing(BulkKind.MOVE, "99"),
        Doing(BulkKind.MOVE, "-1"),
        Doing(BulkKind.MOVE, "9" * 30),
    ],
    ids=str,
)
def test_a_target_that_is_none_is_refused(db, four, doing):
    with pytest.raises(Refusal), db.read() as session:
        preview(session, EVERYBODY, doing)


def test_only_who_was_ticked_is_meant(db, four, alice):
    whom = Whom(EVERYBODY.chosen, (contact_of(db, email("ana")).public_id, "no-such-contact"))
    done(db, alice, Doing(BulkKind.TAG, "hot"), whom)
    with db.read() as session:
        assert session.scalars(select(ContactTag.contact_id)).all() == [id_of(db, "ana")]


def test_many_are_done_and_undone_in_batches(db, four, alice, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    with db.write() as session:
        action = bulk.begin(session, alice, EVERYBODY, Doing(BulkKind.TAG, "hot"), "All contacts.", 4)
        assert outcomes(session, action.id) == {BulkOutcome.DONE: 1, BulkOutcome.WAITING: 3}
    bulk.go_on(db)
    with db.read() as session:
        assert outcomes(session, action.id) == {BulkOutcome.DONE: 4}
    assert taken_back(db, action.id, alice) == []


def test_what_is_taken_back_half_way_goes_no_further(db, four, alice, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    with db.write() as session:
        action_id = bulk.begin(session, alice, EVERYBODY, Doing(BulkKind.TAG, "hot"), "All contacts.", 4).id
    assert taken_back(db, action_id, alice) == [bulk.REACHED_NO_MORE]
    with db.read() as session:
        assert session.scalars(select(ContactTag)).all() == []


def test_a_stage_that_went_meanwhile_leaves_the_rest_as_they_are(db, four, alice, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    with db.write() as session:
        action_id = bulk.begin(session, alice, EVERYBODY, Doing(BulkKind.ASSIGN, str(alice)), "All contacts.", 4).id
        session.execute(update(Account).where(Account.id == alice).values(active=False))
    bulk.go_on(db)
    with db.read() as session:
        assert outcomes(session, action_id) == {BulkOutcome.DONE: 1, BulkOutcome.LEFT: 3}


def test_a_contact_that_is_erased_takes_its_change_along(db, alice):
    with db.write() as session:
        contact_id = a_bare_contact(session, email("ana"))
    done(db, alice, Doing(BulkKind.TAG, "hot"))
    with db.write() as session:
        for model in (ContactTag, Activity):
            session.execute(delete(model).where(model.contact_id == contact_id))
        session.execute(delete(Contact))
    with db.read() as session:
        assert session.scalars(select(BulkChange)).all() == []
        assert [action.contacts for action in recent(session)] == [1]


@on_sqlite
def test_it_is_taken_back_once_and_within_a_day(db, four, alice):
    action_id = done(db, alice, Doing(BulkKind.TAG, "hot"))
    with clock.at(clock.now() + timedelta(days=1, minutes=1)), pytest.raises(Refusal, match="more than a day ago"):
        taken_back(db, action_id, alice)
    taken_back(db, action_id, alice)
    with pytest.raises(Refusal, match="already"):
        taken_back(db, action_id, alice)
    with pytest.raises(Refusal, match="no such action"):
        taken_back(db, 99, alice)

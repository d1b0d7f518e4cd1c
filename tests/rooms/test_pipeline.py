"""Leads move through stages that administrators edit; a lost one says why, a won one which course."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete, insert, select, text, update

from tests.conftest import on_sqlite
from tests.factories import ADA, ENDING, an_account, contact_of, submitted
from tests.rooms.test_schema import refused
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.pipeline import reasons, stages
from tpminstitute.pipeline.board import BoardFilter, column_of
from tpminstitute.pipeline.endings import Ending, EndingProblem, ending_in_words, ending_of
from tpminstitute.pipeline.lead_triggers import rebuild
from tpminstitute.pipeline.models import Lead, LeadCard, LeadEnding, LostReason, Outcome, Stage
from tpminstitute.pipeline.service import lead_of, move_back, move_lead
from tpminstitute.pipeline.service import stages as on_the_board
from tpminstitute.pipeline.standing import Since
from tpminstitute.sequences.course_dates import CourseFacts, add_course_date, remove_course_date
from tpminstitute.sequences.facts import facts_of
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.timeline.models import Activity, ActivityKind

NEW, TALKING, WON, LOST = 1, 2, 3, 4
"""The ids of the stages that came with the service."""


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, "Alice", Role.ADMINISTRATOR).id


@pytest.fixture
def lead(db, settings, alice):
    """The id of Ada's lead, which is new."""
    submitted(db, settings, consents=True)
    return lead_in(db).id


def lead_in(db, email=ADA):
    with db.read() as session:
        found = lead_of(session, contact_of(db, email).id)
        assert found is not None
        return found


def moved(db, lead_id, to, alice, ending=None, shown=None):
    with db.write() as session:
        return move_lead(session, lead_id, to, alice, ending, shown_stage_id=shown)


def told(db, kind=ActivityKind.LEAD_MOVED):
    with db.read() as session:
        return list(session.scalars(select(Activity.sentence).where(Activity.kind == kind).order_by(Activity.id)))


def ended(db, lead_id):
    with db.read() as session:
        row = ending_of(session, lead_id)
        return ending_in_words(session, row) if row else None


def names(db):
    with db.read() as session:
        return [stage.name for stage in on_the_board(session)]


# --- how a lead ends ---------------------------------------------------------------------------------------


def test_a_lost_lead_names_its_reason(db, alice, lead):
    with pytest.raises(EndingProblem, match="Choose why"):
        moved(db, lead, LOST, alice)
    assert lead_in(db).closed_at is None
    moved(db, lead, LOST, alice, Ending(lost_reason_id=2, note=" They ask \n again in May. "))
    assert ended(db, lead) == "Too expensive. They ask again in May."
    assert told(db) == ["Moved the lead from “New” to “Lost”. Too expensive. They ask again in May."]


def test_a_won_lead_names_its_course_by_its_date_or_in_words(db, alice, lead):
    with pytest.raises(EndingProblem, match="Choose the course"):
        moved(db, lead, WON, alice)
    with db.write() as session:
        date = add_course_date(session, CourseFacts("CSM in May", clock.now() + timedelta(days=30)), alice).id
    moved(db, lead, WON, alice, Ending(course_date_id=date))
    assert ended(db, lead) == "CSM in May"
    assert moved(db, lead, WON, alice, Ending(course="Leading programs"))
    assert ended(db, lead) == "Leading programs"


@on_sqlite
def test_the_course_stays_named_when_its_date_goes(db, alice, lead):
    with db.write() as session:
        date = add_course_date(session, CourseFacts("CSM in May", clock.now() + timedelta(days=30)), alice).id
    moved(db, lead, WON, alice, Ending(course_date_id=date))
    with db.write() as session:
        remove_course_date(session, date, alice)
    assert ended(db, lead) == "CSM in May"


@pytest.mark.parametrize(
    ("to", "ending", "field"),
    [
        (LOST, Ending(lost_reason_id=99), "reason"),
        (LOST, Ending(lost_reason_id=1, note="W" * 501), "note"),
        (WON, Ending(course_date_id=99), "course"),
        (WON, Ending(course="W" * 201), "course"),
        (WON, Ending(course="\u200b "), "course"),
    ],
    ids=["unknown reason", "long note", "unknown date", "long course", "invisible course"],
)
@on_sqlite
def test_an_ending_that_cannot_be_is_a_sentence_at_its_field(db, alice, lead, to, ending, field):
    with pytest.raises(EndingProblem) as problem:
        moved(db, lead, to, alice, ending)
    assert problem.value.field == field
    assert lead_in(db).stage_id == NEW


def test_an_ending_goes_when_the_lead_opens_again(db, alice, lead):
    moved(db, lead, LOST, alice, ENDING)
    moved(db, lead, TALKING, alice)
    assert ended(db, lead) is None
    moved(db, lead, LOST, alice, Ending(lost_reason_id=3))
    assert ended(db, lead) == "No time now"


def test_who_moves_a_lead_that_somebody_moved_meanwhile_is_told_and_moves_nothing(db, alice, lead):
    moved(db, lead, TALKING, alice, shown=NEW)
    with pytest.raises(Refusal, match="moved it to “In conversation” meanwhile"):
        moved(db, lead, LOST, alice, ENDING, shown=NEW)
    assert lead_in(db).stage_id == TALKING


def test_undoing_a_loss_lets_the_follow_ups_go_on(db, settings, alice, lead):
    moved(db, lead, LOST, alice, ENDING)
    with db.write() as session:
        assert session.scalars(select(Enrollment.status)).all() == [EnrollmentStatus.STOPPED]
        move_back(session, settings, lead, NEW, alice, None, shown_stage_id=LOST, since=Since(None, None))
    with db.read() as session:
        assert session.scalars(select(Enrollment.status)).all() == [EnrollmentStatus.ACTIVE]
    assert (lead_in(db).stage_id, lead_in(db).closed_at) == (NEW, None)


def test_the_database_refuses_a_lead_that_cannot_be(db, alice, lead):
    refused(db, update(Lead).values(closed_at=clock.now()))
    refused(db, update(Lead).values(stage_id=LOST))
    refused(db, update(Stage).where(Stage.id == NEW).values(outcome=Outcome.LOST))
    refused(db, insert(LeadEnding).values(lead_id=lead, lost_reason_id=1, course="", note=""))
    moved(db, lead, LOST, alice, ENDING)
    refused(db, update(LeadEnding).values(lost_reason_id=None, course="Leading programs"))
    refused(db, update(LeadEnding).values(course="Leading programs"))
    refused(db, delete(LostReason))


# --- stages ------------------------------------------------------------------------------------------------


def test_a_new_stage_stands_behind_those_of_its_outcome(db, alice):
    with db.write() as session:
        stages.add_stage(session, "Offer made", Outcome.OPEN, alice)
        stages.add_stage(session, "Studies elsewhere", Outcome.LOST, alice)
    assert names(db) == ["New", "In conversation", "Offer made", "Enrolled", "Lost", "Studies elsewhere"]


def test_stages_change_places(db, alice):
    with db.write() as session:
        stages.move_stage(session, TALKING, -1, alice)
        stages.move_stage(session, TALKING, -1, alice)
    assert names(db)[:2] == ["In conversation", "New"]


def test_a_condition_finds_a_stage_by_the_name_it_had(db, settings, alice, lead):
    with db.write() as session:
        stages.rename_stage(session, NEW, 1, "Just arrived", alice)
    with db.read() as session:
        run = session.scalars(select(Enrollment)).one()
        facts = facts_of(session, settings, [run])[run.id]
        assert facts.stage == "Just arrived"
        assert facts.stage_names == {"New", "Just arrived"}
        assert stages.former_names(session) == {"New": "Just arrived"}
    with pytest.raises(stages.StageProblem, match="is or was called"), db.write() as session:
        stages.add_stage(session, "new", Outcome.OPEN, alice)


@on_sqlite
def test_who_renames_a_stale_stage_reads_its_present_name(db, alice):
    with db.write() as session:
        stages.rename_stage(session, NEW, 1, "Just arrived", alice)
    with pytest.raises(stages.StageProblem, match="named this stage “Just arrived”"), db.write() as session:
        stages.rename_stage(session, NEW, 1, "Fresh", alice)


def test_a_stage_with_leads_is_archived_only_along_with_them(db, settings, alice, lead):
    with pytest.raises(stages.StageProblem, match="Choose the stage"), db.write() as session:
        stages.archive_stage(session, NEW, LOST, alice)
    with db.write() as session:
        assert stages.archive_stage(session, NEW, TALKING, alice) == 1
    assert lead_in(db).stage_id == TALKING
    assert told(db) == ["Moved the lead from “New” to “In conversation”, since that stage was archived."]
    submitted(db, settings, email="bob@example.org")
    assert lead_in(db, "bob@example.org").stage_id == TALKING


@on_sqlite
def test_one_stage_of_each_kind_always_stays(db, alice):
    with db.write() as session:
        stages.archive_stage(session, NEW, None, alice)
    for last in (TALKING, WON, LOST):
        with pytest.raises(stages.StageProblem, match="is the last"), db.write() as session:
            stages.archive_stage(session, last, None, alice)


@on_sqlite
def test_a_stage_comes_back_from_the_archive(db, alice, lead):
    with db.write() as session:
        stages.archive_stage(session, NEW, TALKING, alice)
    with pytest.raises(Refusal, match="no such lead or stage"):
        moved(db, lead, NEW, alice)
    with db.write() as session:
        stages.restore_stage(session, NEW, alice)
    assert moved(db, lead, NEW, alice)


# --- reasons -----------------------------------------------------------------------------------------------


def test_a_reason_is_worded_otherwise_for_old_leads_too(db, alice, lead):
    moved(db, lead, LOST, alice, Ending(lost_reason_id=2))
    with db.write() as session:
        reasons.rename_reason(session, 2, 1, "Costs too much", alice)
    assert ended(db, lead) == "Costs too much"
    with db.read() as session:
        counted = {use.reason.name: use.leads for use in reasons.reason_uses(session)}
    assert counted["Costs too much"] == 1


@on_sqlite
def test_reasons_are_added_ordered_archived_and_on_record(db, alice):
    with db.write() as session:
        added = reasons.add_reason(session, "Moved away", alice)
        reasons.move_reason(session, added.id, -1, alice)
        reasons.archive_reason(session, 1, alice)
        reasons.restore_reason(session, 1, alice)
        order = [use.reason.name for use in reasons.reason_uses(session)]
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert order[-2:] == ["Moved away", "Another reason"]
    assert [action.removeprefix("lost_reason_") for action in actions] == ["added", "moved", "archived", "restored"]
    with pytest.raises(reasons.ReasonProblem, match="already"), db.write() as session:
        reasons.add_reason(session, "moved AWAY", alice)


# --- the board ---------------------------------------------------------------------------------------------


def column(db, stage_id, after=None, **chosen):
    with db.read() as session:
        return column_of(session, session.get_one(Stage, stage_id), BoardFilter(**chosen), after)


def test_a_column_shows_its_leads_the_latest_first_by_pages(db, settings, alice):
    start = clock.now() - timedelta(days=2)
    with time_machine.travel(start, tick=False) as passing:
        for number in range(22):
            submitted(db, settings, email=f"reader{number}@example.org", name=f"Reader {number}")
            passing.shift(timedelta(minutes=1))
    first = column(db, NEW)
    assert (len(first.cards), first.count, first.cards[0].name) == (20, 22, "Reader 21")
    assert first.oldest == start
    assert [card.name for card in column(db, NEW, first.more).cards] == ["Reader 1", "Reader 0"]


def test_the_board_narrows_by_owner_and_topic_as_they_change(db, settings, alice):
    submitted(db, settings, topic=Topic.CSM)
    submitted(db, settings, email="bob@example.org", name="Bob", topic=Topic.PMP)
    with db.write() as session:
        session.execute(update(Contact).where(Contact.email_key == ADA).values(owner_id=alice))
    assert [card.owner for card in column(db, NEW, owner_id=alice).cards] == ["Alice"]
    assert [card.name for card in column(db, NEW, unowned=True).cards] == ["Bob"]
    assert [card.name for card in column(db, NEW, topic=Topic.PMP).cards] == ["Bob"]
    submitted(db, settings, topic=Topic.PMP)
    assert column(db, NEW, topic=Topic.PMP).count == 2


def cards_in(db):
    with db.read() as session:
        columns = (LeadCard.lead_id, LeadCard.contact_id, LeadCard.stage_id, LeadCard.owner_id, LeadCard.topic)
        return session.execute(select(*columns, LeadCard.since).order_by(LeadCard.lead_id)).all()


def test_cards_made_anew_are_as_the_triggers_kept_them(db, settings, alice, lead):
    submitted(db, settings, email="bob@example.org", topic=Topic.PMP)
    with db.write() as session:
        session.execute(update(Contact).values(owner_id=alice))
    moved(db, lead, LOST, alice, ENDING)
    kept = cards_in(db)
    with db.write() as session:
        session.execute(text("DELETE FROM lead_cards"))
        rebuild(session)
    assert cards_in(db) == kept
    assert [card.stage_id for card in kept] == [LOST, NEW]

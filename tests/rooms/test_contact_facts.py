"""What staff keep about a contact: tags, where they stand, the stage of the lead, calls."""

import pytest
from sqlalchemy import select

from tests.factories import ENDING, an_account, contact_of, submitted
from tpminstitute.contacts.background import keep_result, set_background
from tpminstitute.contacts.models import Background, BackgroundSource
from tpminstitute.contacts.service import locked
from tpminstitute.contacts.tags import LONGEST, MOST, add_tag, normal, remove_tag, tags_of
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import calls
from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.pipeline.service import lead_of, move_lead, open_lead
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus
from tpminstitute.timeline.models import Activity, ActivityKind

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def ada(db, settings):
    """Ada wrote and agreed to follow-ups."""
    submitted(db, settings, consents=True)
    return contact_of(db)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


def said(db, kind):
    with db.read() as session:
        found = session.scalars(select(Activity).where(Activity.kind == kind).order_by(Activity.id))
        return [(fact.sentence, fact.account_id) for fact in found]


def run(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def lead(db):
    with db.read() as session:
        return session.scalars(select(Lead).order_by(Lead.id)).first()


def stage(db, outcome, number=0):
    with db.read() as session:
        found = session.scalars(select(Stage).where(Stage.outcome == outcome).order_by(Stage.position)).all()
        return found[number]


def move(db, lead_id, to, account):
    with db.write() as session:
        return move_lead(session, lead_id, to.id, account.id, ENDING)


# --- tags --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  Evening   course ", "evening course"), ("CSM", "csm"), ("Cafe\u0301", "caf\u00e9"), ("a\nb\u200b", "a b")],
)
def test_a_tag_is_kept_in_one_form(typed, kept):
    assert normal(typed) == kept


@pytest.mark.parametrize(("typed", "says"), [(" \u200b ", "needs a word"), ("x" * (LONGEST + 1), "60 characters")])
def test_what_is_no_tag_is_refused(typed, says):
    with pytest.raises(Refusal, match=says):
        normal(typed)


def test_a_tag_is_there_once_however_it_is_typed(db, ada, alice):
    with db.write() as session:
        assert add_tag(session, ada.id, "CSM", alice.id)
        assert not add_tag(session, ada.id, " csm ", alice.id)
        assert tags_of(session, ada.id) == ["csm"]
    assert said(db, ActivityKind.TAGS_CHANGED) == [("Added the tag “csm”.", alice.id)]


def test_a_tag_is_taken_off_once(db, ada, alice):
    with db.write() as session:
        add_tag(session, ada.id, "csm", alice.id)
        assert remove_tag(session, ada.id, "csm", alice.id)
        assert not remove_tag(session, ada.id, "csm", alice.id)
        assert tags_of(session, ada.id) == []
    assert said(db, ActivityKind.TAGS_CHANGED)[1] == ("Took off the tag “csm”.", alice.id)


@on_sqlite
def test_a_contact_has_no_more_tags_than_anybody_reads(db, ada, alice):
    with db.write() as session:
        for number in range(MOST):
            add_tag(session, ada.id, f"tag {number}", alice.id)
        with pytest.raises(Refusal, match="50 tags at most"):
            add_tag(session, ada.id, "one more", alice.id)


# --- where they stand --------------------------------------------------------------------------------------


def test_staff_say_where_somebody_stands(db, ada, alice):
    with db.write() as session:
        assert set_background(session, ada.id, Background.ENGINEERING, alice.id, instead_of=None)
        assert not set_background(session, ada.id, Background.ENGINEERING, alice.id, instead_of=None)
    assert (contact_of(db).background, contact_of(db).background_source) == (
        Background.ENGINEERING,
        BackgroundSource.STAFF,
    )
    assert said(db, ActivityKind.CONTACT_CHANGED) == [("Where they stand: From engineering.", alice.id)]


def test_a_pathway_check_leaves_what_staff_said(db, ada, alice):
    with db.write() as session:
        set_background(session, ada.id, Background.ENGINEERING, alice.id, instead_of=None)
        assert not keep_result(session, ada.id, Background.NEW)
    assert contact_of(db).background is Background.ENGINEERING


@on_sqlite
def test_a_pathway_check_fills_in_what_nobody_said_and_a_newer_one_counts(db, ada, alice):
    with db.write() as session:
        assert keep_result(session, ada.id, Background.NEW)
        assert keep_result(session, ada.id, Background.PROJECT_MANAGEMENT)
        assert not keep_result(session, ada.id, Background.PROJECT_MANAGEMENT)
    assert contact_of(db).background_source is BackgroundSource.PATHWAY_CHECK


@on_sqlite
def test_what_staff_take_back_is_open_to_the_pathway_check(db, ada, alice):
    with db.write() as session:
        set_background(session, ada.id, Background.ENGINEERING, alice.id, instead_of=None)
        assert set_background(session, ada.id, None, alice.id, instead_of=Background.ENGINEERING)
        assert keep_result(session, ada.id, Background.NEW)


@on_sqlite
def test_what_changed_since_the_page_was_opened_is_not_overwritten(db, ada, alice):
    with db.write() as session:
        set_background(session, ada.id, Background.ENGINEERING, alice.id, instead_of=None)
        with pytest.raises(Refusal, match="Meanwhile it says “From engineering”"):
            set_background(session, ada.id, Background.NEW, alice.id, instead_of=None)
        set_background(session, ada.id, None, alice.id, instead_of=Background.ENGINEERING)
        with pytest.raises(Refusal, match="Meanwhile it says that nobody knows"):
            set_background(session, ada.id, Background.NEW, alice.id, instead_of=Background.ENGINEERING)
    assert contact_of(db).background is None


@on_sqlite
def test_staff_who_confirm_the_pathway_check_make_it_theirs(db, ada, alice):
    with db.write() as session:
        keep_result(session, ada.id, Background.NEW)
        assert set_background(session, ada.id, Background.NEW, alice.id, instead_of=Background.NEW)
    assert contact_of(db).background_source is BackgroundSource.STAFF


# --- the stage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [Outcome.WON, Outcome.LOST])
def test_a_lead_that_is_won_or_lost_is_closed_and_its_follow_ups_stop(db, ada, alice, outcome):
    assert move(db, lead(db).id, stage(db, outcome), alice)
    assert lead(db).closed_at is not None
    assert (run(db).status, run(db).reason) == (EnrollmentStatus.STOPPED, f"The lead was {outcome.value}.")
    ((sentence, account_id),) = said(db, ActivityKind.LEAD_MOVED)
    assert f"to “{stage(db, outcome).name}”" in sentence
    assert account_id == alice.id


@on_sqlite
def test_a_lead_that_moves_on_stays_open_and_its_follow_ups_run(db, ada, alice):
    assert move(db, lead(db).id, stage(db, Outcome.OPEN, 1), alice)
    assert (lead(db).closed_at, run(db).status) == (None, EnrollmentStatus.ACTIVE)


@on_sqlite
def test_a_lead_that_stands_there_already_is_not_moved(db, ada, alice):
    assert not move(db, lead(db).id, stage(db, Outcome.OPEN), alice)
    assert said(db, ActivityKind.LEAD_MOVED) == []


def test_moving_a_lost_lead_back_opens_it_again(db, ada, alice):
    move(db, lead(db).id, stage(db, Outcome.LOST), alice)
    move(db, lead(db).id, stage(db, Outcome.OPEN), alice)
    assert lead(db).closed_at is None
    assert run(db).status is EnrollmentStatus.STOPPED


def test_a_lead_does_not_open_beside_another(db, ada, alice):
    old = lead(db).id
    move(db, old, stage(db, Outcome.LOST), alice)
    with db.write() as session:
        new = open_lead(session, ada.id)
        newest = lead_of(session, ada.id)
        assert newest is not None
        assert newest.id == new
    with pytest.raises(Refusal, match="Another lead of this contact is open"):
        move(db, old, stage(db, Outcome.OPEN), alice)
    assert lead(db).closed_at is not None


@on_sqlite
def test_a_lead_or_stage_that_is_not_there_is_refused(db, ada, alice):
    with db.write() as session, pytest.raises(Refusal, match="no such lead or stage"):
        move_lead(session, lead(db).id, 4711, alice.id)


# --- calls -------------------------------------------------------------------------------------------------


def test_a_noted_call_is_on_the_timeline_and_the_next_follow_up_asks_first(db, settings, ada, alice):
    with db.write() as session:
        calls.note_call(session, settings, locked(session, ada.id), alice, " She starts in May.\nCall in April. ")
    assert said(db, ActivityKind.CALL_NOTED) == [("Spoke to them: She starts in May.\nCall in April.", alice.id)]
    assert (run(db).status, run(db).reason) == (EnrollmentStatus.PAUSED, "Alice spoke to them.")
    with db.read() as session:
        assert session.scalars(select(EnrollmentPause)).one().drafts


@on_sqlite
def test_a_call_needs_no_words_and_takes_no_novel(db, settings, ada, alice):
    with db.write() as session:
        calls.note_call(session, settings, locked(session, ada.id), alice)
        with pytest.raises(Refusal, match="Shorten the note"):
            calls.note_call(session, settings, ada, alice, "x" * (calls.LONGEST + 1))
    assert said(db, ActivityKind.CALL_NOTED) == [("Spoke to them.", alice.id)]

"""The pathway check's table as staff change it: versions that never change, and a way back to what was shipped."""

import pytest
from sqlalchemy import select, text, update

from tests.factories import an_account, contact_of, messages, submitted
from tests.rooms.test_schema import refused
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.contacts.background import set_background
from tpminstitute.contacts.models import Background, BackgroundSource
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.guide.chapters import load_guide
from tpminstitute.inbox.along import Along, newest_pathway
from tpminstitute.inbox.models import BroughtAlong, Inquiry, InquiryState
from tpminstitute.inbox.previews import made_up_pathway
from tpminstitute.inbox.service import mark_spam, release
from tpminstitute.institute.service import version
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.queries import plain_text
from tpminstitute.pathway.models import PathwayVersion
from tpminstitute.pathway.reading import TableProblem, shipped_text
from tpminstitute.pathway.service import StaleTable, current, newest_version, restore, save, versions

GUIDE = load_guide()
CHANGED = shipped_text().replace("Ask: What have you studied?", "Ask: What did you study?")
PATHWAY = "1-2b0a-a1"


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, "Alice").id


def saved(db, alice, text=CHANGED, based_on=0):
    with db.write() as session:
        return save(session, GUIDE, text, based_on=based_on, account_id=alice)


def asked_first(db):
    with db.read() as session:
        return current(session, GUIDE).table.questions[0].words


def test_what_staff_save_holds_from_its_commit_on_and_is_on_record(db, alice):
    with db.read() as session:
        before = version(session)
    assert asked_first(db) == "What have you studied?"
    assert saved(db, alice) == 1
    assert asked_first(db) == "What did you study?"
    with db.read() as session:
        assert version(session) == before + 1
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.action, entry.subject) == ("pathway_saved", "version 1")


def test_a_stale_page_saves_nothing_and_learns_who_was_quicker(db, alice):
    saved(db, alice)
    with pytest.raises(StaleTable, match=r"Alice saved version 1 while you were writing\. Nothing was saved"):
        saved(db, alice, CHANGED.replace("study", "learn"), based_on=0)
    assert asked_first(db) == "What did you study?"


def test_the_same_text_is_no_new_version(db, alice):
    with pytest.raises(Refusal, match="Nothing was changed"):
        saved(db, alice, shipped_text().replace("\n", "\r\n"))


def test_a_text_that_can_not_be_used_is_not_saved(db, alice):
    with pytest.raises(TableProblem, match=r"words don't stand in the guide"):
        saved(db, alice, CHANGED.replace("The ability to lead and inspire teams is critical.", "Leaders earn more."))
    assert asked_first(db) == "What have you studied?"


def test_a_number_that_addresses_hold_is_given_to_no_other_answer_not_even_after_it_was_gone(db, alice):
    without = CHANGED.replace("4 none: I have no degree\n", "").replace("other or none", "other")
    saved(db, alice, without)
    with pytest.raises(TableProblem, match="stood for “none” in an earlier version"):
        saved(db, alice, without.replace("3 studying", "4 school: At school\n3 studying"), based_on=1)


def test_going_back_to_what_was_shipped_follows_the_shipped_file_and_keeps_every_version(db, alice):
    saved(db, alice)
    with db.write() as session:
        assert restore(session, GUIDE, 0, based_on=1, account_id=alice) == 2
    assert asked_first(db) == "What have you studied?"
    with db.read() as session:
        assert [(one.number, one.shipped) for one in versions(session)] == [(2, True), (1, False), (0, True)]
        assert session.get_one(PathwayVersion, 2).text is None
    with db.write() as session:
        assert restore(session, GUIDE, 1, based_on=2, account_id=alice) == 3
    assert asked_first(db) == "What did you study?"


@pytest.mark.parametrize(("number", "says"), [(0, "as shipped already"), (7, "no such version")])
def test_going_back_to_nothing_else_changes_nothing(db, alice, number, says):
    with pytest.raises(Refusal, match=says), db.write() as session:
        restore(session, GUIDE, number, based_on=0, account_id=alice)
    with db.read() as session:
        assert newest_version(session).number == 0


def test_a_saved_version_never_changes_in_the_database(db, alice):
    saved(db, alice)
    refused(db, update(PathwayVersion).values(text="other"))


def test_a_version_that_the_guide_outgrew_gives_way_to_the_shipped_table_and_says_so(db, alice):
    with db.write() as session:
        broken = shipped_text().replace("The ability to lead and inspire teams is critical.", "No longer in the guide.")
        session.add(PathwayVersion(number=1, text=broken, at=clock.now(), account_id=alice))
    with db.read() as session:
        holds = current(session, GUIDE)
    assert holds.table.questions[0].words == "What have you studied?"
    assert "No longer in the guide." in holds.problem


# --- what a pathway causes that goes along with an inquiry ----------------------------------------------------


def along(background=Background.ENGINEERING, *, mailed=False):
    letter = made_up_pathway("http://institute.test") if mailed else None
    return Along(pathway=PATHWAY, pathway_words="Stands: x", background=background, pathway_letter=letter)


def the_inquiry(session, inquiry):
    return session.get_one(Inquiry, inquiry.id)


def standing(db):
    contact = contact_of(db)
    return contact.background, contact.background_source


def test_a_pathway_that_goes_along_says_where_its_writer_stands(db, settings):
    submitted(db, settings, along=along())
    assert standing(db) == (Background.ENGINEERING, BackgroundSource.PATHWAY_CHECK)


def test_a_later_pathway_says_it_anew_and_never_over_what_staff_said(db, settings, alice):
    submitted(db, settings, along=along())
    submitted(db, settings, along=along(Background.PROJECT_MANAGEMENT))
    assert standing(db) == (Background.PROJECT_MANAGEMENT, BackgroundSource.PATHWAY_CHECK)
    with db.write() as session:
        set_background(session, contact_of(db).id, Background.NEW, alice, instead_of=Background.PROJECT_MANAGEMENT)
    submitted(db, settings, along=along())
    assert standing(db) == (Background.NEW, BackgroundSource.STAFF)


def test_a_suspected_inquiry_says_nothing_until_it_is_released_and_then_mails_the_pathway_once(db, settings, alice):
    inquiry = submitted(db, settings, along=along(mailed=True), suspicions=["Odd."])
    assert standing(db) == (None, None)
    assert messages(db) == []
    with db.write() as session:
        release(session, settings, the_inquiry(session, inquiry), alice)
    assert standing(db)[0] is Background.ENGINEERING
    [letter] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert letter.subject.startswith("Your pathway (")


def test_who_asks_for_the_pathway_by_mail_gets_it_instead_of_the_acknowledgement(db, settings):
    submitted(db, settings, along=along(mailed=True))
    [letter] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    text = " ".join(plain_text(letter.content).split())
    assert "Hello Ada," in text
    for words in ("Move into a project management role", "Find a mentor", "Attend an industry conference"):
        assert words in text
    assert "http://institute.test/pathway" in text


def test_the_newest_pathway_is_the_one_that_staff_see_and_spam_has_none(db, settings, alice):
    first = submitted(db, settings, along=along())
    last = submitted(db, settings, along=Along(pathway="1-2b0a-b2", pathway_words="Stands: y"))
    submitted(db, settings)
    with db.read() as session:
        found = newest_pathway(session, first.contact_id)
        assert found is not None
        assert (found[0].pathway, found[1].id) == ("1-2b0a-b2", last.id)
    with db.write() as session:
        mark_spam(session, settings, the_inquiry(session, last), alice)
        found = newest_pathway(session, first.contact_id)
        assert found is not None
        assert found[1].state is InquiryState.OPEN
        assert found[0].pathway == PATHWAY


@pytest.mark.parametrize("values", [{"pathway_letter": {"standing": "x"}}, {"pathway_background": "wizard"}])
def test_the_database_refuses_a_letter_without_a_pathway_and_a_background_there_is_not(db, settings, values):
    submitted(db, settings, along=Along(about="the chapter", edition="0123abcd"))
    if "pathway_background" in values:
        refused(db, text("UPDATE brought_along SET pathway_background = 'wizard'"))
    else:
        refused(db, update(BroughtAlong).values(**values))

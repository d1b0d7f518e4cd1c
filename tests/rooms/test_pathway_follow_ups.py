"""Follow-ups name the steps of the pathway that their reader sent along, and fit everybody else as well."""

from email import message_from_bytes
from email.policy import SMTP

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from tests.conftest import on_sqlite
from tests.factories import an_account, contact_of, messages, plan_steps, store_letter, submitted
from tests.parts import lint
from tpminstitute.guide.chapters import load_guide
from tpminstitute.inbox.along import NOTHING, Along
from tpminstitute.inbox.models import BroughtAlong, InquiryState
from tpminstitute.inbox.previews import MADE_UP, newest_readers, variables_for
from tpminstitute.mail.drafts import OF_PATHWAY, allowed_in, problems_of
from tpminstitute.mail.letters import LetterSource
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.queries import plain_text
from tpminstitute.pathway.outcome import pathway_of
from tpminstitute.pathway.service import shipped
from tpminstitute.pathway.words import for_follow_ups
from tpminstitute.sequences.pathways import brought_pathways
from tpminstitute.sequences.runner import run_due
from tpminstitute.simulation.world import copy_contact, copy_plan, one_state_of, throw_away

KEY = "follow-up-experience"
BODY = "Next: {first_step}, {second_step}, {third_step}. Fits: {fitting_certification}. [Yours]({pathway_url})"
SAYS = {
    "first_step": "Find a mentor",
    "second_step": "Lead one project",
    "third_step": "Attend a conference",
    "fitting_certification": "Certified Scrum Master (CSM)",
}


def pathway(code="1-0000-a1", **says):
    return Along(pathway=code, pathway_words="Stands: x", pathway_says=SAYS | says)


def told(db, settings, along, body=BODY):
    """What the first follow-up says to who sent that along, in plain text."""
    with db.write() as session:
        alice = an_account(session)
    store_letter(db, alice.id, KEY, body=body)
    plan_steps(db, 1, [{}])
    submitted(db, settings, consents=True, along=along)
    run_due(db, settings)
    (mail,) = messages(db, kind=MessageKind.FOLLOW_UP)
    lint.check(mail.content)
    return " ".join(plain_text(mail.content).split())


def known(db):
    with db.read() as session:
        return brought_pathways(session, [contact_of(db).id])


def test_a_follow_up_names_the_steps_of_the_pathway_that_came_along(db, settings):
    words = told(db, settings, pathway())
    assert "Next: Find a mentor, Lead one project, Attend a conference. Fits: Certified Scrum Master (CSM)." in words
    assert f"{settings.public_url}/pathway/1-0000-a1" in words


@on_sqlite
def test_who_sent_no_pathway_reads_words_that_fit_anybody_and_is_led_to_the_questions(db, settings):
    words = told(db, settings, NOTHING)
    assert "Next: the first step on your own pathway, the second step on your own pathway" in words
    assert f"{settings.public_url}/pathway " in f"{words} "


@on_sqlite
def test_what_a_pathway_says_can_do_nothing_in_a_mail(db, settings):
    hostile = "<img src=x onerror=alert(1)> *now* [x](y)"
    assert f"Next: {hostile}, Lead one project" in told(db, settings, pathway(first_step=hostile))
    (mail,) = messages(db, kind=MessageKind.FOLLOW_UP)
    html = message_from_bytes(mail.content, policy=SMTP).get_body(("html",))
    assert html is not None
    assert "Next: &lt;img src=x onerror=alert(1)&gt; *now* [x](y), Lead" in " ".join(html.get_content().split())


def test_the_newest_pathway_counts_and_none_of_what_was_set_apart(db, settings):
    submitted(db, settings, along=pathway("1-0000-a1"))
    submitted(db, settings, along=pathway("1-0000-a2", first_step="Newer"))
    submitted(db, settings)
    apart = submitted(db, settings, along=pathway("1-0000-a3"), suspicions=["It shouts."])
    assert apart.state is InquiryState.SUSPECTED
    (found,) = known(db).values()
    assert (found.code, found.said["first_step"]) == ("1-0000-a2", "Newer")


@pytest.mark.parametrize("key", [KEY, "own-letter"])
def test_the_editor_knows_the_words_and_previews_them_of_real_and_of_made_up_readers(db, settings, key):
    assert OF_PATHWAY.keys() <= allowed_in(key).keys()
    assert problems_of(key, LetterSource("s", "p", BODY)) == []
    assert variables_for(settings, key, MADE_UP)["second_step"] == "Find a mentor"
    submitted(db, settings, along=pathway())
    with db.read() as session:
        (reader,) = newest_readers(session)
    assert variables_for(settings, key, reader).items() >= SAYS.items()


@on_sqlite
def test_the_time_machine_knows_the_pathway_of_whom_it_tries(db, settings):
    submitted(db, settings, along=pathway())
    ada = contact_of(db).id
    with throw_away() as world:
        with one_state_of(db) as live, world.write() as session:
            copy_plan(live, session)
            copy_contact(live, session, ada)
        with world.read() as session:
            assert brought_pathways(session, [ada])[ada].said == SAYS


@pytest.mark.parametrize("answers", [{}, {"aim": frozenset(("safe",))}])
def test_every_pathway_names_three_steps_and_whether_a_certification_fits(answers):
    says = for_follow_ups(pathway_of(shipped(load_guide()), answers))
    assert says.keys() == OF_PATHWAY.keys() - {"pathway_url"}
    assert all(says.values())


def test_the_database_refuses_what_a_pathway_says_without_a_pathway(db, settings):
    inquiry = submitted(db, settings)
    values = {"about": "x", "edition": "", "chapters_read": [], "pathway": "", "pathway_words": ""}
    with pytest.raises(DBAPIError), db.write() as session:
        session.execute(insert(BroughtAlong).values(inquiry_id=inquiry.id, pathway_says=SAYS, **values))

"""At the desk: follow-ups that wait for a word, and what staff say about a contact."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, contact_of, messages, submitted
from tpminstitute.accounts.models import Role
from tpminstitute.contacts.models import Contact, ZoneSource
from tpminstitute.core import clock
from tpminstitute.mail.models import MessageKind, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress
from tpminstitute.pipeline.models import Outcome, Stage
from tpminstitute.sequences.models import FollowUpDraft
from tpminstitute.sequences.pauses import ask_first
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.stopping import stop_for_contact

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What the database has to do with it is in tests/rooms/test_human_first.py and test_contact_facts.py, on both."""

NIGHT, DAY = "2026-03-02 22:30Z", "2026-03-02 14:00Z"
"""By the institute's clock, in Philadelphia, 17:30 and 09:00 on a Monday."""


@pytest.fixture
def asked(db, settings):
    """Ada wrote from the contact page and agreed to follow-ups."""
    submitted(db, settings, consents=True)


@pytest.fixture
def draft(db, settings, asked):
    """Somebody was in touch with Ada, and her first follow-up waits for a word since. Returns: its number."""
    with db.write() as session:
        ask_first(session, settings, contact_of(db).id, "Bob wrote to them.")
    with time_machine.travel(clock.now() + timedelta(days=5)):
        run_due(db, settings)
    with db.read() as session:
        return session.scalars(select(FollowUpDraft.id)).one()


def home_of(db):
    return f"/staff/contacts/{contact_of(db).public_id}"


def card(desk, db):
    return desk.page(home_of(db)).first("section", class_="waiting-draft")


def who(desk, db):
    return desk.page(home_of(db)).first("section", class_="who")


def says(answer, desk):
    assert answer.status_code == 303
    return " ".join(n.words for n in desk.page(answer.location).all("div", class_="notice", role="status"))


def buttons(shown):
    """What the buttons say, without their keys."""
    return [b.words.removesuffix("".join(key.words for key in b.all("kbd"))) for b in shown.all("button")]


def follow_ups(db):
    return messages(db, kind=MessageKind.FOLLOW_UP)


def post(desk, address, **fields):
    return desk.client.post(address, data={"csrf_token": desk.token, **fields})


# --- what waits --------------------------------------------------------------------------------------------


def test_the_list_says_what_waits_for_whom_and_why(db, desk, draft):
    page = desk.page("/staff/drafts")
    row = page.first("li", class_="row")
    assert row.first("a")["href"] == f"{home_of(db)}#draft-{draft}"
    assert "Bob wrote to them." in row.words
    assert "Drafts 1 waiting" in page.first("nav", aria_label="Main").words


def test_an_empty_list_says_how_something_gets_there(desk):
    page = desk.page("/staff/drafts")
    assert "Nothing waits." in page.first("p", class_="empty").words
    assert page.all("span", class_="count") == []


def test_the_contacts_page_shows_the_letter_as_its_reader_would_get_it(db, desk, draft):
    shown = card(desk, db)
    letter = desk.client.get(shown.first("iframe")["src"])
    assert "Hello Ada," in letter.text
    assert "sandbox" in letter.headers["Content-Security-Policy"]
    assert "frame-src 'self'" in desk.client.get(home_of(db)).headers["Content-Security-Policy"]
    assert buttons(shown) == ["Send it", "Don’t send"]


@pytest.mark.parametrize(("zone", "moment", "night"), [("Asia/Kolkata", NIGHT, True), ("Asia/Kolkata", DAY, False)])
def test_the_card_says_when_it_is_night_there(db, desk_of, draft, zone, moment, night):
    with db.write() as session:
        session.execute(update(Contact).values(time_zone=zone, time_zone_source=ZoneSource.STAFF))
    with time_machine.travel(moment, tick=False):
        assert ("It is night where they live: Tue 3 Mar 2026 04:00" in card(desk_of(), db).words) == night


def test_a_forged_preview_is_not_found(desk, draft):
    assert desk.client.get(f"/staff/drafts/{draft}/preview/forged").status_code == 404


# --- deciding ----------------------------------------------------------------------------------------------


def test_a_draft_is_sent_as_it_stands(db, desk, draft):
    assert "It is on its way." in says(desk.press("Send it", card(desk, db)), desk)
    assert len(follow_ups(db)) == 1
    assert desk.page(home_of(db)).all("section", class_="waiting-draft") == []


def test_a_draft_is_dropped(db, desk, draft):
    assert "It is not sent." in says(desk.press("Don’t send", card(desk, db)), desk)
    assert follow_ups(db) == []


def test_a_draft_is_edited_checked_and_sent(db, desk, draft):
    page = desk.page(f"/staff/drafts/{draft}")
    form = page.first("form", class_="letter-desk")
    typed = form.fields | {"subject": "As we said", "body": "{greeting}\n\nSee you on Monday."}
    checked = post(desk, f"/staff/drafts/{draft}", **typed)
    assert "This can be sent." in checked.text
    assert follow_ups(db) == []
    assert "It is on its way." in says(post(desk, form["action"], **typed), desk)
    assert "See you on Monday." in plain_text(follow_ups(db)[0].content)


def test_a_text_that_cannot_be_sent_comes_back_as_it_was_typed(db, desk, draft):
    typed = {"subject": "As we said", "preheader": "p", "body": "{firstname}, see you on Monday."}
    answer = post(desk, f"/staff/drafts/{draft}/send", **typed)
    assert answer.status_code == 422
    assert "no such variable" in answer.text
    assert "{firstname}, see you on Monday." in answer.text
    assert follow_ups(db) == []


def test_a_draft_to_a_closed_address_comes_back_with_the_reason(db, desk, draft):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    assert buttons(card(desk, db)) == ["Don’t send"]
    answer = post(desk, f"/staff/drafts/{draft}/send", subject="s", preheader="p", body="My own words.")
    assert answer.status_code == 409
    assert "came back for good" in answer.text
    assert "My own words." in answer.text


def test_a_draft_that_cannot_be_made_any_more_says_so_and_can_be_edited(db, settings, desk, draft):
    with db.write() as session:
        session.execute(update(FollowUpDraft).values(body="{nothing}"))
    shown = card(desk, db)
    assert "there is no such variable" in shown.words
    assert buttons(shown) == ["Don’t send"]
    answer = post(desk, f"/staff/drafts/{draft}/send")
    assert (answer.status_code, "{nothing}" in answer.text) == (422, True)


def test_who_comes_second_reads_who_decided(db, desk, desk_of, draft):
    shown = card(desk, db)
    bob = desk_of("Bob")
    bob.press("Send it", card(bob, db))
    for button in ("Send it", "Don’t send"):
        assert "Bob sent this follow-up already. Nothing was changed." in says(desk.press(button, shown), desk)


def test_a_draft_whose_follow_ups_were_stopped_says_why(db, desk, draft):
    shown = card(desk, db)
    with db.write() as session:
        stop_for_contact(session, contact_of(db).id, "The person unsubscribed.")
    assert "The person unsubscribed." in says(desk.press("Send it", shown), desk)
    assert "waits no more" in says(desk.client.get(f"/staff/drafts/{draft}"), desk)


def test_a_draft_that_never_was_is_not_found(desk):
    assert post(desk, "/staff/drafts/4711/send").status_code == 404


# --- who they are ------------------------------------------------------------------------------------------


def test_a_lead_is_moved_to_another_stage(db, desk, asked):
    with db.read() as session:
        later = session.scalars(select(Stage).where(Stage.name == "In conversation")).one()
    answer = desk.press("Keep", who(desk, db), stage=str(later.id))
    assert "The lead was moved." in says(answer, desk)
    assert later.name in who(desk, db).first("summary").words


def test_a_stale_page_moves_no_lead_that_a_colleague_moved(db, desk, asked):
    stale = who(desk, db)
    with db.read() as session:
        stages = {stage.name: str(stage.id) for stage in session.scalars(select(Stage))}
    desk.press("Keep", who(desk, db), stage=stages["In conversation"])
    answer = desk.press("Keep", stale, stage=stages["Lost"])
    assert "Somebody moved it to “In conversation” meanwhile." in says(answer, desk)
    assert "In conversation" in who(desk, db).first("summary").words


def test_a_lead_that_is_won_is_asked_for_its_course_first(db, desk, asked):
    with db.read() as session:
        won = session.scalars(select(Stage).where(Stage.outcome == Outcome.WON)).one()
    answer = desk.press("Keep", who(desk, db), stage=str(won.id))
    assert answer.location.startswith("/staff/pipeline/leads/")


@pytest.mark.parametrize("stage", ["", "x", "4711", "9" * 12])
def test_a_stage_that_is_none_is_refused(db, desk, asked, stage):
    answer = post(desk, f"{home_of(db)}/stage", stage=stage)
    assert "no such lead or stage" in says(answer, desk)


def test_tags_are_added_and_taken_off(db, desk, asked):
    assert "The tag was added." in says(desk.press("Add", who(desk, db), tag="Evening <b>course"), desk)
    assert "It was so already." in says(desk.press("Add", who(desk, db), tag="evening <B>course"), desk)
    assert [tag.words for tag in who(desk, db).all("bdi", class_="tag")] == ["evening <b>course"]
    answer = post(desk, f"{home_of(db)}/tags/remove", tag="evening <b>course")
    assert "The tag was taken off." in says(answer, desk)


def test_a_tag_that_is_none_is_refused_with_a_sentence(db, desk, asked):
    assert "A tag needs a word." in says(post(desk, f"{home_of(db)}/tags", tag=" "), desk)


def test_staff_say_where_somebody_stands(db, desk, asked):
    answer = post(desk, f"{home_of(db)}/background", background="engineering")
    assert "It was kept." in says(answer, desk)
    assert "From engineering" in who(desk, db).words
    assert post(desk, f"{home_of(db)}/background", background="space").status_code == 400


def test_a_stale_page_says_nothing_else_of_where_somebody_stands(db, desk, asked):
    def choice(page):
        return next(form for form in page.all("form") if form["action"].partition("?")[0].endswith("/background"))

    stale = who(desk, db)
    desk.press("Keep", choice(who(desk, db)), background="engineering")
    answer = desk.press("Keep", choice(stale), background="new")
    assert "Meanwhile it says “From engineering”." in says(answer, desk)
    assert "From engineering" in who(desk, db).words
    assert "It was kept." in says(desk.press("Keep", choice(who(desk, db)), background="new"), desk)


def test_a_call_is_noted_and_the_next_follow_up_asks_first(db, desk, asked):
    answer = desk.press("Log the call", desk.page(home_of(db)), said="She starts in May.")
    assert "The call is noted." in says(answer, desk)
    page = desk.page(home_of(db))
    assert "Spoke to them: She starts in May." in page.first("ol", class_="happened").words
    assert "The next mail will wait for your word." in page.first("article", class_="follow-up").words


def test_a_note_that_is_too_long_comes_back_as_it_was_typed(db, desk, asked):
    answer = post(desk, f"{home_of(db)}/calls", said="She said much. " * 200)
    assert answer.status_code == 422
    assert "Shorten the note" in answer.text
    assert "She said much. She said much." in answer.text


def test_follow_ups_are_stopped_by_hand(db, desk, asked):
    run = desk.page(home_of(db)).first("article", class_="follow-up")
    assert "These follow-ups were stopped." in says(desk.press("Stop these follow-ups", run), desk)
    assert "Alice stopped them by hand." in desk.page(home_of(db)).first("article", class_="follow-up").words
    assert "don't run any more" in says(desk.press("Stop these follow-ups", run), desk).replace("’", "'")


# --- who only looks ----------------------------------------------------------------------------------------


def test_readers_see_what_waits_and_who_somebody_is_and_change_nothing(db, desk_of, draft):
    rita = desk_of("Rita", Role.READER)
    page = rita.page(home_of(db)).first("div", class_="chosen")
    assert "A follow-up waits for your word" in page.words
    assert page.all("form") == []
    assert rita.page(f"/staff/drafts/{draft}").first("iframe")["src"]


@pytest.mark.parametrize(
    "address",
    [
        "{home}/stage",
        "{home}/tags",
        "{home}/tags/remove",
        "{home}/background",
        "{home}/calls",
        "{home}/follow-ups/1/stop",
    ]
    + [f"/staff/drafts/1{verb}" for verb in ("", "/send", "/drop")],
)
def test_readers_and_forged_posts_are_refused(db, desk_of, draft, address):
    address = address.format(home=home_of(db))
    assert post(desk_of("Rita", Role.READER), address).status_code == 403
    assert desk_of("Alice").client.post(address).status_code == 400

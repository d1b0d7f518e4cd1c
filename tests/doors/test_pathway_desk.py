"""The pathway check's table at the desk: seen by all, changed by advisors, tried before it holds."""

import pytest

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import labels
from tests.factories import count
from tpminstitute.accounts.models import Role
from tpminstitute.core.text import visible
from tpminstitute.guide.chapters import load_guide
from tpminstitute.pathway.models import PathwayVersion
from tpminstitute.pathway.reading import shipped_text
from tpminstitute.pathway.service import newest_version, save

pytestmark = on_sqlite

OTHER = shipped_text().replace("Ask: What have you studied?", "Ask: What did you study?")


def number_of(db):
    with db.read() as session:
        return newest_version(session).number


def test_the_table_is_read_in_words_with_its_questions_rules_and_passages(desk):
    page = desk.page("/staff/pathway")
    assert "What have you studied?" in page.words
    assert "Have you managed a project, with its team, deadlines and scope? Yes, one at a time" in page.words
    assert "/#skill-leadership" in {link["href"] for link in page.all("a")}


def test_what_an_advisor_saves_is_asked_at_once_and_can_be_taken_back(db, desk, client):
    assert desk.press("Save", desk.page("/staff/pathway"), text=OTHER).status_code == 303
    assert "What did you study?" in client.get("/pathway").text
    page = desk.page("/staff/pathway/versions")
    assert [ins.words for ins in page.all("ins")][1:] == ["added: did end of added.", "added: study end of added."]
    assert desk.press("Back to what was shipped", page).status_code == 303
    assert "What have you studied?" in client.get("/pathway").text
    assert number_of(db) == 2
    assert desk.press("Restore", desk.page("/staff/pathway/versions")).status_code == 303
    assert number_of(db) == 3


def test_what_can_not_be_used_comes_back_as_it_was_typed_with_its_line(db, desk):
    broken = OTHER.replace("The ability to lead and inspire teams is critical.", "Leaders earn twice as much.")
    answer = desk.press("Save", desk.page("/staff/pathway"), text=broken)
    assert answer.status_code == 422
    assert "these words don&#39;t stand in the guide under “skill-leadership”" in answer.text
    assert "Leaders earn twice as much." in answer.text
    assert "autofocus" in read(answer.text).first("div", role="alert").attrs
    assert number_of(db) == 0


def test_a_stale_page_keeps_what_was_typed_and_shows_what_a_colleague_changed(db, desk):
    page = desk.page("/staff/pathway")
    with db.write() as session:
        save(session, load_guide(), OTHER, based_on=0, account_id=1)
    answer = desk.press("Save", page, text=OTHER.replace("study?", "learn?"))
    assert answer.status_code == 409
    assert "saved version 1 while you were writing" in answer.text
    assert "What did you learn?" in answer.text
    assert number_of(db) == 1


def test_answers_are_tried_on_the_typed_table_before_anything_is_saved(db, desk):
    typed = OTHER.replace("## Step: Finish your degree", "## Step: Bring it to an end")
    answer = desk.press("Try these answers", desk.page("/staff/pathway"), text=typed, try_A="studying")
    assert answer.status_code == 200
    assert "Bring it to an end" in answer.text
    assert "Nothing was saved yet" in answer.text
    assert number_of(db) == 0


def test_what_staff_type_is_inert_wherever_it_is_shown(desk, client):
    hostile = '<script>alert(1)</script> {{ 7*7 }} "quoted"'
    typed = OTHER.replace("Why: You are studying for a degree now.", f"Why: {hostile}\u202e")
    assert desk.press("Save", desk.page("/staff/pathway"), text=typed).status_code == 303
    place = client.get("/pathway?a=3").location
    for text in (client.get(place).text, desk.client.get("/staff/pathway").text):
        assert "<script>alert" not in text
        assert "{{ 7*7 }}" in text
        assert visible("\u202e") not in text


@pytest.mark.parametrize("fields", [{}, {"text": ""}, {"text": "x" * 200_000}, {"text": "\x00", "based_on": "9" * 40}])
def test_a_broken_form_changes_nothing_and_is_answered_in_a_sentence(db, desk, fields):
    for action in ("/staff/pathway", "/staff/pathway/try"):
        answer = desk.client.post(action, data={"csrf_token": desk.token} | fields)
        assert answer.status_code in (409, 422)
    assert number_of(db) == 0


def test_a_reader_sees_the_table_and_has_nothing_to_press(db, desk_of):
    reader = desk_of("Charlie", Role.READER)
    assert not {"Save", "Try these answers"} & set(labels(reader.page("/staff/pathway")))
    assert reader.client.post("/staff/pathway", data={"csrf_token": reader.token}).status_code == 403
    assert count(db, PathwayVersion) == 0

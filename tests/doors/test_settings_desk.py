"""Settings at the desk: saved, in force at once, put back, and nobody's words lost."""

import pytest
from sqlalchemy import select

from app import create_app
from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import Visitor
from tests.factories import a_submission, contact_of, messages, submitted
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.contacts.tags import add_tag, tags_of
from tpminstitute.inbox.submit import submit_inquiry
from tpminstitute.institute.recipients import NoticeKind, told
from tpminstitute.institute.service import effective
from tpminstitute.mail.models import MessageKind

pytestmark = on_sqlite
HOME = "/staff/settings"
FORMS = ("institute", "promise", "told", "topics", "stages", "tags")


@pytest.fixture
def boss(desk_of):
    return desk_of("Bob", Role.ADMINISTRATOR)


def errors(answer):
    return [error.words for error in read(answer.text).all("p", class_="error")]


# --- who the institute is ----------------------------------------------------------------------------------


def test_the_name_is_in_the_next_page_and_the_next_mail_of_every_process(db, settings, app, boss, client, visitor):
    other = create_app(settings)
    assert "TPM Institute" in client.get("/").text
    boss.press("Save", boss.page(f"{HOME}/institute"), institute_name="The Institute")
    for page in ("/", "/contact", "/privacy"):
        assert "The Institute" in client.get(page).text
    assert "The Institute" in other.test_client().get("/").text
    other.extensions["tpm"].db.close()
    visitor.send()
    [letter] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert b"From: The Institute <info@tpminstitute.org>" in letter.content


def test_what_the_operator_set_is_shown_and_holds_again_at_a_press(db, settings, boss):
    boss.press("Save", boss.page(f"{HOME}/institute"), institute_phone="+1 215 555 0100")
    page = boss.page(f"{HOME}/institute")
    assert "Set by the operator to “+1 (215) 430-2201”; changed by Bob" in page.words
    button = next(b for b in page.all("button") if b.words.startswith("As the operator set it, Phone"))
    form = next(parent for parent in button.parents if parent.tag == "form")
    boss.client.post(button["formaction"], data=form.fields)
    assert effective(db, settings).institute_phone == settings.institute_phone


def test_a_wrong_value_stands_at_its_field_with_all_that_was_typed(db, settings, boss):
    page = boss.page(f"{HOME}/institute")
    answer = boss.press("Save", page, institute_name="The Institute", institute_email="nobody")
    assert answer.status_code == 422
    assert "Write it as an e-mail address" in errors(answer)[0]
    assert read(answer.text).with_id("institute_name")["value"] == "The Institute"
    assert effective(db, settings).institute_name == settings.institute_name


def test_who_saves_a_stale_page_sees_both_and_overwrites_nothing_unseen(db, settings, boss, desk_of):
    alice = desk_of("Alice", Role.ADMINISTRATOR)
    page = alice.page(f"{HOME}/institute")
    boss.press("Save", boss.page(f"{HOME}/institute"), institute_name="Bob’s Institute")
    answer = alice.press("Save", page, institute_name="Alice’s Institute")
    assert answer.status_code == 422
    assert "Bob saved “Bob’s Institute”" in errors(answer)[0]
    again = read(answer.text)
    again.attrs["address"] = f"{HOME}/institute"
    alice.press("Save", again)
    assert effective(db, settings).institute_name == "Alice’s Institute"


def test_office_hours_are_typed_by_the_day(db, settings, boss):
    page = boss.page(f"{HOME}/promise")
    boss.press("Save", page, from_5="09:00", to_5="13:30", from_6="10:00", to_6="24:00", promise_working_hours="16")
    holds = effective(db, settings)
    assert (holds.office_hours[5], holds.office_hours[6]) == ((540, 810), (600, 1440))
    assert holds.promise_working_hours == 16
    wrong = boss.press("Save", boss.page(f"{HOME}/promise"), from_7="09:00", to_7="")
    assert wrong.status_code == 422
    assert errors(wrong) == ["Write both times of a day, such as 09:00 and 17:00."]
    assert 'value="24:00"' in wrong.text


# --- who is told -------------------------------------------------------------------------------------------


def test_colleagues_are_told_of_an_inquiry(db, settings, boss):
    page = boss.page(f"{HOME}/told")
    boss.press("Save", page, account_inquiry="1", addresses_inquiry="desk@example.org")
    submitted(db, settings)
    notices = [mail.recipient for mail in messages(db, kind=MessageKind.NOTICE)]
    assert notices == ["info@tpminstitute.org", "bob@tpminstitute.org", "desk@example.org"]


def test_one_choice_that_cannot_be_keeps_none_and_loses_nothing(db, boss):
    page = boss.page(f"{HOME}/told")
    answer = boss.press("Save", page, addresses_inquiry="a@example.org", addresses_reply="nobody")
    assert answer.status_code == 422
    assert "“nobody” can't be used" in errors(answer)[0]
    again = read(answer.text)
    again.attrs["address"] = f"{HOME}/told"
    boss.press("Save", again, addresses_reply="b@example.org")
    with db.read() as session:
        assert told(session, NoticeKind.INQUIRY)[0].addresses == ("a@example.org",)
        assert told(session, NoticeKind.REPLY)[0].addresses == ("b@example.org",)


def test_an_advisor_writes_a_signature(desk):
    desk.press("Save", desk.page(f"{HOME}/signature"), signature="Alice\nAdvisor")
    assert desk.page(f"{HOME}/signature").with_id("signature").text == "Alice\nAdvisor"
    answer = desk.press("Save", desk.page(f"{HOME}/signature"), signature="W" * 301)
    assert answer.status_code == 422
    assert "W" * 301 in answer.text


# --- topics ------------------------------------------------------------------------------------------------


def offered(client):
    return [option.words for option in read(client.get("/contact").text).with_id("topic").all("option")][1:]


def test_a_topic_is_on_the_form_of_the_next_visitor(boss, client, visitor):
    boss.press("Add topic", boss.page(f"{HOME}/topics"), label="Evening courses", heading="Other")
    assert "Evening courses" in offered(client)
    assert "Evening courses" in client.get("/").text
    assert visitor.send(topic="own-evening-courses").status_code == 303


def test_a_form_opened_before_a_topic_went_is_still_taken(boss, client, visitor):
    token = visitor.open_form()
    boss.client.post(f"{HOME}/topics/csm/archive", data={"csrf_token": boss.token})
    assert "Certified Scrum Master (CSM)" not in offered(client)
    wrong = visitor.send(token=token, topic="csm", name="")
    assert wrong.status_code == 422
    assert read(wrong.text).with_id("topic").first("option", value="csm").attrs.keys() >= {"selected"}
    assert visitor.send(token=token, topic="csm").status_code == 303


def test_a_topic_is_renamed_moved_and_comes_back(boss, client):
    boss.press("Down", boss.page(f"{HOME}/topics"))
    assert offered(client)[0] == "Certified Scrum Master (CSM)"
    answer = boss.press("Add topic", boss.page(f"{HOME}/topics"), label="Courses")
    assert answer.status_code == 422
    assert errors(answer) == ["Another topic is or was called “Courses”. Give this one another name."]
    for verb in ("archive", "offer"):
        boss.client.post(f"{HOME}/topics/pmp/{verb}", data={"csrf_token": boss.token})
    assert "Project Management Professional (PMP)" in offered(client)


# --- stages and reasons ------------------------------------------------------------------------------------


def test_stages_and_reasons_are_added_renamed_and_archived(db, settings, boss):
    submitted(db, settings)
    page = f"{HOME}/stages"
    boss.press("Add stage", boss.page(page), name="Offer made", outcome="open")
    boss.press("Add reason", boss.page(page), name="Moved away")
    boss.client.post(f"{page}/1/archive", data={"csrf_token": boss.token, "along_to": "2"})
    shown = boss.page(page)
    assert "Offer made" in shown.words
    assert "Moved away" in shown.words
    assert "In the archive: 1" in shown.words
    wrong = boss.press("Save", shown, name="")
    assert wrong.status_code == 422
    assert errors(wrong) == ["Write a name for the stage: the board's column is headed by it."]


# --- tags --------------------------------------------------------------------------------------------------


def test_a_tag_is_merged_after_a_look_at_what_would_change(db, settings, boss):
    submitted(db, settings)
    ada = contact_of(db).id
    for tag in ("csm", "scrum"):
        with db.write() as session:
            add_tag(session, ada, tag, 1)
    assert "1 contact" in boss.page(f"{HOME}/tags").words
    asked = boss.page(f"{HOME}/tags/change?tag=scrum&do=rename&to=CSM")
    assert "1 contact with “scrum” gets “csm” instead, 1 of which has both." in asked.words
    boss.press("Merge them", asked)
    with db.read() as session:
        assert tags_of(session, ada) == ["csm"]
        assert session.scalars(select(AuditEntry.action)).all()[-1] == "tag_merged"
    boss.press("Remove it everywhere", boss.page(f"{HOME}/tags/change?tag=csm&do=remove"))
    assert "No contact has a tag yet" in boss.page(f"{HOME}/tags").words


# --- who may -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ADVISOR, Role.READER])
def test_others_read_the_settings_and_change_none(desk_of, role):
    desk = desk_of("Charlie", role)
    page = desk.page(HOME)
    assert "An administrator changes these." in page.words
    links = [link["href"] for link in page.first("main").all("a")]
    for form in FORMS:
        assert f"{HOME}/{form}" not in links
        assert desk.client.get(f"{HOME}/{form}").status_code == 403
    assert desk.client.post(f"{HOME}/institute", data={"csrf_token": desk.token}).status_code == 403


def test_an_error_page_while_the_database_is_away_still_says_who_we_are(app, boss, client):
    boss.press("Save", boss.page(f"{HOME}/institute"), institute_name="The Institute")
    client.get("/contact")
    with app.extensions["tpm"].db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE inquiries RENAME TO elsewhere")
        connection.exec_driver_sql("ALTER TABLE desk_versions RENAME TO nowhere")
    answer = client.get("/thanks/whatever")
    assert answer.status_code == 503
    assert "The Institute" in answer.text
    assert client.get("/").status_code == 200


def test_an_inquiry_about_a_topic_of_another_process_is_taken(db, settings, boss, client):
    client.get("/contact")
    other = create_app(settings)
    Visitor(other.test_client()).open_form()
    boss.press("Add topic", boss.page(f"{HOME}/topics"), label="Evening courses")
    assert Visitor(other.test_client()).send(topic="own-evening-courses").status_code == 303
    with db.write() as session:
        submit_inquiry(session, settings, a_submission(topic="own-evening-courses"))
    other.extensions["tpm"].db.close()


# --- comments ----------------------------------------------------------------------------------------------


def test_comments_are_closed_at_the_desk_and_opened_again(boss, client):
    page = boss.press("Save", boss.page(f"{HOME}/comments"), comments_open="off").location
    assert "Set by the operator to open; changed by Bob" in boss.page(page).words
    assert "Comments are closed" in client.get("/comments").text
    boss.press("Save", boss.page(page), comments_open="on")
    assert "Comments are closed" not in client.get("/comments").text


def test_comments_are_open_or_closed_and_nothing_between(boss):
    answer = boss.press("Save", boss.page(f"{HOME}/comments"), comments_open="ajar")
    assert answer.status_code == 422
    assert errors(answer) == ["Write on or off."]

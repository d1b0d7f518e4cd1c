"""The desk's templates: looking, checking, saving, trying, comparing and going back, all without JavaScript."""

import pytest
from sqlalchemy import func, select

from tests.conftest import on_sqlite
from tests.doors.html import active_content, read
from tests.doors.people import labels
from tests.factories import contact_of, messages, store_letter, submitted
from tpminstitute.accounts.models import Account, Role
from tpminstitute.mail.letters import letter_sources
from tpminstitute.mail.models import MessageKind, TemplateVersion
from tpminstitute.mail.templates import current_source

HOME = "/staff/templates/acknowledgement"
WRITTEN = {
    "subject": "We have it, {first_name}",
    "preheader": "Kept.",
    "body": "{greeting}\r\n\r\nYour topic: {topic}.",
}


def saved(db):
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(TemplateVersion))


def press(desk, label, page=None, **fields):
    """Press a button of the editor, its own address before its form's."""
    page = desk.page(HOME) if page is None else page
    button = next(b for b in page.all("button") if b.words.startswith(label))
    form = next(parent for parent in reversed(button.parents) if parent.tag == "form")
    return desk.client.post(button["formaction"] or form["action"], data=form.fields | fields)


def error_of(page, part):
    return page.with_id(f"{part}-error").words


def frame_of(desk, page):
    return desk.client.get(page.first("iframe")["src"])


# --- looking -----------------------------------------------------------------------------------------------


def test_the_list_says_what_goes_out_and_when(desk):
    page = desk.page("/staff/templates")
    assert [link.words for link in page.all("a", class_="row-name")][:6] == [
        "Acknowledgement",
        "Follow-up: experience",
        "Follow-up: certifications",
        "Follow-up: skills",
        "Acknowledgement of a further message",
        "New to the field 1: what the role is",
    ]
    assert "At once, to everyone who writes for the first time." in page.text
    assert "At once, to everyone who writes again." in page.text
    assert "Mail 2 of “The pathway, step by step”, 5 days after the mail before it." in page.text
    assert "Mail 1 of “New to the field”, 2 working days after the start. These follow-ups are switched" in page.text


def test_the_list_names_a_saved_letter_that_can_not_be_sent_any_more(db, desk):
    with db.read() as session:
        alice = session.scalars(select(Account.id)).one()
    store_letter(db, alice, "follow-up-skills", body="Dear {frist_name}")
    (problem,) = desk.page("/staff/templates").all("p", class_="row-problem")
    assert problem.words.startswith("Can’t be sent The letter uses {frist_name}")
    assert problem.parents[-1].first("a").words == "Follow-up: skills"


@on_sqlite
@pytest.mark.parametrize("key", ["acknowledgement", "acknowledgement-again", "follow-up-skills"])
def test_the_editor_holds_the_letter_its_variables_and_its_preview(desk, key):
    page = desk.page(f"/staff/templates/{key}")
    assert page.first("textarea").text.strip() == letter_sources()[key].body.strip()
    assert "The first name alone" in page.first("dl", class_="variables").words
    assert "Hello Ada," in page.first("pre").text
    assert "Hello Ada," in frame_of(desk, page).text


@on_sqlite
@pytest.mark.parametrize(
    "address", ["/staff/templates/nothing", "/staff/templates/nothing/versions", f"{HOME}/preview/x"]
)
def test_a_letter_that_is_not_there_is_not_found(desk, address):
    assert desk.client.get(address).status_code == 404


def test_a_reader_looks_and_can_change_nothing(app, db, settings, desk_of):
    desk = desk_of("Rita", Role.READER)
    submitted(db, settings)
    page = desk.page(HOME)
    assert not {"Save", "Send me a test", "Check and preview"} & set(labels(page))
    assert "readonly" in page.first("textarea").attrs
    assert "Hello Ada," in frame_of(desk, page).text
    app.config["WTF_CSRF_METHODS"] = set()  # as if each form's token were right, so that only the role counts
    for address in (HOME, f"{HOME}/check", f"{HOME}/test", f"{HOME}/versions/0/restore"):
        assert desk.client.post(address, data={**WRITTEN, "based_on": "0"}).status_code == 403
    assert saved(db) == 0
    assert not messages(db, kind=MessageKind.TEST)


def test_a_readers_choice_of_contact_does_not_put_the_letter_into_the_address(desk_of):
    page = desk_of("Rita", Role.READER).page(HOME)
    assert page.first("textarea")["form"] == "none"
    assert page.first("form", class_="letter-desk")["method"] == "get"


# --- previews ----------------------------------------------------------------------------------------------


def test_a_real_contact_can_be_chosen(db, settings, desk):
    submitted(db, settings, email="grace@example.org", name="Grace Hopper")
    submitted(db, settings)
    page = desk.page(f"{HOME}?reader={contact_of(db, 'grace@example.org').public_id}")
    assert [o.words for o in page.all("option") if "selected" in o.attrs] == [
        "Grace Hopper, Becoming a technical program manager"
    ]
    assert "Hello Grace," in page.first("pre").text


def test_the_previewed_letter_can_do_nothing_and_is_shown_only_by_us(desk):
    page = desk.page(HOME)
    frame = page.first("iframe")
    assert frame.attrs.get("sandbox") in ("", None)
    assert "sandbox" in frame.attrs
    policy = frame_of(desk, page).headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"


def test_only_the_editor_may_hold_a_frame(desk):
    assert "frame-src 'self'" in desk.client.get(HOME).headers["Content-Security-Policy"]
    assert "frame-src" not in desk.client.get("/staff/templates").headers["Content-Security-Policy"]


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "</textarea><script>x</script>",
        "{greeting}</iframe>",
    ],
)
def test_a_hostile_letter_is_text_in_editor_preview_and_difference(desk, body):
    harmless = read(press(desk, "Check and preview", **WRITTEN | {"body": "words"}).text)
    hostile = read(press(desk, "Check and preview", **WRITTEN | {"body": body}).text)
    assert [a for a in active_content(hostile) if "preview/" not in a] == [
        a for a in active_content(harmless) if "preview/" not in a
    ]
    assert hostile.first("textarea").text.strip() == body
    shown = read(frame_of(desk, hostile).text)
    assert not shown.all("script")
    assert not shown.all("img")
    assert press(desk, "Save", **WRITTEN | {"body": body}).status_code == 303
    assert not desk.page(f"{HOME}/versions").first("dl", class_="difference").all("script")


@on_sqlite
@pytest.mark.parametrize(
    "body", ["{0.__class__}", "{{ config }}", "x" * 100_000, "[x](javascript:alert(1))", "[x](https://[)"]
)
def test_a_body_that_can_not_be_sent_is_refused_and_kept_in_the_editor(db, desk, body):
    answer = press(desk, "Save", **WRITTEN | {"body": body})
    assert answer.status_code == 422
    page = read(answer.text)
    assert error_of(page, "body")
    assert page.first("textarea").text.strip() == body
    assert saved(db) == 0


# --- checking ----------------------------------------------------------------------------------------------


def test_check_and_preview_says_what_saving_would_and_keeps_nothing(db, desk):
    wrong = WRITTEN | {"subject": "Dear {frist_name}"}
    checked, refused = press(desk, "Check and preview", **wrong), press(desk, "Save", **wrong)
    sentence = "The subject uses {frist_name}, and there is no such variable. The nearest is {first_name}."
    assert (checked.status_code, refused.status_code) == (200, 422)
    assert error_of(read(checked.text), "subject") == error_of(read(refused.text), "subject") == sentence
    good = read(press(desk, "Check and preview", **WRITTEN).text)
    assert "This can be saved." in good.text
    assert "Your topic: Becoming a technical program manager." in good.first("pre").text
    assert "Your topic: Becoming a technical program manager." in frame_of(desk, good).text
    assert saved(db) == 0


def test_the_script_gets_the_same_sentences_and_preview(desk):
    fields = desk.page(HOME).first("form", class_="letter-desk").fields

    def check(**draft):
        return desk.client.post(f"{HOME}/check", data=fields | draft, headers={"Accept": "application/json"}).json

    wrong = check(subject="Dear {frist_name}")
    assert wrong["problems"]["subject"].endswith("The nearest is {first_name}.")
    assert (wrong["preview_url"], wrong["letter"]) == ("", {})
    good = check(**WRITTEN)
    assert (good["problems"]["subject"], good["letter"]["subject"]) == ("", "We have it, Ada")
    assert "Your topic" in desk.client.get(good["preview_url"]).text


# --- saving ------------------------------------------------------------------------------------------------


def test_a_saved_letter_goes_out_with_the_next_acknowledgement(db, settings, desk):
    answer = press(desk, "Save", **WRITTEN)
    assert answer.status_code == 303
    assert "Saved as version 1. It goes out from now on." in desk.page(answer.location).text
    submitted(db, settings)
    (mail,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert mail.subject == "We have it, Ada"


def test_saving_without_a_change_makes_no_version(db, desk):
    answer = press(desk, "Save")
    assert (answer.status_code, saved(db)) == (409, 0)
    assert "says the same already" in answer.text


def test_saving_on_an_outdated_version_keeps_the_text_and_shows_what_is_new(db, desk, desk_of):
    mine = desk.page(HOME)
    press(desk_of("Bob"), "Save", **WRITTEN)
    answer = press(desk, "Save", mine, preheader="Mine, typed for an hour.")
    page = read(answer.text)
    assert (answer.status_code, saved(db)) == (409, 1)
    assert "Bob saved version 1 while you were writing." in page.text
    assert page.with_id("preheader")["value"] == "Mine, typed for an hour."
    assert any("{first_name}" in added.text for added in page.first("dl", class_="difference").all("ins"))
    assert press(desk, "Save", page).status_code == 303
    with db.read() as session:
        assert current_source(session, "acknowledgement").preheader == "Mine, typed for an hour."


@on_sqlite
@pytest.mark.parametrize("based_on", ["", "x", "-1", "7", "9" * 30])
def test_a_form_that_does_not_say_its_version_is_outdated(db, desk, based_on):
    press(desk, "Save", **WRITTEN)
    assert press(desk, "Save", **WRITTEN | {"subject": "Other", "based_on": based_on}).status_code == 409
    assert saved(db) == 1


def test_a_form_of_another_site_saves_nothing(app, desk, db):
    app.config["WTF_CSRF_ENABLED"] = True
    assert desk.client.post(HOME, data=WRITTEN | {"based_on": "0"}).status_code == 400
    assert saved(db) == 0


# --- trying ------------------------------------------------------------------------------------------------


def test_a_test_of_what_is_typed_goes_to_the_editor_and_the_text_stays(db, settings, desk):
    submitted(db, settings)
    answer = press(desk, "Send me a test", **WRITTEN)
    assert answer.status_code == 200
    assert "is on its way to alice@tpminstitute.org. Nothing was saved." in answer.text
    assert read(answer.text).with_id("subject")["value"] == WRITTEN["subject"]
    (test,) = messages(db, kind=MessageKind.TEST)
    assert (test.recipient, test.subject) == ("alice@tpminstitute.org", "[Test] We have it, Ada")
    assert saved(db) == 0


def test_a_test_of_a_broken_letter_is_refused(db, settings, desk):
    submitted(db, settings)
    answer = press(desk, "Send me a test", **WRITTEN | {"body": "{nothing}"})
    assert answer.status_code == 422
    assert not messages(db, kind=MessageKind.TEST)


def test_without_a_contact_the_test_is_closed_and_says_why(db, desk):
    page = desk.page(HOME)
    button = next(b for b in page.all("button") if b.words == "Send me a test")
    assert "disabled" in button.attrs
    assert "there is none yet" in page.with_id(button["aria-describedby"]).words
    answer = press(desk, "Send me a test", page)
    assert answer.status_code == 409
    assert not messages(db)


# --- versions ----------------------------------------------------------------------------------------------


def test_versions_can_be_compared_word_by_word_with_labels(desk):
    press(desk, "Save", **WRITTEN)
    press(desk, "Save", **WRITTEN | {"preheader": "Kept by people."})
    page = desk.page(f"{HOME}/versions?older=1&newer=2")
    assert [i.words for i in page.first("dl", class_="difference").all("ins")] == ["added: by people end of added."]
    backwards = desk.page(f"{HOME}/versions?older=2&newer=1").first("dl", class_="difference")
    assert [d.words for d in backwards.all("del")] == ["removed: by people end of removed."]


def test_an_unedited_letter_says_what_will_be_there(desk):
    assert "Nobody has changed this letter yet." in desk.page(f"{HOME}/versions?older=x&newer=9").text


def test_restoring_makes_a_new_version(db, desk):
    press(desk, "Save", **WRITTEN)
    answer = desk.press("Restore", desk.page(f"{HOME}/versions"))
    assert answer.status_code == 303
    page = desk.page(answer.location)
    assert "Version 0 is back" not in page.text
    assert "The letter as shipped is back, as version 2." in page.text
    assert "the same text as shipped" in page.text
    with db.read() as session:
        assert current_source(session, "acknowledgement") == letter_sources()["acknowledgement"]


def test_restoring_from_an_outdated_page_restores_nothing(db, desk, desk_of):
    press(desk, "Save", **WRITTEN)
    old = desk.page(f"{HOME}/versions")
    press(desk_of("Bob"), "Save", **WRITTEN | {"preheader": "Bob's."})
    answer = desk.press("Restore", old)
    assert "Bob saved version 2 in the meantime. Nothing was restored." in desk.page(answer.location).text
    assert saved(db) == 2

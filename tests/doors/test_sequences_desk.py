"""The sequences at the desk: writing one without JavaScript, seeing who is concerned, switching, copying, archiving."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.doors.html import active_content, read
from tests.doors.people import labels
from tests.factories import submitted
from tests.rooms.plans import CERTIFICATIONS, EXPERIENCE, SKILLS, a_step
from tpminstitute.accounts.models import Account, AuditEntry, Role
from tpminstitute.core import clock
from tpminstitute.mail.models import Template
from tpminstitute.pipeline.stages import rename_stage
from tpminstitute.sequences import editing, switching
from tpminstitute.sequences.course_dates import CourseFacts, add_course_date
from tpminstitute.sequences.models import Enrollment, Sequence, SequenceVersion, WaitUnit

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NEW = "/staff/sequences/new"


@pytest.fixture
def alice(db, desk):
    with db.read() as session:
        return session.scalars(select(Account.id)).first()


@pytest.fixture
def sequence_id(db, alice):
    """A sequence of two mails, switched on, that inquiries about CSM begin."""
    with db.write() as session:
        steps = [a_step(EXPERIENCE), a_step(CERTIFICATIONS)]
        sequence_id = editing.create(session, "After the fair", steps, alice).id
        editing.set_start_rule(session, sequence_id, ["csm"], alice)
        switching.switch_on(session, sequence_id, alice)
        return sequence_id


def press(desk, page, label, several=(), **fields):
    """Press a button of the editor: its own name and value go along, as a browser sends them."""
    button = next(b for b in page.all("button") if b.words.startswith(label))
    form = next(parent for parent in reversed(button.parents) if parent.tag == "form")
    sent = [(e["name"], value) for e in form.inner if (value := typed(e)) is not None and e["name"] not in fields]
    sent += [*fields.items(), *several, *([(button["name"], button["value"])] if button["name"] else [])]
    data: dict[str, list[str]] = {}
    for name, value in sent:
        data.setdefault(name, []).append(value)
    return desk.client.post(form["action"], data=data)


def typed(element):
    """What a field of a form would send, several of one name included."""
    if element.tag == "select":
        chosen = [option["value"] for option in element.all("option") if "selected" in option.attrs]
        return (chosen or [element.all("option")[0]["value"]])[0]
    if element.tag != "input" or (element["type"] in ("checkbox", "radio") and "checked" not in element.attrs):
        return None
    return element["value"]


def steps(page):
    """The letters that the page's mails have chosen, in their order."""
    return [typed(select) for select in page.all("select") if select["name"].endswith("letter_key")]


def says(desk, answer):
    assert answer.status_code == 303, answer.text
    return " ".join(n.words for n in desk.page(answer.location).all("div", class_="notice", role="status"))


def versions(db, sequence_id):
    with db.read() as session:
        return editing.versions_of(session, sequence_id)


# --- the list and one sequence -----------------------------------------------------------------------------


def test_the_list_says_what_starts_each_and_how_many_are_in_it(db, settings, desk, sequence_id):
    submitted(db, settings, consents=True, topic="csm")
    page = desk.page("/staff/sequences")
    row = next(row for row in page.all("li", class_="letter-row") if row.first("a").words == "After the fair")
    assert "On" in [tag.words for tag in row.all("span", class_="tag")]
    assert "2 mails, started by an inquiry about Certified Scrum Master (CSM)" in row.words
    assert "1 in the middle · 0 through · 0 stopped" in row.words


def test_an_empty_list_says_what_would_be_there(db, desk):
    with db.write() as session:
        session.execute(update(Sequence).values(active=False, archived_at=clock.now()))
    assert "A sequence is a few letters that follow an inquiry" in desk.page("/staff/sequences").text


def test_a_sequence_reads_like_an_itinerary(db, desk, alice, sequence_id):
    with db.write() as session:
        later = a_step(CERTIFICATIONS, wait_unit=WaitUnit.WORKING_DAYS, topics=("csm",), days="12345")
        later = replace(later, opens_minute=540, closes_minute=1020)
        plan = [a_step(EXPERIENCE), later, a_step(SKILLS, conditions=({"kind": "not_replied"},))]
        editing.save_version(session, sequence_id, 1, plan, alice)
    page = desk.page(f"/staff/sequences/{sequence_id}")
    begins, first, second, third = (stop.words for stop in page.first("ol", class_="itinerary").all("li"))
    assert begins == "A new inquiry with consent about Certified Scrum Master (CSM)"
    assert first.startswith("3 days after the start")
    assert second.startswith("3 working days later")
    assert second.endswith("Weekdays 09:00–17:00 where they live About Certified Scrum Master (CSM)")
    assert third.endswith("Only if they haven't replied")
    assert "Version 2 · Alice, " in page.text


def test_a_sequence_that_is_not_there_is_not_found(desk):
    for address in ("", "/edit", "/versions", "/people", "/settings"):
        assert desk.client.get(f"/staff/sequences/77{address}").status_code == 404


def test_a_reader_looks_and_can_change_nothing(app, db, desk_of, sequence_id):
    desk = desk_of("Rita", Role.READER)
    home = f"/staff/sequences/{sequence_id}"
    for address in ("/staff/sequences", home, f"{home}/versions", f"{home}/people", f"{home}/settings"):
        pressed = set(labels(desk.page(address))) - {"Sign out", "Keys", "Keys ?", "Close"}
        assert pressed == set(), address
    for address in (NEW, f"{home}/edit"):
        assert desk.client.get(address).status_code == 403
    app.config["WTF_CSRF_METHODS"] = set()  # as if each form's token were right, so that only the role counts
    for what in ("edit", "settings", "move", "switch-on", "switch-off", "archive", "unarchive", "copy"):
        assert desk.client.post(f"{home}/{what}").status_code == 403
    assert desk.client.post(NEW).status_code == 403


# --- writing -----------------------------------------------------------------------------------------------


def test_a_sequence_is_written_without_javascript(db, desk):
    page = desk.page(NEW)
    page = read(press(desk, page, "Add a mail", name="After the fair", **{"step-0-letter_key": EXPERIENCE}).text)
    assert steps(page) == [EXPERIENCE, ""]
    assert page.with_id("name")["value"] == "After the fair"
    assert "autofocus" in page.with_id("step-1-letter_key").attrs
    answer = press(desk, page, "Save", **{"step-1-letter_key": SKILLS, "step-1-wait": "5"})
    assert says(desk, answer) == "Saved. It is switched off until you say so, and nothing starts it yet."
    with db.read() as session:
        sequence = session.scalars(select(Sequence).where(Sequence.name == "After the fair")).one()
    saved = versions(db, sequence.id)[0].steps
    assert [(s.letter_key, s.wait_amount, s.wait_unit, s.days) for s in saved] == [
        (EXPERIENCE, 3, WaitUnit.WORKING_DAYS, "12345"),
        (SKILLS, 5, WaitUnit.WORKING_DAYS, "12345"),
    ]
    assert {(s.opens_minute, s.closes_minute) for s in saved} == {(540, 1020)}


def test_mails_are_moved_and_taken_out_and_nothing_typed_is_lost(db, desk, sequence_id):
    page = desk.page(f"/staff/sequences/{sequence_id}/edit")
    page = read(press(desk, page, "Move down", **{"step-0-wait": "not yet"}).text)
    assert steps(page) == [CERTIFICATIONS, EXPERIENCE]
    assert page.with_id("step-0-wait")["value"] == "not yet"
    assert page.first("p", role="status").words == "It is mail 2 now."
    page = read(press(desk, page, "Take out").text)
    assert (steps(page), page.with_id("step-0-wait")["value"]) == ([EXPERIENCE], "not yet")
    page = read(press(desk, page, "Take out").text)
    assert "No mail is in it. Add one to begin." in page.text
    page = read(press(desk, page, "Add a mail").text)
    assert steps(page) == [""]
    assert len(versions(db, sequence_id)) == 1


def test_the_first_mail_cannot_move_up_nor_the_last_one_down(desk, sequence_id):
    page = desk.page(f"/staff/sequences/{sequence_id}/edit")
    closed = [b.words for b in page.all("button") if "disabled" in b.attrs]
    assert closed == ["Move up mail 1", "Move down mail 2"]


def test_enter_in_a_field_neither_saves_nor_moves(db, desk, sequence_id):
    """A browser presses the first button of a form then."""
    page = desk.page(f"/staff/sequences/{sequence_id}/edit")
    assert page.first("form", class_="plan").first("button")["value"] == "stay"
    page = read(press(desk, page, "Stay here", **{"step-0-wait": "9"}).text)
    assert (steps(page), page.with_id("step-0-wait")["value"]) == ([EXPERIENCE, CERTIFICATIONS], "9")
    assert len(versions(db, sequence_id)) == 1


def test_everything_a_step_can_say_is_kept(db, desk, sequence_id):
    page = desk.page(f"/staff/sequences/{sequence_id}/edit")
    several = [
        ("step-1-wrote", "csm"),
        ("step-1-wrote", "pmp"),
        ("step-1-stages", "New"),
        ("step-1-backgrounds", "engineering"),
        ("step-1-topics", "csm"),
    ]
    single = {"tags": "vip, fair", "not_tags": "press", "replied": "not_replied", "closes": "00:00", "opens": "00:00"}
    fields = {f"step-1-{name}": value for name, value in single.items()}
    answer = press(desk, page, "Save", several, **fields)
    assert says(desk, answer) == "Saved as version 2. Whoever begins from now on follows it."
    step = versions(db, sequence_id)[0].steps[1]
    assert list(step.conditions) == [
        {"kind": "topic", "one_of": ["csm", "pmp"]},
        {"kind": "stage", "one_of": ["New"]},
        {"kind": "background", "one_of": ["engineering"]},
        {"kind": "tagged", "tag": "vip"},
        {"kind": "tagged", "tag": "fair"},
        {"kind": "not_tagged", "tag": "press"},
        {"kind": "not_replied"},
    ]
    assert (step.topics, step.opens_minute, step.closes_minute) == (("csm",), 0, 1440)
    again = press(desk, desk.page(f"/staff/sequences/{sequence_id}/edit"), "Save")
    assert (again.status_code, "version 2 says the same already" in again.text) == (409, True)


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"step-1-letter_key": ""}, "step-1-letter_key", "Choose the letter of this mail."),
        ({"step-1-wait": "three"}, "step-1-wait", "Write the wait as a whole number"),
        ({"step-1-wait": "9" * 400}, "step-1-wait", "Write the wait as a whole number"),
        ({"step-1-unit": "fortnights"}, "step-1-wait", "Choose what the wait is counted in."),
        ({"step-1-opens": "25:99"}, "step-1-hours", "Write both hours"),
        ({"step-1-replied": "perhaps"}, "step-1-for", "There is no condition “perhaps”"),
        ({"step-1-topics": "gardening"}, "step-1-for", "one of these is not there any more"),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_on_top_and_kept(db, desk, sequence_id, fields, field, sentence):
    answer = press(desk, desk.page(f"/staff/sequences/{sequence_id}/edit"), "Save", **fields)
    assert answer.status_code == 422
    page = read(answer.text)
    assert sentence in page.with_id(f"{field}-error").words
    (link,) = page.first("div", class_="summary").all("a")
    assert link.words.startswith("Mail 2: ")
    assert page.with_id(link["href"].removeprefix("#"))
    assert len(versions(db, sequence_id)) == 1


def test_no_weekday_is_told_and_linked(db, desk, sequence_id):
    page = desk.page(f"/staff/sequences/{sequence_id}/edit")
    for box in page.all("input", name="step-0-days"):
        box.attrs.pop("checked", None)
    page = read(press(desk, page, "Save").text)
    assert "choose at least one weekday" in page.with_id("step-0-days-error").words
    assert page.first("div", class_="summary").first("a")["href"] == "#step-0-days-1"


def test_a_plan_without_mails_and_a_name_that_is_taken_are_told_together(db, desk, sequence_id):
    page = read(press(desk, desk.page(NEW), "Take out", name="after the FAIR").text)
    answer = press(desk, page, "Save")
    assert answer.status_code == 422
    told = read(answer.text).first("div", class_="summary").words
    assert "There are follow-ups “after the FAIR” already." in told
    assert "Add a mail: follow-ups without one would do nothing." in told


@pytest.mark.parametrize(
    "rows", [["x", "-1", "", "9" * 50], ["0"] * 3, [str(row) for row in range(200)], ["0\0", "٣", "1"]]
)
def test_a_form_that_no_page_made_breaks_nothing(db, desk, sequence_id, rows):
    token = desk.page(f"/staff/sequences/{sequence_id}/edit").first("form", class_="plan").fields["csrf_token"]
    for button in ("save", "up-0", "down-", "remove-x", "-", "x" * 500):
        data = {"row": rows, "base": "1", "do": button, "csrf_token": token}
        answer = desk.client.post(f"/staff/sequences/{sequence_id}/edit", data=data)
        assert answer.status_code in (200, 422)
    assert len(versions(db, sequence_id)) == 1


HOSTILE = "<script>alert(1)</script>"


def test_hostile_words_are_text(desk, sequence_id):
    def page(words):
        fields = {"step-0-tags": words, "step-0-wait": words, "step-0-number": words, "name": words}
        return read(press(desk, desk.page(NEW), "Add a mail", **fields).text)

    harmless, hostile = page("words"), page(HOSTILE)
    assert active_content(hostile) == active_content(harmless)
    assert hostile.with_id("step-0-tags")["value"] == HOSTILE


def test_a_number_that_was_tampered_with_is_not_believed(db, desk, sequence_id):
    fields = {"step-0-number": "2", "step-1-number": "99"}
    press(desk, desk.page(f"/staff/sequences/{sequence_id}/edit"), "Save", **fields, **{"step-0-wait": "4"})
    assert [step.number for step in versions(db, sequence_id)[0].steps] == [1, 2]


def test_saving_on_an_outdated_version_keeps_the_plan_and_shows_what_is_new(db, desk, desk_of, sequence_id):
    mine = desk.page(f"/staff/sequences/{sequence_id}/edit")
    bob = desk_of("Bob")
    press(bob, bob.page(f"/staff/sequences/{sequence_id}/edit"), "Save", **{"step-1-wait": "8"})
    answer = press(desk, mine, "Save", **{"step-0-wait": "9"})
    assert (answer.status_code, len(versions(db, sequence_id))) == (409, 2)
    page = read(answer.text)
    notice = page.first("div", class_="notice", role="alert").words
    assert "Bob saved version 2 while you were writing." in notice
    assert "8 days later instead of 3 days later" in notice
    assert page.with_id("step-0-wait")["value"] == "9"
    assert press(desk, page, "Save").status_code == 303
    assert [step.wait_amount for step in versions(db, sequence_id)[0].steps] == [9, 3]


# --- who is concerned --------------------------------------------------------------------------------------


@pytest.fixture
def ada(db, settings, sequence_id):
    """Ada, in the middle of the sequence."""
    submitted(db, settings, consents=True, topic="csm")


def version_of_run(db):
    with db.read() as session:
        return session.scalar(
            select(SequenceVersion.number).join(Enrollment, Enrollment.version_id == SequenceVersion.id)
        )


def ask(desk, sequence_id):
    """Change the plan, and come to the page about those concerned."""
    fields = {"step-0-letter_key": SKILLS, "step-0-wait": "9"}
    answer = press(desk, desk.page(f"/staff/sequences/{sequence_id}/edit"), "Save", **fields)
    assert answer.status_code == 200
    return read(answer.text)


def test_before_a_version_is_saved_staff_see_who_is_concerned(db, desk, sequence_id, ada):
    page = ask(desk, sequence_id)
    assert page.first("h1").words == "Before version 2 is saved"
    assert "it takes the place of" in page.first("ul", class_="changes").words
    (group,) = page.first("ul", class_="groups").all("li")
    assert group.words.startswith("1 person on version 1, next mail 1, “")
    assert "Brought over, they go on with mail 1, “" in group.words
    assert group.first("a").words == "Ada Lovelace"
    assert len(versions(db, sequence_id)) == 1


@pytest.mark.parametrize(("running", "version"), [("finish", 1), ("move", 2)])
def test_who_is_concerned_finishes_or_goes_on_as_staff_choose(db, desk, sequence_id, ada, running, version):
    page = ask(desk, sequence_id)
    answer = press(desk, page, "Save version 2", running=running)
    said = says(desk, answer)
    assert said.startswith("Saved as version 2. Whoever begins from now on follows it.")
    assert ("1 person goes on in the new version." in said) is (running == "move")
    assert version_of_run(db) == version
    assert versions(db, sequence_id)[0].steps[0].wait_amount == 9


def test_one_can_go_back_to_the_mails_as_they_were_typed(db, desk, sequence_id, ada):
    page = read(press(desk, ask(desk, sequence_id), "Back to the mails").text)
    assert (steps(page), page.with_id("step-0-wait")["value"]) == ([SKILLS, CERTIFICATIONS], "9")
    assert len(versions(db, sequence_id)) == 1


def test_who_is_in_it_can_be_brought_over_later(db, desk, sequence_id, ada):
    press(desk, ask(desk, sequence_id), "Save version 2")
    page = desk.page(f"/staff/sequences/{sequence_id}/people")
    assert "1 of them follows an earlier version" in page.words
    assert says(desk, press(desk, page, "Bring 1 person to version 2")) == "1 person goes on in the new version."
    assert version_of_run(db) == 2
    assert "earlier version" not in desk.page(f"/staff/sequences/{sequence_id}/people").words


def test_nobody_is_brought_to_a_version_that_staff_did_not_see(db, desk, sequence_id, ada):
    press(desk, ask(desk, sequence_id), "Save version 2")
    page = desk.page(f"/staff/sequences/{sequence_id}/people")
    answer = press(desk, page, "Bring 1 person", version="1")
    assert "Alice saved version 2 meanwhile. Nobody was moved; look once more." in says(desk, answer)
    assert version_of_run(db) == 1


# --- versions ----------------------------------------------------------------------------------------------


def test_the_history_says_who_changed_what_and_an_edit_can_begin_from_any_version(db, desk, sequence_id):
    press(desk, desk.page(f"/staff/sequences/{sequence_id}/edit"), "Save", **{"step-0-wait": "9"})
    page = desk.page(f"/staff/sequences/{sequence_id}/versions")
    words = page.first("ol", class_="happened").words
    assert "9 days later instead of 3 days later." in words
    assert "The first one, with 2 mails." in words
    link = next(a for a in page.all("a") if a.words.startswith("Begin an edit from it"))
    editor = desk.page(link["href"])
    assert "This begins from version 1." in editor.text
    press(desk, editor, "Save")
    assert [version.number for version in versions(db, sequence_id)] == [3, 2, 1]
    assert versions(db, sequence_id)[0].steps == versions(db, sequence_id)[2].steps


def test_a_version_that_is_not_there_cannot_be_begun_from(desk, sequence_id):
    assert desk.client.get(f"/staff/sequences/{sequence_id}/edit?from=9").status_code == 404


# --- on, off, copy, archive, settings ----------------------------------------------------------------------


def test_a_sequence_is_switched_off_and_on(db, desk, sequence_id):
    home = f"/staff/sequences/{sequence_id}"
    assert says(desk, desk.press("Switch off", desk.page(home))).startswith("It is off.")
    assert says(desk, desk.press("Switch on", desk.page(home))).startswith("It is on.")


def test_what_stands_against_switching_on_is_said_and_no_button_offered(db, desk, alice):
    with db.write() as session:
        session.add(Template(key="own-later", name="Later"))
        session.flush()
        sequence_id = editing.create(session, "After the fair", [a_step("own-later")], alice).id
    page = desk.page(f"/staff/sequences/{sequence_id}")
    assert "Mail 1: Mend the letter “Later” first, or choose another. This letter has no text yet." in page.words
    assert "Switch on" not in labels(page)
    address = f"/staff/sequences/{sequence_id}/switch-on"
    answer = desk.client.post(address, data={"csrf_token": desk.token})
    assert "“After the fair” was not switched on. Mail 1:" in says(desk, answer)


def test_a_sequence_is_copied(db, desk, sequence_id):
    answer = desk.press("Copy", desk.page(f"/staff/sequences/{sequence_id}"))
    page = desk.page(answer.location)
    assert page.first("h1").words == "Copy of After the fair"
    assert "Nothing starts it yet" in page.words


def test_archiving_says_who_is_concerned_first_and_folds_the_sequence_away(db, desk, sequence_id, ada):
    page = desk.page(f"/staff/sequences/{sequence_id}")
    assert "1 person is in the middle of it and would get no more of its mails." in page.words
    says(desk, desk.press("Archive it", page))
    shown = desk.page("/staff/sequences")
    assert "After the fair" in shown.first("details", class_="archived").words
    page = desk.page(f"/staff/sequences/{sequence_id}")
    assert {"Edit", "Switch on", "Switch off"}.isdisjoint(labels(page))
    assert says(desk, desk.press("Take it out", page)) == "It is out of the archive, and switched off."


def test_name_start_and_course_are_kept_together_or_not_at_all(db, settings, desk, alice, sequence_id):
    with db.write() as session:
        facts = CourseFacts("CSM in May", clock.now() + timedelta(days=30))
        course = add_course_date(session, facts, alice)
    home = f"/staff/sequences/{sequence_id}/settings"
    page = desk.page(home)
    refused = press(desk, page, "Save", [("starts_for", "pmp")], name="  ", course=str(course.id))
    assert refused.status_code == 422
    assert "Write a name" in read(refused.text).with_id("name-error").words
    with db.read() as session:
        assert session.get_one(Sequence, sequence_id).starts_for == ["csm"]
    saved = press(desk, page, "Save", [("starts_for", "pmp")], name="After the Fair", course=str(course.id))
    assert says(desk, saved) == "Saved."
    with db.read() as session:
        kept = session.get_one(Sequence, sequence_id)
    assert (kept.name, kept.starts_for, kept.course_date_id) == ("After the Fair", ["csm", "pmp"], course.id)


@pytest.mark.parametrize("course", ["77", "x", "-1", "9" * 30])
def test_a_course_that_is_none_is_refused(desk, sequence_id, course):
    answer = press(desk, desk.page(f"/staff/sequences/{sequence_id}/settings"), "Save", course=course)
    assert answer.status_code == 422
    assert "Choose a course that is still to come" in read(answer.text).with_id("course-error").words


# --- new letters -------------------------------------------------------------------------------------------


def test_a_new_letter_is_named_written_and_offered_to_sequences(db, desk):
    page = desk.page("/staff/templates/new")
    answer = press(desk, page, "Write it", name="Welcome back")
    editor = desk.page(answer.location)
    assert "It has no text yet; what you save first becomes version 1" in editor.words
    assert editor.all("p", class_="error") == []
    assert "No text yet" in desk.page("/staff/templates").words
    filled = {"subject": "Hello again", "preheader": "p", "body": "{greeting}"}
    data = editor.first("form", class_="letter-desk").fields | filled
    assert desk.client.post(editor.first("form", class_="letter-desk")["action"], data=data).status_code == 303
    assert "Welcome back" in [option.words for option in desk.page(NEW).all("option")]
    assert "Not written yet" in desk.page(f"{answer.location}/versions").words


def test_a_name_that_is_taken_is_told_at_its_field(desk):
    answer = press(desk, desk.page("/staff/templates/new"), "Write it", name="Acknowledgement")
    assert answer.status_code == 422
    page = read(answer.text)
    assert "There is a letter “Acknowledgement” already." in page.with_id("name-error").words
    assert page.with_id("name")["value"] == "Acknowledgement"


def test_changes_at_the_desk_are_in_the_audit_log_by_name(db, desk, alice, sequence_id):
    press(desk, desk.page(f"/staff/sequences/{sequence_id}/edit"), "Save", **{"step-0-wait": "9"})
    with db.read() as session:
        newest = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (newest.action, newest.subject, newest.account_id) == (
        "sequence_saved",
        "own-after-the-fair, version 2",
        alice,
    )


def test_a_stage_that_was_renamed_stays_ticked_by_its_old_name(db, desk, sequence_id):
    edit = f"/staff/sequences/{sequence_id}/edit"
    press(desk, desk.page(edit), "Save", [("step-1-stages", "New")])
    with db.write() as session:
        rename_stage(session, 1, 1, "Just arrived", 1)
    labels = [label for label in desk.page(edit).all("label") if label.words == "New (“Just arrived” now)"]
    assert ["checked" in label.first("input").attrs for label in labels] == [False, True]

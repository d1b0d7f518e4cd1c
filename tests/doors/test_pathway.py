"""The pathway check as visitors have it, without scripts: answers, a pathway, its mail, and a question about it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import event, select

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.test_public_pages import LARGEST, loaded_by
from tests.factories import ADA, contact_of, count, messages
from tpminstitute.contacts.models import Background, Consent
from tpminstitute.inbox.models import BroughtAlong, Inquiry, InquiryState
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.queries import plain_text
from tpminstitute.pathway.reading import read_table, shipped_text

TABLE = read_table(shipped_text())
ENGINEER = "a=1&b=1&c=1&d=1&e=4&f=3&g=3&h=3"


def pathway_page(client, answers=ENGINEER):
    """The address of the pathway of these answers, and its page."""
    answer = client.get(f"/pathway?{answers}")
    assert answer.status_code == 303
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        return answer.location, read(client.get(answer.location).text)


def mail_it(client, page, **fields):
    """Ask for a pathway by mail, on its page."""
    form = page.with_id("mail").first("form")
    values = form.fields | {"name": "Ada Lovelace", "email": ADA} | fields
    return client.post(form["action"], data=values)


@on_sqlite
def test_the_questions_are_one_form_that_can_be_sent_as_it_is_and_skipped(client):
    page = read(client.get("/pathway").text)
    form = page.first("form", class_="check")
    assert (form["method"], form["action"]) == ("get", "/pathway")
    groups = form.all("fieldset")
    assert [group.first("legend").words.removesuffix(" (tick any)") for group in groups] == [
        question.words for question in TABLE.questions
    ]
    for group, question in zip(groups, TABLE.questions, strict=True):
        kinds = {field["type"] for field in group.all("input")}
        assert kinds == ({"checkbox"} if question.several else {"radio"})
        assert question.several or group.all("input", value="") or "Skip this question" in group.words


@on_sqlite
def test_answers_lead_to_a_pathway_with_what_is_behind_where_one_stands_and_the_next_three(client):
    place, page = pathway_page(client)
    assert re.fullmatch(r"/pathway/1-[0-9a-f]{4}-a1b1c1d1e4f3g3h3", place)
    stations = page.first("ol", class_="path").all("li")
    assert [station["class"] for station in stations] == ["passed", "here", "ahead", "ahead", "ahead"]
    main = page.first("main").words
    assert "In a technical role" in main
    for number, step in enumerate(
        ("Move into a project management role", "Work on a large project", "Practise leading"), 1
    ):
        assert page.with_id(f"step-{number}").words.startswith(step)
    assert "Certified Scrum Master (CSM) You hold it." in main
    assert "Fits SAFe Program Consultant (SPC)" in main
    assert "Leadership You lead now and then, or hardly yet." in main


@on_sqlite
def test_every_link_of_a_pathway_leads_to_a_passage_that_is_there(client):
    ids = {element["id"] for element in read(client.get("/").text).inner}
    _, page = pathway_page(client)
    passages = [link["href"] for link in page.first("main").all("a") if link["href"].startswith("/#")]
    assert len(passages) > 10
    assert {passage.removeprefix("/#") for passage in passages} <= ids


@on_sqlite
def test_a_pathway_is_for_nobodys_index_and_its_page_is_small_and_asks_no_table(app, client):
    place, page = pathway_page(client)
    asked = []
    engine = app.extensions["tpm"].db.engine
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    answer = client.get(place)
    assert [statement for statement in asked if "pathway" in statement] == []
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert page.all("meta", name="robots", content="noindex")
    assert "Set-Cookie" not in answer.headers
    assert sum(map(len, loaded_by(client, place).values())) < LARGEST
    assert sum(map(len, loaded_by(client, "/pathway").values())) < LARGEST


@on_sqlite
def test_nothing_answered_is_said_and_nothing_more(client):
    answer = client.get("/pathway?done=1&a=&z=9&b=77&c=csm")
    assert answer.status_code == 200
    assert "Nothing was answered yet" in answer.text


@on_sqlite
def test_unknown_questions_and_answers_are_left_out(client):
    answer = client.get("/pathway?a=1&a=9&z=1&b=<script>&utm_source=x")
    assert answer.location.endswith("-a1")


@on_sqlite
def test_changing_answers_begins_with_those_of_the_pathway(client):
    place, page = pathway_page(client)
    change = next(link["href"] for link in page.all("a") if link.words == "Change my answers")
    form = read(client.get(change).text).first("form", class_="check")
    ticked = {(field["name"], field["value"]) for field in form.all("input") if "checked" in field.attrs}
    assert ticked == {(part[0], part[2]) for part in ENGINEER.split("&")}
    assert place.rpartition("/")[2] in change


@on_sqlite
@pytest.mark.parametrize(
    "code",
    ["x", "1-2b0a", "1-2b0a-", "2-2b0a-a1", "1-2b0a-a1%00", "<script>alert(1)<script>", "1-" + "a1" * 5_000, "%ff"],
)
def test_garbage_in_the_address_is_a_friendly_404_with_a_way_to_begin_again(client, code):
    for answer in (client.get(f"/pathway/{code}"), client.post(f"/pathway/{code}/mail")):
        assert answer.status_code == 404
        main = read(answer.text).first("main")
        assert "/pathway" in {link["href"] for link in main.all("a")}
        assert "<script>alert" not in answer.text


@on_sqlite
def test_an_address_of_other_questions_still_works_and_says_that_they_changed(client):
    answer = client.get("/pathway/1-0000-a1z3")
    assert answer.status_code == 200
    assert (
        "The check has changed since this address was made. One answer of yours isn’t asked for any more" in answer.text
    )
    assert "The check has changed" in client.get("/pathway/1-0000-a1").text
    assert client.get("/pathway/1-0000-z3").status_code == 404


def test_a_pathway_asked_for_by_mail_is_an_inquiry_and_its_mail_carries_the_pathway(db, client):
    place, page = pathway_page(client)
    answer = mail_it(client, page, consent="y")
    assert answer.status_code == 303
    assert "Your pathway comes by e-mail" in client.get(answer.location).text
    with db.read() as session:
        inquiry = session.scalars(select(Inquiry)).one()
        along = session.scalars(select(BroughtAlong)).one()
        assert (inquiry.topic, inquiry.source_page) == ("becoming_a_tpm", "/pathway")
        assert inquiry.message.startswith("Please mail me my pathway.")
        assert place == f"/pathway/{along.pathway}"
    [letter] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    text = " ".join(plain_text(letter.content).split())
    assert "Move into a project management role. You know technical projects from within" in text
    assert f"http://institute.test{place}" in text
    assert contact_of(db).background is Background.ENGINEERING
    assert count(db, Consent) == 1


def test_the_same_form_sent_twice_is_one_inquiry_and_one_mail(db, client):
    _, page = pathway_page(client)
    form = page.with_id("mail").first("form")
    values = form.fields | {"name": "Ada", "email": ADA}
    places = {client.post(form["action"], data=values).location for _ in range(3)}
    assert len(places) == 1
    assert (count(db, Inquiry), len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT))) == (1, 1)


@on_sqlite
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": ""}, "Write your name"),
        ({"email": "ada@"}, "e-mail"),
        ({"token": "forged"}, "no longer known to us"),
    ],
)
def test_what_is_missing_is_said_beside_the_pathway_and_what_was_typed_stays(db, client, fields, says):
    _, page = pathway_page(client)
    answer = mail_it(client, page, **fields)
    assert answer.status_code in (400, 422)
    assert says in answer.text
    page = read(answer.text)
    assert page.with_id("step-1")
    kept = page.with_id("mail").first("form").fields
    typed = {"name": "Ada Lovelace", "email": ADA} | fields
    assert (kept["name"], kept["email"]) == (typed["name"], typed["email"])
    assert count(db, Inquiry) == 0


@on_sqlite
def test_a_machine_that_fills_the_trap_is_set_apart_and_gets_no_mail(db, client):
    _, page = pathway_page(client)
    mail_it(client, page, subject="https://spam.example")
    with db.read() as session:
        assert session.scalars(select(Inquiry.state)).one() is InquiryState.SUSPECTED
    assert messages(db) == []


@on_sqlite
def test_another_site_can_not_ask_for_it(db, client):
    _, page = pathway_page(client)
    form = page.with_id("mail").first("form")
    values = form.fields | {"name": "Ada", "email": ADA}
    answer = client.post(form["action"], data=values, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert count(db, Inquiry) == 0


@on_sqlite
def test_who_opens_the_address_of_the_form_is_led_to_the_pathway(client):
    place, _ = pathway_page(client)
    assert client.get(f"{place}/mail").location == place


def test_asking_an_advisor_brings_the_pathway_along_and_staff_see_it(db, visitor, desk):
    place, page = pathway_page(visitor.client)
    ask = next(link["href"] for link in page.all("a") if link.words == "Ask an advisor about it")
    form = read(visitor.client.get(ask).text).first("form", class_="letter")
    assert "Your pathway goes along" in form.words
    assert form.fields["topic"] == "becoming_a_tpm"
    visitor.send(visitor.open_form(ask), pathway=form.fields["pathway"])
    contact = desk.page(f"/staff/contacts/{contact_of(db).public_id}")
    assert "Pathway check Stands: In a technical role · Next: 1. Move into" in contact.words
    assert contact.all("a", href=place)
    assert "as their pathway check says" in contact.words
    [notice] = messages(db, kind=MessageKind.NOTICE)
    assert "Stands: In a technical role" in plain_text(notice.content)
    [acknowledgement] = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert acknowledgement.subject.startswith("We have your message")


@on_sqlite
@pytest.mark.parametrize("code", ["", "x", "1-0000-z1", "<script>"])
def test_what_is_no_pathway_brings_nothing_along_and_the_letter_is_taken(db, visitor, code):
    assert "goes along" not in visitor.client.get("/contact", query_string={"pathway": code}).text
    assert visitor.send(pathway=code).status_code == 303
    assert count(db, BroughtAlong) == 0


@on_sqlite
def test_the_check_is_found_from_the_guide_and_from_every_page(client):
    for address in ("/", "/courses", "/contact"):
        assert "/pathway" in {
            link["href"] for link in read(client.get(address).text).first("nav", aria_label="Main").all("a")
        }
    assert "/pathway" in {link["href"] for link in read(client.get("/").text).first("article").all("a")}

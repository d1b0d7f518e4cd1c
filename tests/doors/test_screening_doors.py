"""Screening at the doors: the offer of a better address, the proof without JavaScript, and the list at the desk."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from app import create_app
from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import LETTER, Visitor
from tests.factories import count, make_settings, statuses, submitted
from tpminstitute.accounts.models import Role
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.screening.models import Lesson
from tpminstitute.screening.proof import Challenge
from tpminstitute.screening.service import Evidence, screen

PITCH = "I came across your website. We offer a website redesign and more leads at a low cost. Can we book a call?"
SPAM = "Best online casino: free spins, a welcome bonus and a jackpot every day! https://spins.example"
LIST = "/staff/inbox?show=suspected"


def the(db, **having):
    with db.read() as session:
        return session.scalars(select(Inquiry).filter_by(**having)).one()


def states(db):
    with db.read() as session:
        return {inquiry.name: inquiry.state.value for inquiry in session.query(Inquiry)}


# --- words of ours -----------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(
    "place",
    ["/guide/send", "/pathway/1-0000-a1d1e4h3", "/contact?about=wait:course:certified-scrum-master"],
    ids=["the guide", "a pathway", "a place"],
)
def test_many_who_send_a_text_that_the_page_wrote_are_no_flood(db, client, place):
    for reader in range(14):
        with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
            form = read(client.get(place).text).first("form", class_="letter")
        typed = {"name": f"Reader {reader}", "email": f"reader{reader}@example.org", "topic": "csm"}
        assert client.post(form["action"], data=form.fields | typed).status_code == 303
    assert states(db) == {f"Reader {reader}": "open" for reader in range(14)}


@on_sqlite
def test_of_a_text_that_the_page_began_it_is_kept_how_much_the_page_wrote(db, client):
    form = read(client.get("/contact?about=wait:course:certified-scrum-master").text).first("form", class_="letter")
    begun = form.fields["message"]
    typed = {"name": "Eve", "email": "eve@example.org", "topic": "csm", "message": f"{begun} Buy quokkas!"}
    client.post(form["action"], data=form.fields | typed)
    with db.read() as session:
        inquiry = session.query(Inquiry).one()
    assert inquiry.message[: inquiry.page_wrote] == begun


# --- a mistyped address ------------------------------------------------------------------------------------


def offered(visitor, **fields):
    """The page that offers another address, and the fields of its form."""
    answer = visitor.send(email="ada@gmial.com", **fields)
    assert answer.status_code == 422
    page = read(answer.text)
    assert page.first("div", class_="summary").first("h2").words == "Did you mean ada@gmail.com?"
    form = page.first("form", class_="letter").fields
    assert {name: form[name] for name in LETTER} == LETTER | {"email": "ada@gmial.com"} | fields
    return form


@on_sqlite
def test_the_better_address_is_offered_first_and_enter_in_a_field_takes_neither(visitor):
    answer = visitor.send(email="ada@gmial.com")
    by_enter, *offer = read(answer.text).first("form", class_="letter").all("button")[:3]
    assert [button.words for button in offer] == ["Use ada@gmail.com", "Keep ada@gmial.com"]
    assert "name" not in by_enter.attrs


@pytest.mark.parametrize(
    ("pressed", "email"),
    [({"spelling": "use"}, "ada@gmail.com"), ({"spelling": "keep"}, "ada@gmial.com"), ({}, "ada@gmial.com")],
    ids=["use this", "keep what I typed", "send again"],
)
def test_a_mistyped_domain_is_asked_about_once_and_its_writer_decides(db, visitor, pressed, email):
    form = offered(visitor)
    assert count(db, Inquiry) == 0
    form.pop("spelling", None)
    assert visitor.client.post("/contact", data=form | pressed).status_code == 303
    assert (the(db).email, the(db).message) == (email, LETTER["message"])


@on_sqlite
def test_the_better_address_pressed_twice_is_one_inquiry(db, visitor):
    form = offered(visitor) | {"spelling": "use"}
    first, second = (visitor.client.post("/contact", data=form).location for _ in range(2))
    assert first == second
    assert count(db, Inquiry) == 1


@on_sqlite
def test_another_mistyped_domain_is_asked_about_again_and_a_mended_one_is_not(db, visitor):
    form = offered(visitor)
    form.pop("spelling", None)
    again = visitor.client.post("/contact", data=form | {"email": "ada@hotmial.com"})
    assert "Did you mean" in again.text
    assert visitor.client.post("/contact", data=form | {"email": "ada@gmail.com"}).status_code == 303


@on_sqlite
def test_with_other_mistakes_in_the_form_those_are_told_first(visitor):
    answer = visitor.send(email="ada@gmial.com", name="")
    assert answer.status_code == 422
    assert "Write your name" in answer.text
    assert "Did you mean" not in answer.text


@on_sqlite
@pytest.mark.parametrize(
    ("domain", "meant"), [("gmial.com", "gmail.com"), ("gmail.com", None), ("", None), ("<script>" * 100, None)]
)
def test_the_script_asks_the_same_and_tells_only_the_domain(client, domain, meant):
    answer = client.get("/contact/spelling", query_string={"domain": domain})
    assert answer.get_json() == {"meant": meant}
    assert answer.headers["Cache-Control"] == "private, max-age=86400"


# --- the proof, without JavaScript -------------------------------------------------------------------------


def set_apart(visitor, **fields):
    """A letter that is nearly clear, and the page after it was sent."""
    answer = visitor.send(message=PITCH, **fields)
    assert answer.status_code == 303
    return answer.location


def confirm(client, place, after=5.0, headers=None, **changed):
    """Open the page and press its button so many seconds later; `changed` are fields that aren't as they were."""
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=after)):
        form = read(client.get(place).text).first("form", class_="proof")
    return client.post(form["action"], data=form.fields | changed, headers=headers)


def test_who_is_nearly_clear_confirms_by_a_button_and_is_released_at_once(app, db, visitor):
    place = set_apart(visitor)
    assert the(db).state is InquiryState.SUSPECTED
    assert statuses(db) == {}
    answer = confirm(visitor.client, place)
    assert (answer.status_code, answer.location) == (303, place)
    assert the(db).state is InquiryState.OPEN
    assert sorted(statuses(db).values()) == ["queued", "queued"]
    assert app.extensions["tpm"].db.publisher.jobs
    assert not read(visitor.client.get(place).text).all("form", class_="proof")


@on_sqlite
def test_a_proof_that_is_sent_again_does_nothing_more(db, visitor):
    place = set_apart(visitor)
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=9)):
        form = read(visitor.client.get(place).text).first("form", class_="proof")
    answers = [visitor.client.post(form["action"], data=form.fields) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert len(statuses(db)) == 2


@on_sqlite
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"after": 1}, "quicker than anybody reads"),
        ({"after": 3_700}, "more than an hour"),
        ({"challenge": ""}, "no longer known"),
        ({"challenge": "forged.x"}, "no longer known"),
        ({"sums": "1.2.3"}, "answer was not right"),
        ({"headers": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}}, "no longer known"),
    ],
    ids=str,
)
def test_what_proves_nothing_is_said_and_the_letter_stays_kept(db, visitor, wrong, says):
    place = set_apart(visitor)
    answer = confirm(visitor.client, place, **wrong)
    assert answer.status_code == 422
    assert says in read(answer.text).first("div", class_="notice").words
    assert read(answer.text).first("form", class_="proof").fields["challenge"]
    assert the(db).state is InquiryState.SUSPECTED


@on_sqlite
def test_the_challenge_of_another_letter_proves_nothing(db, settings, visitor):
    place = set_apart(visitor)
    other = Challenge("another", "seed", datetime.now(UTC) - timedelta(minutes=1)).sign(settings.secret_key)
    assert confirm(visitor.client, place, challenge=other).status_code == 422
    assert visitor.client.post("/thanks/no-such-letter/proof").status_code == 404


@on_sqlite
def test_clear_spam_sees_the_same_page_as_an_honest_letter_but_for_the_reference(db, visitor):
    def shown(**fields):
        place = visitor.send(**fields).location
        public_id = the(db, message=fields["message"]).public_id
        page = visitor.client.get(place).text
        own = read(page).first("strong", class_="reference").words
        return page.replace(public_id, "").replace(own, ""), place

    with time_machine.travel(datetime.now(UTC), tick=False):
        honest, _ = shown(message="How do I begin?")
        spam, place = shown(message=SPAM, email="charlie@example.net")
    assert the(db, message=SPAM).state is InquiryState.SUSPECTED
    assert "New York time" in honest
    assert spam == honest
    answer = visitor.client.post(f"{place}/proof", data={"challenge": "x"})
    assert answer.status_code == 303
    assert the(db, message=SPAM).state is InquiryState.SUSPECTED


@on_sqlite
def test_a_letter_in_a_flood_from_its_network_behind_our_proxy_is_set_apart_and_may_be_confirmed(
    db, sqlite_url, tmp_path
):
    settings = make_settings(tmp_path, database_url=sqlite_url, trusted_proxies=1)
    app = create_app(settings)
    with db.write() as session:
        for n in range(100):
            screen(session, settings.secret_key, Evidence("Bot", f"b{n}@example.org", "Hello", address="203.0.113.5"))
    visitor = Visitor(app.test_client())
    place = visitor.send(headers={"X-Forwarded-For": "192.0.2.1, 203.0.113.77"}).location
    assert the(db).suspicions == ["100 or more letters came from this network within an hour. (+10)"]
    assert "One more step" in visitor.client.get(place).text
    app.extensions["tpm"].db.close()


@on_sqlite
def test_with_screening_switched_off_every_letter_is_taken_as_honest(db, sqlite_url, tmp_path):
    app = create_app(make_settings(tmp_path, database_url=sqlite_url, screening="off"))
    Visitor(app.test_client()).send(message=SPAM, subject="trapped")
    assert (the(db).state, the(db).score) == (InquiryState.OPEN, None)
    app.extensions["tpm"].db.close()


# --- the list at the desk ----------------------------------------------------------------------------------


@pytest.fixture
def three(db, settings):
    for name in ("Ada", "Grace", "Mallory"):
        submitted(db, settings, name=name, email=f"{name}@example.org", suspicions=[f"{name} is too quick."])


def notices(desk, answer):
    assert answer.status_code == 303
    return " ".join(each.words for each in desk.page(answer.location).all("div", class_="notice", role="status"))


@on_sqlite
def test_the_list_says_the_score_and_why(desk, three):
    rows = desk.page(LIST).all("li", class_="judged-row")
    assert [row.first("a").words for row in rows] == ["Mallory", "Grace", "Ada"]
    assert "12 points" in rows[0].words
    assert "Mallory is too quick. (+12)" in rows[0].first("ul").words


@on_sqlite
def test_one_press_releases_and_the_list_stays_open(db, desk, three):
    page = desk.page(LIST)
    answer = desk.press("Not spam, release Mallory", page)
    assert "Released one inquiry." in notices(desk, answer)
    assert answer.location == LIST
    assert states(db) == {"Ada": "suspected", "Grace": "suspected", "Mallory": "open"}
    assert sorted(statuses(db).values()) == ["queued", "queued"]


def test_many_are_judged_at_once_and_spam_is_taken_back_as_easily(db, desk, three):
    form = desk.page(LIST).first("form", class_="judged")
    ids = [box["value"] for box in form.all("input", name="inquiry")]
    sent = {"csrf_token": desk.token, "do": "spam", "inquiry": ids}
    page = desk.page(desk.client.post(form["action"], data=sent).location)
    assert set(states(db).values()) == {"spam"}
    assert count(db, Lesson) == 3
    assert "Marked 3 inquiries as spam." in page.first("div", class_="undo").words
    assert "Taken back: 3 inquiries" in notices(desk, desk.press("Undo", page.first("div", class_="undo")))
    assert set(states(db).values()) == {"suspected"}
    assert count(db, Lesson) == 0
    desk.client.post(form["action"], data=sent | {"do": "release", "inquiry": ids[:2]})
    assert sorted(states(db).values()) == ["open", "open", "suspected"]


@on_sqlite
@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"do": "release"}, "Nothing was ticked"),
        ({"do": "spam", "inquiry": "0" * 20}, "not there any more"),
        ({"release": "nonsense"}, "not there any more"),
    ],
    ids=str,
)
def test_a_stale_or_empty_choice_is_said_and_changes_nothing(db, desk, three, data, says):
    answer = desk.client.post("/staff/inquiries/judge", data={"csrf_token": desk.token} | data)
    assert says in desk.page(answer.location).first("main").words
    assert set(states(db).values()) == {"suspected"}


@on_sqlite
def test_what_a_colleague_was_quicker_with_is_left_and_said(db, desk, three):
    page = desk.page(LIST)
    desk.press("Not spam, release Ada", page)
    answer = desk.press("Not spam, release Ada", page)
    assert "is open by now" in desk.page(answer.location).first("main").words
    assert desk.client.post("/staff/inquiries/judge", data={"csrf_token": desk.token, "do": "x"}).status_code == 400


@on_sqlite
def test_a_reader_sees_the_list_and_no_button(desk_of, three):
    page = desk_of("Rita", Role.READER).page(LIST)
    assert "Mallory" in page.words
    assert not page.all("form", class_="judged")


@on_sqlite
def test_a_contact_s_page_says_why_with_points_and_what_was_weighed_of_an_open_one(db, visitor, desk):
    visitor.send(message=SPAM)
    page = desk.page(desk.page(LIST).first("li", class_="judged-row").first("a")["href"])
    assert "and 10 are enough" in page.first("article", class_="inquiry").words
    visitor.send(visitor.open_form(ago=0), email="grace@example.org", name="Grace")
    home = desk.page("/staff/inbox?show=all").first("a", class_="row-name")["href"]
    assert "Screening: 4 of 10 points" in desk.page(home).first("article", class_="inquiry").words

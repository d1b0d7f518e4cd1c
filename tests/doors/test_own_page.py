"""The page of a person about themselves, at the door."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import Desk
from tests.factories import ADA, contact_of, count, messages, submitted
from tests.rooms.commented import commented
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import own_url
from tpminstitute.core import clock
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.queries import plain_text
from tpminstitute.own_page.asking import MOST_OF_A_NETWORK
from tpminstitute.own_page.erasing import ask_to_be_erased, stay_url
from tpminstitute.own_page.links import LASTS, OPENS_ALL
from tpminstitute.privacy.erasing import erase

pytestmark = on_sqlite

PHONE = ("020 7946 0958", "+442079460958")


@pytest.fixture
def link(db, settings):
    """The way to Ada's page: `link()` as a mail has it, `link(asked_for=True)` as she asked for it."""
    submitted(db, settings, consents=True, phone=PHONE, message="A question that is mine alone")

    def to_ada(**how):
        return own_url(settings, contact_of(db).public_id, **how).removeprefix(settings.public_url)

    return to_ada


def press(client, address, label, **fields):
    return Desk(client).press(label, Desk(client).page(address), **fields)


def test_known_and_unknown_addresses_are_answered_alike(db, client, link):
    answers = [client.post("/me", data={"email": email}) for email in (ADA, "nobody@example.org")]
    assert len({(answer.status_code, answer.location, answer.text) for answer in answers}) == 1
    assert "on its way" in client.get(answers[0].location).text
    assert len(messages(db, kind=MessageKind.OWN_DATA)) == 1


def test_what_is_no_address_comes_back_as_it_was_typed(client):
    answer = client.post("/me", data={"email": "ada@"})
    assert answer.status_code == 422
    assert read(answer.text).first("input", id="email")["value"] == "ada@"


def test_a_page_with_a_secret_address_is_kept_nowhere_and_sets_no_cookie(client, link):
    answer = client.get(link())
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in answer.headers


def test_a_link_from_a_mail_shows_neither_phone_nor_words_and_a_fresh_one_does(client, link):
    shown = client.get(link()).text
    assert PHONE[0] not in shown
    assert "mine alone" not in shown
    fresh = client.get(link(asked_for=True)).text
    assert PHONE[0] in fresh
    assert "mine alone" in fresh


@pytest.mark.parametrize("what", ["data", "erase", "void", "address"])
def test_a_link_from_a_mail_takes_and_erases_nothing_and_its_page_sends_a_fresh_one(db, client, link, what):
    answer = client.post(f"{link()}/{what}", data={"email": "new@example.org"})
    assert answer.status_code == 403
    page = read(answer.text)
    assert page.first("h1").words == "This needs a fresh link"
    assert not messages(db, kind=MessageKind.OWN_DATA)
    assert Desk(client).press("Send me a fresh link", page).status_code == 303
    assert len(messages(db, kind=MessageKind.OWN_DATA)) == 1


@pytest.mark.parametrize("what", ["data", "erase", "void", "address", "details", "postpone", "call"])
def test_a_link_that_is_over_leads_to_a_new_one(client, link, what):
    with time_machine.travel(clock.now() - LASTS - timedelta(minutes=1)):
        old = link(asked_for=True)
    answer = client.post(f"{old}/{what}")
    assert answer.status_code == 410
    assert read(answer.text).first("a", class_="button")["href"] == "/me"


def test_an_address_is_changed_by_the_link_in_the_mail_to_it(db, client, link):
    answer = press(client, link(asked_for=True), "Change the address", email="new@example.org")
    assert "on its way to the new address" in client.get(answer.location).text
    (mail,) = messages(db, kind=MessageKind.OWN_DATA)
    (path,) = set(re.findall(r"/me/address/[\w.~-]+", plain_text(mail.content)))
    assert contact_of(db).email == ADA
    answer = press(client, path, "Yes, write to me here")
    assert "go to this address now" in client.get(answer.location).text
    assert contact_of(db, "new@example.org").name == "Ada Lovelace"
    over = client.get(path)
    assert (over.status_code, read(over.text).first("h1").words) == (410, "This link is over")


def test_an_address_that_cannot_be_one_comes_back_as_it_was_typed(client, link):
    answer = press(client, link(asked_for=True), "Change the address", email="ada@")
    assert answer.status_code == 422
    assert read(answer.text).first("input", id="new-email")["value"] == "ada@"


def test_everything_comes_as_one_file(client, link):
    answer = press(client, link(asked_for=True), "Download everything")
    names = zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    answer.close()
    assert "data.json" in names


def test_a_name_is_corrected_and_a_stale_tab_keeps_what_was_typed(db, client, link):
    page = Desk(client).page(link())
    assert Desk(client).press("Keep it", page, name="Ada King").status_code == 303
    answer = Desk(client).press("Keep it", page, name="Ada Byron")
    assert answer.status_code == 422
    assert read(answer.text).first("input", id="name")["value"] == "Ada Byron"
    assert contact_of(db).name == "Ada King"


def test_erasing_is_asked_for_on_a_page_of_its_own_and_taken_back_by_the_mails_link(db, settings, client, link):
    assert press(client, f"{link(asked_for=True)}/erase", "Erase everything").status_code == 303
    with db.write() as session:
        wish = ask_to_be_erased(session, settings, contact_of(db))
    stay = stay_url(settings, wish).removeprefix(settings.public_url)
    assert press(client, stay, "Keep everything").status_code == 303
    assert "Nothing is erased" in client.get(stay).text


def call(client, address, **fields):
    """Press the button that asks for a call, with two times that suit."""
    days = [(clock.now() + timedelta(days=days)).date().isoformat() for days in (2, 3)]
    said = {"first_day": days[0], "first_time": "10:00", "second_day": days[1], "second_time": "15:30"}
    said |= {"phone": PHONE[0], "about": "Which course fits?"}
    return press(client, f"{address}/call", "Ask for the call", **said | fields)


def test_a_call_is_asked_for_with_a_link_of_any_mail_and_stands_on_the_page(db, client, link):
    answer = call(client, link())
    shown = Desk(client).page(answer.location)
    assert "You asked for a call" in shown.words
    assert "Reference" in shown.words
    assert PHONE[0] not in shown.text
    assert PHONE[0] in Desk(client).page(link(asked_for=True)).text
    with db.read() as session:
        assert session.scalars(select(Inquiry.source_page).order_by(Inquiry.id)).all()[-1] == "/me/call"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"first_day": "", "first_time": "", "second_day": "", "second_time": ""}, "first_day"),
        ({"first_time": ""}, "first_time"),
        ({"second_day": ""}, "second_day"),
        ({"first_day": "soon"}, "first_day"),
        ({"first_day": "9999-12-31"}, None),
        ({"first_time": "late"}, "first_time"),
        ({"first_day": "2020-01-01"}, None),
        ({"phone": "call me"}, "phone"),
        ({"about": "\x00"}, "about"),
        ({"about": "a" * 2_001}, "about"),
    ],
)
def test_a_call_that_cannot_be_taken_comes_back_as_it_was_typed(db, client, link, wrong, field):
    answer = call(client, link(), **wrong)
    assert answer.status_code == 422
    page = read(answer.text)
    assert page.fields["second_time"] == wrong.get("second_time", "15:30")
    assert field is None or page.with_id(field)["aria-invalid"] == "true"
    assert count(db, Inquiry) == 1


def test_what_somebody_typed_is_inert_wherever_it_is_shown(db, client, link):
    hostile = "<script>alert(1)</script>\u202etxt.exe {{ 7 * 7 }} =1+1"
    press(client, link(), "Keep it", name=hostile)
    call(client, link(), about=hostile)
    shown = client.get(link(asked_for=True)).text
    assert "<script>alert" not in shown
    assert "\u202e" not in shown
    assert "{{ 7 * 7 }}" in shown
    assert "txt.exe" in client.get(link()).text


@pytest.fixture
def commenter(db, settings, client):
    """Grace commented and never wrote: the way to her page, by the link that the form mailed her."""
    commented(db, settings, email="grace@example.org", body="<b>Where</b> does one find a mentor?")
    client.post("/me", data={"email": "grace@example.org"})
    (mail,) = messages(db, kind=MessageKind.OWN_DATA)
    return re.findall(r"/me/comments/[\w.~-]+", plain_text(mail.content))[0]


def test_a_commenter_sees_takes_and_erases_what_they_wrote_and_thinks_again(db, client, commenter):
    page = Desk(client).page(commenter)
    assert "<b>Where</b> does one find a mentor?" in page.text
    taken = press(client, commenter, "Download everything")
    assert [one["email"] for one in taken.json["comments"]] == ["grace@example.org"]
    assert press(client, commenter, "Erase everything in a day").status_code == 303
    assert "You asked that they be erased" in client.get(commenter).text
    mail = messages(db, kind=MessageKind.OWN_DATA)[-1]
    stay = re.findall(r"/me/comments/stay/[\w.~-]+", plain_text(mail.content))[0]
    assert press(client, stay, "Keep everything").status_code == 303
    assert "You asked that they be erased" not in client.get(commenter).text
    assert "Nothing is erased" in client.get(stay).text


def test_a_link_to_comments_that_is_over_says_how_long_it_lasts(client, commenter):
    with time_machine.travel(clock.now() + OPENS_ALL + timedelta(seconds=5)):
        answer = client.post(f"{commenter}/erase")
    assert answer.status_code == 410
    assert "works for an hour" in answer.text


def test_a_commenter_is_answered_as_everybody_else(client, commenter):
    answers = [client.post("/me", data={"email": email}) for email in ("grace@example.org", "nobody@example.org")]
    assert len({(answer.status_code, answer.location, answer.text) for answer in answers}) == 1


GARBAGE = [
    "/me/comments/forged",
    "/me/comments/stay/forged",
    "/me/stay/forged",
    f"/me/{'x' * 3000}",
    "/me/%F0%9F%A6%84",
]


@pytest.mark.parametrize("path", GARBAGE)
def test_garbage_in_place_of_a_token_is_not_known(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert read(answer.text).first("h1").words == "This link is not known"


def test_an_erased_persons_links_say_that_nothing_is_kept(db, client, link):
    links = [link(), link(asked_for=True)]
    with db.write() as session:
        erase(session, contact_of(db).id, None)
    for each in links:
        assert read(client.get(each).text).first("h1").words == "Nothing is kept about you"
        assert client.post(f"{each}/details", data={"name": "Eve"}).status_code == 200
    with db.read() as session:
        assert session.scalars(select(Contact.name)).one() == "(erased)"


def test_a_flood_of_the_form_is_told_to_come_back_and_keeps_the_address(client):
    for number in range(MOST_OF_A_NETWORK):
        client.post("/me", data={"email": f"a{number}@example.org"}, environ_base={"REMOTE_ADDR": "203.0.113.7"})
    answer = client.post("/me", data={"email": ADA}, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert answer.status_code == 429
    assert read(answer.text).first("input", id="email")["value"] == ADA


@pytest.mark.parametrize("page", ["/", "/privacy", "/contact", "/courses"])
def test_every_page_leads_to_what_is_held(client, page):
    assert read(client.get(page).text).all("a", href="/me")


def test_a_form_of_another_site_changes_nothing(db, client, link):
    answer = client.post(f"{link()}/details", data={"name": "Eve"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert contact_of(db).name == "Ada Lovelace"


def test_links_in_earlier_mails_are_made_void_and_the_one_in_use_stays(client, link):
    with time_machine.travel(clock.now() - timedelta(minutes=5)):
        earlier = link()
    used = link(asked_for=True)
    assert press(client, used, "Make earlier links void").status_code == 303
    assert client.get(used).status_code == 200
    assert client.get(earlier).status_code == 410

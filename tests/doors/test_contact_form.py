"""The contact form: what is asked, what is kept, and what is said when something is missing."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, text

from app import create_app
from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import LETTER, Visitor
from tests.factories import contact_of, count, make_settings, statuses
from tests.parts.ports import free_port
from tpminstitute.contacts import consent
from tpminstitute.contacts.models import Consent, Contact, ZoneSource
from tpminstitute.core.db import Database
from tpminstitute.core.jobs import Job
from tpminstitute.guide.chapters import load_guide
from tpminstitute.inbox.models import BroughtAlong, Inquiry, InquiryState
from tpminstitute.sequences.models import Enrollment

THANKS = re.compile(r"/thanks/[0-9a-z]{20}")
TYPED = {
    "name": "Ada O’Hara <ada>",
    "email": "Ada+tpm@Example.org",
    "phone": "020 7946 0958",
    "topic": "spc",
    "message": "Two lines,\n\t“kept” & shown.\n",
    "consent": "y",
}


def the(db, table):
    with db.read() as session:
        return session.scalars(select(table)).one()


def kept(answer):
    """What the letter on a page holds, its token and trap left out."""
    fields = read(answer.text).first("form", class_="letter").fields
    return {name: text for name, text in fields.items() if name in TYPED}


def test_a_letter_is_stored_exactly_and_answered_with_thanks(db, visitor):
    answer = visitor.send(**TYPED | {"message": "  Two lines,\r\n\tkept 🙂 \u202eas they are.  "})
    assert answer.status_code == 303
    assert THANKS.fullmatch(answer.location)
    inquiry = the(db, Inquiry)
    assert answer.location == f"/thanks/{inquiry.public_id}"
    assert (inquiry.name, inquiry.email, inquiry.topic) == (TYPED["name"], "Ada+tpm@example.org", "spc")
    assert inquiry.message == "  Two lines,\n\tkept 🙂 \u202eas they are.  "
    assert inquiry.state is InquiryState.OPEN


def test_a_stored_letter_asks_for_the_delivery_of_its_mails(app, db, visitor):
    visitor.send()
    assert sorted(statuses(db).values()) == ["queued", "queued"]
    assert app.extensions["tpm"].db.publisher.jobs == [Job.DELIVER]


@pytest.mark.parametrize("page", ["/", "/contact"])
def test_the_page_that_was_written_on_is_kept(db, visitor, page):
    visitor.send(visitor.open_form(page))
    assert the(db, Inquiry).source_page == page


def test_the_site_that_sent_the_visitor_is_kept_without_its_query(db, visitor):
    visitor.send(visitor.open_form(Referer="https://search.example/find?q=secret"))
    assert the(db, Inquiry).source_referrer == "https://search.example/find"


def test_our_own_pages_are_no_site_that_sent_the_visitor(db, visitor):
    visitor.send(visitor.open_form(Referer="http://institute.test/"))
    assert the(db, Inquiry).source_referrer == ""


def test_the_topics_are_the_path_the_certifications_courses_and_something_else(client):
    options = read(client.get("/contact").text).with_id("topic").all("option")
    topics = ["becoming_a_tpm", "csm", "pmp", "cal", "spc", "courses", "other"]
    assert [option["value"] for option in options] == ["", *topics]
    assert all(option.words for option in options)


def test_an_address_may_choose_the_topic_beforehand(client):
    assert read(client.get("/contact?topic=pmp").text).first("form", class_="letter").fields["topic"] == "pmp"


@on_sqlite
@pytest.mark.parametrize("topic", ["nonsense", "<script>", "%00", "%ff"])
def test_a_topic_that_is_none_chooses_nothing(client, topic):
    answer = client.get(f"/contact?topic={topic}")
    assert answer.status_code == 200
    assert read(answer.text).first("form", class_="letter").fields["topic"] == ""


@on_sqlite
@pytest.mark.parametrize(
    ("typed", "language", "e164"),
    [
        ("+44 20 7946 0958", "en-US", "+442079460958"),
        ("0044 20 7946 0958", "en-US", "+442079460958"),
        ("020 7946 0958", "en-GB,en;q=0.9", "+442079460958"),
        ("(215) 430-2201", "en-US", "+12154302201"),
        ("215.430.2201", "", "+12154302201"),
        ("+49 (0)30 901820", "de-DE", "+4930901820"),
        ("030 901820", "de-DE,de;q=0.8", "+4930901820"),
        ("06 12 34 56 78", "fr-FR", "+33612345678"),
        ("+966 ٥٠ ١٢٣ ٤٥٦٧", "ar-SA", "+966501234567"),
        ("02-2345-6789", "zh-Hant-TW", "+886223456789"),
        ("12345", "en-US", None),
    ],
)
def test_a_phone_number_is_kept_as_typed_and_as_the_world_dials_it(db, visitor, typed, language, e164):
    answer = visitor.send(phone=typed, headers={"Accept-Language": language})
    assert answer.status_code == 303
    inquiry = the(db, Inquiry)
    assert (inquiry.phone_typed, inquiry.phone_e164) == (typed, e164)


def test_a_phone_number_without_digits_is_refused_beside_its_field(db, visitor):
    answer = visitor.send(phone="call me maybe")
    assert answer.status_code == 422
    page = read(answer.text)
    assert "all its digits" in page.with_id("phone-error").words
    assert page.with_id("phone")["value"] == "call me maybe"
    assert count(db, Inquiry) == 0


def test_the_time_zone_of_the_newest_browser_is_kept_with_the_contact(db, visitor):
    for name in ("Europe/Berlin", "Asia/Tokyo"):
        assert visitor.send(time_zone=name).status_code == 303
        assert (contact_of(db).time_zone, contact_of(db).time_zone_source) == (name, ZoneSource.BROWSER)


@on_sqlite
@pytest.mark.parametrize("page", ["/", "/contact", "/contact?consent=y"])
def test_consent_is_never_ticked_beforehand(client, page):
    assert "checked" not in read(client.get(page).text).with_id("consent").attrs


def test_consent_is_kept_with_its_words_their_version_and_where_it_was_given(db, visitor):
    visitor.send(visitor.open_form("/"), consent="y")
    given = the(db, Consent)
    assert (given.wording_version, given.wording) == (consent.CURRENT_WORDING.version, consent.CURRENT_WORDING.text)
    assert given.source == "contact form at /"
    assert count(db, Enrollment) == 1


def test_the_words_of_the_consent_stand_beside_its_box(client):
    page = read(client.get("/contact").text)
    assert page.first("label", for_="consent").words == consent.CURRENT_WORDING.text


def test_consent_is_to_the_words_that_were_on_the_page_and_not_to_newer_ones(db, visitor, monkeypatch):
    token, shown = visitor.open_form(), consent.CURRENT_WORDING
    newer = consent.Wording("2099-01", "Yes to everything.")
    monkeypatch.setattr(consent, "WORDINGS", (*consent.WORDINGS, newer))
    monkeypatch.setattr(consent, "CURRENT_WORDING", newer)
    visitor.send(token, consent="y")
    assert (the(db, Consent).wording_version, the(db, Consent).wording) == (shown.version, shown.text)


def test_without_a_tick_nobody_is_followed_up(db, visitor):
    visitor.send()
    assert (count(db, Consent), count(db, Enrollment)) == (0, 0)


@on_sqlite
@pytest.mark.parametrize("token", [None, "", "forged", "x" * 10_000, "é\u202e", "WyJ4Il0.AAAA"])
def test_a_letter_without_a_good_token_is_not_stored_and_comes_back_whole(db, client, token):
    answer = client.post("/contact", data=TYPED | ({} if token is None else {"token": token}))
    assert answer.status_code == 400
    assert kept(answer) == TYPED
    assert "press Send once more" in answer.text
    assert count(db, Inquiry) == 0


def test_the_letter_that_came_back_can_be_sent_as_it_is(db, visitor):
    back = visitor.send("forged", **TYPED)
    form = read(back.text).first("form", class_="letter")
    assert visitor.client.post(form["action"], data=form.fields).status_code == 303
    assert the(db, Inquiry).message == TYPED["message"]


def test_a_token_for_another_purpose_opens_nothing(app, db, visitor, settings):
    from tpminstitute.core.tokens import Signer

    assert visitor.send(Signer(settings.secret_key, "unsubscribe").sign("x")).status_code == 400


def test_a_page_left_open_for_a_day_still_sends(db, visitor):
    token = visitor.open_form()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        assert visitor.send(token).status_code == 303
    assert the(db, Inquiry).state is InquiryState.OPEN


def test_a_letter_sent_within_two_seconds_is_weighed_and_not_set_apart_for_that_alone(db, visitor):
    assert visitor.send(visitor.open_form(ago=0)).status_code == 303
    inquiry = the(db, Inquiry)
    assert (inquiry.state, inquiry.score) == (InquiryState.OPEN, 4)
    assert "less than 2 seconds" in inquiry.suspicions[0]


def test_a_letter_with_the_trap_filled_in_is_kept_and_set_apart(db, visitor):
    assert visitor.send(subject="http://spam.example").status_code == 303
    assert the(db, Inquiry).state is InquiryState.SUSPECTED
    assert the(db, Inquiry).message == LETTER["message"]


@on_sqlite
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.institute.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
    ids=str,
)
def test_a_letter_sent_from_another_site_is_not_taken_and_comes_back_whole(db, visitor, headers):
    answer = visitor.send(headers=headers, **TYPED)
    assert answer.status_code == 403
    assert kept(answer) == TYPED
    assert count(db, Inquiry) == 0


@on_sqlite
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost"},
        {"Origin": "http://institute.test"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_a_letter_sent_from_our_own_page_is_taken(visitor, headers):
    assert visitor.send(headers=headers).status_code == 303


@on_sqlite
@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Write your name"),
        ("name", "   ", "Write your name"),
        ("name", "a" * 201, "Shorten this to 200"),
        ("name", "Ada\nLovelace", "on one line"),
        ("email", "", "Write your e-mail"),
        ("email", "ada", "should look like"),
        ("email", "ada@", "should look like"),
        ("phone", "call me", "all its digits"),
        ("topic", "", "Choose what it is about"),
        ("topic", "nonsense", "Choose what it is about"),
        ("message", "", "a sentence is enough"),
        ("message", " \n\t", "a sentence is enough"),
        ("message", "a" * 20_001, "Shorten this to 20,000"),
        ("message", "a\x00b", "number zero"),
    ],
)
def test_an_error_stands_beside_its_field_and_in_the_summary(db, visitor, field, typed, sentence):
    answer = visitor.send(**TYPED | {field: typed})
    assert answer.status_code == 422
    page = read(answer.text)
    control = page.with_id(field)
    assert control["aria-invalid"] == "true"
    assert f"{field}-error" in control["aria-describedby"].split()
    assert sentence in page.with_id(f"{field}-error").words
    (link,) = page.first("div", class_="summary").all("a")
    assert link["href"] == f"#{field}"
    assert sentence in link.words
    assert count(db, Inquiry) == 0


def test_all_that_was_typed_is_kept_beside_an_error(visitor):
    assert kept(visitor.send(**TYPED | {"email": "ada@"})) == TYPED | {"email": "ada@"}


def test_every_missing_field_is_named_at_once(visitor):
    page = read(visitor.send(name="", email="", topic="", message="").text)
    links = [link["href"] for link in page.first("div", class_="summary").all("a")]
    assert links == ["#name", "#email", "#topic", "#message"]


def test_each_field_has_a_label_and_says_what_may_be_filled_in_by_the_browser(client):
    page = read(client.get("/contact").text)
    for field in ("name", "email", "phone", "topic", "message", "consent"):
        assert page.first("label", for_=field).words
    filled_in = [page.with_id(field)["autocomplete"] for field in ("name", "email", "phone")]
    assert filled_in == ["name", "email", "tel"]


def test_a_name_that_is_known_is_not_overwritten_by_a_later_form(db, visitor):
    visitor.send()
    visitor.send(name="Mallory", message="Another question.")
    assert contact_of(db).name == "Ada Lovelace"
    assert (count(db, Contact), count(db, Inquiry)) == (1, 2)


def test_a_locked_database_gives_the_letter_back_and_a_second_try_stores_it(sqlite_url, tmp_path, monkeypatch):
    monkeypatch.setattr("tpminstitute.core.db.BUSY_TIMEOUT_MS", 20)
    app = create_app(make_settings(tmp_path, database_url=sqlite_url))
    visitor, holder = Visitor(app.test_client()), Database(sqlite_url)
    token = visitor.open_form()
    with holder.write() as holding:
        holding.execute(text("SELECT 1"))
        answer = visitor.send(token, **TYPED)
        assert answer.status_code == 503
        assert kept(answer) == TYPED
        assert "could not be stored just now" in answer.text
    assert visitor.send(token, **TYPED).status_code == 303
    assert count(holder, Inquiry) == 1
    holder.close()
    app.extensions["tpm"].db.close()


def test_a_database_that_is_gone_gives_the_letter_back(tmp_path):
    url = f"postgresql://tpm@127.0.0.1:{free_port()}/gone"
    visitor = Visitor(create_app(make_settings(tmp_path, database_url=url)).test_client())
    answer = visitor.send(**TYPED)
    assert answer.status_code == 503
    assert kept(answer) == TYPED
    assert "info@tpminstitute.org" in answer.text


def test_a_name_that_nobody_can_see_is_refused(visitor):
    answer = visitor.send(name="\u200b\u2060\u200d")
    assert answer.status_code == 422
    assert "Write your name" in answer.text


def test_what_is_asked_about_goes_along_with_the_letter_and_staff_see_it(db, visitor, desk):
    page = read(visitor.client.get("/contact?about=gaining-relevant-experience").text)
    assert "You ask about the chapter “Gaining Relevant Experience”." in page.first("form", class_="letter").words
    visitor.send(**page.first("form", class_="letter").fields | TYPED)
    along = the(db, BroughtAlong)
    assert (along.about, along.edition) == ("the chapter “Gaining Relevant Experience”", load_guide().edition)
    assert (
        "Asks about the chapter “Gaining Relevant Experience”"
        in desk.page(f"/staff/contacts/{contact_of(db, 'ada+tpm@example.org').public_id}").words
    )


@on_sqlite
@pytest.mark.parametrize("about", ["", "no-such-chapter", "<script>", "../.."])
def test_what_names_nothing_of_ours_brings_nothing_along(db, visitor, about):
    page = read(visitor.client.get("/contact", query_string={"about": about}).text)
    assert "You ask about" not in page.words
    visitor.send(about=about)
    assert count(db, Inquiry) == 1
    assert count(db, BroughtAlong) == 0

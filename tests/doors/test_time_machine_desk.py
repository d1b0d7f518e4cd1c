"""The time machine at the desk: a page that only looks, whatever is thrown in."""

from urllib.parse import urlencode

import pytest

from tests.conftest import on_sqlite
from tests.factories import contact_of, messages, submitted
from tpminstitute.accounts.models import Role
from tpminstitute.sequences.models import Sequence

HOME = "/staff/sequences/1/time-machine"
ADA = {
    "reader": "",
    "name": "Ada Lovelace",
    "topic": "csm",
    "zone": "Europe/Berlin",
    "begins": "2027-03-01T09:00",
    "day": ["4", ""],
    "what": ["answers", ""],
    "number": ["", ""],
}

pytestmark = on_sqlite


def address(page=HOME, **fields):
    return f"{page}?{urlencode(ADA | fields, doseq=True)}"


def stations(page):
    return [" ".join(station.words.split()) for station in page.first("ol", class_="foretold").all("li")]


def test_before_a_run_the_form_is_filled_in_for_somebody_made_up(desk):
    page = desk.page(HOME)
    assert page.first("form", class_="trial").fields["name"] == "Ada Lovelace"
    assert not page.all("ol", class_="foretold")


def test_the_form_leads_to_an_address_that_shows_the_run(desk):
    fields = desk.page(HOME).first("form", class_="trial").fields
    page = desk.page(f"{HOME}?{urlencode(fields)}")
    assert page.all("ol", class_="foretold")


def test_who_is_made_up_may_stand_somewhere_and_what_is_no_place_is_nowhere(desk):
    for stands, chosen in {"engineering": "engineering", "<script>": ""}.items():
        page = desk.page(f"{HOME}?{urlencode({'name': 'Ada', 'stands': stands})}")
        assert page.first("form", class_="trial").fields["stands"] == chosen
        assert page.all("ol", class_="foretold")


def test_a_run_is_read_in_order_by_the_clock_of_its_reader(desk):
    wrote, written, answered = stations(desk.page(address()))
    assert wrote.startswith("Day 0 Mon 1 Mar 2027 09:00 (Europe/Berlin) Sent an inquiry")
    assert written.startswith(
        "Day 3 Thu 4 Mar 2027 09:00 (Europe/Berlin) The experience that leads to program management"
    )
    assert "Written because its time had come" in written
    assert answered.startswith("Day 4 Fri 5 Mar 2027 12:00 (Europe/Berlin) Wrote a mail")
    assert "The follow-ups were stopped. They answered." in answered


def test_a_sequence_that_is_off_is_tried_as_well_and_stays_off(db, desk):
    with db.write() as session:
        session.get_one(Sequence, 1).active = False
    page = desk.page(address())
    assert len(stations(page)) == 3
    with db.read() as session:
        assert not session.get_one(Sequence, 1).active


def test_a_mail_of_a_run_is_shown_inert_by_itself(desk):
    frame = desk.page(address()).all("iframe")[1]
    assert frame.attrs["loading"] == "lazy"
    answer = desk.client.get(frame["src"])
    assert "Hello Ada" in answer.text
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_mail_that_a_run_does_not_have_is_not_there(desk):
    assert desk.client.get(address(f"{HOME}/mails/9")).status_code == 404


def test_a_real_contact_is_tried_and_nothing_is_written_to_them(db, settings, desk):
    submitted(db, settings, consents=True)
    before = len(messages(db))
    page = desk.page(address(reader=contact_of(db).public_id, begins=""))
    assert any("The experience that leads to program management" in station for station in stations(page))
    assert len(messages(db)) == before


def test_why_a_contact_cannot_begin_is_said_on_top(db, settings, desk):
    submitted(db, settings)
    page = desk.page(address(reader=contact_of(db).public_id, begins="", what=[], day=[], number=[]))
    assert "They have not agreed to follow-ups, or took it back. Nothing was started." in page.text
    assert stations(page)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"zone": "Mars/Olympus"}, "Write it as in the list"),
        ({"name": " "}, "Write a name of at most 80 characters."),
        ({"topic": "cooking"}, "Choose a topic of the list."),
        ({"reader": "nobody"}, "Choose somebody of the list"),
        ({"begins": "soon"}, "Write a day and a time"),
        ({"begins": "9999-12-31T23:59"}, "Choose a day within three years."),
        ({"day": ["91"], "what": ["leaves"]}, "a number from 0 to 90"),
        ({"day": ["4"], "what": ["dances"]}, "a number from 0 to 90"),
        ({"day": ["4"], "what": ["away"], "number": ["0"]}, "a whole number, 365 at most"),
    ],
    ids=str,
)
def test_what_can_not_be_tried_is_said_beside_what_was_typed(desk, fields, sentence):
    answer = desk.client.get(address(**fields))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "story-title" not in answer.text


def test_readers_may_look_into_the_future_too(desk_of):
    assert desk_of(role=Role.READER).page(address()).all("ol", class_="foretold")


def test_there_is_no_time_machine_for_a_sequence_that_is_not(desk):
    assert desk.client.get("/staff/sequences/99/time-machine").status_code == 404

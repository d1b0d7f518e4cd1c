"""By which clock a contact lives: told by the form, shown at the desk, and set there."""

import pytest
import time_machine
from sqlalchemy import select

from tests.doors.html import active_content, read
from tests.doors.naughty import NAUGHTY
from tests.factories import contact_of, count
from tpminstitute.accounts.models import Role
from tpminstitute.contacts.models import Contact, ZoneSource
from tpminstitute.core import zones
from tpminstitute.inbox.models import Inquiry
from tpminstitute.timeline.models import Activity, ActivityKind


@pytest.fixture
def database_url(sqlite_url):
    """SQLite by itself: `test_contact_form.py` keeps a zone on both databases, and the rest is pages."""
    return sqlite_url


def zone_of(db):
    contact = contact_of(db)
    return contact.time_zone, contact.time_zone_source


def page_of(desk, db):
    return desk.page(f"/staff/contacts/{contact_of(db).public_id}")


def told(page):
    """What the desk says about the contact's time."""
    return next(fact.words for fact in page.first("section", class_="who").all("div") if "Their time now" in fact.words)


# --- the form -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["/", "/contact"])
def test_the_form_has_a_place_for_the_time_zone_that_is_empty_without_a_script(client, page):
    form = read(client.get(page).text).first("form", class_="letter")
    assert form.fields["time_zone"] == ""
    assert next(field for field in form.all("input") if field["name"] == "time_zone")["type"] == "hidden"


def test_a_form_that_comes_back_keeps_the_time_zone(db, visitor):
    answer = visitor.send(email="nobody", time_zone="Europe/Berlin")
    assert answer.status_code == 422
    assert read(answer.text).first("form", class_="letter").fields["time_zone"] == "Europe/Berlin"


def test_the_same_letter_with_another_time_zone_is_the_same_letter(db, visitor):
    token = visitor.open_form()
    first = visitor.send(token, time_zone="")
    assert visitor.send(token, time_zone="Europe/Berlin").location == first.location
    assert count(db, Inquiry) == 1


def test_no_garbage_for_a_time_zone_keeps_a_letter_from_being_taken(db, visitor):
    token = visitor.open_form()
    kinds = ("nul", "script tag", "rtl override", "crlf bcc", "percent escapes", "zalgo", "path")
    texts = [*(NAUGHTY[kind] for kind in kinds), "Mars/Olympus", "US/Pacific-New", "A" * 9_999]
    for number, said in enumerate(texts):
        answer = visitor.send(token, email=f"reader{number}@example.org", time_zone=said)
        assert answer.status_code == 303, said
    with db.read() as session:
        assert set(session.scalars(select(Contact.time_zone))) == {None}


def test_garbage_in_a_form_that_comes_back_is_inert(visitor):
    answer = visitor.send(email="nobody", time_zone='"><script>alert(1)</script>')
    assert [a for a in active_content(read(answer.text)) if not a.startswith("script /static/")] == []


# --- the desk -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"time_zone": "Asia/Tokyo"}, "Wed 20 May 2026 18:30 (Asia/Tokyo) from the browser"),
        ({"phone": "+44 20 7946 0958"}, "Wed 20 May 2026 10:30 (Europe/London) from the phone number"),
        ({}, "Wed 20 May 2026 05:30 (America/New_York) not known, so the institute's"),
    ],
)
def test_a_contacts_page_shows_their_time_and_how_we_know(db, visitor, desk, fields, shown):
    visitor.send(**fields)
    with time_machine.travel("2026-05-20T09:30:00+00:00", tick=False):
        contact = page_of(desk, db)
    assert shown in told(contact)


def test_staff_set_by_which_clock_somebody_lives(db, visitor, desk):
    visitor.send(time_zone="Asia/Tokyo")
    answer = desk.press("Set time zone", page_of(desk, db), time_zone="berlin")
    assert answer.status_code == 303
    page = desk.page(answer.location)
    assert "The time zone was changed." in page.words
    assert "(Europe/Berlin) set by staff" in told(page)
    assert zone_of(db) == ("Europe/Berlin", ZoneSource.STAFF)
    with db.read() as session:
        fact = session.scalars(select(Activity).where(Activity.kind == ActivityKind.CONTACT_CHANGED)).one()
    assert fact.sentence == "Set the time zone to Europe/Berlin."
    assert fact.account_id is not None


def test_a_stale_page_sets_no_other_time_zone(db, visitor, desk):
    visitor.send(time_zone="Asia/Tokyo")
    stale = page_of(desk, db)
    desk.press("Set time zone", page_of(desk, db), time_zone="berlin")
    page = desk.page(desk.press("Set time zone", stale, time_zone="lisbon").location)
    assert "Meanwhile the time zone is Europe/Berlin. Nothing was changed" in page.words
    assert zone_of(db) == ("Europe/Berlin", ZoneSource.STAFF)


def test_the_zones_to_choose_from_are_offered(db, visitor, desk):
    visitor.send(time_zone="Asia/Tokyo")
    page = page_of(desk, db)
    field = page.with_id("time-zone")
    assert field["value"] == "Asia/Tokyo"
    assert [option["value"] for option in page.with_id(field["list"]).all("option")] == list(zones.places())


@pytest.mark.parametrize("typed", ["Berlni", "US/Pacific-New", "../etc/passwd", "<script>alert(1)</script>", "\x00"])
def test_what_names_no_zone_is_said_and_changes_nothing(db, visitor, desk, typed):
    visitor.send(time_zone="Asia/Tokyo")
    answer = desk.press("Set time zone", page_of(desk, db), time_zone=typed)
    page = desk.page(answer.location)
    assert "is no time zone. Nothing was changed." in page.words
    assert active_content(page) == [f"script {s['src']}" for s in page.first("head").all("script")]
    assert zone_of(db) == ("Asia/Tokyo", ZoneSource.BROWSER)


def test_who_only_reads_sees_the_time_and_sets_nothing(db, visitor, desk, desk_of):
    visitor.send(time_zone="Asia/Tokyo")
    rita = desk_of("Rita", Role.READER)
    page = page_of(rita, db)
    assert "(Asia/Tokyo) from the browser" in told(page)
    assert not page.all("datalist")
    address = f"/staff/contacts/{contact_of(db).public_id}/time-zone"
    assert rita.client.post(address, data={"csrf_token": rita.token, "time_zone": "UTC"}).status_code == 403
    assert desk.client.post(address, data={"time_zone": "UTC"}).status_code == 400, (
        "without the token of a form of ours"
    )
    assert zone_of(db) == ("Asia/Tokyo", ZoneSource.BROWSER)


def test_a_contact_that_never_was_has_no_time_zone(desk):
    answer = desk.client.post(
        "/staff/contacts/00000000000000000000/time-zone", data={"csrf_token": desk.token, "time_zone": "UTC"}
    )
    assert answer.status_code == 404

"""Beginning follow-ups by hand at the desk: first exactly who gets what and when, then the button."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from tests.doors.people import labels
from tests.factories import ADA, a_sequence, contact_of, plan_sequence, submitted
from tpminstitute.accounts.models import Role
from tpminstitute.core import clock
from tpminstitute.inbox.models import Topic
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences.models import Enrollment

BOB, CHARLIE = "bob@example.org", "charlie@example.org"

NEW_YORK = ZoneInfo("America/New_York")

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def special(db):
    """A sequence of two mails, five days apart, that is begun by hand only."""
    return a_sequence(db, "special", waits=[72, 120])


@pytest.fixture
def readers(db, settings):
    """Ada and Bob agreed to follow-ups, Charlie did not."""
    submitted(db, settings, consents=True, topic=Topic.CSM)
    submitted(db, settings, consents=True, email=BOB, name="Bob Rivers", topic=Topic.COURSES)
    submitted(db, settings, email=CHARLIE, name="Charlie Snow")


def page_of(desk, sequence_id, **choice):
    query = "&".join(f"{name}={value}" for name, value in choice.items())
    return desk.page(f"/staff/sequences/{sequence_id}/enroll?{query}")


def begun(db, sequence_id):
    with db.read() as session:
        return set(session.scalars(select(Enrollment.contact_id).where(Enrollment.sequence_id == sequence_id)))


def test_the_preview_names_everybody_and_every_mail_they_would_get(db, desk, readers, special):
    main = page_of(desk, special).first("main")
    people = [label.words for label in main.all("label", class_="person-name")]
    assert people == ["Bob Rivers", "Ada Lovelace"]
    mails = main.first("ol", class_="to-come").all("li")
    assert [mail.words.split(" ", 1)[0] for mail in mails] == [
        (clock.now() + timedelta(hours=hours)).astimezone(NEW_YORK).strftime("%a") for hours in (72, 192)
    ]


def test_nothing_begins_by_looking(db, desk, readers, special):
    page_of(desk, special)
    assert begun(db, special) == set()


def test_who_is_left_out_is_said_with_the_reason(db, desk, readers, special):
    words = page_of(desk, special).first("main").words
    assert "1 person is left out Charlie Snow They have not agreed to follow-ups, or took it back." in words


def test_the_button_begins_for_who_is_ticked_and_for_nobody_else(db, desk, readers, special):
    page = page_of(desk, special)
    ada = contact_of(db)
    desk.press("Begin for who is ticked", page, contact=ada.public_id)
    assert begun(db, special) == {ada.id}


def test_a_choice_narrows_who_is_meant(db, desk, readers, special):
    main = page_of(desk, special, topic="csm").first("main")
    assert [label.words for label in main.all("label", class_="person-name")] == ["Ada Lovelace"]


@pytest.mark.parametrize("choice", [{"topic": "x"}, {"from": "31.2."}, {"until": "9999-12-31"}, {"stage": "²"}])
def test_a_choice_that_is_none_narrows_nothing(db, desk, readers, special, choice):
    main = page_of(desk, special, **choice).first("main")
    assert len(main.all("label", class_="person-name")) == 2


def test_a_sequence_that_changed_after_the_look_begins_for_nobody(db, desk, readers, special):
    page = page_of(desk, special)
    plan_sequence(db, special, waits=[1])
    answer = desk.press("Begin for who is ticked", page, contact=contact_of(db).public_id)
    assert (answer.status_code, begun(db, special)) == (409, set())
    assert "The sequence was changed meanwhile. Nothing was started" in answer.text


def test_who_left_after_the_look_is_not_begun_and_that_is_said(db, desk, readers, special):
    page = page_of(desk, special)
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.OPT_OUT)
    answer = desk.press("Begin for who is ticked", page, contact=contact_of(db).public_id)
    assert begun(db, special) == set()
    assert "1 left out: The address is closed. The person unsubscribed" in desk.page(answer.location).words


def test_two_presses_of_the_button_begin_once(db, desk, readers, special):
    page = page_of(desk, special)
    for _ in range(2):
        desk.press("Begin for who is ticked", page, contact=contact_of(db).public_id)
    assert len(begun(db, special)) == 1


def test_a_reader_looks_and_begins_nothing(db, desk_of, readers, special):
    desk = desk_of("Bob", Role.READER)
    page = page_of(desk, special)
    assert "Begin for who is ticked" not in labels(page)
    answer = desk.client.post(page.attrs["address"], data={"csrf_token": desk.token, "contact": "x"})
    assert answer.status_code == 403


def test_a_sequence_that_is_not_there_is_not_found(desk):
    assert desk.client.get("/staff/sequences/99/enroll").status_code == 404


def test_an_address_with_words_of_our_own_is_only_a_choice_that_is_none(desk, readers, special):
    assert desk.client.get(f"/staff/sequences/{special}/enroll?sequence_id=2&_external=1&_anchor=x").status_code == 200


def test_the_contact_page_leads_to_what_they_alone_would_get(db, desk, readers, special):
    page = desk.page(f"/staff/contacts/{contact_of(db).public_id}")
    link = next(a for a in page.all("a") if a.words == "special")
    main = desk.page(link["href"]).first("main")
    assert [label.words for label in main.all("label", class_="person-name")] == ["Ada Lovelace"]

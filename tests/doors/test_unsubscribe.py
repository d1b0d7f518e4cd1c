"""Leaving the follow-ups: by the link in a mail, or by a mail program's own button."""

import pytest
from sqlalchemy import select, update

from tests.doors.html import read
from tests.factories import ADA, contact_of, count, messages
from tpminstitute.contacts.models import Consent, ConsentChange
from tpminstitute.core import clock
from tpminstitute.core.db import Base
from tpminstitute.mail.models import MessageKind, MessageStatus, Suppression, SuppressionReason
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.runner import run_due, unsubscribe_url
from tpminstitute.timeline.models import Activity


@pytest.fixture
def link(db, settings, visitor):
    """Ada agreed to follow-ups and the first one is queued: the path of its unsubscribe link."""
    assert visitor.send(consent="y").status_code == 303
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    assert run_due(db, settings) == 1
    return unsubscribe_url(settings, contact_of(db)).removeprefix(settings.public_url)


def every_row(db):
    """All that the database holds."""
    with db.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


def the_enrollment(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def test_opening_the_link_asks_and_changes_nothing(db, client, link):
    before = every_row(db)
    for _ in range(2):
        answer = client.get(link)
        client.head(link)
    assert answer.status_code == 200
    assert read(answer.text).first("main").first("button").words == "Stop these mails"
    assert every_row(db) == before


def test_the_page_shows_whose_address_it_is_to_its_owner_only(client, link):
    page = client.get(link).text
    assert "a…@example.org" in page
    assert ADA not in page


def test_the_button_takes_back_the_consent_and_closes_the_address_to_follow_ups(db, client, link):
    answer = client.post(link)
    assert answer.status_code == 200
    assert "have stopped" in read(answer.text).first("h1").words
    with db.read() as session:
        changes = [c.change for c in session.scalars(select(Consent).order_by(Consent.id))]
        closed = session.scalars(select(Suppression)).one()
    assert changes == [ConsentChange.GRANTED, ConsentChange.WITHDRAWN]
    assert (closed.email_key, closed.reason) == (ADA, SuppressionReason.OPT_OUT)


def test_the_button_stops_the_run_and_cancels_the_queued_follow_up(db, client, link):
    client.post(link)
    run = the_enrollment(db)
    assert (run.status, run.next_due_at) == (EnrollmentStatus.STOPPED, None)
    assert run.reason
    (follow_up,) = messages(db, kind=MessageKind.FOLLOW_UP)
    assert (follow_up.status, follow_up.reason) == (MessageStatus.CANCELLED, "The person unsubscribed.")


def test_the_answers_to_what_was_asked_are_not_cancelled(db, client, link):
    client.post(link)
    kinds = {m.kind: m.status for m in messages(db)}
    assert kinds[MessageKind.NOTICE] is kinds[MessageKind.ACKNOWLEDGEMENT] is MessageStatus.QUEUED


def test_a_mail_programs_one_click_works_without_cookie_form_token_or_redirect(app, db, link):
    stranger = app.test_client(use_cookies=False)
    answer = stranger.post(
        link,
        data="List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
        headers={"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert the_enrollment(db).status is EnrollmentStatus.STOPPED


def test_the_link_in_the_mail_is_the_one_that_works(db, client, link, settings):
    (follow_up,) = messages(db, kind=MessageKind.FOLLOW_UP)
    assert f"List-Unsubscribe: <{settings.public_url}{link}>".encode() in follow_up.content
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in follow_up.content


def test_a_second_time_is_fine_and_changes_nothing(db, client, link):
    client.post(link)
    before = every_row(db)
    assert client.post(link).status_code == 200
    assert "have stopped" in client.get(link).text
    assert every_row(db) == before


@pytest.mark.parametrize(
    "change",
    [lambda token: token[:-2], lambda token: token + "a", str.swapcase, lambda token: "forged"],
    ids=["cut off", "longer", "in other case", "made up"],
)
def test_a_forged_link_is_not_known_and_changes_nothing(db, client, link, change):
    forged = "/unsubscribe/" + change(link.removeprefix("/unsubscribe/"))
    before = every_row(db)
    assert client.get(forged).status_code == 404
    answer = client.post(forged, data="List-Unsubscribe=One-Click")
    assert answer.status_code == 404
    assert "info@tpminstitute.org" in answer.text
    assert every_row(db) == before


def test_who_left_and_writes_again_is_answered_but_not_followed_up(db, client, link, visitor):
    client.post(link)
    visitor.send(consent="y", message="One more question.")
    assert count(db, Enrollment) == 1
    assert the_enrollment(db).status is EnrollmentStatus.STOPPED
    assert len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT)) == 2
    with db.read() as session:
        assert any("No follow-ups were started" in a.sentence for a in session.scalars(select(Activity)))

"""A sequence's effect at the desk, the links of its mails, and what the public note says about both."""

import pytest
from sqlalchemy import select

from tests.factories import submitted
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.core.config import Settings
from tpminstitute.sequences.clicks import Link, counted_address
from tpminstitute.sequences.models import LinkClick, Sequence

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HOME = "/staff/sequences/1/effect"
WHERE = "http://institute.test/#developing-essential-skills"


def address(settings: Settings) -> str:
    return counted_address(settings, Link(1, 1, WHERE)).removeprefix(settings.public_url)


def test_a_sequence_that_nobody_began_says_so(desk):
    assert "Nobody began these follow-ups yet." in desk.page(HOME).text


def test_the_page_tells_the_runs_and_each_mail_by_its_subject(db, settings, desk):
    submitted(db, settings, consents=True)
    main = desk.page(HOME).first("main")
    assert "1 person began: 1 running" in main.words
    assert [row.first("th").words for row in main.first("tbody").all("tr")][:2] == ["Sent", "Answered"]


def test_counting_links_is_off_until_staff_turn_it_on_and_both_are_on_record(db, desk):
    desk.press("Count opened links", desk.page(HOME))
    with db.read() as session:
        assert session.get_one(Sequence, 1).counts_clicks
    desk.press("Don’t count links any more", desk.page(HOME))
    with db.read() as session:
        assert not session.get_one(Sequence, 1).counts_clicks
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-2:] == ["clicks_counted", "clicks_not_counted"]


def test_a_reader_can_not_turn_it_on(db, desk_of):
    desk = desk_of("Bob", Role.READER)
    assert desk.client.post("/staff/sequences/1/clicks", data={"csrf_token": desk.token}).status_code == 403


def test_the_note_says_whether_links_are_counted(client, desk):
    assert "We don’t count which links in them you open." in client.get("/privacy").text
    desk.press("Count opened links", desk.page(HOME))
    assert "we count that a link was opened" in client.get("/privacy").text


def test_every_public_page_leads_to_the_note(client):
    assert 'href="/privacy"' in client.get("/").text


def test_a_counted_link_leads_on_and_is_not_kept_by_anybody_between(client, settings):
    answer = client.get(address(settings))
    assert (answer.status_code, answer.location) == (302, WHERE)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_looking_without_opening_counts_nothing(db, client, settings):
    assert client.head(address(settings)).status_code == 302
    with db.read() as session:
        assert session.scalar(select(LinkClick)) is None


@pytest.mark.parametrize("token", ["x", "a.b", "WyJodHRwOi8vZXZpbC5leGFtcGxlIl0.c2ln"])
def test_a_made_up_address_leads_nowhere(client, token):
    assert client.get(f"/go/{token}").status_code == 404

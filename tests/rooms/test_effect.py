"""What follow-ups did, in numbers, and nothing that the reader was watched for."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, contact_of, messages, plan_sequence, submitted
from tests.rooms.came import a_bounce, a_mail, came
from tests.rooms.post import Post
from tpminstitute.core import clock
from tpminstitute.core.tokens import BadToken
from tpminstitute.inbox import opt_out
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.letters import Letter
from tpminstitute.mail.links import sent_through
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.queries import plain_text
from tpminstitute.pipeline.models import Lead
from tpminstitute.reports.effect import effect_of
from tpminstitute.sequences.clicks import Link, any_counts, count_click, counted_address, read_address
from tpminstitute.sequences.models import EnrollmentStatus, LinkClick, Sequence
from tpminstitute.sequences.runner import run_due

BOB, CHARLIE = "bob@example.org", "charlie@example.org"
WON = 3
"""The stage of an enrolled lead, as migrated."""


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"reply_address": "info@tpminstitute.org"})


@pytest.fixture
def three(db, settings):
    """Ada, Bob and Charlie got the first of three follow-ups."""
    with time_machine.travel(datetime(2027, 3, 1, 17, 0, tzinfo=UTC), tick=False) as clockwork:
        for email in (ADA, BOB, CHARLIE):
            submitted(db, settings, consents=True, email=email)
        clockwork.shift(timedelta(days=3))
        sent(db, settings)
        yield clockwork


def sent(db, settings):
    run_due(db, settings)
    deliver(db, Post(), settings)


def follow_up_to(db, email):
    return messages(db, kind=MessageKind.FOLLOW_UP, contact_id=contact_of(db, email).id)[-1]


def effect(db):
    with db.read() as session:
        return effect_of(session, 1)


def numbers(db, name):
    return [getattr(step, name) for step in effect(db).steps]


def test_each_step_counts_the_mails_that_a_server_took(db, settings, three):
    assert numbers(db, "sent") == [3, 0, 0]
    three.shift(timedelta(days=5))
    sent(db, settings)
    assert numbers(db, "sent") == [3, 3, 0]


def test_a_mail_that_waits_is_not_counted(db, settings, three):
    three.shift(timedelta(days=5))
    run_due(db, settings)
    assert numbers(db, "sent") == [3, 0, 0]


def test_a_bounce_counts_for_the_mail_that_came_back(db, settings, three):
    came(db, settings, a_bounce(follow_up_to(db, BOB)))
    assert numbers(db, "bounced") == [1, 0, 0]


def test_an_answer_counts_once_for_the_mail_it_answers(db, settings, three):
    for _ in range(2):
        came(db, settings, a_mail(answers=follow_up_to(db, ADA)))
    assert numbers(db, "answered") == [1, 0, 0]


def test_an_absence_is_no_answer(db, settings, three):
    away = a_mail(answers=follow_up_to(db, ADA), subject="Out of office", Auto_Submitted="auto-replied")
    came(db, settings, away)
    assert numbers(db, "answered") == [0, 0, 0]


def test_leaving_counts_for_the_last_mail_before_it(db, settings, three):
    three.shift(timedelta(days=5))
    sent(db, settings)
    with db.write() as session:
        opt_out.opt_out(session, contact_of(db))
    assert numbers(db, "unsubscribed") == [0, 1, 0]


def test_a_won_lead_counts_for_the_last_mail_before_it(db, settings, three):
    three.shift(timedelta(days=1))
    ada = contact_of(db)
    with db.write() as session:
        won = {"stage_id": WON, "closed_at": clock.now()}
        session.execute(update(Lead).where(Lead.contact_id == ada.id).values(**won))
    three.shift(timedelta(days=4))
    sent(db, settings)
    assert numbers(db, "won") == [1, 0, 0]


def test_runs_are_counted_by_how_they_stand_and_why_they_stopped(db, settings, three):
    with db.write() as session:
        opt_out.opt_out(session, contact_of(db))
    told = effect(db)
    assert told.runs[EnrollmentStatus.ACTIVE] == 2
    assert told.stopped_for == [("The person unsubscribed.", 1)]


def test_a_step_that_was_taken_out_still_tells_what_it_did(db, settings, three):
    plan_sequence(db, 1, waits=[1])
    three.shift(timedelta(days=5))
    sent(db, settings)
    assert numbers(db, "sent") == [3, 3]


# --- links -------------------------------------------------------------------------------------------------


def turn_on(db):
    with db.write() as session:
        session.execute(update(Sequence).values(counts_clicks=True))


def clicks(db):
    with db.read() as session:
        return list(session.scalars(select(LinkClick.url)))


def test_links_lead_straight_on_until_staff_count_them(db, settings, three):
    assert "/go/" not in follow_up_to(db, ADA).content.decode()


def test_counted_links_lead_through_our_own_address_and_the_plain_text_says_where_they_lead(db, settings, three):
    turn_on(db)
    three.shift(timedelta(days=5))
    sent(db, settings)
    text = plain_text(follow_up_to(db, ADA).content)
    assert "http://institute.test/#educational-background-and-certifications" in text
    assert "/go/" not in text


def test_an_opened_link_counts_for_its_mail(db, settings, three):
    turn_on(db)
    link = Link(1, 1, "http://institute.test/")
    with db.write() as session:
        assert count_click(session, link)
        assert count_click(session, link)
    assert numbers(db, "opened_links") == [1, 0, 0]
    assert clicks(db) == [link.url] * 2


def test_nothing_is_counted_after_it_was_turned_off(db, settings, three):
    with db.write() as session:
        assert not any_counts(session)
        assert not count_click(session, Link(1, 1, "http://institute.test/"))
    assert clicks(db) == []


def test_an_address_leads_where_its_link_did(settings):
    link = Link(4, 2, "http://institute.test/#skills?a=1&b=ü")
    token = counted_address(settings, link).removeprefix("http://institute.test/go/")
    assert read_address(settings, token) == link


@pytest.mark.parametrize("token", ["", "x", "WzEsMSwiaHR0cDovL2V2aWwuZXhhbXBsZSJd.c2ln"])
def test_an_address_that_somebody_made_up_leads_nowhere(settings, token):
    with pytest.raises(BadToken):
        read_address(settings, token)


def test_only_web_links_are_led_through_and_some_never():
    html = '<a href="https://a.example/?x=1&amp;y=2">a</a><a href="mailto:i@t.org">b</a><a href="https://t.org/u">c</a>'
    letter = sent_through(Letter("s", "p", "t", html), lambda url: f"/go/{len(url)}&", never={"https://t.org/u"})
    assert letter.html == '<a href="/go/26&amp;">a</a><a href="mailto:i@t.org">b</a><a href="https://t.org/u">c</a>'

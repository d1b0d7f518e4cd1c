"""The page behind the link in a mail: leave, choose something in between, come back."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import Desk
from tests.factories import ADA, TOPIC_LABELS, contact_of, count, messages, submitted
from tpminstitute.contacts import consent
from tpminstitute.contacts.models import Consent, ConsentChange
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock
from tpminstitute.core.db import Base
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.sequences.mails import unsubscribe_url
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, FollowUpWish
from tpminstitute.sequences.runner import run_due
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def link(db, settings):
    """The path of Ada's link; her first follow-up waits to be sent."""
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    assert run_due(db, settings) == 1
    return unsubscribe_url(settings, contact_of(db)).removeprefix(settings.public_url)


@pytest.fixture
def page(client, link):
    """Ada's browser on her page."""
    return Desk(client).page(link)


def press(client, link, label):
    """Press a button on Ada's page; returns the page that answers."""
    browser = Desk(client)
    answer = browser.client.post(link, data=_data(browser.page(link), label))
    assert answer.status_code == 200, answer.status
    return read(answer.text)


def _data(on, label):
    """What a browser sends for that button: its form's fields and its own name and value."""
    button = next(b for b in on.first("main").all("button") if b.words.startswith(label))
    form = next(parent for parent in reversed(button.parents) if parent.tag == "form")
    return form.fields | {button["name"]: button["value"]}


def buttons(page):
    return [b.words for b in page.first("main").all("button")]


def every_row(db):
    """All that the database holds."""
    with db.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


def run(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def follow_up(db):
    (message,) = messages(db, kind=MessageKind.FOLLOW_UP)
    return message


def said(db, kind):
    with db.read() as session:
        rows = session.scalars(select(Activity).where(Activity.kind == kind).order_by(Activity.id))
        return [(a.sentence, a.actor) for a in rows]


# --- looking changes nothing -------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize("address", ["", "?wish=pause", "?List-Unsubscribe=One-Click", "?wish=come_back"])
def test_however_many_scanners_fetch_the_link_nothing_changes(db, client, link, address):
    before = every_row(db)
    for _ in range(3):
        assert client.get(link + address).status_code == 200
        assert client.head(link + address).status_code == 200
        client.options(link + address)
    assert every_row(db) == before


@on_sqlite
def test_the_page_shows_whose_address_it_is_to_its_owner_only(page):
    assert "a…@example.org" in page.text
    assert ADA not in page.text


@on_sqlite
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_other_method_is_taken(db, client, link, method):
    before = every_row(db)
    assert getattr(client, method)(link).status_code == 405
    assert every_row(db) == before


@on_sqlite
def test_the_main_button_is_the_only_primary_one_and_says_what_a_mail_program_says(page):
    (primary,) = page.first("main").all("button", class_="primary")
    assert primary.words == "Stop these mails"
    assert f"{primary['name']}={primary['value']}" == ONE_CLICK


# --- stopping it all ---------------------------------------------------------------------------------------


def test_the_button_takes_back_the_consent_and_closes_the_address_to_follow_ups(db, client, link):
    answer = press(client, link, "Stop these mails")
    assert "have stopped" in answer.first("h1").words
    with db.read() as session:
        changes = [c.change for c in session.scalars(select(Consent).order_by(Consent.id))]
        closed = suppression_of(session, ADA)
    assert changes == [ConsentChange.GRANTED, ConsentChange.WITHDRAWN]
    assert closed is not None
    assert closed.reason is SuppressionReason.OPT_OUT


def test_the_button_stops_the_run_and_cancels_the_queued_follow_up(db, client, link):
    press(client, link, "Stop these mails")
    stopped = run(db)
    assert (stopped.status, stopped.next_due_at) == (EnrollmentStatus.STOPPED, None)
    assert stopped.reason
    assert (follow_up(db).status, follow_up(db).reason) == (MessageStatus.CANCELLED, "The person unsubscribed.")


def test_the_answers_to_what_was_asked_are_not_cancelled(db, client, link):
    press(client, link, "Stop these mails")
    kinds = {m.kind: m.status for m in messages(db)}
    assert kinds[MessageKind.NOTICE] is kinds[MessageKind.ACKNOWLEDGEMENT] is MessageStatus.QUEUED


def test_the_link_in_the_mail_is_the_one_that_works(db, link, settings):
    assert f"List-Unsubscribe: <{settings.public_url}{link}>".encode() in follow_up(db).content
    assert f"List-Unsubscribe-Post: {ONE_CLICK}".encode() in follow_up(db).content


@on_sqlite
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ONE_CLICK, FORM),
        (ONE_CLICK + "&wish=pause", FORM),
        (ONE_CLICK + "&wish=usual", FORM),
        ("", FORM),
        ("", None),
        (
            '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_mail_programs_one_click_always_stops_it_all(app, db, link, body, kind):
    stranger = app.test_client(use_cookies=False)
    headers = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}
    answer = stranger.post(link, data=body, content_type=kind, headers=headers)
    assert answer.status_code == 200, "no redirect"
    assert "Set-Cookie" not in answer.headers
    assert run(db).status is EnrollmentStatus.STOPPED
    assert follow_up(db).status is MessageStatus.CANCELLED
    with db.read() as session:
        closed = suppression_of(session, ADA)
        assert closed is not None
        assert closed.reason is SuppressionReason.OPT_OUT


def test_a_second_time_is_fine_and_changes_nothing(db, client, link):
    client.post(link)
    before = every_row(db)
    assert client.post(link).status_code == 200
    assert "have stopped" in client.get(link).text
    assert every_row(db) == before


@on_sqlite
@pytest.mark.parametrize(
    "change",
    [lambda x: x[:-1], lambda x: x[:-2], lambda x: x + "a", lambda x: x.swapcase(), lambda _: "forged"],
    ids=["cut off", "cut off more", "longer", "other case", "invented"],
)
def test_a_forged_link_opens_nothing(db, client, link, change):
    forged = "/unsubscribe/" + change(link.removeprefix("/unsubscribe/"))
    before = every_row(db)
    assert client.get(forged).status_code == 404
    for body in (ONE_CLICK, "wish=pause", "wish=usual", "wish=come_back&wording=2026-11", ""):
        answer = client.post(forged, data=body, content_type=FORM)
        assert answer.status_code == 404, body
        assert "info@tpminstitute.org" in answer.text, body
        assert every_row(db) == before, body


def test_who_left_and_writes_again_is_answered_but_not_followed_up(db, client, link, visitor):
    client.post(link)
    visitor.send(consent="y", message="One more question.")
    assert count(db, Enrollment) == 1
    assert run(db).status is EnrollmentStatus.STOPPED
    assert len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT)) == 2
    assert any(
        "No follow-ups were started. The person unsubscribed" in told
        for told, _ in said(db, ActivityKind.ENROLLMENT_SKIPPED)
    )


# --- something in between ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "words", "sentence"),
    [
        ("Write less often", "less often", "less often"),
        ("Only my topic", "Only mails about", "their own topic only"),
        ("Pause for a month", "No follow-up mails until", "no follow-ups until"),
    ],
)
def test_a_choice_is_kept_confirmed_and_said_on_the_timeline(db, client, link, label, words, sentence):
    answer = press(client, link, label)
    assert answer.first("h1").words == "Your choice was kept"
    assert words in answer.first("main").words
    assert label not in buttons(answer)
    assert words in Desk(client).page(link).first("main").words
    ((told, actor),) = said(db, ActivityKind.WISH_CHANGED)
    assert sentence in told
    assert actor is Actor.VISITOR
    assert run(db).status is EnrollmentStatus.ACTIVE


def test_a_pause_cancels_what_waits_and_moves_what_comes(db, client, link):
    press(client, link, "Pause for a month")
    assert follow_up(db).status is MessageStatus.CANCELLED
    assert run(db).next_due_at > clock.now() + timedelta(days=29)


def test_a_choice_is_taken_back_on_the_same_page(db, client, link):
    assert "Back to the usual" not in buttons(Desk(client).page(link))
    press(client, link, "Pause for a month")
    press(client, link, "Write less often")
    answer = press(client, link, "Back to the usual")
    assert "as usual" in answer.first("main").words
    assert buttons(answer) == ["Stop these mails", "Write less often", "Only my topic", "Pause for a month"]
    assert len(said(db, ActivityKind.WISH_CHANGED)) == 3


def test_the_topic_is_named_and_nothing_is_narrowed_to_something_else(db, client, link):
    assert TOPIC_LABELS[Topic.BECOMING_A_TPM] in Desk(client).page(link).text
    with db.write() as session:
        session.execute(update(Enrollment).values(topic=TOPIC_LABELS[Topic.OTHER]))
    assert "Only my topic" not in buttons(Desk(client).page(link))


@pytest.mark.parametrize("text", ["stop", "PAUSE", "pause ", "\x00", "less_often,pause"])
def test_a_choice_that_is_none_changes_nothing(db, client, link, text):
    before = every_row(db)
    assert client.post(link, data={"wish": text}).status_code == 400
    assert every_row(db) == before


@pytest.mark.parametrize("choice", ["pause", "less_often", "only_topic", "usual"])
def test_who_left_changes_nothing_by_a_choice_on_an_old_page(db, client, link, choice):
    client.post(link)
    before = every_row(db)
    answer = client.post(link, data={"wish": choice})
    assert "have stopped" in read(answer.text).first("h1").words
    assert every_row(db) == before


@on_sqlite
def test_no_full_address_is_on_any_of_its_pages(client, link):
    for label in ("Write less often", "Stop these mails", "I agree"):
        assert ADA not in str(press(client, link, label).text)


# --- the way back ------------------------------------------------------------------------------------------


def test_the_way_back_shows_the_words_and_takes_a_new_consent(db, client, link):
    client.post(link)
    asked = Desk(client).page(link)
    assert asked.first("blockquote").words == consent.CURRENT_WORDING.text
    answer = press(client, link, "I agree")
    assert answer.first("h1").words == "Welcome back"
    with db.read() as session:
        assert suppression_of(session, ADA) is None
        newest = session.scalars(select(Consent).order_by(Consent.id.desc())).first()
    assert (newest.change, newest.wording_version) == ("granted", consent.CURRENT_WORDING.version)
    assert run(db).status is EnrollmentStatus.ACTIVE


@pytest.mark.parametrize("wording", [None, "", "2020-01", "\x00"])
def test_nobody_agrees_to_words_that_were_not_on_the_page(db, client, link, wording):
    client.post(link)
    before = every_row(db)
    data = {"wish": "come_back"} | ({} if wording is None else {"wording": wording})
    answer = client.post(link, data=data)
    assert "read it again" in read(answer.text).first("div", role="status").words
    assert every_row(db) == before


def test_who_never_left_comes_back_to_nothing_new(db, client, link):
    before = every_row(db)
    client.post(link, data={"wish": "come_back", "wording": consent.CURRENT_WORDING.version})
    assert every_row(db) == before


def test_an_address_that_is_closed_for_another_reason_is_not_opened_by_the_link(db, client, link):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.COMPLAINT)
    page = Desk(client).page(link)
    assert buttons(page) == []
    assert "info@tpminstitute.org" in page.first("main").words
    before = every_row(db)
    client.post(link, data={"wish": "come_back", "wording": consent.CURRENT_WORDING.version})
    assert every_row(db) == before


def test_a_wish_is_kept_in_one_row(db, client, link):
    for label in ("Write less often", "Only my topic", "Pause for a month", "Back to the usual"):
        press(client, link, label)
    with db.read() as session:
        kept = session.scalars(select(FollowUpWish)).one()
    assert (kept.pace, kept.only_topic, kept.paused_until) == ("usual", False, None)

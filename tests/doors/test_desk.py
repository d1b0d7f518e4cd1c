"""The desk: the inbox, a contact's page, and what staff may do there."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from app import create_app
from tests.conftest import on_sqlite
from tests.doors.people import labels
from tests.factories import (
    ADA,
    an_account,
    contact_of,
    make_settings,
    messages,
    statuses,
    store_letter,
    submitted,
)
from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.queries import PAGE
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.suppression import SENTENCES, suppress
from tpminstitute.sequences.wishes import Wish, wish


def state(db):
    with db.read() as session:
        return session.scalars(select(Inquiry.state)).one()


def home_of(db, email="ada@example.org"):
    return f"/staff/contacts/{contact_of(db, email).public_id}"


def chosen(page):
    """The part of a contact's page that is about the contact."""
    return page.first("div", class_="chosen")


def says(answer, desk):
    """The sentences that the newest actions were answered with."""
    assert answer.status_code == 303
    return " ".join(n.words for n in desk.page(answer.location).all("div", class_="notice", role="status"))


def rows(page):
    return [row.first("a").words for kind in ("row", "judged-row") for row in page.all("li", class_=kind)]


# --- the inbox ---------------------------------------------------------------------------------------------


@on_sqlite
def test_each_place_of_the_rail_is_marked_alone_and_its_keys_are_told(db, settings, desk_of):
    """A key is told by the sheet, or stands on its control while the sheet is open."""
    submitted(db, settings)
    desk = desk_of("Alice", Role.ADMINISTRATOR)
    rail = desk.page("/staff/").first("nav", aria_label="Main")
    for place in (link for link in rail.all("a") if link["href"].startswith("/")):
        page = desk.page(desk.client.get(place["href"], follow_redirects=True).request.path)
        marked = [link.words for link in page.first("nav", aria_label="Main").all("a", aria_current="page")]
        assert marked == [place.words]
        told = {key.words for key in page.with_id("keys").all("kbd")}
        for control in page.inner:
            key = control["data-key"] or control["data-row-key"]
            assert not key or key in told or key in {hint.words for hint in control.all("kbd")}, (place.words, key)


def test_the_inbox_shows_who_waits_for_us_longest_first_and_all_inquiries_newest_first(db, settings, desk):
    for name in ("Ana", "Ben", "Cleo"):
        submitted(db, settings, email=f"{name.lower()}@example.org", name=name)
    assert rows(desk.page("/staff/inbox")) == ["Ana", "Ben", "Cleo"]
    assert rows(desk.page("/staff/inbox?show=all")) == ["Cleo", "Ben", "Ana"]


@on_sqlite
def test_an_empty_inbox_says_what_will_be_there(desk):
    assert "Who writes from the guide or by mail appears here" in desk.page("/staff/inbox").text


@on_sqlite
def test_a_row_leads_to_its_contact(db, settings, desk):
    submitted(db, settings)
    link = desk.page("/staff/inbox").first("li", class_="row").first("a")["href"]
    assert desk.page(link).first("h1").words == "Ada Lovelace"


@pytest.mark.parametrize("show", ["suspected", "spam"])
def test_each_filter_shows_the_inquiries_of_its_state(db, settings, desk, show):
    for name in InquiryState:
        submitted(db, settings, email=f"{name}@example.org", name=name.value)
        with db.write() as session:
            session.execute(update(Inquiry).where(Inquiry.name == name.value).values(state=name))
    assert rows(desk.page(f"/staff/inbox?show={show}")) == [show]
    assert sorted(rows(desk.page("/staff/inbox?show=all"))) == sorted(InquiryState)


def test_the_first_filter_counts_who_waits(db, settings, desk):
    submitted(db, settings)
    submitted(db, settings, email="bob@example.org")
    current = desk.page("/staff/inbox").first("nav", class_="filters").first("a", aria_current="true")
    assert current.words == "Waiting for us 2"


def test_the_inbox_is_turned_page_by_page_without_loss_or_repetition(db, settings, desk):
    total = 2 * PAGE + 3
    submitted(db, settings)
    with db.write() as session:
        contact_id = session.scalars(select(Contact.id)).one()
        first = session.scalars(select(Inquiry)).one()
        copied = {c.key: getattr(first, c.key) for c in Inquiry.__table__.columns if c.key != "id"}
        names = [f"Person {n}" for n in range(total - 1)]
        session.add_all(
            Inquiry(**copied | {"name": n, "public_id": f"p{i}", "form_key": f"k{i}", "contact_id": contact_id})
            for i, n in enumerate(names)
        )
    expected = [*reversed(names), "Ada Lovelace"]
    there, page = [], desk.page("/staff/inbox?show=all")
    while True:
        there += rows(page)
        older = page.all("a", rel="next")
        if not older:
            break
        page = desk.page(older[0]["href"])
    assert there == expected
    back = rows(page)
    while page.all("a", rel="prev"):
        page = desk.page(page.first("a", rel="prev")["href"])
        back = rows(page) + back
    assert back == expected


def test_a_place_in_the_inbox_that_is_none_is_harmless(db, settings, desk):
    submitted(db, settings)
    for text in ("0", "-1", "1e9", "9" * 15, "9" * 400, "x", "%00", "٣", "1;DROP", "", "'"):
        for name in ("before", "after", "show"):
            assert desk.client.get(f"/staff/inbox?{name}={text}").status_code == 200, text
        assert desk.client.get(f"{home_of(db)}?before={text}&after={text}&show={text}").status_code == 200, text


@on_sqlite
def test_the_desk_says_that_mail_is_caught_while_no_mail_server_is_set(desk, settings):
    assert str(settings.mail_folder) in desk.page("/staff/inbox").first("p", class_="caught").text


@on_sqlite
def test_the_desk_says_nothing_of_caught_mail_with_a_mail_server(database_url, tmp_path):
    app = create_app(make_settings(tmp_path, database_url=database_url, smtp_url="smtp://127.0.0.1:2525"))
    assert "caught" not in app.test_client().get("/staff/sign-in").text
    app.extensions["tpm"].db.close()


# --- one contact -------------------------------------------------------------------------------------------


def test_a_contacts_page_shows_the_inquiry_the_mails_the_follow_ups_and_the_timeline(db, settings, desk):
    submitted(db, settings, consents=True, phone=("020 7946 0958", "+442079460958"))
    page = chosen(desk.page(home_of(db)))
    assert "How do I begin?" in page.first("article", class_="inquiry").text
    assert page.first("a", href="tel:+442079460958").words == "020 7946 0958"
    assert [m.first("h3").words for m in page.all("article", class_="mail")] == ["Acknowledgement"]
    assert len(page.first("article", class_="follow-up").first("ol").all("li")) == 3
    assert "Agreed" in page.first("section", class_="who").text
    assert "Agreed to be followed up by e-mail." in page.first("ol", class_="happened").words


def test_a_contact_that_never_was_is_not_found(desk):
    assert desk.client.get("/staff/contacts/0000000000000000000a").status_code == 404


@on_sqlite
@pytest.mark.parametrize(
    ("before", "button", "after", "sentence"),
    [
        (InquiryState.OPEN, "Mark handled", InquiryState.HANDLED, "Marked as handled."),
        (InquiryState.HANDLED, "Reopen", InquiryState.OPEN, "Reopened."),
        (InquiryState.OPEN, "Mark as spam", InquiryState.SPAM, "Marked as spam."),
        (InquiryState.SUSPECTED, "Mark as spam", InquiryState.SPAM, "Marked as spam."),
        (InquiryState.SUSPECTED, "Not spam, release", InquiryState.OPEN, "Released."),
        (InquiryState.SPAM, "Not spam, release", InquiryState.OPEN, "Released."),
    ],
)
def test_a_button_does_what_it_says_and_the_timeline_says_who(db, settings, desk, before, button, after, sentence):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Inquiry).values(state=before))
    answer = desk.press(button, chosen(desk.page(home_of(db))))
    assert sentence in says(answer, desk)
    assert state(db) is after
    assert "Alice" in chosen(desk.page(home_of(db))).first("ol", class_="happened").first("li").text


@on_sqlite
def test_a_stale_page_is_told_so_and_changes_nothing(db, settings, desk, desk_of):
    submitted(db, settings)
    stale = chosen(desk.page(home_of(db)))
    bob = desk_of("Bob")
    bob.press("Mark as spam", chosen(bob.page(home_of(db))))
    assert "a colleague was quicker" in says(desk.press("Mark handled", stale), desk)
    assert state(db) is InquiryState.SPAM


def test_pressing_a_button_twice_does_it_once(db, settings, desk):
    submitted(db, settings)
    page = chosen(desk.page(home_of(db)))
    desk.press("Mark handled", page)
    assert "Nothing was changed" in says(desk.press("Mark handled", page), desk)
    assert desk.page(home_of(db)).text.count("Marked an inquiry as handled") == 1


@on_sqlite
def test_spam_cancels_what_was_not_sent_and_stops_the_follow_ups(db, settings, desk):
    submitted(db, settings, consents=True)
    desk.press("Mark as spam", chosen(desk.page(home_of(db))))
    assert set(statuses(db).values()) == {"cancelled"}
    assert "Stopped" in chosen(desk.page(home_of(db))).first("article", class_="follow-up").text


@on_sqlite
def test_releasing_a_suspected_inquiry_sends_what_was_withheld(app, db, visitor, desk):
    visitor.send(subject="http://spam.example")
    assert statuses(db) == {}
    page = chosen(desk.page(home_of(db)))
    assert "people can't see" in page.first("article", class_="inquiry").text
    desk.press("Not spam, release", page)
    assert sorted(statuses(db).values()) == ["queued", "queued"]
    assert app.extensions["tpm"].db.publisher.jobs


@on_sqlite
def test_a_reader_sees_everything_and_no_button(db, settings, desk_of):
    submitted(db, settings)
    page = chosen(desk_of("Rita", Role.READER).page(home_of(db)))
    assert "How do I begin?" in page.text
    assert labels(page) == []


@on_sqlite
def test_a_reader_can_not_act(db, settings, desk, desk_of):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.FAILED, reason="It was refused."))
    rita = desk_of("Rita", Role.READER)
    for form in chosen(desk.page(home_of(db))).all("form", class_="act"):
        answer = rita.client.post(form["action"], data={"csrf_token": rita.token})
        assert answer.status_code == 403
        assert "Nothing was changed" in answer.text
    assert state(db) is InquiryState.OPEN
    assert {m.status for m in messages(db)} == {MessageStatus.FAILED}


def test_an_inquiry_that_never_was_can_not_be_acted_on(desk):
    for verb in ("handled", "spam", "reopen", "release", "acknowledge"):
        answer = desk.client.post(f"/staff/inquiries/nothing/{verb}", data={"csrf_token": desk.token})
        assert answer.status_code == 404


# --- what the person asked for, and whether the address is closed -------------------------------------------


def facts(desk, db):
    return chosen(desk.page(home_of(db)))


def test_a_contact_whose_mail_comes_as_usual_has_no_wishes_and_no_closed_address(db, settings, desk):
    submitted(db, settings, consents=True)
    words = facts(desk, db).words
    assert "Follow-up wishes" not in words
    assert "closed" not in words


@on_sqlite
@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ([Wish.LESS_OFTEN], ["Less often: each after twice the usual time."]),
        ([Wish.ONLY_TOPIC], ["Only about “Becoming a technical program manager”."]),
        ([Wish.PAUSE], ["Paused until Tue 31 Mar 2026."]),
        (
            [Wish.LESS_OFTEN, Wish.PAUSE, Wish.ONLY_TOPIC],
            [
                "Paused until Tue 31 Mar 2026.",
                "Less often: each after twice the usual time.",
                "Only about “Becoming a technical program manager”.",
            ],
        ),
        ([Wish.PAUSE, Wish.USUAL], []),
    ],
)
def test_a_contacts_page_says_what_they_wish_of_their_follow_ups(db, settings, desk_of, wishes, says):
    with time_machine.travel("2026-03-01 10:00Z", tick=False):
        submitted(db, settings, consents=True)
        for what in wishes:
            with db.write() as session:
                wish(session, settings, contact_of(db), what)
        page = facts(desk_of(), db)
    assert [item.words for listed in page.all("ul", class_="wishes") for item in listed.all("li")] == says


def test_a_pause_that_is_over_is_no_wish_any_more(db, settings, desk_of):
    with time_machine.travel("2026-03-01 10:00Z", tick=False) as clockwork:
        submitted(db, settings, consents=True)
        with db.write() as session:
            wish(session, settings, contact_of(db), Wish.PAUSE)
        clockwork.shift(timedelta(days=31))
        assert "Follow-up wishes" not in facts(desk_of(), db).words


@on_sqlite
@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_a_contacts_page_says_why_since_when_and_to_what_the_address_is_closed(db, settings, desk, reason):
    submitted(db, settings)
    with db.write() as session:
        suppress(session, ADA, reason, "Told us on <b>Monday</b>.")
    notice = facts(desk, db).first("div", class_="notice")
    follow_ups_only = reason is SuppressionReason.OPT_OUT
    assert SENTENCES[reason] in notice.words
    assert ("Answers to what the person sends us still go to it." in notice.words) is follow_ups_only
    assert ("Nothing is sent to it." in notice.words) is not follow_ups_only
    assert "Note: “Told us on <b>Monday</b>.”" in notice.words
    assert "Closed just now" in notice.words
    assert desk.page(notice.first("a")["href"]).first("h1").words == ADA


@on_sqlite
def test_a_contacts_page_names_who_closed_the_address(db, settings, desk):
    submitted(db, settings)
    desk.press("Close address", desk.page("/staff/suppressions"), email=ADA, note="Asked on the phone.")
    words = facts(desk, db).first("div", class_="notice").words
    assert "Closed just now by Alice" in words
    assert "Note: “Asked on the phone.”" in words


# --- an acknowledgement that was left out ------------------------------------------------------------------


@pytest.fixture
def left_out(db, settings, desk_of):
    """Ada's inquiry, whose acknowledgement was left out, since its letter is broken; a way to mend the letter."""
    with db.write() as session:
        bob = an_account(session, "Bob").id
    store_letter(db, bob, "acknowledgement", body="Dear {frist_name}")
    submitted(db, settings)
    return lambda: store_letter(db, bob, "acknowledgement", number=2)


def inquiry_on(desk, db):
    return chosen(desk.page(home_of(db))).first("article", class_="inquiry")


SEND = "Send acknowledgement"


def test_a_left_out_acknowledgement_is_sent_with_one_button_once_its_letter_is_mended(app, db, desk, left_out):
    left_out()
    page = inquiry_on(desk, db)
    assert "The acknowledgement was left out" in page.words
    assert "perhaps an answer of your own" not in page.words
    assert "among the mails below" in says(desk.press(SEND, page), desk)
    (acknowledgement,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert (acknowledgement.status, acknowledgement.recipient) == (MessageStatus.QUEUED, ADA)
    assert app.extensions["tpm"].db.publisher.jobs
    assert "left out" not in inquiry_on(desk, db).words


@on_sqlite
def test_pressing_it_twice_sends_one_acknowledgement(db, desk, left_out):
    left_out()
    page = inquiry_on(desk, db)
    desk.press(SEND, page)
    assert "was queued before" in says(desk.press(SEND, page), desk)
    assert len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT)) == 1


@on_sqlite
def test_until_its_letter_is_mended_the_page_says_what_to_mend_and_where(db, desk, left_out):
    page = inquiry_on(desk, db)
    assert "uses {frist_name}, and there is no such variable" in page.words
    assert page.first("a", href="/staff/templates/acknowledgement").words == "Mend the letter"
    assert SEND not in labels(page)


def test_a_press_on_an_old_page_while_the_letter_is_broken_again_changes_nothing(db, desk, left_out):
    left_out()
    page = inquiry_on(desk, db)
    with db.read() as session:
        bob = session.scalars(select(Account.id).where(Account.name == "Bob")).one()
    store_letter(db, bob, "acknowledgement", number=3, body="{oops")
    assert "Mend it in /staff/templates/acknowledgement" in says(desk.press(SEND, page), desk)
    assert messages(db, kind=MessageKind.ACKNOWLEDGEMENT) == []


@on_sqlite
@pytest.mark.parametrize(
    ("age", "says"),
    [
        (timedelta(hours=23), None),
        (timedelta(hours=25), "The inquiry is 1 day old"),
        (timedelta(days=9), "The inquiry is 9 days old"),
    ],
)
def test_the_age_of_an_old_inquiry_stands_beside_the_button(db, desk, left_out, age, says):
    left_out()
    with db.write() as session:
        session.execute(update(Inquiry).values(received_at=clock.now() - age))
    beside = inquiry_on(desk, db).first("div", class_="notice").first("div", class_="actions")
    assert SEND in beside.words
    assert ("days old" in beside.words or "day old" in beside.words) is (says is not None)
    assert says is None or says in beside.words


@on_sqlite
def test_a_closed_address_has_no_such_button_and_a_press_on_an_old_page_sends_nothing(db, desk, left_out):
    left_out()
    page = inquiry_on(desk, db)
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    assert "since the address is closed" in inquiry_on(desk, db).words
    assert SEND not in labels(inquiry_on(desk, db))
    assert "The address is closed" in says(desk.press(SEND, page), desk)
    assert messages(db, kind=MessageKind.ACKNOWLEDGEMENT) == []


@on_sqlite
def test_a_reader_reads_of_a_left_out_acknowledgement_and_can_not_send_it(db, desk, desk_of, left_out):
    left_out()
    rita = desk_of("Rita", Role.READER)
    assert "The acknowledgement was left out" in inquiry_on(rita, db).words
    assert labels(inquiry_on(rita, db)) == []
    button = next(b for b in inquiry_on(desk, db).all("form", class_="act") if SEND in b.words)
    assert rita.client.post(button["action"], data={"csrf_token": rita.token}).status_code == 403
    assert desk.client.post(button["action"]).status_code == 400, "without the token of a form of ours"
    assert messages(db, kind=MessageKind.ACKNOWLEDGEMENT) == []


# --- mails that wait for a person --------------------------------------------------------------------------


@pytest.fixture
def undecided(db, settings):
    """Ada's acknowledgement is uncertain, her notice was sent."""
    submitted(db, settings)
    with db.write() as session:
        session.execute(
            update(Message)
            .where(Message.kind == MessageKind.ACKNOWLEDGEMENT)
            .values(status=MessageStatus.UNCERTAIN, reason="The connection ended.")
        )


@on_sqlite
@pytest.mark.parametrize("status", [MessageStatus.FAILED, MessageStatus.UNCERTAIN])
def test_a_mail_that_failed_or_is_uncertain_says_why_and_can_be_decided_about(db, undecided, desk, status):
    with db.write() as session:
        session.execute(update(Message).where(Message.kind == MessageKind.ACKNOWLEDGEMENT).values(status=status))
    (mail,) = (m for m in desk.page(home_of(db)).all("article", class_="mail") if m.all("button"))
    assert "The connection ended." in mail.text
    assert labels(mail) == ["Send again", "Leave it"]


@on_sqlite
def test_a_mail_can_be_sent_again(app, db, undecided, desk):
    answer = desk.press("Send again", chosen(desk.page(home_of(db))))
    assert "Queued to be sent again." in says(answer, desk)
    (mail,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert (mail.status, mail.reason) == (MessageStatus.QUEUED, "")
    assert app.extensions["tpm"].db.publisher.jobs


@on_sqlite
def test_a_mail_can_be_left(db, undecided, desk):
    answer = desk.press("Leave it", chosen(desk.page(home_of(db))))
    assert "It is not sent again." in says(answer, desk)
    (mail,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert mail.status is MessageStatus.CANCELLED
    assert "by hand" in mail.reason


@on_sqlite
def test_a_mail_that_was_decided_about_is_not_decided_about_twice(db, undecided, desk):
    page = chosen(desk.page(home_of(db)))
    desk.press("Leave it", page)
    assert "not waiting for a decision" in says(desk.press("Send again", page), desk)
    assert messages(db, kind=MessageKind.ACKNOWLEDGEMENT)[0].status is MessageStatus.CANCELLED


@pytest.mark.parametrize("number", ["0", "99", str(2**31), str(10**30), "-1", "x"])
def test_a_mail_that_never_was_is_not_found(desk, number):
    answer = desk.client.post(f"/staff/messages/{number}/leave", data={"csrf_token": desk.token})
    assert answer.status_code == 404

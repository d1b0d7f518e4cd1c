"""Conversations at the desk: what was said, answering, whose turn it is, follow-ups that wait."""

import base64
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from sqlalchemy import insert, select, update

from tests.conftest import on_sqlite
from tests.doors.html import active_content, read
from tests.doors.mails import CHARLIE, PDF, acknowledgement_id, came_in
from tests.doors.naughty import NAUGHTY
from tests.doors.people import labels
from tests.factories import ADA, contact_of, messages, submitted
from tpminstitute.accounts.models import Role
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.inbox import story, threads
from tpminstitute.inbox.models import Conversation, Inquiry, InquiryState, ReceivedContent, ReceivedMail, Turn
from tpminstitute.inbox.queries import PAGE
from tpminstitute.mail.control import hold
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus


def home_of(db, email=ADA):
    return f"/staff/contacts/{contact_of(db, email).public_id}"


def conversation(desk, db, email=ADA):
    return desk.page(home_of(db, email)).first("section", class_="timeline")


def spoken(section):
    """What was said, newest first: the first line of each entry."""
    entries = [e for e in section.inner if e.tag == "article" or "machine" in e["class"].split()]
    return [(e.all("h3") or e.all("strong"))[0].words for e in entries]


def says(answer, desk):
    assert answer.status_code == 303
    return " ".join(n.words for n in desk.page(answer.location).all("div", class_="notice", role="status"))


def rows(page):
    return [row.first("a").words for row in page.all("li", class_="row")]


def replies(db):
    return messages(db, kind=MessageKind.REPLY)


def turn(db, email=ADA):
    contact_id = contact_of(db, email).id
    with db.read() as session:
        return session.get_one(Conversation, contact_id).turn


@pytest.fixture
def asked(db, settings):
    """Ada wrote from the contact page and agreed to follow-ups."""
    submitted(db, settings, consents=True)


# --- what was said -----------------------------------------------------------------------------------------


def test_a_conversation_is_one_story_newest_first(db, settings, desk, asked):
    came_in(db, settings, text="Is there a course in the evening?")
    desk.press("Send reply", desk.page(home_of(db)), text="Yes, on Tuesdays.")
    came_in(db, settings, subject="Thanks", text="Then I will come.")
    assert spoken(conversation(desk, db)) == [
        "Ada Lovelace",
        "Alice, TPM Institute",
        "Ada Lovelace",
        "Acknowledgement",
        "Becoming a technical program manager",
    ]


@on_sqlite
def test_new_words_are_shown_and_the_rest_is_folded_with_the_whole_kept(db, settings, desk, asked):
    came_in(db, settings, text="That helps.\n\nOn Monday, Alice wrote:\n> Dear Ada,\n> look at chapter 3.\n")
    heard = conversation(desk, db).first("article", class_="heard")
    assert heard.first("div", class_="words").words == "That helps."
    assert "look at chapter 3." in heard.first("details", class_="rest").words


@on_sqlite
def test_our_reply_is_shown_in_its_words_and_what_it_quotes_is_folded(db, settings, desk, asked):
    desk.press("Send reply", desk.page(home_of(db)), text="Begin with chapter 1.")
    said = conversation(desk, db).first("article", class_="said")
    assert said.first("div", class_="words").words == "Begin with chapter 1. Alice TPM Institute"
    assert "How do I begin?" in said.first("details").words


@on_sqlite
@pytest.mark.parametrize("email", [ADA, "ädä@example.org"])
def test_a_reply_names_its_writer_in_any_script(db, settings, desk_of, email):
    submitted(db, settings, email=email)
    zoe = desk_of("Zoë")
    zoe.press("Send reply", zoe.page(home_of(db, email)), text="Begin with chapter 1.")
    said = conversation(zoe, db, email).first("article", class_="said")
    assert said.first("h3").words == "Zoë, TPM Institute"
    assert "Zoë" in said.first("div", class_="words").words


@on_sqlite
def test_a_machines_mail_is_one_quiet_line(db, settings, desk, asked):
    came_in(db, settings, subject="Automatic reply", text="I am away.", headers={"Auto-Submitted": "auto-replied"})
    line = conversation(desk, db).first("details", class_="machine")
    assert line.first("summary").words.startswith("Out of office")
    assert "I am away." in line.first("div", class_="words").words


def test_an_inquiry_by_mail_is_one_entry_with_the_files_of_its_mail(db, settings, desk):
    came_in(db, settings, sender=CHARLIE, files={"plan.pdf": PDF})
    section = conversation(desk, db, CHARLIE)
    assert spoken(section) == ["Acknowledgement", "Inquiry by mail"]
    assert section.first("ul", class_="files").first("a").words == "plan.pdf"


@on_sqlite
def test_the_same_file_in_a_later_mail_is_shown_quietly(db, settings, desk, asked):
    for text in ("My CV.", "My CV again."):
        came_in(db, settings, text=text, files={"cv.pdf": PDF})
    newer, older = conversation(desk, db).all("ul", class_="files")
    assert newer.first("li")["class"] == "quiet"
    assert older.first("li")["class"] == ""


@on_sqlite
@pytest.mark.parametrize("name", ["run.exe", "page.html", "sheet.xlsm", "logo.svg", "go.ps1"])
def test_a_file_that_can_run_has_a_warning_beside_it(db, settings, desk, asked, name):
    came_in(db, settings, files={name: b"MZ\x90\0" * 100, "cv.pdf": PDF})
    first, second = conversation(desk, db).first("ul", class_="files").all("li")
    assert (first.first("a").words, bool(first.all("strong"))) == (name, True)
    assert not second.all("strong")


@on_sqlite
def test_a_mail_that_could_not_be_read_well_says_so(db, settings, desk, asked):
    public_id = came_in(db, settings)
    with db.write() as session:
        mail = session.scalars(select(ReceivedMail).where(ReceivedMail.public_id == public_id)).one()
        session.execute(
            update(ReceivedMail).where(ReceivedMail.id == mail.id).values(problems=["Its date can't be read."])
        )
    assert "Its date can't be read." in conversation(desk, db).first("ul", class_="problems").words


@on_sqlite
def test_characters_that_hide_or_reorder_others_are_written_out(db, settings, desk, asked):
    came_in(db, settings)
    with db.write() as session:
        row = session.scalars(select(ReceivedMail)).one()
        copied = {c.key: getattr(row, c.key) for c in ReceivedMail.__table__.columns if c.key != "id"}
        hidden = dict.fromkeys(("sender_name", "subject", "words", "text"), "abc\u202edef\u200b")
        mail = ReceivedMail(**copied | hidden | {"public_id": "hidden", "fingerprint": "hidden"})
        session.add(mail)
        session.flush()
        session.add(ReceivedContent(mail_id=mail.id, content=b"Subject: x\r\n\r\nx"))
    for address in (home_of(db), "/staff/received/hidden", "/staff/inbox"):
        text = desk.page(address).text
        assert "abc⟨U+202E⟩def⟨U+200B⟩" in text
        assert not set(text) & set("\u202e\u200b")


@on_sqlite
def test_a_very_long_mail_is_cut_on_the_page_and_says_where_the_rest_is(db, settings, desk, asked):
    came_in(db, settings, text="word " * threads.SHOWN)
    heard = conversation(desk, db).first("article", class_="heard")
    assert len(heard.first("div", class_="words").text) <= threads.SHOWN
    assert "Download the mail to read all of it." in heard.words


def test_a_long_conversation_is_turned_page_by_page_without_loss_or_repetition(db, settings, desk, asked):
    expected = [f"Question {n}" for n in range(2 * story.PAGE)]
    for n, subject in enumerate(expected):
        came_in(db, settings, subject=subject, text=f"Word {n}")
    there, page = [], desk.page(home_of(db))
    while True:
        there += [h.all("p", class_="meta")[0].words for h in page.all("article", class_="heard")]
        turned = [a for a in page.all("a") if a.words == "Earlier"]
        if not turned:
            break
        page = desk.page(turned[0]["href"])
    assert [line.split("”")[0] for line in there] == [f"“{subject}" for subject in reversed(expected)]


def test_a_place_in_a_conversation_that_is_none_is_harmless(db, desk, asked):
    for place in ("", "..", "1", "a.b.c", "1.2.3.4", "9" * 30 + "..", "-1..", "1.1.1'"):
        assert desk.client.get(f"{home_of(db)}?earlier={place}").status_code == 200, place


@on_sqlite
def test_hostile_mails_are_shown_inert(db, settings, desk, asked):
    own_pages = [f"/staff/received/{came_in(db, settings, _hostile(name))}" for name in NAUGHTY]
    conversation_pages = []
    address = home_of(db)
    while address:
        conversation_pages.append(address)
        earlier = [a for a in desk.page(address).all("a") if a.words == "Earlier"]
        address = earlier[0]["href"] if earlier else ""
    assert len(conversation_pages) > 1
    for address in (*own_pages, *conversation_pages, "/staff/inbox", "/staff/inbox?show=other"):
        page = desk.page(address)
        assert active_content(page) == [f"script {s['src']}" for s in page.first("head").all("script")], address
        assert not set(page.text) & set("\u202e\u2066\u200b\ufeff\x1b"), address


def _hostile(name):
    """A mail whose sender's name, subject, text and file bear one of the naughty texts."""
    text = NAUGHTY[name]
    line = " ".join(text.replace("\x00", "").split()) or "-"
    return (
        b"From: =?utf-8?b?" + _base64(line) + b"?= <ada@example.org>\r\nSubject: =?utf-8?b?" + _base64(line) + b"?=\r\n"
        b"Message-ID: <" + base64.b16encode(name.encode()) + b"@example.org>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + _utf8(text) + b"\r\n--b\r\n"
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''"
        + _percent(line)
        + b"\r\n"
        b"\r\n" + PDF + b"\r\n--b--\r\n"
    )


def _utf8(text):
    return text.encode("utf-8", "replace")


def _base64(text):
    return base64.b64encode(_utf8(text))


def _percent(text):
    return quote(_utf8(text), safe="").encode("ascii")


# --- answering ---------------------------------------------------------------------------------------------


def test_a_reply_goes_to_the_contact_in_the_thread_of_the_conversation(app, db, settings, desk, asked):
    came_in(db, settings, subject="Evening course", headers={"Message-ID": "<ada-1@mail.example>"})
    page = desk.page(home_of(db))
    assert page.with_id("reply-subject")["value"] == "Re: Evening course"
    assert "on its way" in says(desk.press("Send reply", page, text="Yes, on Tuesdays."), desk)
    (sent,) = replies(db)
    assert (sent.recipient, sent.subject, sent.status) == (ADA, "Re: Evening course", MessageStatus.QUEUED)
    assert b"In-Reply-To: <ada-1@mail.example>" in sent.content
    assert "Yes, on Tuesdays." in plain_text(sent.content)
    assert app.extensions["tpm"].db.publisher.jobs
    assert turn(db) is Turn.VISITOR


def test_a_reply_handles_the_open_inquiry_and_lets_the_follow_ups_wait(db, desk, asked):
    desk.press("Send reply", desk.page(home_of(db)), text="Begin with chapter 1.")
    with db.read() as session:
        assert session.scalars(select(Inquiry.state)).one() is InquiryState.HANDLED
        assert session.scalars(select(Enrollment.status)).one() is EnrollmentStatus.PAUSED


@on_sqlite
def test_a_reply_that_is_sent_twice_goes_out_once(db, desk, asked):
    page = desk.page(home_of(db))
    desk.press("Send reply", page, text="Yes.")
    assert "not sent twice" in says(desk.press("Send reply", page, text="Yes."), desk)
    assert len(replies(db)) == 1


@on_sqlite
def test_other_words_from_the_same_page_are_another_reply(db, desk, asked):
    page = desk.page(home_of(db))
    desk.press("Send reply", page, text="Yes.")
    desk.press("Send reply", page, text="Yes, and bring a friend.")
    assert len(replies(db)) == 2


@on_sqlite
@pytest.mark.parametrize(
    ("text", "why"), [("", "Write something first"), (" \n", "Write something first"), ("x" * 30_001, "Shorten")]
)
def test_a_reply_that_is_refused_comes_back_as_it_was_typed(db, desk, asked, text, why):
    answer = desk.press("Send reply", desk.page(home_of(db)), text=text, subject="My subject")
    assert answer.status_code == 422
    page = read_page(answer)
    assert page.with_id("reply-text").text.removeprefix("\n") == text
    assert page.with_id("reply-subject")["value"] == "My subject"
    assert why in page.with_id("reply-text-error").words
    assert not replies(db)


def read_page(answer):
    page = read(answer.text)
    page.attrs["address"] = answer.request.path
    return page


@on_sqlite
def test_a_closed_address_asks_first_and_keeps_the_text(db, desk, asked):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    answer = desk.press("Send reply", desk.page(home_of(db)), text="Dear Ada")
    assert answer.status_code == 409
    page = read_page(answer)
    assert "Mail to this address came back for good" in page.with_id("reply-text-error").words
    assert not replies(db)
    assert "on its way" in says(desk.press("Send reply", page, nevertheless="on"), desk)
    (sent,) = replies(db)
    assert sent.despite_closed
    assert "Dear Ada" in plain_text(sent.content)


def test_who_only_unsubscribed_is_answered_without_being_asked_about(db, desk, asked):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.OPT_OUT)
    assert "on its way" in says(desk.press("Send reply", desk.page(home_of(db)), text="Dear Ada"), desk)
    assert not replies(db)[0].despite_closed


@on_sqlite
def test_while_mail_is_held_a_reply_says_that_it_waits(db, desk, desk_of, asked):
    with db.write() as session:
        hold(session, "A backup was restored.", None)
    answer = desk.press("Send reply", desk.page(home_of(db)), text="Dear Ada")
    assert "once mail is not held any more" in says(answer, desk)


@on_sqlite
def test_a_reader_reads_the_conversation_and_can_do_nothing_in_it(db, settings, desk, desk_of, asked):
    came_in(db, settings, sender=CHARLIE, answers=acknowledgement_id(db))
    forms = desk.page(home_of(db)).first("div", class_="chosen").all("form")
    rita = desk_of("Rita", Role.READER)
    page = conversation(rita, db)
    assert "Is there a course in the evening?" in page.words
    assert labels(page) == []
    assert not page.all("textarea")
    assert len(forms) >= 6
    for form in forms:
        answer = rita.client.post(form["action"], data={"csrf_token": rita.token, "text": "Hello"})
        assert answer.status_code == 403
    assert not replies(db)


def test_nothing_of_a_contact_that_never_was_can_be_done(desk):
    for verb in ("reply", "done", "follow-ups/go-on"):
        answer = desk.client.post(f"/staff/contacts/nobody/{verb}", data={"csrf_token": desk.token, "text": "x"})
        assert answer.status_code == 404


# --- whose turn it is --------------------------------------------------------------------------------------


def test_who_was_answered_waits_among_them_until_they_write_again(db, settings, desk, asked):
    desk.press("Send reply", desk.page(home_of(db)), text="Yes.")
    assert rows(desk.page("/staff/inbox")) == []
    assert rows(desk.page("/staff/inbox?show=them")) == ["Ada Lovelace"]
    came_in(db, settings, subject="Re: Yes", text="Thank you. And then?")
    (row,) = desk.page("/staff/inbox").all("li", class_="row")
    assert row.words.startswith("Ada Lovelace Re: Yes Thank you. And then?")


def test_a_conversation_is_marked_as_done_with_its_inquiries(db, settings, desk, asked):
    came_in(db, settings)
    desk.press("Mark handled", desk.page(home_of(db)))
    assert turn(db) is Turn.INSTITUTE, "the mail still waits"
    page = desk.page(home_of(db))
    assert "Marked as done." in says(desk.press("Mark as done", page), desk)
    assert turn(db) is Turn.NOBODY
    assert rows(desk.page("/staff/inbox?show=done")) == ["Ada Lovelace"]
    assert "done already" in says(desk.press("Mark as done", page), desk)


def test_closing_a_conversation_handles_the_inquiries_that_are_open(db, desk, asked):
    address = f"{home_of(db)}/done"
    desk.client.post(address, data={"csrf_token": desk.token})
    with db.read() as session:
        assert session.scalars(select(Inquiry.state)).one() is InquiryState.HANDLED


def test_the_list_says_how_long_somebody_waits(db, settings, desk_of):
    with time_machine.travel("2026-03-01 10:00Z", tick=False) as clockwork:
        submitted(db, settings)
        clockwork.shift(timedelta(days=3, hours=1))
        assert desk_of().page("/staff/inbox").first("span", class_="row-when").words == "3 days"


@on_sqlite
@pytest.mark.parametrize("show", ["us", "them", "done", "look", "suspected", "spam", "other", "all"])
def test_each_empty_list_says_what_would_be_there(desk, show):
    assert len(desk.page(f"/staff/inbox?show={show}").first("p", class_="empty").words) > 20


@pytest.mark.parametrize(("show", "kept"), [("us", Turn.INSTITUTE), ("them", Turn.VISITOR), ("done", Turn.NOBODY)])
def test_conversations_are_turned_page_by_page_without_loss_or_repetition(db, desk, show, kept):
    names = [f"Person {n}" for n in range(2 * PAGE + 3)]
    many_conversations(db, names, kept)
    expected = names if show == "us" else names[::-1]
    there, page = [], desk.page(f"/staff/inbox?show={show}")
    while True:
        there += rows(page)
        onward = page.all("a", rel="next")
        if not onward:
            break
        page = desk.page(onward[0]["href"])
    assert there == expected
    back = rows(page)
    while page.all("a", rel="prev"):
        page = desk.page(page.first("a", rel="prev")["href"])
        back = rows(page) + back
    assert back == expected


def many_conversations(db, names, kept):
    """Conversations that wait since the same moment, three by three."""
    now = clock.now()
    with db.write() as session:
        for n, name in enumerate(names):
            email = f"p{n}@example.org"
            values = {"public_id": f"p{n}", "email": email, "email_key": email, "name": name, "first_seen_at": now}
            contact_id = session.execute(insert(Contact).values(**values).returning(Contact.id)).scalar_one()
            since = now - timedelta(hours=len(names) - n // 3)
            session.add(Conversation(contact_id=contact_id, turn=kept, since=since))


def test_a_place_among_conversations_that_is_none_is_harmless(db, desk, asked):
    for place in ("1", "1-", "-1-1", "9" * 17 + "-1", "9" * 40 + "-1", "1-" + "9" * 9, "٣-١", "x-y"):
        for show in ("us", "them", "done"):
            for way in ("before", "after"):
                assert desk.client.get(f"/staff/inbox?show={show}&{way}={place}").status_code == 200, place


# --- follow-ups that wait ----------------------------------------------------------------------------------


def follow_ups(desk, db):
    return desk.page(home_of(db)).first("article", class_="follow-up")


def test_follow_ups_that_wait_say_why_and_go_on_by_a_persons_word(db, desk, asked):
    desk.press("Send reply", desk.page(home_of(db)), text="Yes.")
    waiting = follow_ups(desk, db)
    assert "Alice wrote to them. The next mail will wait for your word." in waiting.words
    assert "The follow-ups go on." in says(desk.press("Let them go on", waiting), desk)
    assert "3 to come" in follow_ups(desk, db).words
    assert "No follow-ups wait any more" in says(desk.press("Let them go on", waiting), desk)


def test_follow_ups_that_wait_for_somebody_to_be_back_say_until_when(db, settings, desk, asked):
    back = (clock.now() + timedelta(days=20)).strftime("%-d %B %Y")
    text = f"I am out of the office until {back}."
    came_in(db, settings, subject="Out of office", text=text, headers={"Auto-Submitted": "auto-replied"})
    assert "They go on by themselves on" in follow_ups(desk, db).words
    assert "Let them go on" in labels(follow_ups(desk, db))

"""What kind of mail came in: wishes, absences with their day of return, programs, bounces, and people."""

from datetime import date, datetime, timedelta, timezone

import pytest

from tests.rooms.mails import parts, read
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.incoming.read import read_mail
from tpminstitute.mail.incoming.returns import return_day
from tpminstitute.mail.incoming.verdicts import is_permanent

SENT = datetime(2025, 3, 3, 10, tzinfo=timezone(timedelta(hours=1)))
OUR_LETTER = (
    "\n\nOn 3 Mar 2025, TPM <info@tpminstitute.org> wrote:\n> Unsubscribe: https://tpminstitute.org/unsubscribe/x"
)


@pytest.mark.parametrize(
    "words",
    [
        "Unsubscribe",
        "Please unsubscribe me!",
        "Hi,\nplease remove me from this list.\nThanks\nAda",
        "Abmelden",
        "Bitte abmelden",
        "STOP",
        "Stop sending me these emails.",
        "Désinscription",
        "Me désabonner",
        "Baja",
        "Please take me off your list",
    ],
)
def test_a_wish_and_nothing_else_is_an_unsubscribe(words):
    assert read(words + OUR_LETTER).kind is ReceivedKind.UNSUBSCRIBE


@pytest.mark.parametrize(
    "words",
    [
        "Yes, gladly.",
        "Please don't unsubscribe me.",
        "How do I unsubscribe?",
        "Unsubscribe me, but tell me the price first.",
        "Stop by at ten.",
        "I did not unsubscribe",
        "Please remove the second name from my inquiry.",
        "",
    ],
)
def test_more_than_the_wish_is_a_persons_mail(words):
    assert read(words + OUR_LETTER).kind is ReceivedKind.PERSON


def test_an_unsubscribe_in_the_subject_counts_where_nothing_else_is_said():
    assert read("", subject="Unsubscribe").kind is ReceivedKind.UNSUBSCRIBE
    assert read("What does it cost?", subject="Unsubscribe").kind is ReceivedKind.PERSON


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("until March 10", date(2025, 3, 10)),
        ("until 10 March 2025", date(2025, 3, 10)),
        ("back on the 10th of March", date(2025, 3, 10)),
        ("I return on Monday, March 10th, 2025.", date(2025, 3, 10)),
        ("until 2025-03-10", date(2025, 3, 10)),
        ("back on 10/3", date(2025, 3, 10)),
        ("back on Monday", date(2025, 3, 10)),
        ("back tomorrow", date(2025, 3, 4)),
        ("through March 10", date(2025, 3, 11)),
        ("from March 4 to March 10", date(2025, 3, 10)),
        ("until January 2", date(2026, 1, 2)),
        ("bis zum 10. März", date(2025, 3, 10)),
        ("bis einschließlich 10.3.2025", date(2025, 3, 11)),
        ("bis 10.03.", date(2025, 3, 10)),
        ("ab dem 10.03.25 wieder da", date(2025, 3, 10)),
        ("jusqu'au 10 mars", date(2025, 3, 10)),
        ("de retour le lundi 10 mars", date(2025, 3, 10)),
        ("jusqu’au 1er avril", date(2025, 4, 1)),
        ("hasta el 10 de marzo de 2025", date(2025, 3, 10)),
        ("regreso el 10/03/2025", date(2025, 3, 10)),
        ("vuelvo el lunes", date(2025, 3, 10)),
        ("away since 1 March", None),
        ("until 31 February", None),
        ("until 2019-03-10", None),
        ("until 2099-03-10", None),
        ("away", None),
    ],
)
def test_the_day_of_return_is_read_as_people_write_it(text, day):
    assert return_day(f"I am away {text}", SENT) == day


def test_slashes_are_read_the_american_way_where_the_mail_comes_from_there():
    american = SENT.astimezone(timezone(timedelta(hours=-5)))
    assert return_day("back on 4/5/2025", SENT) == date(2025, 5, 4)
    assert return_day("back on 4/5/2025", american) == date(2025, 4, 5)


@pytest.mark.parametrize(
    "header",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "auto-generated; x"},
        {"x_autoreply": "yes"},
        {"precedence": "bulk"},
        {"x_auto_response_suppress": "All"},
        {"list_id": "<a.example.org>"},
        {"list_unsubscribe": "<https://example.org>"},
        {"return_path": "<>"},
        {"from": "no-reply@example.org"},
        {"from": "MAILER-DAEMON@example.org"},
        {"subject": "Automatic reply: Hello"},
        {"subject": "Automatische Antwort: Hallo"},
    ],
    ids=str,
)
def test_what_a_program_sent_is_no_persons_mail_and_never_answered(header):
    mail = read("We have your letter.", **header)
    assert mail.kind is ReceivedKind.AUTOMATIC
    assert not mail.answerable


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Out of office next week", "Can we move our call?"),
        ("Vacation", "I am on vacation until 10 March. Does the 12th suit you?"),
        ("Delivery failed", "My mail to Bob came back: user unknown. Who can help?"),
        ("Re: Automatic reply: Hello", "I am back."),
        ("Undeliverable", "Why do I get this?"),
        ("Mailbox full", "Mine was full, please write again."),
    ],
)
def test_a_person_may_mention_what_programs_say(subject, words):
    mail = read(words, subject=subject, return_path="<ada@example.org>")
    assert mail.kind is ReceivedKind.PERSON
    assert mail.answerable


@pytest.mark.parametrize(
    "sender",
    [
        "Ada Lovelace, System Administrator <ada@example.org>",
        "Norman Mailer <norman.mailer@example.org>",
        "Nora Reply <nora.reply@example.org>",
        "Dae Mon <dae.mon@example.org>",
    ],
)
def test_a_person_may_be_called_like_a_program(sender):
    assert read("Count me in.", **{"from": sender}).kind is ReceivedKind.PERSON


def test_mail_through_a_list_is_automatic_unless_the_list_is_one_of_our_addresses():
    content = b"From: ada@example.org\r\nList-Id: <info.tpminstitute.org>\r\nPrecedence: list\r\n\r\nHello"
    assert read_mail(content).kind is ReceivedKind.AUTOMATIC
    assert read_mail(content, ours={"info@tpminstitute.org"}).kind is ReceivedKind.PERSON


@pytest.mark.parametrize(
    ("status", "said", "permanent"),
    [
        ("5.1.1", "550 5.1.1 User unknown", True),
        ("5.2.2", "552 mailbox full", False),
        ("5.0.0", "550 mailbox is over quota", False),
        ("4.1.1", "450 user unknown", False),
        ("5.7.1", "550 5.7.1 blocked using a block list", False),
        ("5.7.1", "550 5.7.1 no such user", True),
        ("5.4.4", "Host not found", True),
        ("5.3.4", "message too large", False),
        ("", "550 no such user", True),
        ("", "it failed", False),
        ("5.0.0", "554 rejected as spam", False),
        ("5.2.1", "mailbox disabled", True),
    ],
)
def test_only_what_says_something_about_the_address_is_permanent(status, said, permanent):
    assert is_permanent(status, said) is permanent


def test_a_forwarded_bounce_is_a_persons_mail():
    body = parts(
        "Content-Type: text/plain\n\nWhat is this?",
        "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b\nAction: failed",
    )
    mail = read(body, content_type="multipart/mixed; boundary=b1", return_path="<ada@example.org>")
    assert mail.kind is ReceivedKind.PERSON
    assert mail.bounce is None


def test_our_reference_in_quoted_text_is_not_believed():
    mail = read("Yes.\n> X-TPM-Reference: 0123456789abcdef\n> Message-ID: <0123456789abcdef@tpminstitute.org>")
    assert mail.references == ()
    assert mail.refers_to == ()


def test_the_thread_goes_from_the_nearest_mail_to_the_first():
    mail = read(in_reply_to="<c@x.org>", references="<a@x.org>\r\n <b@x.org> <c@x.org>")
    assert mail.refers_to == ("<c@x.org>", "<b@x.org>", "<a@x.org>")


@pytest.mark.parametrize(
    "field", ["X-Spam-Flag: YES", "X-Spam-Status: Yes, score=8", "X-MS-Exchange-Organization-SCL: 6"]
)
def test_the_servers_word_on_spam_is_told(field):
    assert read_mail(field.encode() + b"\r\nFrom: a@example.org\r\n\r\nHello").flagged_as_spam


def test_recipients_are_all_that_the_mail_names():
    mail = read(to='"Doe, Bob" <Bob@tpminstitute.org>, x@y.org', cc="z@y.org", delivered_to="info+abc@tpminstitute.org")
    assert mail.recipients == ("Bob@tpminstitute.org", "x@y.org", "z@y.org", "info+abc@tpminstitute.org")

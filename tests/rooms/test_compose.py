"""A mail leaves this house well-formed, and nobody's name, subject or address can change its shape."""

import email
import email.policy
import re
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpminstitute.core.text import one_line
from tpminstitute.mail.compose import Address, ComposeError, compose, needs_smtputf8, new_message_id, readdressed
from tpminstitute.mail.letters import Letter

SENDER = Address("TPM Institute", "info@tpminstitute.org")
ADA = Address("Ada Lovelace", "ada@example.org")
DATE = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
MESSAGE_ID = "<0123456789abcdef@tpminstitute.org>"
PLAIN = Letter("Subject", "Preheader", "Text\n", "<p>HTML</p>\n")
NAUGHTY_NAMES = st.text(max_size=150) | st.text(
    'ab é,;:<>@"\\()[]=?_.\u202e\0\r\n\t\x7f\u2028🚀\u0301\ud800', max_size=150
)


def made(letter=PLAIN, sender=SENDER, recipient=ADA, message_id=MESSAGE_ID, date=DATE, **further):
    return compose(letter, sender=sender, recipient=recipient, message_id=message_id, date=date, **further)


def read(mail):
    return email.message_from_bytes(mail, policy=email.policy.default)


def assert_well_formed(mail):
    """CRLF only, no line over 998 octets, no NUL, every part decodable without a defect."""
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", mail)
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    for part in read(mail).walk():
        assert not part.defects
        if not part.is_multipart():
            part.get_content()


def content(part):
    """A part's text; a mail's line ends are CRLF whatever ours were."""
    return part.get_content().replace("\r\n", "\n")


def mailbox(mail, header):
    """A header's one name and address. The newer parser of some Pythons parts a name's encoded words by a space."""
    ((phrase, address),) = getaddresses([email.message_from_bytes(mail)[header]])
    return str(make_header(decode_header(phrase))), address


def header_names(mail):
    head = mail.partition(b"\r\n\r\n")[0]
    return [line.partition(b":")[0].decode() for line in re.split(rb"\r\n(?![ \t])", head)]


SHAPE = ["From", "To", "Subject", "Date", "Message-ID", "X-TPM-Reference"]
SHAPE += ["MIME-Version", "Content-Type", "Content-Language"]


# --- the shape ---------------------------------------------------------------------------------------------


def test_mail_is_text_first_and_html_as_its_alternative():
    message = read(made())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in message.iter_parts()] == ["utf-8", "utf-8"]


def test_mail_has_each_header_once():
    mail = made()
    assert header_names(mail) == SHAPE
    assert_well_formed(mail)


def test_parts_come_out_as_they_went_in():
    letter = Letter("S", "P", "Grüße, 世界\n🚀 e\u0301\n.\n-- \nFrom me\n", "<p>Grüße &amp; 世界</p>\n")
    message = read(made(letter))
    text, markup = (content(part) for part in message.iter_parts())
    assert (text, markup) == (letter.text, letter.html)


@given(st.text(max_size=2_000))
def test_any_text_arrives_in_lines_that_every_server_takes(text):
    text = text.replace("\r", "").replace("\0", "") + "\n"
    mail = made(Letter("S", "P", text, f"<pre>{text}</pre>\n"))
    assert_well_formed(mail)
    assert mail.partition(b"\r\n\r\n")[2].isascii()
    assert content(read(mail).get_body(("plain",))) == text


@pytest.mark.parametrize("character", ["x", "é", "世", "🚀", "\u0301"])
def test_line_of_ten_thousand_characters_arrives_whole(character):
    text = character * 10_000 + "\n"
    mail = made(Letter("S", "P", text, text))
    assert_well_formed(mail)
    assert content(read(mail).get_body(("plain",))) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\n", "7bit"),
        ("Grüße an alle\n", "quoted-printable"),
        ("世界" * 50, "base64"),
        ("x" * 200, "quoted-printable"),
    ],
)
def test_transfer_encoding_is_the_plainest_that_works(text, encoding):
    assert read(made(Letter("S", "P", text, "x"))).get_body(("plain",))["Content-Transfer-Encoding"] == encoding


def test_encoded_lines_stay_within_76_columns():
    mail = made(Letter("S", "P", "é" + "x" * 500, "世" * 500))
    assert max(map(len, mail.split(b"\r\n"))) <= 76


def test_date_has_its_zone():
    mail = made(date=datetime(2026, 11, 22, 13, 0, tzinfo=timezone(timedelta(hours=-5))))
    assert read(mail)["Date"].datetime == DATE


def test_date_without_zone_is_refused():
    with pytest.raises(ComposeError, match="time zone"):
        made(date=datetime(2026, 11, 22))  # noqa: DTZ001 - a naive one is the point


# --- names, subjects, addresses ----------------------------------------------------------------------------


@given(name=NAUGHTY_NAMES, subject=NAUGHTY_NAMES)
def test_no_name_or_subject_changes_the_shape_and_each_is_read_back(name, subject):
    letter = Letter(subject, "P", "T\n", "H\n")
    mail = made(letter, recipient=Address(name, "ada@example.org"), reply_to=Address(name, "ada@example.org"))
    assert header_names(mail) == [*SHAPE[:2], "Reply-To", *SHAPE[2:]]
    assert_well_formed(mail)
    for header in ("To", "Reply-To"):
        assert mailbox(mail, header) == (one_line(name, 100), "ada@example.org")
    message = read(mail)
    assert message["Subject"] == (one_line(subject, 200) or "(no subject)")


@pytest.mark.parametrize("name", ["Ada\r\nBcc: all@example.org", "Ada\nX: y", "Ada\x85X: y", "Ada\u2028X: y"])
def test_line_break_in_a_name_adds_no_header(name):
    mail = made(reply_to=Address(name, "ada@example.org"))
    assert header_names(mail) == [*SHAPE[:2], "Reply-To", *SHAPE[2:]]


def test_name_with_a_comma_and_an_umlaut_stays_one_address():
    (address,) = read(made(recipient=Address('Müller, "Jö" <x@y.example>', "ada@example.org")))["To"].addresses
    assert (address.display_name, address.addr_spec) == ('Müller, "Jö" <x@y.example>', "ada@example.org")


def test_subject_that_looks_encoded_is_shown_as_typed():
    typed = "=?utf-8?q?Bcc=3A?="
    assert read(made(Letter(typed, "P", "T", "H")))["Subject"] == typed


def test_long_subject_is_folded():
    mail = made(Letter("Ünï " * 40, "P", "T", "H"))
    head = mail.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@exa mple.org",
        "ada@example.org\r\nBcc: x@y.example",
        "ada\r\n@example.org",
        "ada\u202e@example.org",
        "a b@example.org",
        "ada>,<eve@example.org",
        "ada,eve@example.org",
        "ada@example.org>",
        "ada@-",
        "ada@\u202eexample.org",
        "x" * 400 + "@example.org",
    ],
)
def test_address_that_is_none_is_refused(address):
    with pytest.raises(ComposeError):
        made(recipient=Address("", address))
    with pytest.raises(ComposeError):
        made(reply_to=Address("", address))


@pytest.mark.parametrize("address", ["ada+tpm@example.org", "a.b_c-d'e@sub.example.org", "x@[192.0.2.1]"])
def test_ordinary_address_goes_out_as_it_is(address):
    assert read(made(recipient=Address("", address)))["To"] == address


def test_idn_domain_goes_out_in_ascii():
    mail = made(recipient=Address("Ada", "ada@Bücher.example"))
    assert b"To: Ada <ada@xn--bcher-kva.example>\r\n" in mail
    assert not needs_smtputf8(mail)


def test_local_part_in_another_script_needs_smtputf8_and_is_kept():
    recipient = Address("Jörg", "jörg@bücher.example")
    mail = made(recipient=recipient)
    assert needs_smtputf8(mail)
    assert needs_smtputf8(recipient)
    assert "<jörg@xn--bcher-kva.example>".encode() in mail
    assert_well_formed(mail)


@pytest.mark.parametrize("name", ["Ada", "Jörg", "世界🚀"])
def test_ordinary_mail_needs_no_smtputf8(name):
    assert not needs_smtputf8(made(Letter("Grüße", "P", "世界", "世界"), recipient=Address(name, "a@b.example")))
    assert not needs_smtputf8(Address(name, "a@bücher.example"))


# --- further headers ---------------------------------------------------------------------------------------


def test_long_list_unsubscribe_is_neither_encoded_nor_folded():
    value = "<https://tpm.example/unsubscribe/" + "a" * 300 + ">"
    mail = made(headers={"List-Unsubscribe": value, "Auto-Submitted": "auto-generated"})
    assert f"List-Unsubscribe: {value}\r\n".encode() in mail
    assert b"Auto-Submitted: auto-generated\r\n" in mail


@pytest.mark.parametrize(
    "name",
    [
        "Bcc",
        "to",
        "SUBJECT",
        "Content-Type",
        "Resent-To",
        "MIME-Version",
        "Return-Path",
        "DKIM-Signature",
        "X-TPM-Reference",
        "X Y",
        "X:",
        "X\r\nBcc",
        "",
    ],
)
def test_header_that_is_ours_or_malformed_is_refused(name):
    with pytest.raises(ComposeError, match="not a header that can be added"):
        made(headers={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nBcc: x@y.example", "a\nb", "a\0", "é", "", " ", "x" * 1_000])
def test_header_value_that_is_not_one_line_of_ascii_is_refused(value):
    with pytest.raises(ComposeError, match="one line of ASCII"):
        made(headers={"X-Reason": value})


def test_message_ids_are_our_own_and_never_the_same():
    ids = {new_message_id("bücher.example") for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"<[0-9a-f]{32}@xn--bcher-kva\.example>", one) for one in ids)
    assert f"Message-ID: {(one := ids.pop())}\r\n".encode() in made(message_id=one)


@pytest.mark.parametrize("message_id", ["", "x@y.example", "<x>", "<x@y>\r\nBcc: z", "<x y@z>", "<x@y>\n"])
def test_malformed_message_id_is_refused(message_id):
    with pytest.raises(ComposeError, match="Message-ID"):
        made(message_id=message_id)


# --- to another address ------------------------------------------------------------------------------------


@given(name=NAUGHTY_NAMES, text=st.text(max_size=500))
def test_a_mail_to_another_address_is_the_same_but_for_whom_it_is_to(name, text):
    text = text.replace("\r", "").replace("\0", "") + "\n"
    before = made(Letter("S", "P", text, "<p>H</p>\n"), recipient=Address(name, ADA.email))
    after = readdressed(before, "new@bücher.example", str)
    assert_well_formed(after)
    assert mailbox(after, "To") == (mailbox(before, "To")[0], "new@xn--bcher-kva.example")
    for header in set(SHAPE) - {"To", "Content-Type"}:
        assert read(after)[header] == read(before)[header]
    assert content(read(after).get_body(("plain",))) == text


def test_its_texts_are_changed_on_the_way_in_both_forms():
    letter = Letter("S", "P", "See {link}, grüße\n", "<p>See {link}</p>\n")
    after = read(readdressed(made(letter), "new@example.org", lambda text: text.replace("{link}", "there")))
    assert [content(part) for part in after.iter_parts()] == ["See there, grüße\n", "<p>See there</p>\n"]


def test_a_mail_that_could_not_be_made_goes_to_no_other_address():
    with pytest.raises(ComposeError, match="couldn't be made"):
        readdressed(b"", "new@example.org", str)

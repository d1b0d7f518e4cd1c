"""The text of a mail: which part says it, what of it is new, and what is quoted or a signature."""

import pytest

from tests.rooms.mails import parts, read
from tpminstitute.mail.incoming.markup import readable
from tpminstitute.mail.incoming.model import PassageKind

HTML = "text/html; charset=utf-8"
ALTERNATIVE = "multipart/alternative; boundary=b1"
BLOCK = "From: TPM <info@tpminstitute.org>\nSent: Monday, March 3, 2025 9:30 AM\nTo: Ada\nSubject: Hello\n\nOur letter"


@pytest.mark.parametrize(
    "above",
    [
        "On Mon, 3 Mar 2025 at 09:30, TPM <info@tpminstitute.org> wrote:",
        "On Mon, 3 Mar 2025 at 09:30, TPM Institute of Technical Program Management <\ninfo@tpminstitute.org> wrote:",
        "Am 03.03.2025 um 09:30 schrieb TPM:",
        "Le lun. 3 mars 2025 à 09:30, TPM <info@tpminstitute.org> a écrit :",
        "El lun, 3 mar 2025 a las 9:30, TPM (<info@tpminstitute.org>) escribió:",
        "Op ma 3 mrt. 2025 om 09:30 schreef TPM <info@tpminstitute.org>:",
        "пн, 3 мар. 2025 г. в 09:30, TPM <info@tpminstitute.org> пишет:",
        "2025-03-03 9:30 GMT+01:00 TPM <info@tpminstitute.org>:",
        "TPM wrote:",
    ],
)
def test_the_line_above_a_quotation_belongs_to_it(above):
    mail = read(f"Yes.\n\n{above}\n\n> Our letter")
    assert mail.words == "Yes."


@pytest.mark.parametrize(
    "divider",
    [
        "-----Original Message-----\n" + BLOCK,
        "________________________________\n" + BLOCK,
        "________________________________\n\n" + BLOCK,
        BLOCK,
        "*From:* TPM\n*Sent:* Monday\n*To:* Ada\n*Subject:* Hello\n\nOur letter",
        "-----Ursprüngliche Nachricht-----\nVon: TPM\nGesendet: Montag\nAn: Ada\nBetreff: Hallo\n\nUnser Brief",
        "---------- Forwarded message ---------\nFrom: TPM\n\nOur letter",
        "---- On Mon, 03 Mar 2025 09:30:00 +0100 TPM <info@tpminstitute.org> wrote ----\n\nOur letter",
    ],
)
def test_an_older_mail_below_new_words_is_quoted(divider):
    assert read(f"Yes.\n\n{divider}").words == "Yes."


def test_words_between_quotations_are_kept_in_their_order():
    mail = read("On 3 Mar 2025, TPM <i@tpminstitute.org> wrote:\n> One?\nYes.\n> Two?\nNo.\n\nAda")
    assert [p.text.strip() for p in mail.passages if p.kind is PassageKind.WORDS] == ["Yes.", "No.\n\nAda"]


@pytest.mark.parametrize(
    "text",
    [
        "On Monday Bob wrote: come at ten.\nIs that right?",
        "Hello,\nOn the way I thought about three things:\nthe price, the dates and the place.",
        "Here is what Bob wrote:\nthe course is full.",
        "From: Philadelphia\nTo: New York\nWe travel on Friday.",
        "Our plan:\n\n-- first the guide\n-- then the course",
        "Sent from my iPhone is what everybody writes, and I do too.",
        BLOCK,
        "2 > 1, as they say",
    ],
)
def test_what_is_unclear_counts_as_words(text):
    assert read(text).words == text


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAda Lovelace\nEngineer",
        "Sent from my iPhone",
        "Get Outlook for Android<https://aka.ms/AAb9ysg>",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Sent from Mail for Windows",
        "Gesendet mit der GMX Mail App",
    ],
)
def test_signatures_are_no_words(signature):
    assert read(f"Yes.\n\n{signature}").words == "Yes."


def test_what_follows_a_long_dash_and_is_too_long_for_a_signature_stays_words():
    text = "Yes.\n--\n" + "\n".join(f"Point {n}" for n in range(30))
    assert read(text).words == text


def test_plain_text_goes_before_html():
    mail = read(
        parts("Content-Type: text/plain\n\nPlain", f"Content-Type: {HTML}\n\n<p>Rich"), content_type=ALTERNATIVE
    )
    assert (mail.text, mail.html) == ("Plain", "<p>Rich")


@pytest.mark.parametrize("plain", ["", " \n\n", "Your mail program does not support HTML mails."])
def test_html_is_read_where_the_plain_text_says_nothing(plain):
    mail = read(
        parts(f"Content-Type: text/plain\n\n{plain}", f"Content-Type: {HTML}\n\n<p>Rich"), content_type=ALTERNATIVE
    )
    assert mail.text == "Rich"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div><br></div><div>Two</div>", "One\n\nTwo"),
        ("One<br>Two &amp; three&nbsp;four", "One\nTwo & three four"),
        ("<ul><li>One<li>Two</ul>", "- One\n- Two"),
        ("<table><tr><td>One</td><td>Two</td></tr></table>", "One Two"),
        ("<script>no()</script><style>p{}</style><!-- no -->Yes<title>no</title>", "Yes"),
        ('<a href="https://example.org/a">the page</a>', "the page <https://example.org/a>"),
        ('<a href="https://example.org/a">https://example.org/a</a>', "https://example.org/a"),
        ('<a href="javascript:no()">the page</a>', "the page"),
        ('<span style="display:none">no</span>Yes', "Yes"),
        ('<div style="display:none">never closed, so shown', "never closed, so shown"),
        ("<blockquote>One<br>Two</blockquote>Three", "> One\n> Two\nThree"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
        ("<p>open <b>bold <i>both</p>", "open bold both"),
    ],
)
def test_html_becomes_the_text_that_people_read(html, text):
    lines, _ = readable(html)
    assert "\n".join(lines) == text


def test_words_written_into_a_signature_are_kept():
    mail = read('<div class="gmail_signature">Yes, at ten. Ada</div>', content_type=HTML)
    assert mail.words == "Yes, at ten. Ada"


def test_flowed_lines_are_one_paragraph():
    mail = read("One \ntwo.\n>> Three \n>> four.\n-- \nAda", content_type="text/plain; format=flowed")
    assert mail.text == "One two.\n>> Three four.\n-- \nAda"


@pytest.mark.parametrize(
    ("octets", "charset"),
    [
        ("Grüße – “x”".encode(), "utf-8"),
        ("Grüße – “x”".encode(), "iso-8859-1"),
        ("Grüße – “x”".encode("cp1252"), "iso-8859-1"),
        ("Grüße – “x”".encode("cp1252"), "us-ascii"),
        ("Grüße – “x”".encode("utf-16"), "utf-16"),
    ],
)
def test_charsets_are_read_as_they_are_meant(octets, charset):
    assert read(octets, content_type=f"text/plain; charset={charset}").text == "Grüße – “x”"


@pytest.mark.parametrize("charset", ["zip", "hex", "rot13", "unicode_escape", "idna", "undefined", "punycode"])
def test_a_codec_that_is_no_charset_is_never_used(charset):
    mail = read(r"a\x41 b", content_type=f"text/plain; charset={charset}")
    assert mail.text == r"a\x41 b"
    assert mail.problems

"""The institute's notice shows what a stranger typed, word for word, and nothing in it does anything."""

import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpminstitute.core import clock
from tpminstitute.mail.compose import Address, compose
from tpminstitute.mail.notice import ANSWER, CUT, CUT_IN_HTML, NO_ANSWER, render_notice

ANYTHING = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200) | st.sampled_from(
    ["<b>", "</td></tr>", "{{ 7 * 7 }}", "{% raw %}", '" onclick="x', "&lt;", "\u202e", "a\r\nBcc: b"]
)


def notice(**changed):
    fields: dict[str, Any] = {
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "phone_typed": "(215) 555-0100",
        "phone_e164": "+12155550100",
        "topic": "Courses",
        "message": "Hello,\n\n  two spaces",
        "consent": True,
        "source": "Wrote on /contact",
        "reference": "7K3M-9Q2X",
        "staff_url": "https://tpm.example/staff/contacts/x",
        "institute_name": "TPM Institute",
    }
    return render_notice(**(fields | changed))


def test_notice_says_who_what_and_where_from():
    made = notice()
    assert made.subject == "New inquiry from Ada Lovelace: Courses"
    for form in (made.text, html.unescape(made.html)):
        for part in (
            "ada@example.org",
            "(215) 555-0100 (+12155550100)",
            "Courses",
            "Hello,\n\n  two spaces",
            "Wrote on /contact",
            "7K3M-9Q2X",
            "https://tpm.example/staff/contacts/x",
        ):
            assert part in form


def test_notice_says_whether_follow_ups_were_agreed_to():
    assert "Follow-ups: agreed to" in notice(consent=True).text
    assert "Follow-ups: not agreed to" in notice(consent=False).text


@pytest.mark.parametrize(
    ("typed", "e164", "shown"),
    [("", None, "not given"), ("0215 x", None, "0215 x"), ("+12155550100", "+12155550100", "+12155550100")],
)
def test_notice_shows_the_phone_as_far_as_it_is_known(typed, e164, shown):
    assert re.search(rf"^Phone: +{re.escape(shown)}$", notice(phone_typed=typed, phone_e164=e164).text, re.MULTILINE)


def test_notice_shows_a_message_word_for_word_and_inert():
    message = "<script>alert(1)</script> {{ 7*7 }} {topic} [x](http://evil)\n\n   indented\ttab & “quote”"
    made = notice(message=message)
    assert message in made.text
    assert html.escape(message).replace("&#x27;", "&#39;") in made.html
    assert "<script" not in made.html


def test_notice_makes_hidden_characters_visible():
    made = notice(message="a\u202eb\0c\u200bd", name="Ada\u202e")
    for form in (made.text, made.html):
        assert "a⟨U+202E⟩b⟨U+0000⟩c⟨U+200B⟩d" in form
        assert "Ada⟨U+202E⟩" in form
        assert "\u202e" not in form
    assert made.subject == "New inquiry from Ada: Courses"


def test_name_can_not_pretend_to_be_another_field_of_the_notice():
    made = notice(name="Ada\nFollow-ups: agreed to", consent=False)
    assert [line for line in made.text.splitlines() if line.startswith("Follow-ups:")] == ["Follow-ups: not agreed to"]


@given(name=ANYTHING, message=ANYTHING)
def test_no_name_or_message_adds_a_tag_to_the_notice(name, message):
    tags = r"<(/?[a-z0-9]+)"
    assert re.findall(tags, notice(name=name, message=message).html) == re.findall(tags, notice().html)


@pytest.mark.parametrize("message", ["é" * 10_000, "x y\n" * 5_000], ids=["accents", "as long as it may be"])
def test_notice_holds_an_ordinary_long_message_whole_in_both_forms(message):
    made = notice(message=message)
    assert message in made.text
    assert message in made.html
    assert CUT not in made.text
    assert CUT_IN_HTML not in made.html


LONGEST = {
    "name": "🚀" * 200,
    "email": "é" * 320,
    "phone_typed": "\u202e" * 60,
    "source": "\u202e" * 500,
}


@pytest.mark.parametrize("char", ["\u202e", "🚀", "世", "&", "<", '"', "\0", "é", "x", "\n", "=", " "])
@pytest.mark.parametrize("others", [{}, LONGEST], ids=["short fields", "long fields"])
def test_notice_of_the_longest_message_stays_under_100_kb(char, others):
    made = notice(message=char * 20_000, **others)
    sender = Address("TPM Institute", "info@tpminstitute.org")
    content = compose(
        made,
        sender=sender,
        recipient=sender,
        reply_to=Address("🚀" * 200, "ada@example.org"),
        message_id=f"<{'a' * 32}@tpminstitute.org>",
        date=clock.now(),
    )
    assert len(content) < 99_000, "a signature still has to fit in"
    for form in (made.text, made.html):
        assert "https://tpm.example/staff/contacts/x" in form


def test_notice_shortens_the_html_first_and_says_where_the_whole_is():
    message = "世界 " * 6_600
    made = notice(message=message)
    assert message.strip() in made.text
    assert CUT not in made.text
    assert CUT_IN_HTML in made.html
    assert message[:1_500] in made.html


def test_notice_that_shortens_the_text_says_so_above_what_was_typed():
    made = notice(message="\u202e" * 20_000)
    head, _, typed = made.text.partition("-" * 72)
    assert CUT in head
    assert len(typed) > 20_000


def test_notice_says_when_an_answer_does_not_reach_the_visitor():
    made = notice(answerable=False)
    for form in (made.text, made.html):
        assert NO_ANSWER in form
        assert ANSWER not in form


def test_notice_of_a_message_that_nobody_can_see_has_a_preheader():
    assert notice(message="\u200b" * 20).preheader == "Courses"

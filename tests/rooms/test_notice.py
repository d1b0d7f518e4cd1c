"""The institute's notice shows what a stranger typed, word for word, and nothing in it does anything."""

import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpminstitute.mail.notice import render_notice

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


def test_notice_holds_a_message_of_ten_thousand_characters():
    message = "é" * 10_000
    assert message in notice(message=message).text

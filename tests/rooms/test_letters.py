"""A letter says what its source says; whatever a value holds, it is shown as text and does nothing."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpminstitute.core.text import one_line
from tpminstitute.mail.letters import (
    Frame,
    LetterError,
    LetterSource,
    render,
    variables_in,
)

FRAME = Frame("TPM Institute", "info@tpminstitute.org", "1 Example Street", "You wrote to us.")
VALUES = {
    "topic": "Becoming a TPM",
    "guide_url": "https://tpm.example/",
}
NAUGHTY = [
    "[x](http://evil.example)",
    "<b>bold</b>",
    "<img src=x onerror=alert(1)>",
    "{topic}",
    "{0.__class__}",
    "{{ 7 * 7 }}",
    "*a* _b_ `c` ![d](e) \\",
    "&lt;b&gt; &amp;",
    "# head",
    "- item",
    "1. item",
    '" onclick="x',
    "🚀 e\u0301 مرحبا",
]
ANYTHING = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200) | st.sampled_from(NAUGHTY)


def letter(body, values=VALUES, frame=FRAME, subject="Subject", preheader="Preheader"):
    return render(LetterSource(subject, preheader, body), values, frame)


def body_of(letter):
    """The HTML between the opening rule and the signature."""
    inner = re.search(r'<td class="ink".*?>\n(.*?)\n</td>', letter.html, re.DOTALL)
    assert inner
    return inner[1]


def words(markup):
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


# --- values are text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", NAUGHTY)
def test_naughty_value_shows_as_it_was_typed(value):
    made = letter("Dear {name}, hello.", {"name": value})
    assert words(body_of(made)) == f"Dear {value}, hello."
    assert re.sub(r"\s+", " ", made.text).startswith(f"Dear {value}, hello.")


@given(ANYTHING)
def test_value_adds_no_tag_and_no_line_wherever_it_stands(value):
    body = "{name}\n\n- {name} and *{name}*\n\n## {name}\n\n[{name}](https://x.example/?q={name})\n"
    if not one_line(value, 2_000):
        return
    plain, naughty = letter(body, {"name": "Ada"}), letter(body, {"name": value})
    tags = r"<(/?[a-z0-9]+)"
    assert re.findall(tags, body_of(naughty)) == re.findall(tags, body_of(plain))
    assert body_of(naughty).count("href=") == 1
    assert naughty.text.count("\n\n") == plain.text.count("\n\n")
    assert not set(naughty.text + naughty.html) & set("\0\r\u202e\u2066\u200b")


@given(ANYTHING)
def test_subject_and_preheader_stay_on_one_line(value):
    if not one_line(value, 2_000):
        return
    made = letter("x", {"name": value}, subject="For {name}", preheader="Of {name}")
    for line in (made.subject, made.preheader):
        assert len(line.splitlines()) == 1
        assert not set(line) & set("\0\r\n\u202e")


def test_subject_can_not_be_split_into_a_second_header():
    made = letter("x", {"name": "Ada\r\nBcc: all@example.org"}, subject="For {name}")
    assert made.subject == "For Ada Bcc: all@example.org"


def test_bidi_override_in_a_value_turns_nothing_around():
    assert "\u202e" not in letter("For {name}.", {"name": "Ada\u202e"}).text


def test_value_that_names_a_variable_is_not_filled_in_again():
    assert "For {topic}." in letter("For {name}.", {"name": "{topic}", "topic": "secret"}).text


def test_value_in_a_link_is_percent_encoded():
    made = letter("[go](https://x.example/?q={name})", {"name": 'a&b" <c>/\u00e9'})
    assert 'href="https://x.example/?q=a%26b%22%20%3Cc%3E%2F%C3%A9"' in made.html


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/here", "{name}"])
def test_link_to_an_unsafe_address_is_refused(address):
    with pytest.raises(LetterError, match="leads nowhere safe"):
        letter(f"[go]({address})", {"name": "http:evil"})


def test_link_variable_can_not_smuggle_an_unsafe_address():
    with pytest.raises(LetterError, match="leads nowhere safe"):
        letter("[go]({guide_url})", {"guide_url": "javascript:alert(1)"})


# --- variables ---------------------------------------------------------------------------------------------


def test_variables_are_found_in_subject_preheader_and_body():
    source = LetterSource("{a}", "{b}", "{c_d} [x]({guide_url})")
    assert variables_in(source) == {"a", "b", "c_d", "guide_url"}


@pytest.mark.parametrize("part", ["subject", "preheader", "body"])
@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "}",
        "{first name}",
        "{First}",
        "{a.b}",
        "{a[0]}",
        "{a!r}",
        "{a:>9}",
        "{{a}}",
        "{_a}",
        "{a_}",
        "{}",
        "{0}",
    ],
)
def test_stray_brace_is_refused_and_shown(part, broken):
    source = LetterSource(**{"subject": "s", "preheader": "p", "body": "b", part: f"x {broken} y"})
    with pytest.raises(LetterError, match=rf"The {part} has a brace"):
        variables_in(source)
    with pytest.raises(LetterError, match="brace"):
        render(source, {"a": "x", "first": "x"}, FRAME)


@pytest.mark.parametrize("place", ["subject", "preheader", "body"])
def test_unknown_variable_never_reaches_a_reader(place):
    source = LetterSource(**{"subject": "s", "preheader": "p", "body": "b", place: "Dear {frist_name}"})
    with pytest.raises(LetterError, match=r"\{frist_name\}, and there is no such variable"):
        render(source, VALUES, FRAME)


def test_unknown_variable_in_a_link_never_reaches_a_reader():
    with pytest.raises(LetterError, match="no such variable"):
        letter("[go](https://x.example/{nowhere})")


@pytest.mark.parametrize("empty", ["", " \n", "\u202e"])
def test_empty_value_leaves_no_hole_in_a_sentence(empty):
    with pytest.raises(LetterError, match=r"\{first_name\}, and it is empty"):
        letter("Dear {first_name},", {"first_name": empty})


def test_brace_hidden_in_an_entity_is_filled_in_or_refused():
    with pytest.raises(LetterError):
        letter("&#123;secret&#125;")


# --- the letter itself -------------------------------------------------------------------------------------


def test_text_keeps_paragraphs_lists_and_links():
    made = letter(
        "One.\nStill one.\n\n1. First\n2. Second\n   - inner\n\n> Quoted\n\n"
        "See [the guide]({guide_url}#x) or <https://y.example/>.\n\n---\n\nLine\\\nbroken.\n"
    )
    assert made.text.split("\n-- \n")[0].strip() == (
        "One. Still one.\n\n1. First\n2. Second\n   - inner\n\n> Quoted\n\n"
        "See the guide: https://tpm.example/#x or https://y.example/.\n\n* * *\n\nLine\nbroken."
    )


def test_text_is_wrapped_and_an_address_stays_whole():
    address = "https://x.example/" + "a" * 100
    lines = letter("word " * 60 + f"\n\n[Read]({address})").text.splitlines()
    assert max(len(line) for line in lines if "https" not in line) <= 72
    assert address in lines


def test_text_has_no_markup_left():
    assert letter("**Strong** and *soft*").text.startswith("Strong and soft\n")


def test_letter_names_the_institute_its_address_and_the_reason():
    made = letter("x")
    for form in (made.text, made.html):
        for part in ("TPM Institute", "info@tpminstitute.org", "1 Example Street", "You wrote to us."):
            assert part in form


def test_letter_without_postal_address_leaves_no_gap():
    frame = Frame("TPM Institute", "info@tpminstitute.org", "", "You wrote to us.")
    assert letter("x", frame=frame).text.endswith("-- \nTPM Institute\ninfo@tpminstitute.org\n\nYou wrote to us.\n")


def test_unsubscribe_link_is_visible_where_there_is_one_and_only_there():
    frame = Frame("TPM", "a@b.example", "", "r", unsubscribe_url="https://x.example/unsubscribe/t?a=1&b=2")
    made = letter("x", frame=frame)
    assert "https://x.example/unsubscribe/t?a=1&b=2" in made.text
    assert 'href="https://x.example/unsubscribe/t?a=1&amp;b=2"' in made.html
    assert "no more" not in letter("x").text + letter("x").html


def test_frame_is_escaped_in_html():
    made = letter("x", frame=Frame("A & <B>", "a@b.example", "<i>", "<script>"))
    assert "A &amp; &lt;B&gt;" in made.html
    assert "<script>" not in made.html
    assert "<i>" not in made.html


def test_html_has_language_preheader_and_dark_mode_and_loads_nothing():
    made = letter("x", frame=Frame("T", "a@b.example", "", "r", language="de"), preheader="In short")
    assert '<html lang="de">' in made.html
    assert re.search(r'<div style="display:none[^>]*>In short', made.html)
    assert '<meta name="color-scheme" content="light dark">' in made.html
    assert "prefers-color-scheme: dark" in made.html
    assert not re.search(r"<img|<link|<script|@import|url\(|src=", made.html)


def test_markup_in_a_source_is_text():
    made = letter("<b>x</b> ![p](https://x.example/p.png)")
    assert "<b>" not in body_of(made)
    assert "<img" not in made.html


def test_letter_over_100_kb_is_refused():
    with pytest.raises(LetterError, match="Shorten"):
        letter("word " * 25_000)


def test_same_source_makes_a_fresh_letter_for_each_reader():
    first, second = letter("For {name}", {"name": "Ada"}), letter("For {name}", {"name": "Bob"})
    assert ("Ada" in first.html, "Ada" in second.html, "Bob" in second.html) == (True, False, True)

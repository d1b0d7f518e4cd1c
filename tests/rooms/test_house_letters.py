"""The letters in templates/email are whole, honest and short, and a broken file is refused by its name."""

import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.factories import ADA, TOPIC_LABELS
from tests.parts import lint
from tests.parts.opened import Page
from tests.rooms.test_guide import SOURCE
from tpminstitute.guide.chapters import load_guide
from tpminstitute.inbox.letters import ACKNOWLEDGEMENTS, GUIDE_TO_KEEP, PATHWAY
from tpminstitute.inbox.previews import MADE_UP, Reader, letter_for
from tpminstitute.mail.compose import Address, compose, feedback_id, new_message_id
from tpminstitute.mail.drafts import PATHWAY as PATHWAY_VARIABLES
from tpminstitute.mail.letters import TEMPLATES, LetterError, letter_sources, variables_in
from tpminstitute.mail.models import MessageKind

LETTERS = letter_sources()
KEYS = sorted(LETTERS)
FOLLOW_UPS = [key for key in KEYS if key not in ACKNOWLEDGEMENTS]
UNSUBSCRIBE = "http://institute.test/unsubscribe/example"


def words_of(text):
    return len(text.split())


def sentences_of(source):
    """The sentences of a letter, its greeting and its link left out; they are the same words for the same thing."""
    body = re.sub(r"(?m)^(\{greeting\}|\[[^]]+\]\([^)]+\))$", "", source.body)
    plain = re.sub(r"(?m)^ *(>|-|\d+\.) +|\*", "", body)
    whole = "\n\n".join([source.subject, source.preheader, plain])
    found = re.split(r"(?<=[.?:;,”])\s*\n|(?<=[.?:])[”)]?\s+|\n\n", whole)
    return {" ".join(sentence.split()).casefold() for sentence in found if words_of(sentence) > 2}


def mail_of(key, letter):
    """The bytes of a letter's mail, as the outbox makes them."""
    acknowledges = key in ACKNOWLEDGEMENTS
    kind = MessageKind.ACKNOWLEDGEMENT if acknowledges else MessageKind.FOLLOW_UP
    leaving = {"List-Unsubscribe": f"<{UNSUBSCRIBE}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return compose(
        letter,
        sender=Address("TPM Institute", lint.INSTITUTE),
        recipient=Address("", ADA),
        message_id=new_message_id("tpminstitute.org"),
        date=datetime.now(UTC),
        headers={
            "Auto-Submitted": "auto-replied" if acknowledges else "auto-generated",
            "Feedback-ID": feedback_id(kind, "courses" if acknowledges else key, lint.INSTITUTE),
            **({} if acknowledges else leaving),
        },
    )


def test_house_has_its_twenty_two_letters():
    beginnings = Counter(key.partition("-")[0] for key in KEYS)
    assert beginnings == {
        "acknowledgement": 2,
        "guide": 1,
        "pathway": 1,
        "follow": 3,
        "new": 5,
        "engineer": 5,
        "manager": 5,
    }


@pytest.mark.parametrize("key", KEYS)
def test_letter_of_the_house_is_whole_and_small_whoever_reads(settings, key):
    for name, greeting in {"Ada Lovelace": "Hello Ada,", "7K3M": "Hello,"}.items():
        for topic in TOPIC_LABELS.values():
            made = letter_for(settings, key, LETTERS[key], Reader("", None, name, topic, "7K3M-9Q2X"))
            page = Page(made.html)
            assert made.text.startswith(f"{greeting}\n\n")
            assert not re.search(r"[{}]", made.text + page.text + made.subject + made.preheader)
            assert "**" not in made.text
            assert len(made.html.encode()) < 20_000


@pytest.mark.parametrize("key", KEYS)
def test_mail_of_each_letter_passes_the_lint(settings, key):
    assert lint.faults(mail_of(key, letter_for(settings, key, LETTERS[key], MADE_UP)), [ADA]) == []


@pytest.mark.parametrize("key", KEYS)
def test_letter_of_the_house_promises_no_time_and_names_no_price(key):
    source = LETTERS[key]
    assert not re.search(r"[$€£%!]|\b(hours?|minutes?|tomorrow|soon|hurry|limited)\b", source.body + source.subject)


@pytest.mark.parametrize("key", KEYS)
def test_letter_of_the_house_has_no_figure_and_no_abbreviation_but_the_guides(key):
    guide = SOURCE.read_text()
    of_letter, of_guide = (
        set(re.findall(r"\d+|\b[A-Z]{2,}\b", text)) for text in ("\n".join(vars(LETTERS[key]).values()), guide)
    )
    assert of_letter <= of_guide | ({"PDF", "EPUB"} if key == GUIDE_TO_KEEP else set())


@pytest.mark.parametrize("key", FOLLOW_UPS)
def test_follow_up_is_read_in_a_minute_or_two(settings, key):
    text = letter_for(settings, key, LETTERS[key], MADE_UP).text.partition("\n-- \n")[0]
    assert 120 <= words_of(text) <= 350
    assert len(LETTERS[key].subject) <= 55


@pytest.mark.parametrize("key", ACKNOWLEDGEMENTS)
def test_acknowledgement_is_shorter_than_a_follow_up(key):
    assert words_of(LETTERS[key].body) < min(words_of(LETTERS[follow_up].body) for follow_up in FOLLOW_UPS)


def test_no_two_letters_share_a_sentence():
    found = Counter(sentence for source in LETTERS.values() for sentence in sentences_of(source))
    assert [sentence for sentence, times in found.items() if times > 1] == []


@pytest.mark.parametrize("key", KEYS)
def test_letter_of_the_house_leads_to_one_place_of_the_guide_at_most_and_to_the_way_out(settings, key):
    page = Page(letter_for(settings, key, LETTERS[key], MADE_UP).html)
    links = {link.removeprefix("http://institute.test/") for link in page.links if link.startswith("http")}
    files = {"guide.pdf", "guide.epub"}
    places = {"", *(f"#{chapter.slug}" for chapter in load_guide().chapters)} | files
    expected = {"acknowledgement-again": 0, PATHWAY: 0, GUIDE_TO_KEEP: len(files)}
    assert len(links & places) == expected.get(key, 1)
    assert "me" in links
    elsewhere = {PATHWAY: {"pathway"}} | {one: {"unsubscribe/example"} for one in FOLLOW_UPS}
    assert links - places - {"me"} == elsewhere.get(key, set())


@pytest.mark.parametrize("key", ACKNOWLEDGEMENTS)
def test_acknowledgement_knows_nothing_of_what_was_typed_but_the_greeting(key):
    of_the_check = PATHWAY_VARIABLES if key == PATHWAY else ()
    assert variables_in(LETTERS[key]) <= {"greeting", "reference", "topic", "guide_url", *of_the_check}


@pytest.mark.parametrize("key", FOLLOW_UPS)
def test_follow_up_invites_an_answer(key):
    assert re.search(r"\b(answer|reply)", LETTERS[key].body.rpartition("\n\n")[2].lower())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("subject: x", "does not begin as a letter does"),
        ("---\nsubject: x\n---\nbody", "does not begin as a letter does"),
        ("---\nsubject: x\npreheader:\n---\nbody", "does not begin as a letter does"),
        ("---\nsubject: x\npreheader: y\n---\n \n", "does not begin as a letter does"),
        ("---\nsubject: x\npreheader: y\n---\n{body", "brace"),
    ],
)
def test_broken_letter_file_is_refused_by_its_name(tmp_path, content, says):
    (tmp_path / "odd.md").write_text(content)
    with pytest.raises(LetterError, match=says) as refused:
        letter_sources(tmp_path)
    assert "odd.md" in str(refused.value)


def test_folder_without_letters_is_refused(tmp_path):
    with pytest.raises(LetterError, match="no letters"):
        letter_sources(tmp_path)


def test_letter_file_with_windows_line_ends_is_read(tmp_path):
    (tmp_path / "a.md").write_bytes((TEMPLATES / "acknowledgement.md").read_bytes().replace(b"\n", b"\r\n"))
    assert letter_sources(tmp_path)["a"] == letter_sources()["acknowledgement"]

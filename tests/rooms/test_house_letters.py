"""The letters in templates/email are whole, honest and short, and a broken file is refused by its name."""

import re

import pytest

from tpminstitute.guide.chapters import load_guide
from tpminstitute.mail.letters import TEMPLATES, Frame, LetterError, letter_sources, render, variables_in

FRAME = Frame("TPM Institute", "info@tpminstitute.org", "1 Example Street", "You wrote to us.")
VALUES = {
    "greeting": "Hello Ada,",
    "topic": "Becoming a TPM",
    "guide_url": "https://tpm.example/",
    "reference": "7K3M-9Q2X",
}


def test_house_has_its_four_letters():
    assert set(letter_sources()) == {
        "acknowledgement",
        "follow-up-experience",
        "follow-up-certifications",
        "follow-up-skills",
    }


@pytest.mark.parametrize("key", sorted(letter_sources()))
def test_letter_of_the_house_is_whole_and_small(key):
    made = render(letter_sources()[key], VALUES, FRAME)
    assert made.text.startswith("Hello Ada,\n\n")
    assert not re.search(r"[{}]", made.text + made.html.partition("</style>")[2] + made.subject + made.preheader)
    assert len(made.html.encode()) < 20_000
    assert len(re.findall('href="https', made.html)) == 1


@pytest.mark.parametrize("key", sorted(letter_sources()))
def test_letter_of_the_house_promises_no_time_and_names_no_price(key):
    source = letter_sources()[key]
    assert not re.search(r"[$€£%!]|\b(hours?|minutes?|tomorrow|soon|hurry|limited)\b", source.body + source.subject)


@pytest.mark.parametrize("key", sorted(letter_sources()))
def test_letter_of_the_house_links_only_to_chapters_that_are_there(key):
    slugs = {chapter.slug for chapter in load_guide().chapters}
    assert set(re.findall(r"\{guide_url\}#([\w-]+)", letter_sources()[key].body)) <= slugs


def test_acknowledgement_knows_nothing_of_what_was_typed_but_the_greeting():
    assert variables_in(letter_sources()["acknowledgement"]) == {
        "greeting",
        "reference",
        "topic",
        "guide_url",
    }


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

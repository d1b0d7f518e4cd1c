"""The search over what visitors read finds what they mean, marks it, and says what it took for what."""

import pytest

from tpminstitute.guide.chapters import load_guide
from tpminstitute.site_search.passages import Passage, guide_passages
from tpminstitute.site_search.search import LONGEST_QUERY, MOST_FOUND, Index, Read, search

GUIDE = load_guide()


def looked_through(query, passages):
    return search(query, Index.of(map(Read.of, passages)))


def asked(query, *others):
    return looked_through(query, [*guide_passages(GUIDE), *others])


def hrefs(query):
    return [found.passage.href for found in asked(query).found]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("PMP", "/#certification-pmp"),
        ("scrum MASTER", "/#certification-csm"),
        ("leadership", "/#skill-leadership"),
        ("problem solving", "/#skill-problem-solving"),
        ("bachelor's degree", "/#educational-background-and-certifications"),
        ("degree bachelor’s", "/#educational-background-and-certifications"),
        ("mentor", "/#gaining-relevant-experience"),
        ("Ádàptability", "/#skill-adaptability"),
    ],
)
def test_the_first_passage_is_what_was_meant(query, first):
    assert hrefs(query)[0] == first


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("leadreship", "leadership"),
        ("certifcations", "certifications"),
        ("mentership", "mentorship"),
        ("scurm", "scrum"),
    ],
)
def test_a_word_that_is_mistyped_is_taken_for_the_near_one_and_the_answer_says_so(typed, taken):
    answer = asked(typed)
    assert answer.taken == {typed: [taken]}
    assert answer.found


def test_a_word_that_stands_somewhere_is_taken_for_no_other():
    assert asked("lead").taken == {}


@pytest.mark.parametrize("query", ["", "   ", "!?", "\u200b"])
def test_nothing_to_look_for_finds_nothing(query):
    assert asked(query).found == []


def test_each_word_must_be_there():
    assert hrefs("scrum xylophone") == []
    assert asked("xy").taken == {}


def test_what_was_found_is_marked_as_it_is_written():
    (found,) = asked("pmp profess").found
    assert [piece.text for piece in found.text if piece.marked] == ["Professional", "PMP"]
    assert "".join(piece.text for piece in found.text) == found.passage.text


def test_a_passage_with_several_names_is_found_once():
    texts = [found.passage.text for found in asked("certifications").found]
    assert len(texts) == len(set(texts))


def test_whatever_else_is_public_is_found_beside_the_guide():
    comment = Passage("Ada on Introduction", "/#comment-1", "Is a café a good place to learn?", "Comment")
    (found,) = asked("CAFE", comment).found
    assert found.passage == comment


def test_every_passage_of_the_guide_leads_to_a_chapter_or_a_part_of_it():
    anchors = {chapter.slug for chapter in GUIDE.chapters}
    anchors |= {part.anchor for chapter in GUIDE.chapters for part in chapter.parts}
    assert {passage.href.removeprefix("/#") for passage in guide_passages(GUIDE)} == anchors


def test_words_of_a_list_within_a_list_are_found(tmp_path):
    (tmp_path / "guide.md").write_text("# The way\n")
    (tmp_path / "01-first.md").write_text("# First\n\n- outer\n  - inner\n")
    passages = list(guide_passages(load_guide(tmp_path)))
    assert [len(looked_through(word, passages).found) for word in ("outer", "inner")] == [1, 1]


def test_a_word_of_every_passage_shows_the_first_and_says_there_are_more():
    many = [Passage("A comment", f"/#{number}", f"word {number}", "Comment") for number in range(MOST_FOUND + 1)]
    answer = looked_through("word", many)
    assert len(answer.found) == MOST_FOUND
    assert answer.more


def test_an_endless_query_is_cut():
    assert len(asked("leadership " * 10_000).query) <= LONGEST_QUERY

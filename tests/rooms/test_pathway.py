"""The pathway check says what the guide says, to every answer; its addresses hold answers and keep their meaning."""

import re

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tpminstitute.contacts.models import Background
from tpminstitute.guide.chapters import load_guide
from tpminstitute.guide.passages import CERTIFICATIONS, address_of, chapter_of, stands_in
from tpminstitute.pathway.checks import box_of, problems_of, reassigned
from tpminstitute.pathway.codes import LONGEST, decode, encode
from tpminstitute.pathway.outcome import in_words, pathway_of
from tpminstitute.pathway.reading import TableProblem, read_table, shipped_text, tidy
from tpminstitute.pathway.table import Kind
from tpminstitute.pathway.words import for_letter, for_staff

GUIDE = load_guide()
TABLE = read_table(shipped_text())

SMALL = """
## Question A, role
Ask: Do you have a role?
Chapter: introduction
1 yes: Yes
2 no: No

## Question B, held
Ask: What do you hold?
Chapter: introduction
Choose: any
1 csm: CSM
2 pmp: PMP

## Have: A role
When: role is yes; held is not csm or pmp
Why: You have one.
Guide: manage cross-functional teams
Passage: introduction

## Here: At the start
Why: You stand here.
Guide: This guide will help you
Passage: introduction

## Step: One
Why: It is for all.
Guide: This guide will help you
Passage: introduction

## Step: Two
Why: It is for all.
Guide: This guide will help you
Passage: introduction

## Step: Three
Why: It is for all.
Guide: This guide will help you
Passage: introduction
"""


A_SKILL = "## Skill: A role\nWhy: y\nGuide: This guide\nPassage: introduction"


def said_of(text):
    """What keeps a table's text from being used."""
    try:
        return " ".join(problems_of(read_table(text), GUIDE))
    except TableProblem as problem:
        return str(problem)


def one_answer(question):
    keys = [answer.key for answer in question.answers]
    if question.several:
        return st.frozensets(st.sampled_from(keys))
    return st.one_of(st.just(frozenset()), st.sampled_from(keys).map(lambda key: frozenset((key,))))


ANY_ANSWERS = st.fixed_dictionaries({question.key: one_answer(question) for question in TABLE.questions}).map(
    lambda chosen: {key: keys for key, keys in chosen.items() if keys}
)


def test_shipped_table_can_be_used_and_asks_about_a_dozen_questions():
    assert problems_of(TABLE, GUIDE) == []
    assert 12 <= len(TABLE.questions) <= 13
    assert said_of(SMALL) == ""


def test_shipped_table_says_nothing_of_money_length_of_time_or_exams():
    words = " ".join(f"{rule.label} {rule.why}" for rule in TABLE.rules).lower()
    assert not re.search(r"\b(salar|pay|earn|cost|fee|price|\$|exam|month|year|weeks|guarante)", words)
    assert "!" not in words


@given(ANY_ANSWERS)
@example({})
def test_whatever_is_answered_there_are_three_different_steps_and_one_place_to_stand(answers):
    pathway = pathway_of(TABLE, answers)
    assert len({rule.label for rule in pathway.steps}) == 3
    assert pathway.here.kind is Kind.HERE
    for rule in [pathway.here, *pathway.behind, *pathway.have, *pathway.steps, *pathway.skills]:
        assert rule.is_for(answers)
        assert stands_in(GUIDE, rule.passage, rule.quote)


@given(ANY_ANSWERS)
def test_each_named_certification_is_held_fits_does_not_yet_or_is_left_open_and_only_one_of_these(answers):
    pathway = pathway_of(TABLE, answers)
    held = [rule.label for rule in pathway.have if "(" in rule.label]
    said = [*held, *(rule.label for rule in [*pathway.fits, *pathway.not_yet]), *pathway.unsaid]
    assert sorted(re.sub(r".*\((\w+)\)", r"\1", label) for label in said) == ["CAL", "CSM", "PMP", "SPC"]


@given(ANY_ANSWERS)
def test_a_skill_is_had_or_to_be_worked_on_and_never_both(answers):
    pathway = pathway_of(TABLE, answers)
    assert not {rule.label for rule in pathway.have} & {rule.label for rule in pathway.skills}


@given(ANY_ANSWERS)
def test_a_rule_is_for_exactly_the_answers_in_its_box(answers):
    for rule in TABLE.rules:
        inside = True
        for name, allowed in box_of(TABLE, rule).items():
            key, _, answer = name.partition(" ")
            chosen = answers.get(key, frozenset())
            value = ("yes" if answer in chosen else "no") if answer else next(iter(chosen), "")
            inside = inside and value in allowed
        assert inside == rule.is_for(answers), rule.label


def test_spc_fits_only_who_aims_at_technical_program_management_explicitly():
    for aim, fits in {"technical": True, "broad": False, "open": False}.items():
        pathway = pathway_of(TABLE, {"aim": frozenset((aim,))})
        assert ("SAFe Program Consultant (SPC)" in [rule.label for rule in pathway.fits]) is fits


@pytest.mark.parametrize(
    ("answers", "background"),
    [
        ({"projects": "own", "technical": "now"}, Background.PROJECT_MANAGEMENT),
        ({"technical": "earlier", "projects": "never"}, Background.ENGINEERING),
        ({"technical": "never"}, Background.NEW),
        ({"time": "little"}, None),
    ],
)
def test_who_answered_counts_for_follow_ups_as_the_place_where_they_stand(answers, background):
    assert pathway_of(TABLE, {key: frozenset((value,)) for key, value in answers.items()}).background is background


# --- addresses ---------------------------------------------------------------------------------------------


@given(ANY_ANSWERS)
def test_an_address_holds_the_answers_and_gives_them_back(answers):
    code = encode(TABLE, answers)
    if not answers:
        assert code == ""
        return
    assert re.fullmatch(r"1-[0-9a-f]{4}-[a-z1-9]{2,60}", code)
    decoded = decode(TABLE, code)
    assert decoded is not None
    assert (dict(decoded.answers), decoded.older, decoded.gone) == (answers, False, 0)


@effort(max_examples=40)
@given(st.one_of(st.text(), st.from_regex(r"1-[0-9a-f]{4}-([a-z][0-9]{0,3}){0,9}", fullmatch=True)))
@example("1-" + "a1" * 5_000)
@example("1-0000-a1\n")
@example("1-0000-٣")
def test_a_code_of_any_shape_is_read_or_refused_and_breaks_nothing(code):
    decoded = decode(TABLE, code)
    assert decoded is None or (decoded.answers and len(code) <= LONGEST)


@pytest.mark.parametrize("end", ["", "a", "a5", "z1", "a12", "b1a1", "a1a1", "c21", "c11", "A1", "a0", "a1-", "a1 "])
def test_what_no_page_of_ours_makes_is_no_address(end):
    assert decode(TABLE, f"1-{TABLE.fingerprint}-{end}") is None


def test_an_older_address_keeps_what_is_still_asked_and_says_what_is_not():
    older = read_table(SMALL.replace("2 no: No", "2 no: No\n3 maybe: Maybe"))
    code = encode(older, {"role": frozenset(("maybe",)), "held": frozenset(("csm", "pmp"))})
    decoded = decode(read_table(SMALL), code)
    assert decoded is not None
    assert (decoded.older, decoded.gone, dict(decoded.answers)) == (True, 1, {"held": frozenset(("csm", "pmp"))})


def test_an_older_address_of_which_nothing_is_left_is_none():
    older = read_table(SMALL.replace("Question A, role", "Question Z, rank").replace("role is", "rank is"))
    assert decode(read_table(SMALL), encode(older, {"rank": frozenset(("yes",))})) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("Question A, role", "Question A, rank"), "the letter A stood for “role”"),
        (("2 no: No", "2 never: No"), "“never” has a number that stood for “no”"),
    ],
)
def test_a_letter_or_number_never_comes_to_stand_for_something_else(change, says):
    changed = SMALL.replace(*change).replace("role is", "rank is" if "rank" in change[1] else "role is")
    assert says in " ".join(reassigned(read_table(changed), [read_table(SMALL)]))
    assert reassigned(read_table(SMALL.replace("Do you have", "Have you")), [read_table(SMALL)]) == []


# --- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("## Question A, role", "## Frage A"), "begins no question and no rule"),
        (("Ask: Do you have a role?", ""), "has no line “Ask: …”"),
        (("Why: You have one.", ""), "has no line “Why: …”"),
        (("Guide: manage cross-functional teams", ""), "has no line “Guide: …”"),
        (("Passage: introduction\n\n## Here", "\n## Here"), "has no line “Passage: …”"),
        (("Why: You have one.", "Because: You have one."), "“Because”, which doesn't belong there"),
        (("Why: You have one.", "Why: You have one.\nWhy: Twice."), "stands twice"),
        (("Why: You have one.", f"Why: {'W' * 301}"), "Shorten this to 300 characters: it has 301"),
        (("Choose: any", "Choose: some"), "“Choose: one” or “Choose: any”"),
        (("## Here: At the start", "## Here: At the start\nCounts as: wizard"), "knows new, engineering"),
        (("When: role is yes;", "When: role yes;"), "can't be read. Write such as"),
        (("When: role is yes;", "When: rank is yes;"), "there is no question “rank”"),
        (("When: role is yes;", "When: role is maybe;"), "“role” has no answer “maybe”"),
        (("When: role is yes;", "When: role is yes; role is not no;"), "asks for “role” twice"),
        (("held is not csm or pmp", "held is csm or pmp"), "“or” can't be read. Write a rule for each"),
        (("When: role is yes;", "When:"), "no rule asks for “role”"),
        (("Chapter: introduction", "Chapter: the-moon"), "the guide has no chapter “the-moon”"),
        (("Passage: introduction\n\n## Here", "Passage: skill-juggling\n\n## Here"), "no passage “skill-juggling”"),
        (("Guide: manage cross-functional teams", "Guide: earn twice as much"), "don't stand in the guide"),
        (("Question B, held", "Question A, held"), "The letter A stands for 2 questions"),
        (("2 no: No", "1 no: No"), "two answers of “role” have the same number"),
        (("2 no: No\n", ""), "needs at least 2 answers"),
        (("## Step: Three", "## Step: Three\nWhen: role is no"), "have no “When”. There are 2"),
        (("## Here: At the start", "## Here: At the start\nWhen: role is no"), "has to stand somewhere, too"),
        (("## Step: Three", "## Step: Two"), "both say “Two” to the same readers"),
        (("## Step: Three", f"{A_SKILL}\n\n## Step: Three"), "contradict"),
        (
            ("## Here: At", "## Here: All\nWhy: y\nGuide: This guide\nPassage: introduction\n\n## Here: At"),
            "nobody comes to “At the start”",
        ),
        ((SMALL, ""), "The table asks nothing"),
        ((SMALL, "x" * 60_001), "Shorten the table to 60,000 characters"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_refused_in_a_sentence(change, says):
    assert change[0] in SMALL
    old, new = change
    assert says in said_of(SMALL.replace(old, new, 1))


def test_rules_that_no_reader_can_meet_both_do_not_contradict():
    skill = "## Skill: A role\nWhen: role is no\nWhy: y\nGuide: This guide\nPassage: introduction\n\n## Step: Three"
    assert said_of(SMALL.replace("## Step: Three", skill)) == ""


@given(st.text(max_size=400))
@example("## Question A, a\n1 a: b\n## \n## Here: x\nWhen: ;;; is not\n")
def test_any_text_is_a_table_or_a_sentence(text):
    assert said_of(text) or read_table(text)


def test_hidden_characters_and_other_line_ends_are_left_out_of_a_kept_text():
    assert tidy("  ## Here: a\u202eb  \r\nWhy: c\u200b \r\n\n") == "## Here: ab\nWhy: c\n"


# --- passages and words ------------------------------------------------------------------------------------------


def test_a_passage_leads_to_its_own_anchor_or_to_its_chapter():
    assert address_of(GUIDE, "skill-leadership") == "/#skill-leadership"
    assert address_of(GUIDE, "gaining-relevant-experience") == "/#gaining-relevant-experience"
    assert address_of(GUIDE, "no-such-passage") == "/"
    for passage in CERTIFICATIONS:
        chapter = chapter_of(GUIDE, passage)
        assert chapter is not None
        assert chapter.slug == "educational-background-and-certifications"
        assert address_of(GUIDE, passage) in ("/#educational-background-and-certifications", f"/#{passage}")


@given(ANY_ANSWERS)
def test_the_words_for_staff_and_for_the_letter_are_never_empty(answers):
    pathway = pathway_of(TABLE, answers)
    assert all(for_letter(pathway, "https://institute.test/pathway/x").values())
    assert pathway.steps[0].label in for_staff(pathway)
    assert len(in_words(TABLE, answers)) == len(TABLE.questions)

"""The guide is the source, every sentence of it; a broken file stops the program with a sentence."""

import re
from datetime import date
from pathlib import Path

import pytest

from tpminstitute.core import clock
from tpminstitute.guide import editions
from tpminstitute.guide.chapters import CONTENT, GuideError, load_guide, load_page
from tpminstitute.guide.editions import line_for

SOURCE = Path(__file__).with_name("pathway-guide.txt")
NOTE = "A comment is read at the institute before it is published."
SLUGS = [
    "introduction",
    "understanding-the-role-of-a-program-manager-in-tech",
    "educational-background-and-certifications",
    "gaining-relevant-experience",
    "developing-essential-skills",
    "building-a-career-path",
    "conclusion",
    "contact-us",
    "comments",
]


def settled(text):
    """White space and list numbers don't count as words of the guide."""
    return " ".join(re.sub(r"(?m)^\d+\. ", "", text).split())


@pytest.fixture
def folder(tmp_path):
    """A small guide of one's own to break."""
    (tmp_path / "guide.md").write_text("# The way\n")
    (tmp_path / "01-first.md").write_text("# First\n\nOne *step*.\n")
    (tmp_path / "02-second.md").write_text("# Second\n\nAnother.\n")
    return tmp_path


def test_guide_is_the_source_word_for_word_but_for_its_two_mends():
    guide = load_guide()
    ours = settled("\n".join([guide.title, *(f"{c.title}\n{c.text}" for c in guide.chapters)]))
    theirs = settled(SOURCE.read_text("utf-8"))
    mended = theirs.replace("methodologies Cultivating", "methodologies. Cultivating")
    assert mended != theirs
    assert ours == f"{mended} {NOTE}"


def test_line_broken_between_tech_and_community_is_joined_in_one_paragraph():
    experience = load_guide().chapters[3]
    assert "Networking within the tech Community and seeking mentorship" in experience.html


def test_full_stop_after_methodologies_is_there():
    assert "emerging technologies and methodologies. Cultivating" in load_guide().chapters[5].html


def test_chapters_stand_in_the_order_of_the_source_with_lasting_addresses():
    assert [chapter.slug for chapter in load_guide().chapters] == SLUGS


def test_five_key_skills_are_one_ordered_list_with_anchors():
    html = load_guide().chapters[4].html
    assert html.count("<ol>") == 1
    assert re.findall(r'<li id="([^"]+)"><strong>([^<]+)</strong>: ', html) == [
        ("skill-leadership", "Leadership"),
        ("skill-communication", "Communication"),
        ("skill-problem-solving", "Problem-Solving"),
        ("skill-organizational-skills", "Organizational Skills"),
        ("skill-adaptability", "Adaptability"),
    ]


def test_each_certification_has_an_anchor_made_from_its_abbreviation_where_it_stands():
    html = load_guide().chapters[2].html
    assert re.findall(r'<span id="([^"]+)">([^<]+)</span>', html) == [
        ("certification-csm", "Certified Scrum Master (CSM)"),
        ("certification-pmp", "Project Management Professional (PMP)"),
        ("certification-cal", "Certified Agile Leadership (CAL)"),
        ("certification-spc", "SAFe Program Consultant (SPC)"),
    ]


def test_an_abbreviation_outside_the_chapter_on_certifications_is_none():
    first = load_guide().chapters[0]
    assert "Program Manager (TPM)" in first.text
    assert first.parts == ()


def test_a_certification_named_twice_has_its_anchor_at_the_first_place(folder):
    (folder / "03-certifications.md").write_text("# C\n\nAgile Master (AM), and again Agile Master (AM).\n")
    assert load_guide(folder).chapters[2].html.count('id="certification-am"') == 1


def test_two_parts_with_one_address_are_refused(folder):
    (folder / "01-first.md").write_text("# First\n\n- **Calm**: one.\n- **Calm**: two.\n")
    with pytest.raises(GuideError, match="#skill-calm"):
        load_guide(folder)


def test_chapters_that_only_lead_to_the_institute_are_no_stations_of_the_path():
    assert [chapter.slug for chapter in load_guide().on_the_way] == SLUGS[:7]


def test_courses_for_program_manager_leads_to_the_courses():
    assert '<a href="/courses">Courses For Program Manager</a>' in load_guide().chapters[5].html


def test_contact_block_can_be_written_to_and_called():
    html = load_guide().chapters[7].html
    assert 'Email: <a href="mailto:info@tpminstitute.org">info@tpminstitute.org</a>' in html
    assert 'Phone: <a href="tel:+12154302201">+1 (215) 430-2201</a>' in html


def test_post_a_comment_leads_to_the_comments_and_says_what_becomes_of_one():
    html = load_guide().chapters[8].html
    assert '<a href="/comments">Post a Comment</a>' in html
    assert NOTE in html


def test_reading_time_is_that_of_the_words():
    guide = load_guide()
    words = sum(len(chapter.text.split()) for chapter in guide.chapters)
    assert guide.reading_minutes == round(words / 238) == 3
    assert all(chapter.minutes == 1 for chapter in guide.chapters)


def test_edition_changes_with_one_word_and_not_without(folder):
    before = load_guide(folder).edition
    assert load_guide(folder).edition == before
    (folder / "02-second.md").write_text("# Second\n\nAnothers.\n")
    assert load_guide(folder).edition != before


def test_the_text_as_it_is_has_a_day_on_which_it_appeared():
    guide = load_guide()
    today = clock.now().date()
    assert guide.updated, f"The guide's text was changed. Date it in {editions.FILE}: {line_for(guide.edition, today)}"
    assert guide.updated <= today


def test_a_changed_text_has_no_day_until_somebody_writes_one(folder):
    before = load_guide(folder).edition
    (folder / "editions.md").write_text(f"# Editions\n\n{line_for(before, date(2026, 5, 4))}\n")
    assert load_guide(folder).updated == date(2026, 5, 4)
    (folder / "02-second.md").write_text("# Second\n\nAnothers.\n")
    assert load_guide(folder).updated is None


def test_windows_line_ends_are_no_other_edition(folder):
    before = load_guide(folder).edition
    (folder / "02-second.md").write_bytes(b"# Second\r\n\r\nAnother.\r\n")
    assert load_guide(folder).edition == before


@pytest.mark.parametrize("line", ["- yesterday", "- 2026-13-01 `0123abcd` Changed.", "- 2026-11-22 `0123abcd`"])
def test_an_edition_that_cant_be_read_is_refused_with_the_line_and_how_it_should_be(folder, line):
    (folder / "editions.md").write_text(f"# Editions\n\n{line}\n")
    with pytest.raises(GuideError, match="is no edition") as refused:
        load_guide(folder)
    assert line in str(refused.value)
    assert "editions.md" in str(refused.value)


def test_a_chapters_edition_changes_with_its_own_words_only(folder):
    before = load_guide(folder).chapters
    (folder / "02-second.md").write_text("# Second\n\nAnothers.\n")
    after = load_guide(folder).chapters
    assert after[0].edition == before[0].edition
    assert after[1].edition != before[1].edition


def test_html_in_a_chapter_is_shown_and_does_nothing(folder):
    (folder / "01-first.md").write_text(
        "# First\n\n<script>alert(1)</script> [go](javascript:alert) ![x](http://x/y.png)\n"
    )
    html = load_guide(folder).chapters[0].html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'href="javascript' not in html
    assert "<img" not in html


def test_link_of_an_unknown_kind_loses_its_address(folder):
    (folder / "01-first.md").write_text("# First\n\n[go](ftp://x.example/y)\n")
    assert load_guide(folder).chapters[0].html == "<p><a>go</a></p>"


def test_headings_in_a_chapter_stand_under_its_own_title(folder):
    (folder / "01-first.md").write_text("# First\n\n## Part\n\nWords.\n")
    assert "<h3>Part</h3>" in load_guide(folder).chapters[0].html


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("guide.md", b"The way", "has no title"),
        ("01-first.md", b"First\n\nOne.", "has no title"),
        ("01-first.md", b"", "has no title"),
        ("01-first.md", b"# First\n\n   \n", "no text"),
        ("01-first.md", b"# First\n\n\xff\xfe", "not UTF-8"),
        ("01-first.md", b"# First\n\na\0b", "NUL"),
        ("Third.md", b"# Third\n\nOne.", "no name of a chapter"),
        ("03-first.md", b"# Third\n\nOne.", "same address"),
    ],
)
def test_broken_file_is_refused_by_its_name(folder, name, content, says):
    (folder / name).write_bytes(content)
    with pytest.raises(GuideError, match=says) as refused:
        load_guide(folder)
    assert name in str(refused.value)


def test_missing_title_file_is_refused_by_its_name(folder):
    (folder / "guide.md").unlink()
    with pytest.raises(GuideError, match=r"guide\.md can't be read"):
        load_guide(folder)


def test_guide_without_chapters_is_refused(tmp_path):
    (tmp_path / "guide.md").write_text("# The way\n")
    with pytest.raises(GuideError, match="no chapters"):
        load_guide(tmp_path)


def test_courses_page_names_the_guide_s_topics_and_how_to_ask():
    page = load_page(CONTENT / "courses.md")
    for topic in ("CSM", "PMP", "CAL", "SPC", "Technical program management"):
        assert topic in page.html
    assert 'href="/contact?topic=courses"' in page.html


def test_courses_page_links_only_to_chapters_that_are_there():
    anchors = set(re.findall(r'href="/#([^"]+)"', load_page(CONTENT / "courses.md").html))
    assert anchors
    assert anchors <= set(SLUGS)


def test_courses_page_invents_no_price_and_no_date():
    html = load_page(CONTENT / "courses.md").html
    assert not re.search(r"[$€£]|\d", re.sub(r"</?h\d>", "", html))

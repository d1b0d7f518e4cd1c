"""Passages of the guide: what an anchor such as ``skill-leadership`` leads to, and whether words stand there."""

import re

from tpminstitute.guide.chapters import Chapter, Guide

CERTIFICATIONS = ("certification-csm", "certification-pmp", "certification-cal", "certification-spc")
"""Anchors of the certifications that the guide names. Where a chapter doesn't mark one, its own anchor is used."""

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})


def chapter_of(guide: Guide, passage: str) -> Chapter | None:
    """Return the chapter that holds the passage of that anchor, or None when the guide has no such passage."""
    for chapter in guide.chapters:
        if chapter.slug == passage or f'id="{passage}"' in chapter.html:
            return chapter
    if passage not in CERTIFICATIONS:
        return None
    name = passage.rpartition("-")[2].upper()
    return next((chapter for chapter in guide.chapters if f"({name})" in chapter.text), None)


def address_of(guide: Guide, passage: str) -> str:
    """Return where a passage is read, such as ``/#skill-leadership``; the guide itself for one that it hasn't."""
    chapter = chapter_of(guide, passage)
    if chapter is None:
        return "/"
    marked = f'id="{passage}"' in chapter.html
    return f"/#{passage if marked else chapter.slug}"


def stands_in(guide: Guide, passage: str, words: str) -> bool:
    """Return whether `words` stand, word for word, in the chapter of that passage; its kind of quotes aside."""
    chapter = chapter_of(guide, passage)
    return chapter is not None and _settled(words) in _settled(chapter.text)


def _settled(text: str) -> str:
    return re.sub(r"\s+", " ", text.translate(_APOSTROPHES)).strip()

"""What visitors can search: passages of the guide, and whatever else is public and said to be one."""

from collections.abc import Iterator
from dataclasses import dataclass

from tpminstitute.guide.chapters import Chapter, Guide
from tpminstitute.guide.markup import blocks_with_words, tree, words_of


@dataclass(frozen=True)
class Passage:
    """A passage that can be found: its text, the title it stands under, and where it leads.

    `place` says to readers what it is, such as “Guide”.
    """

    title: str
    href: str
    text: str
    place: str


def guide_passages(guide: Guide) -> Iterator[Passage]:
    """Yield the guide's passages: each paragraph and list item, and once more under each name that has an anchor."""
    for chapter in guide.chapters:
        yield from _of_chapter(chapter)


def _of_chapter(chapter: Chapter) -> Iterator[Passage]:
    names = {part.anchor: part.name for part in chapter.parts}
    for block in blocks_with_words(tree(chapter.html)):
        text = words_of(block)
        anchors = [element.get("id", "") for element in block.iter() if element.get("id") in names]
        for anchor in anchors:
            yield Passage(names[anchor], f"/#{anchor}", text, "Guide")
        if block.get("id") not in names:
            yield Passage(chapter.title, f"/#{chapter.slug}", text, "Guide")

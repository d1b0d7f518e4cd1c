"""The chapters of the guide as comments speak of them."""

from collections.abc import Sequence
from functools import lru_cache

from tpminstitute.guide.chapters import Chapter, Guide, load_guide


@lru_cache(maxsize=1)
def guide() -> Guide:
    """Return the guide as it was read first in this process."""
    return load_guide()


def commented() -> Sequence[Chapter]:
    """Return the chapters that take comments, in their order: those that say something one could comment on."""
    return guide().on_the_way


def chapter_of(slug: str) -> Chapter | None:
    """Return the chapter that takes comments at that address, or None."""
    return next((chapter for chapter in commented() if chapter.slug == slug), None)


def title_of(slug: str) -> str:
    """Return a chapter's title; of one that is gone, its address in words."""
    found = next((chapter.title for chapter in guide().chapters if chapter.slug == slug), "")
    return found or slug.replace("-", " ").capitalize()


def edition_of(slug: str) -> str:
    """Return the edition of a chapter as it is now, '' of one that is gone."""
    return next((chapter.edition for chapter in guide().chapters if chapter.slug == slug), "")

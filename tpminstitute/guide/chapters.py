"""The guide: Markdown files that staff edit, turned into safe HTML and plain text when they are read."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tpminstitute.core.errors import Refusal
from tpminstitute.guide import editions
from tpminstitute.guide.parts import Part, anchor_parts

CONTENT = Path(__file__).parent / "content"

WORDS_PER_MINUTE = 238
"""Silent reading of English non-fiction by adults: M. Brysbaert, "How many words do we read per minute?
A review and meta-analysis of reading rate", Journal of Memory and Language 109 (2019), 104047."""

_TITLE_FILE = "guide.md"
_CHAPTER_FILE = re.compile(r"(?P<order>\d{2})-(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)\.md")
_TITLE_LINE = re.compile(r"# +(?P<title>\S.*)")
_TAGS = {"p", "a", "span", "em", "strong", "code", "ul", "ol", "li", "blockquote", "h2", "h3", "h4", "hr", "br"}
_ATTRIBUTES = {"a": {"href"}, "li": {"id"}, "span": {"id"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto", "tel"}
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")


class GuideError(Refusal):
    """A content file can't be used; the sentence names it and says how to mend it."""


@dataclass(frozen=True)
class Chapter:
    """One chapter: `html` and `text` are its body without the title, `minutes` its reading time.

    `source` is its Markdown as written, `parts` what has an anchor of its own in it; `edition` is a short hash of it,
    and changes with every word of this chapter.
    """

    slug: str
    title: str
    html: str
    text: str
    minutes: int
    source: str
    parts: tuple[Part, ...]
    edition: str

    @property
    def words(self) -> int:
        """How many words there are to read."""
        return len(self.text.split())

    @property
    def leads_to_us(self) -> bool:
        """Whether it is there to reach the institute by, so that there is nothing in it to ask about or to pass."""
        return any(f'href="{place}' in self.html for place in ("#write", "/comments", "mailto:"))


@dataclass(frozen=True)
class Guide:
    """The whole guide; `edition` is a short hash of its text and changes with every word.

    `updated` is the day that editions.md gives this edition; None while nobody has written it there.
    """

    title: str
    chapters: tuple[Chapter, ...]
    reading_minutes: int
    edition: str
    updated: date | None

    @property
    def words(self) -> int:
        """How many words there are to read."""
        return sum(chapter.words for chapter in self.chapters)

    @property
    def on_the_way(self) -> tuple[Chapter, ...]:
        """The chapters that are stations of the path, without those that only lead to the institute."""
        return tuple(chapter for chapter in self.chapters if not chapter.leads_to_us)


@dataclass(frozen=True)
class Page:
    """One page outside the guide: its title and its body."""

    title: str
    html: str


def load_guide(folder: Path = CONTENT / "guide") -> Guide:
    """Read the guide from `folder`: its title from guide.md, one chapter from each 01-introduction.md.

    Returns the guide with its chapters in the order of their numbers.
    Raises `GuideError` with a sentence that names the file which is missing or broken.
    """
    title, _ = _read(folder / _TITLE_FILE)
    files = sorted(path for path in folder.glob("*.md") if path.name not in (_TITLE_FILE, editions.FILE))
    chapters = tuple(_chapter(path) for path in files)
    if not chapters:
        raise GuideError(f"The guide has no chapters. Put files such as 01-introduction.md into {folder}.")
    _refuse_doubles(files)
    _refuse_double_parts(chapters, folder)
    edition = _edition(title, chapters)
    return Guide(
        title=title,
        chapters=chapters,
        reading_minutes=_minutes(" ".join(chapter.text for chapter in chapters)),
        edition=edition,
        updated=told.day if (told := editions_told(folder).get(edition)) else None,
    )


def load_page(path: Path) -> Page:
    """Read one page from the Markdown file at `path`.

    Raises `GuideError` with a sentence that names the file.
    """
    title, body = _read(path)
    return Page(title, _html(_parse(body, deeper=0)))


def editions_told(folder: Path = CONTENT / "guide") -> Mapping[str, editions.Edition]:
    """Return the editions that editions.md in `folder` tells of, by their short hash; none without the file.

    Raises `GuideError` for a file that can't be read.
    """
    path = folder / editions.FILE
    if not path.exists():
        return {}
    try:
        return editions.read_editions(_source(path))
    except editions.BrokenEditions as problem:
        raise GuideError(f"{path}: {problem}") from None


def _source(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        reason = error.strerror
        raise GuideError(f"{path} can't be read ({reason}). Put it back, or mend its rights.") from None
    except UnicodeDecodeError:
        raise GuideError(f"{path} is not UTF-8 text. Save it again as UTF-8.") from None


def _read(path: Path) -> tuple[str, str]:
    source = _source(path)
    first, _, body = source.partition("\n")
    heading = _TITLE_LINE.fullmatch(first.strip())
    if heading is None:
        raise GuideError(f'{path} has no title. Begin its first line with "# " and the title.')
    if "\0" in source:
        raise GuideError(f"{path} holds a NUL character. Take it out.")
    return heading["title"].strip(), body


def _chapter(path: Path) -> Chapter:
    name = _CHAPTER_FILE.fullmatch(path.name)
    if name is None:
        raise GuideError(f"{path} has no name of a chapter. Name it like 01-introduction.md.")
    title, body = _read(path)
    tokens = _parse(body, deeper=1)
    parts = anchor_parts(tokens, name["slug"])
    text = _text(tokens)
    if not text:
        raise GuideError(f"{path} has a title and no text. Write the chapter, or take the file away.")
    edition = _digest(title, body.strip())
    return Chapter(name["slug"], title, _html(tokens), text, _minutes(text), body, parts, edition)


def _refuse_doubles(files: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in files:
        slug = path.name[3:]
        if slug in seen:
            raise GuideError(f"{path} and {seen[slug].name} have the same address. Rename one of them.")
        seen[slug] = path


def _refuse_double_parts(chapters: Sequence[Chapter], folder: Path) -> None:
    seen = {chapter.slug for chapter in chapters}
    for part in (part for chapter in chapters for part in chapter.parts):
        if part.anchor in seen:
            raise GuideError(f"Two places in {folder} have the address #{part.anchor}. Give one of them another name.")
        seen.add(part.anchor)


def _parse(body: str, deeper: int) -> list[Token]:
    """Return the tokens of a Markdown body, its headings `deeper` levels further down than written."""
    tokens = _MARKDOWN.parse(body)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(max(int(token.tag[1]), 2) + deeper, 4)}"
    return tokens


def _html(tokens: Sequence[Token]) -> str:
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=None).strip()


def _text(tokens: Sequence[Token]) -> str:
    blocks = []
    number = ""
    for token in tokens:
        if token.type == "list_item_open":
            number = f"{token.info}. " if token.info else "- "
        elif token.type == "inline":
            blocks.append(number + _inline_text(token.children or []))
            number = ""
    return "\n\n".join(blocks)


def _inline_text(tokens: Sequence[Token]) -> str:
    breaks = {"softbreak": " ", "hardbreak": "\n"}
    return "".join(breaks.get(token.type, token.content) for token in tokens)


def _minutes(text: str) -> int:
    return max(1, round(len(text.split()) / WORDS_PER_MINUTE))


def _edition(title: str, chapters: Sequence[Chapter]) -> str:
    told = (part for chapter in chapters for part in (chapter.slug, chapter.title, chapter.source.strip()))
    return _digest(title, *told)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]

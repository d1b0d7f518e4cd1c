"""A chapter's HTML as a tree, for whatever makes something else of it: an EPUB, a PDF, passages to search."""

from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, SubElement

VOID = {"br", "hr"}

BLOCKS = {"p", "li", "blockquote", "h2", "h3", "h4"}
"""What may hold words of its own."""

LISTS = {"ul", "ol"}


def tree(html: str) -> Element:
    """Return a chapter's `html`, which is clean already, as a tree below one `div`."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


def words_of(element: Element) -> str:
    """Return the words within `element`, on one line."""
    return " ".join("".join(element.itertext()).split())


def has_own_words(block: Element) -> bool:
    """Return whether words stand in `block` itself, and not only in the blocks within it."""
    inline = (words_of(child) for child in block if child.tag not in BLOCKS | LISTS)
    return any(words.strip() for words in (block.text or "", *inline))


def blocks_with_words(element: Element) -> Iterator[Element]:
    """Yield each block below `element` that has words of its own, with all that stands within it, in their order."""
    for child in element:
        if child.tag in BLOCKS and has_own_words(child):
            yield child
        else:
            yield from blocks_with_words(child)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("div")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = SubElement(self._open[-1], tag, {name: value or "" for name, value in attrs})
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        parent = self._open[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + data
        else:
            parent.text = (parent.text or "") + data

"""A chapter's HTML as a tree, for whatever makes something else of it: an EPUB, a PDF, passages to search."""

from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, SubElement

VOID = {"br", "hr"}

BLOCKS = {"p", "li", "blockquote", "h2", "h3", "h4"}
"""What holds words of its own."""


def tree(html: str) -> Element:
    """Return a chapter's `html`, which is clean already, as a tree below one `div`."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


def words_of(element: Element) -> str:
    """Return the words within `element`, on one line."""
    return " ".join("".join(element.itertext()).split())


def innermost_blocks(element: Element) -> Iterator[Element]:
    """Yield each block below `element` that holds no other, in their order."""
    for child in element:
        inner = list(innermost_blocks(child))
        if inner:
            yield from inner
        elif child.tag in BLOCKS:
            yield child


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

"""The guide as a PDF: real text in the fonts every reader has, an outline, links, page numbers.

ReportLab and what it brings take 20 MB, so nothing imports this module before a PDF is asked for.
"""

import io
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from tpminstitute.guide.book import LANGUAGE, Book
from tpminstitute.guide.chapters import Chapter
from tpminstitute.guide.figure import CAPTION
from tpminstitute.guide.letters_of_pdf import printable
from tpminstitute.guide.markup import BLOCKS, LISTS, has_own_words, tree
from tpminstitute.guide.pdf_figure import Path

TYPE = "application/pdf"

MARGIN = 48
"""Points (1/72 inch) on each side of the text."""

NUMBERS = 36
"""Points that the numbers of pages take in the contents."""

HIGHEST_FIGURE = A5[1] - 2 * MARGIN - 60
"""Points: a page's text without the figure's heading."""

ACCENT = "#0f5c4d"

_TEXT = ParagraphStyle(
    "text", fontName="Times-Roman", fontSize=11, leading=15.5, spaceAfter=8, allowWidows=0, allowOrphans=0
)
_ITEM = ParagraphStyle("item", _TEXT, bulletFontName="Times-Roman", bulletFontSize=11)
_BEFORE_LIST = ParagraphStyle("before-list", _TEXT, keepWithNext=1)
_QUOTE = ParagraphStyle("quote", _TEXT, leftIndent=18, fontName="Times-Italic")
_SMALL = ParagraphStyle("small", _TEXT, fontSize=9.5, leading=13, textColor="#59616b")
_TITLE = ParagraphStyle("title", _TEXT, fontSize=24, leading=29, spaceAfter=18)
_CHAPTER = ParagraphStyle(
    "chapter", _TEXT, fontName="Times-Bold", fontSize=15, leading=19, spaceBefore=20, spaceAfter=7, keepWithNext=1
)
_HEADING = ParagraphStyle("heading", _CHAPTER, fontSize=12, leading=16, spaceBefore=12)
_LISTED = ParagraphStyle("listed", _TEXT, spaceAfter=0)
_NUMBER = ParagraphStyle("number", _LISTED, alignment=TA_RIGHT)
_BY_TAG = {"blockquote": _QUOTE, "h2": _HEADING, "h3": _HEADING, "h4": _HEADING}
_INLINE = {"em": "i", "strong": "b"}


def make_pdf(book: Book) -> bytes:
    """Return the PDF of `book`; the same book is the same bytes.

    It is set twice: only then is it known on which pages the chapters begin, which the contents say. How much room the
    contents take doesn't depend on it.
    """
    _, pages = _set(book, {})
    return _set(book, pages)[0]


def _set(book: Book, pages: Mapping[str, int]) -> tuple[bytes, Mapping[str, int]]:
    """Return the PDF whose contents say `pages`, and the pages that its marks came to stand on, by their anchors."""
    out, found = io.BytesIO(), dict[str, int]()
    width, height = A5
    sheet = BaseDocTemplate(
        out,
        pagesize=A5,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN + 12,
        title=printable(book.guide.title),
        author=printable(book.publisher.name),
        subject=printable(book.imprint),
        lang=LANGUAGE,
        invariant=1,
        displayDocTitle=True,
        initialFontName="Times-Roman",
    )
    frame = Frame(MARGIN, MARGIN + 12, width - 2 * MARGIN, height - 2 * MARGIN - 12, 0, 0, 0, 0)
    day = f"D:{book.moment:%Y%m%d%H%M%S}Z"
    sheet.addPageTemplates(PageTemplate("page", [frame], onPage=lambda canvas, sheet: _page(canvas, sheet, day)))
    story = list(_story(book, pages))
    for mark in story:
        if isinstance(mark, _Mark):
            mark.found = found
    sheet.build(story)
    return out.getvalue(), found


def _page(canvas: Canvas, sheet: BaseDocTemplate, day: str) -> None:
    """Set the page's number under it; the title page has none, but says for all what the document is to readers."""
    if sheet.page == 1:
        canvas.showOutline()
        canvas.setDateFormatter(lambda *_: day)
        return
    number = str(sheet.page)
    canvas.setFont("Times-Roman", 9.5)
    canvas.drawString((A5[0] - stringWidth(number, "Times-Roman", 9.5)) / 2, MARGIN - 14, number)


class _Mark(Flowable):  # type: ignore[misc]  # ReportLab ships no types
    """A place in the book that links lead to; with a `title` it stands in the outline too. `found` is told its page."""

    width = height = 0

    def __init__(self, anchor: str, title: str = "") -> None:
        super().__init__()
        self.anchor, self.title = anchor, title
        self.found: dict[str, int] = {}
        self.keepWithNext = True

    def wrap(self, *_: float) -> tuple[float, float]:
        return 0, 0

    def draw(self) -> None:
        self.canv.bookmarkHorizontal(self.anchor, 0, 24)
        self.found[self.anchor] = self.canv.getPageNumber()
        if self.title:
            self.canv.addOutlineEntry(self.title, self.anchor, 0, closed=False)


def _story(book: Book, pages: Mapping[str, int]) -> Iterator[Any]:
    yield _Mark("title", printable(book.guide.title))
    yield Spacer(1, 120)
    yield Paragraph(_plain(book.guide.title), _TITLE)
    yield Paragraph(_plain(book.publisher.name), _TEXT)
    yield Paragraph(_plain(book.imprint), _SMALL)
    yield PageBreak()
    yield Paragraph("Contents", _CHAPTER)
    yield _contents(book, pages)
    if book.guide.on_the_way:
        yield PageBreak()
        yield Paragraph(_plain(CAPTION), _HEADING)
        yield Path(book.guide, HIGHEST_FIGURE)
    yield PageBreak()
    for chapter in book.guide.chapters:
        yield from _chapter(book, chapter)
    yield _Mark("institute", printable(book.publisher.name))
    yield KeepTogether(list(_institute(book)))


def _contents(book: Book, pages: Mapping[str, int]) -> Table:
    """Return a line for each chapter with the page that it begins on; title and number lead there."""
    lines = [
        [
            Paragraph(_linked(f"#{chapter.slug}", _plain(chapter.title)), _LISTED),
            Paragraph(_linked(f"#{chapter.slug}", str(pages.get(chapter.slug, ""))), _NUMBER),
        ]
        for chapter in book.guide.chapters
    ]
    bare = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
    close = [
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
    ]
    return Table(lines, [A5[0] - 2 * MARGIN - NUMBERS, NUMBERS], style=TableStyle([*bare, *close]), hAlign="LEFT")


def _chapter(book: Book, chapter: Chapter) -> Iterator[Any]:
    yield _Mark(chapter.slug, printable(chapter.title))
    yield Paragraph(_plain(chapter.title), _CHAPTER)
    yield from _blocks(book, tree(chapter.html))


def _blocks(book: Book, parent: Element, style: ParagraphStyle = _TEXT, depth: int = 0) -> Iterator[Any]:
    """Yield the paragraphs of what stands below `parent`, in the style of what they stand in."""
    children = list(parent)
    for child, after in zip(children, [*children[1:], None], strict=False):
        if child.tag in LISTS:
            yield from _list(book, child, depth + 1)
        elif child.tag in BLOCKS and has_own_words(child):
            before_list = style is _TEXT and after is not None and after.tag in LISTS
            yield Paragraph(_runs(book, child), _BEFORE_LIST if before_list else _BY_TAG.get(child.tag, style))
        else:
            yield from _blocks(book, child, _BY_TAG.get(child.tag, style), depth)


def _list(book: Book, items: Element, depth: int) -> Iterator[Any]:
    indent = 18 * depth
    style = ParagraphStyle(f"item{depth}", _ITEM, leftIndent=indent, bulletIndent=indent - 16)
    further = ParagraphStyle(f"further{depth}", _TEXT, leftIndent=indent)
    for number, item in enumerate(items, start=int(items.get("start", "1"))):
        if "id" in item.attrib:
            yield _Mark(item.get("id", ""))
        bullet = f"{number}." if items.tag == "ol" else "–"
        inner = list(item)
        if has_own_words(item):
            yield Paragraph(_runs(book, item), style, bulletText=bullet)
            inner = [one for one in inner if one.tag in LISTS]
        elif inner and inner[0].tag == "p":
            yield Paragraph(_runs(book, inner.pop(0)), style, bulletText=bullet)
        rest = Element("div")
        rest.extend(inner)
        yield from _blocks(book, rest, further, depth)


def _runs(book: Book, element: Element) -> str:
    """Return the words of `element` in ReportLab's own markup."""
    said = _plain(element.text or "")
    for child in element:
        inner = _runs(book, child)
        if child.tag == "a" and child.get("href"):
            said += _linked(book.address(child.get("href", "")), inner)
        elif child.tag == "span":
            said += f"<a name={quoteattr(child.get('id', ''))}/>{inner}"
        elif child.tag == "code":
            said += f'<font face="Courier">{inner}</font>'
        elif child.tag == "br":
            said += "<br/>"
        elif child.tag not in LISTS:
            tag = _INLINE.get(child.tag)
            said += f"<{tag}>{inner}</{tag}>" if tag else inner
        said += _plain(child.tail or "")
    return said


def _plain(text: str) -> str:
    return escape(printable(text))


def _linked(address: str, inner: str) -> str:
    return f"<a href={quoteattr(address)} color={quoteattr(ACCENT)}>{inner}</a>"


def _institute(book: Book) -> Iterator[Any]:
    publisher = book.publisher
    number = "".join(char for char in publisher.phone if char.isdigit() or char == "+")
    yield Paragraph(_plain(publisher.name), _CHAPTER)
    lines = [
        _linked(f"mailto:{publisher.email}", _plain(publisher.email)),
        _linked(f"tel:{number}", _plain(publisher.phone)),
        _linked(publisher.site, _plain(publisher.site)),
        _plain(publisher.postal_address),
    ]
    yield Paragraph("<br/>".join(line for line in lines if line), _TEXT)
    yield Paragraph(_plain(book.imprint), _SMALL)

"""The guide as an EPUB 3 (EPUB 3.3, W3C Recommendation): the same book is the same bytes."""

import io
import uuid
import zipfile
from collections.abc import Iterator
from html import escape
from xml.etree.ElementTree import Element, tostring

from tpminstitute.guide import figure
from tpminstitute.guide.book import LANGUAGE, Book
from tpminstitute.guide.chapters import Chapter
from tpminstitute.guide.markup import tree

TYPE = "application/epub+zip"

_NAMES = uuid.UUID("6f2b6c0e-3a50-5f0e-9a51-3d3f1f2a7c11")
"""The namespace of the books' identifiers, made once."""

_CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""

_STYLE = """body { font-family: serif; line-height: 1.5; margin: 0 5%; }
h1, h2 { font-weight: 600; line-height: 1.25; text-align: left; }
li { margin: .5em 0; }
nav li { margin: .2em 0; }
svg { max-width: 22em; height: auto; }
.imprint { font-style: italic; }
"""


def make_epub(book: Book) -> bytes:
    """Return the EPUB of `book`: a title page, the contents, a document a chapter, and who publishes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        # First and stored (EPUB 3.3, 4.2.6.3: OCF ZIP container), so that its kind is known by its first bytes.
        _add(archive, book, "mimetype", TYPE, zipfile.ZIP_STORED)
        _add(archive, book, "META-INF/container.xml", _CONTAINER)
        for name, content in _files(book):
            _add(archive, book, f"book/{name}", content)
    return out.getvalue()


def _add(archive: zipfile.ZipFile, book: Book, name: str, text: str, how: int = zipfile.ZIP_DEFLATED) -> None:
    info = zipfile.ZipInfo(name, book.moment.timetuple()[:6])
    info.external_attr = 0o644 << 16
    info.create_system = 3
    archive.writestr(info, text.encode(), how, 9)


def _files(book: Book) -> Iterator[tuple[str, str]]:
    yield "book.opf", _package(book)
    yield "style.css", _STYLE
    yield "title.xhtml", _page(book.guide.title, _title_page(book))
    yield "contents.xhtml", _page("Contents", _contents(book))
    for chapter in book.guide.chapters:
        yield f"{chapter.slug}.xhtml", _page(chapter.title, _chapter(book, chapter))
    yield "institute.xhtml", _page(book.publisher.name, _institute(book))


def _documents(book: Book) -> list[tuple[str, str]]:
    """Return each document after the contents with its title, in the order of reading."""
    chapters = [(f"{chapter.slug}.xhtml", chapter.title) for chapter in book.guide.chapters]
    return [*chapters, ("institute.xhtml", book.publisher.name)]


def _package(book: Book) -> str:
    identifier = uuid.uuid5(_NAMES, book.publisher.site)
    names = ["title.xhtml", "contents.xhtml", *(name for name, _ in _documents(book))]
    drawn = _drawn_in(book)
    items = "".join(
        f'<item id="d{at}" href="{name}" media-type="application/xhtml+xml"{_properties(name, drawn)}/>\n'
        for at, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="d{at}"/>' for at in range(len(names)))
    day = f"<dc:date>{book.guide.updated.isoformat()}</dc:date>\n" if book.guide.updated else ""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="{LANGUAGE}">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{identifier}</dc:identifier>
<dc:title>{escape(book.guide.title)}</dc:title>
<dc:language>{LANGUAGE}</dc:language>
<dc:creator>{escape(book.publisher.name)}</dc:creator>
<dc:publisher>{escape(book.publisher.name)}</dc:publisher>
{day}<meta property="dcterms:modified">{book.moment:%Y-%m-%dT%H:%M:%SZ}</meta>
</metadata>
<manifest>
<item id="style" href="style.css" media-type="text/css"/>
{items}</manifest>
<spine>{spine}</spine>
</package>
"""


def _properties(name: str, drawn: str) -> str:
    told = {"contents.xhtml": "nav", drawn: "svg"}.get(name)
    return f' properties="{told}"' if told else ""


def _drawn_in(book: Book) -> str:
    """Return the document that the figure of the path is in: its last station."""
    return f"{book.guide.on_the_way[-1].slug}.xhtml" if book.guide.on_the_way else ""


def _page(title: str, body: str) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
 lang="{LANGUAGE}" xml:lang="{LANGUAGE}">
<head><title>{escape(title)}</title><link rel="stylesheet" href="style.css"/></head>
<body>
{body}
</body>
</html>
"""


def _title_page(book: Book) -> str:
    return (
        f"<h1>{escape(book.guide.title)}</h1>\n<p>{escape(book.publisher.name)}</p>\n"
        f'<p class="imprint">{escape(book.imprint)}</p>'
    )


def _contents(book: Book) -> str:
    items = "\n".join(f'<li><a href="{name}">{escape(title)}</a></li>' for name, title in _documents(book))
    return f'<nav epub:type="toc"><h1>Contents</h1>\n<ol>\n{items}\n</ol></nav>'


def _chapter(book: Book, chapter: Chapter) -> str:
    body = tree(chapter.html)
    for link in body.iter("a"):
        if "href" in link.attrib:
            link.set("href", _address(book, link.get("href", "")))
    drawn = f"\n<figure>{figure.draw(book.guide).svg}</figure>" if f"{chapter.slug}.xhtml" == _drawn_in(book) else ""
    return f'<section id="{chapter.slug}"><h1>{escape(chapter.title)}</h1>\n{_xhtml(body)}{drawn}</section>'


def _address(book: Book, href: str) -> str:
    """Return a link's address: what lies in the book stands in the document of its chapter."""
    address = book.address(href)
    anchor = address.removeprefix("#")
    for chapter in book.guide.chapters:
        if anchor != address and anchor in (chapter.slug, *(part.anchor for part in chapter.parts)):
            return f"{chapter.slug}.xhtml#{anchor}"
    return address


def _xhtml(body: Element) -> str:
    return tostring(body, "unicode").removeprefix("<div>").removesuffix("</div>")


def _institute(book: Book) -> str:
    publisher = book.publisher
    number = "".join(char for char in publisher.phone if char.isdigit() or char == "+")
    lines = [
        f'<a href="mailto:{escape(publisher.email)}">{escape(publisher.email)}</a>',
        f'<a href="tel:{number}">{escape(publisher.phone)}</a>',
        f'<a href="{escape(publisher.site)}">{escape(publisher.site)}</a>',
        escape(publisher.postal_address),
    ]
    return f"<h1>{escape(publisher.name)}</h1>\n<p>{'<br/>'.join(line for line in lines if line)}</p>"

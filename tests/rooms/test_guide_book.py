"""The guide to keep: a PDF and an EPUB that hold every sentence, and are the same bytes as long as nothing changed."""

import io
import re
import threading
import zipfile
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from tpminstitute.guide import epub, pdf
from tpminstitute.guide.book import Book, Publisher
from tpminstitute.guide.chapters import load_guide
from tpminstitute.guide.figure import Words, draw
from tpminstitute.guide.letters_of_pdf import printable
from tpminstitute.guide.shelf import EPUB, PDF, Shelf

XHTML = "{http://www.w3.org/1999/xhtml}"
PUBLISHER = Publisher(
    "TPM Institute", "info@tpminstitute.org", "+1 (215) 430-2201", "1 Ölmühle St", "https://institute.test/"
)
BOOK = Book(load_guide(), PUBLISHER)


@pytest.fixture(scope="module")
def printed():
    return PdfReader(io.BytesIO(pdf.make_pdf(BOOK)))


@pytest.fixture(scope="module")
def bound():
    return zipfile.ZipFile(io.BytesIO(epub.make_epub(BOOK)))


@pytest.fixture
def book_of(tmp_path):
    """`book_of("Text of a chapter.")`: a book of one chapter."""

    def make(text, **changed):
        (tmp_path / "guide.md").write_text("# The way\n")
        (tmp_path / "01-first.md").write_text(f"# First & last\n\n{text}\n")
        return Book(load_guide(tmp_path), replace(PUBLISHER, **changed))

    return make


def words_of_pdf(data):
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    return " ".join(text.split())


def addresses(reader):
    found = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    return [note["/A"]["/URI"] for note in found if "/A" in note and "/URI" in note["/A"]]


# --- the PDF -----------------------------------------------------------------------------------------------


def letters_of(text):
    """All but white space, hyphens at line ends, and the numbers of pages and lists."""
    return re.sub(r"[\W\d_]", "", text)


def test_the_pdf_holds_the_whole_guide_as_text_in_its_order():
    whole = letters_of("".join(f"{chapter.title}{chapter.text}" for chapter in BOOK.guide.chapters))
    assert whole in letters_of(words_of_pdf(pdf.make_pdf(BOOK)))


def test_the_pdf_has_an_outline_of_its_chapters(printed):
    titles = [entry.title for entry in printed.outline]
    assert titles == [BOOK.guide.title, *(chapter.title for chapter in BOOK.guide.chapters), "TPM Institute"]


def test_the_pdf_says_its_title_its_language_and_its_day(printed):
    assert printed.metadata.title == BOOK.guide.title
    assert printed.metadata.author == "TPM Institute"
    assert printed.trailer["/Root"]["/Lang"] == "en"
    assert printed.metadata.modification_date.date() == BOOK.guide.updated


def test_the_contents_of_the_pdf_lead_to_its_chapters_and_say_on_which_page_each_begins(printed):
    inner = [note.get_object() for note in printed.pages[1]["/Annots"]]
    objects = [page.indirect_reference for page in printed.pages]
    leads_to = [objects.index(note.raw_get("/Dest")[0]) for note in inner]
    begins = {entry.title: printed.get_destination_page_number(entry) for entry in printed.outline}
    pages = [begins[chapter.title] for chapter in BOOK.guide.chapters]
    assert sorted(set(leads_to)) == sorted(set(pages))
    its_own, *said = [int(line) for line in printed.pages[1].extract_text().splitlines() if line.strip().isdigit()]
    assert (its_own, said) == (2, [page + 1 for page in pages])
    for chapter in BOOK.guide.chapters:
        assert letters_of(chapter.title) in letters_of(printed.pages[begins[chapter.title]].extract_text())


def test_the_pdf_has_the_figure_of_the_path_with_its_words_as_text(printed):
    words = letters_of(printed.pages[2].extract_text())
    for shape in draw(BOOK.guide).shapes:
        if isinstance(shape, Words):
            assert letters_of(shape.text) in words


def test_a_path_that_is_longer_than_a_page_is_drawn_smaller(book_of, tmp_path):
    for number in range(2, 40):
        (tmp_path / f"{number:02}-station-{number}.md").write_text(f"# Station {number}\n\nWords.\n")
    reader = PdfReader(io.BytesIO(pdf.make_pdf(book_of("Words."))))
    drawn = [page for page in reader.pages if "Station 39" in page.extract_text()]
    assert "Station 2\n" in drawn[1].extract_text()


def test_links_of_the_pdf_lead_to_the_institute_and_its_site(printed):
    assert {
        "mailto:info@tpminstitute.org",
        "tel:+12154302201",
        "https://institute.test/",
        "https://institute.test/courses",
        "https://institute.test/comments",
    } <= set(addresses(printed))


def test_the_pdf_ends_with_who_publishes_it_and_which_edition_it_is(printed):
    last = printed.pages[-1].extract_text()
    for told in ("1 Ölmühle St", "info@tpminstitute.org", "+1 (215) 430-2201", BOOK.guide.edition):
        assert told in last


def test_the_same_book_is_the_same_bytes():
    assert pdf.make_pdf(BOOK) == pdf.make_pdf(BOOK)
    assert epub.make_epub(BOOK) == epub.make_epub(BOOK)


def test_lists_quotations_and_links_of_any_kind_are_set(book_of):
    text = "> Said.\n\n- *One*\n- Two\n  1. Inner `code`\n\n     Its second.\n\n## Part\n\n[here](#first)\\\nBelow."
    words = words_of_pdf(pdf.make_pdf(book_of(text)))
    for told in ("Said.", "One", "Two", "1. Inner code", "Its second.", "Part", "here", "Below."):
        assert told in words


@pytest.mark.parametrize(
    ("letters", "shown"),
    [
        ("“é” – ’ €", "“é” – ’ €"),
        ("Kraków Dvořák ﬁne", "Kraków Dvorák fine"),
        ("a → b ≤ c", "a -> b <= c"),
        ("中文", "[U+4E2D][U+6587]"),
        ("x\u202ey", "x[U+202E]y"),
        ("1\u00a02\u20093", "1\u00a02 3"),
    ],
)
def test_a_letter_that_no_reader_has_a_font_for_is_replaced_or_written_out(letters, shown):
    assert printable(letters) == shown


def test_a_book_with_letters_of_any_script_is_printed(book_of):
    words = words_of_pdf(pdf.make_pdf(book_of("Łódź & <b> 中", name="Ünstitut 中")))
    assert "Lódz & <b> [U+4E2D]" in words
    assert "Ünstitut [U+4E2D]" in words


# --- the EPUB ----------------------------------------------------------------------------------------------


def test_the_epub_begins_with_its_kind_stored_as_it_is(bound):
    """EPUB 3.3, 4.2.6.3: so that a file is known by its first bytes."""
    first = bound.infolist()[0]
    assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
    assert bound.read("mimetype") == b"application/epub+zip"


def test_every_part_of_the_epub_is_well_formed_and_in_its_manifest(bound):
    package = ElementTree.fromstring(bound.read("book/book.opf"))
    listed = {item.get("href") for item in package.iter("{http://www.idpf.org/2007/opf}item")}
    parts = {name.removeprefix("book/") for name in bound.namelist() if name.startswith("book/")} - {"book.opf"}
    assert listed == parts
    for name in bound.namelist():
        if name.endswith((".xhtml", ".opf", ".xml")):
            ElementTree.fromstring(bound.read(name))


def test_the_epub_says_what_its_standard_asks_for(bound):
    package = bound.read("book/book.opf").decode()
    assert f"<dc:title>{BOOK.guide.title}</dc:title>" in package
    assert "<dc:language>en</dc:language>" in package
    assert re.search(r'<dc:identifier id="id">urn:uuid:[0-9a-f-]{36}</dc:identifier>', package)
    assert f'<meta property="dcterms:modified">{BOOK.guide.updated}T12:00:00Z</meta>' in package
    assert package.count('properties="nav"') == 1


def test_the_epub_holds_the_whole_guide(bound):
    for chapter in BOOK.guide.chapters:
        page = ElementTree.fromstring(bound.read(f"book/{chapter.slug}.xhtml"))
        words = "".join(next(page.iter(f"{XHTML}body")).itertext())
        assert letters_of(chapter.title + chapter.text) in letters_of(words)


def test_each_link_within_the_epub_leads_to_a_place_that_is_there(bound):
    places, links = set(), []
    for name in bound.namelist():
        if name.endswith(".xhtml"):
            page = ElementTree.fromstring(bound.read(name))
            short = name.removeprefix("book/")
            places |= {short} | {f"{short}#{one.get('id')}" for one in page.iter() if one.get("id")}
            links += [link.get("href") or "" for link in page.iter(f"{XHTML}a")]
    outside = ("https://institute.test/", "mailto:", "tel:")
    assert {link for link in links if not link.startswith(outside)} <= places
    assert "https://institute.test/courses" in links


def test_a_link_to_a_part_of_another_chapter_leads_into_that_chapter(book_of, tmp_path):
    (tmp_path / "02-second.md").write_text("# Second\n\n- **Calm**: words.\n")
    book = book_of("See [it](#skill-calm).")
    page = zipfile.ZipFile(io.BytesIO(epub.make_epub(book))).read("book/first.xhtml").decode()
    assert 'href="second.xhtml#skill-calm"' in page


# --- the figure --------------------------------------------------------------------------------------------


def test_the_figure_has_the_chapters_as_stations_and_their_parts_beside_them():
    drawn = ElementTree.fromstring(draw(BOOK.guide).svg)
    texts = [text.text or "" for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    names = [
        name for chapter in BOOK.guide.on_the_way for name in (chapter.title, *(part.name for part in chapter.parts))
    ]
    assert " ".join(texts) == " ".join(names)


def test_the_figure_is_told_in_words():
    drawn = draw(BOOK.guide)
    assert f'<desc id="path-told">{drawn.told}</desc>' in drawn.svg
    assert "1. Introduction." in drawn.told
    assert "with Leadership, Communication" in drawn.told


def test_no_title_in_the_figure_is_wider_than_it(book_of, tmp_path):
    (tmp_path / "02-second.md").write_text(f"# {'A long title & more ' * 5}\n\nWords.\n")
    drawn = ElementTree.fromstring(draw(book_of("Words.").guide).svg)
    assert max(len(text.text or "") for text in drawn.iter("{http://www.w3.org/2000/svg}text")) <= 36


# --- where they are kept -----------------------------------------------------------------------------------


def test_a_file_made_once_is_read_by_every_process(tmp_path):
    made = Shelf(tmp_path).file(BOOK, EPUB)
    assert Shelf(tmp_path).lying_there(BOOK, EPUB) == made
    assert made.size == f"{round(len(made.content) / 1000)} kB"


def test_another_edition_or_address_is_another_file_and_the_former_goes(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.file(BOOK, EPUB)
    moved = Book(replace(BOOK.guide, updated=date(2030, 1, 1)), replace(PUBLISHER, email="new@institute.test"))
    assert shelf.lying_there(moved, EPUB) is None
    assert b"new@institute.test" in zipfile.ZipFile(io.BytesIO(shelf.file(moved, EPUB).content)).read(
        "book/institute.xhtml"
    )
    assert [path.name for path in tmp_path.iterdir()] == [f"{moved.key}.epub"]


def test_a_folder_that_cant_be_written_costs_no_reader_the_file(tmp_path):
    (tmp_path / "guide").write_text("in the way")
    assert Shelf(tmp_path / "guide").file(BOOK, EPUB).content == epub.make_epub(BOOK)


def test_readers_who_ask_at_once_get_one_file(tmp_path):
    shelf, got = Shelf(tmp_path), []
    readers = [threading.Thread(target=lambda: got.append(shelf.file(BOOK, EPUB))) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert {file.content for file in got} == {epub.make_epub(BOOK)}
    assert [path.name for path in tmp_path.iterdir()] == [f"{BOOK.key}.epub"]


def test_a_pdf_is_ordered_once_and_not_when_it_is_there(tmp_path):
    ordered: list[Book] = []
    shelf = Shelf(tmp_path, ordered.append)
    shelf.order(BOOK)
    shelf.order(BOOK)
    assert ordered == [BOOK]
    (tmp_path / f"{BOOK.key}.{PDF}").write_bytes(b"%PDF")
    Shelf(tmp_path, ordered.append).order(BOOK)
    assert ordered == [BOOK]

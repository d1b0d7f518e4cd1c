"""The guide as visitors get it: kept in memory, with an ETag; a book to keep; what can be asked about; a search."""

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pypdf import PdfReader
from sqlalchemy import select, text

from app import create_app
from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.factories import ADA, contact_of, count, messages
from tests.parts.opened import Opened
from tests.rooms.commented import commented
from tpminstitute.accounts.models import Role
from tpminstitute.contacts.models import Consent, Contact
from tpminstitute.guide.book import Book, book_of
from tpminstitute.guide.chapters import load_guide
from tpminstitute.guide.shelf import PDF
from tpminstitute.inbox.models import BroughtAlong, Inquiry, InquiryState
from tpminstitute.mail.models import MessageKind

pytestmark = on_sqlite

GUIDE = load_guide()


def of_letter(answer):
    return read(answer.text).first("form", class_="letter").fields


def the(db, table):
    with db.read() as session:
        return session.scalars(select(table)).one()


# --- from memory -------------------------------------------------------------------------------------------


def test_who_has_the_page_is_told_that_it_still_holds(client):
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("tag", ['W/"another"', '"another", W/"and-another"', "garbage"])
def test_who_has_another_page_gets_this_one(client, tag):
    client.get("/")
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.4", "*"])
def test_the_page_is_sent_packed_to_whom_can_read_that_and_is_the_same(client, accepted):
    client.get("/")
    sent = client.get("/", headers={"Accept-Encoding": accepted})
    assert sent.headers["Content-Encoding"] == "gzip"
    assert sent.headers["Vary"] == "Accept-Encoding"
    assert len(sent.data) == int(sent.headers["Content-Length"]) < 14_000
    packed, plain = gzip.decompress(sent.data).decode(), client.get("/").text
    tokens = [read(one).first("form", class_="letter").fields["token"] for one in (packed, plain)]
    assert packed.replace(tokens[0], "") == plain.replace(tokens[1], "")
    assert tokens[0] != tokens[1]


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "garbage;;=,"])
def test_the_page_is_sent_plain_to_everybody_else(client, accepted):
    client.get("/")
    sent = client.get("/", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in sent.headers
    assert sent.text.startswith("<!doctype html>")


def test_a_letter_from_a_page_that_was_sent_packed_is_taken(client, db):
    client.get("/")
    page = read(gzip.decompress(client.get("/", headers={"Accept-Encoding": "gzip"}).data).decode())
    fields = page.first("form", class_="letter").fields | {"name": "Ada", "email": ADA, "topic": "csm"}
    fields["message"] = "Where do I begin?"
    assert client.post("/contact", data=fields).status_code == 303
    assert the(db, Inquiry).message == "Where do I begin?"


def test_one_of_several_known_pages_is_enough_and_so_is_any(client):
    tag = client.get("/").headers["ETag"]
    for known in (f'"another", {tag}', "*"):
        assert client.get("/", headers={"If-None-Match": known}).status_code == 304


def test_each_page_that_is_handed_out_has_a_token_of_its_own(client):
    tokens = {of_letter(client.get("/"))["token"] for _ in range(3)}
    assert len(tokens) == 3


def test_a_letter_from_a_page_that_was_kept_for_a_month_is_taken_and_another_one_too(db, visitor):
    token = visitor.open_form("/", ago=30 * 24 * 3600)
    places = [visitor.send(token, message=words).location for words in ("How?", "And when?", "How?")]
    assert places[0] == places[2] != places[1]
    assert count(db, Inquiry) == 2


def test_the_kept_page_notes_where_a_visitor_came_from(db, visitor):
    visitor.open_form("/")
    token = visitor.open_form("/", Referer="https://search.example/find?q=secret")
    visitor.send(token)
    inquiry = the(db, Inquiry)
    assert (inquiry.source_page, inquiry.source_referrer) == ("/", "https://search.example/find")


def test_the_kept_page_answers_with_the_headers_of_every_page(client):
    rendered, kept = client.get("/"), client.get("/")
    assert dict(rendered.headers) == dict(kept.headers)
    assert "frame-ancestors 'none'" in kept.headers["Content-Security-Policy"]


def test_a_head_request_is_answered_without_the_page(client):
    whole = client.get("/")
    head = client.head("/")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", whole.headers["ETag"])


def test_the_kept_page_answers_though_the_database_is_gone(app, client):
    client.get("/")
    app.extensions["tpm"].db.close()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        app.view_functions["site.guide"] = None
        assert client.get("/").status_code == 200


def test_what_an_administrator_changes_is_another_page(client, desk_of):
    boss = desk_of("Bob", Role.ADMINISTRATOR)
    before = client.get("/").headers["ETag"]
    boss.press("Save", boss.page("/staff/settings/institute"), institute_phone="+1 215 555 0100")
    answer = client.get("/", headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert "+1 215 555 0100" in answer.text


def test_another_secret_key_is_another_page_since_the_tokens_of_before_are_worth_nothing(settings, client):
    tag = client.get("/").headers["ETag"]
    other = create_app(settings.model_copy(update={"secret_key": "another" * 8}))
    assert other.test_client().get("/", headers={"If-None-Match": tag}).status_code == 200
    other.extensions["tpm"].db.close()


# --- a book ------------------------------------------------------------------------------------------------


def test_the_guide_says_when_it_was_changed(client):
    assert "Updated on 23 November 2026." in read(client.get("/").text).first("article").words


def test_each_chapter_leads_to_the_one_before_and_the_one_after(client):
    page = read(client.get("/").text)
    slugs = [chapter.slug for chapter in GUIDE.chapters]
    turns = [
        {link["rel"]: link["href"] for link in page.with_id(slug).first("nav", class_="turn").all("a")}
        for slug in slugs
    ]
    assert [turn.get("prev") for turn in turns] == [None, *(f"#{slug}" for slug in slugs[:-1])]
    assert [turn.get("next") for turn in turns] == [*(f"#{slug}" for slug in slugs[1:]), None]


def test_one_can_ask_about_each_chapter_skill_and_certification(client):
    asks = [link for link in read(client.get("/").text).all("a") if link["href"].startswith("/contact?about=")]
    anchors = [anchor for c in GUIDE.on_the_way for anchor in (c.slug, *(part.anchor for part in c.parts))]
    assert [link["href"].removeprefix("/contact?about=") for link in asks] == anchors
    assert "Ask about Leadership" in [link.words for link in asks]
    assert "Ask about PMP, Project Management Professional (PMP)" in [link.words for link in asks]


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        ("skill-leadership", "the skill “Leadership”"),
        ("certification-spc", "the certification “SAFe Program Consultant (SPC)”"),
    ],
)
def test_asking_about_a_part_brings_it_along(db, visitor, anchor, words):
    fields = of_letter(visitor.client.get(f"/contact?about={anchor}"))
    visitor.send(**fields | {"name": "Ada", "email": ADA, "topic": "spc", "message": "Is it for me?"})
    assert the(db, BroughtAlong).about == words


def test_the_figure_of_the_path_is_in_the_guide_once(client):
    page = read(client.get("/").text)
    (figure,) = page.all("figure")
    assert figure.first("svg")["role"] == "img"
    assert figure.first("title").words == "The path this guide describes"


# --- to keep -----------------------------------------------------------------------------------------------


def test_the_pdf_and_the_epub_are_handed_out_as_what_they_are(client):
    book, epub = client.get("/guide.pdf"), client.get("/guide.epub")
    assert (book.mimetype, epub.mimetype) == ("application/pdf", "application/epub+zip")
    assert GUIDE.title in PdfReader(io.BytesIO(book.data)).pages[0].extract_text().replace("\n", " ")
    assert zipfile.ZipFile(io.BytesIO(epub.data)).read("mimetype") == b"application/epub+zip"


@pytest.mark.parametrize("address", ["/guide.pdf", "/guide.epub"])
def test_who_has_the_file_is_told_that_it_still_holds(client, address):
    tag = client.get(address).headers["ETag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_the_guide_tells_the_size_of_the_pdf_once_it_is_there(app, settings, client):
    assert "PDF, to print or to read on a large screen EPUB" in read(client.get("/").text).with_id("keep").words
    (settings.guide_folder / f"{book_of(GUIDE, settings).key}.{PDF}").write_bytes(b"%PDF" + b"0" * 13_990)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=2)):
        assert "large screen (14 kB)" in read(client.get("/").text).with_id("keep").words


def test_the_page_orders_the_pdf_from_the_press_once(settings):
    ordered: list[Book] = []
    app = create_app(settings, ordered.append)
    for _ in range(3):
        app.test_client().get("/")
    assert ordered == [book_of(GUIDE, settings)]
    app.extensions["tpm"].db.close()


# --- sent by mail ------------------------------------------------------------------------------------------


WISH = {"name": "Ada Lovelace", "email": ADA}


def wish(client, **fields):
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        known = of_letter(client.get("/guide/send"))
    return client.post("/guide/send", data=known | WISH | fields)


def test_the_guide_comes_by_mail_as_two_links(db, client):
    answer = wish(client)
    assert answer.status_code == 303
    assert client.get(answer.location).status_code == 200
    (letter,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    mail = Opened(letter.content, (ADA,))
    for address in ("http://institute.test/guide.pdf", "http://institute.test/guide.epub"):
        assert address in mail.text
        assert address in mail.html


def test_wishing_for_the_guide_is_an_inquiry_like_any_other(db, client, desk):
    wish(client, consent="y")
    inquiry = the(db, Inquiry)
    assert (inquiry.state, inquiry.topic, inquiry.source_page) == (
        InquiryState.OPEN,
        "becoming_a_tpm",
        "/guide/send",
    )
    assert inquiry.message == f"Please send me the guide “{GUIDE.title}” to keep."
    assert count(db, Consent) == 1
    assert len(messages(db, kind=MessageKind.NOTICE)) == 1
    words = desk.page(f"/staff/contacts/{contact_of(db).public_id}").words
    assert "Wrote on the page that sends the guide" in words


def test_the_same_wish_sent_twice_is_one(db, client):
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        fields = of_letter(client.get("/guide/send")) | WISH
    first, second = (client.post("/guide/send", data=fields).location for _ in range(2))
    assert first == second
    assert (count(db, Inquiry), len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT))) == (1, 1)


def test_a_wish_without_an_address_comes_back_as_it_was_typed(db, client):
    answer = wish(client, email="ada at home")
    assert answer.status_code == 422
    assert of_letter(answer)["name"] == "Ada Lovelace"
    assert count(db, Contact) == 0


def test_a_forged_wish_comes_back_as_it_was_typed(db, client):
    answer = wish(client, token="forged")
    assert answer.status_code == 400
    fields = of_letter(answer)
    assert (fields["name"], fields["email"]) == ("Ada Lovelace", ADA)
    assert client.post("/guide/send", data=fields).status_code == 303


def test_other_words_or_topics_than_ours_are_not_taken_from_this_form(db, client):
    wish(client, message="Buy now", topic="csm")
    inquiry = the(db, Inquiry)
    assert inquiry.message.startswith("Please send me the guide")
    assert inquiry.topic == "becoming_a_tpm"


# --- what was read -----------------------------------------------------------------------------------------


def test_what_was_read_is_kept_with_its_edition_and_shown_to_staff(db, visitor, desk):
    visitor.send(read="introduction conclusion")
    along = the(db, BroughtAlong)
    assert (along.chapters_read, along.edition) == (["Introduction", "Conclusion"], GUIDE.edition)
    words = desk.page(f"/staff/contacts/{contact_of(db).public_id}").words
    assert f"Had read Introduction; Conclusion (edition {GUIDE.edition})" in words


@pytest.mark.parametrize("read_", [None, "", "unknown <script> ' OR 1=1", "x" * 100_000, "contact-us comments"])
def test_what_names_no_chapter_is_left_out_and_the_letter_is_taken(db, visitor, read_):
    assert visitor.send(read=read_).status_code == 303
    assert count(db, BroughtAlong) == 0


def test_a_chapter_named_twice_is_named_once(db, visitor):
    visitor.send(read="introduction introduction nowhere introduction")
    assert the(db, BroughtAlong).chapters_read == ["Introduction"]


def test_what_was_read_is_still_there_and_ticked_when_the_letter_comes_back(visitor):
    answer = visitor.send(read="introduction conclusion", email="")
    assert of_letter(answer)["read"] == "introduction conclusion"
    assert "Goes along: you read “Introduction” and 1 more" in read(answer.text).first("form", class_="letter").words


def test_what_was_left_out_is_not_offered_again_when_the_letter_comes_back(visitor):
    answer = visitor.send(email="")
    assert "read" not in of_letter(answer)
    assert not read(answer.text).all("template")


@pytest.mark.parametrize("address", ["/", "/contact"])
def test_without_javascript_nothing_that_was_read_goes_along(client, address):
    assert "read" not in of_letter(client.get(address))


def test_the_page_names_the_chapters_that_may_go_along(client):
    (offer,) = read(client.get("/contact").text).all("template")
    assert json.loads(offer["data-titles"]) == [[chapter.slug, chapter.title] for chapter in GUIDE.on_the_way]
    assert offer["data-edition"] == GUIDE.edition


# --- search ------------------------------------------------------------------------------------------------


def test_a_passage_is_found_marked_and_led_to(client):
    page = read(client.get("/search?q=leadreship").text)
    (first, *_) = page.first("ol", class_="found").all("a")
    assert first["href"] == "/#skill-leadership"
    assert "Leadership" in [mark.words for mark in page.all("mark")]
    assert "“leadreship” stands nowhere, so “leadership” was taken for it." in page.first("main").words


def test_a_comment_with_hostile_words_is_found_shown_as_it_is_and_led_to(client, db, settings):
    commented(db, settings, name="<b>Eve\u202e", body="An okapi \u202e<script>alert(1)</script>", published=True)
    page = read(client.get("/search?q=okapi").text)
    link = page.first("ol", class_="found").first("a")
    assert link.words == "<b>Eve"
    assert [mark.words for mark in page.all("mark")] == ["okapi"]
    assert "An okapi ⟨U+202E⟩<script>alert(1)</script>" in page.first("ol", class_="found").words
    path, anchor = link["href"].split("#")
    assert f'id="{anchor}"' in client.get(path).text


def test_while_the_database_is_away_the_guide_is_searched_and_the_page_says_so(client, app):
    with app.extensions["tpm"].db.write() as session:
        session.execute(text("ALTER TABLE comments RENAME TO elsewhere"))
    page = read(client.get("/search?q=leadership").text)
    assert page.first("ol", class_="found").all("a")
    assert "Comments and answers can’t be looked through just now" in page.first("main").words


def test_an_empty_search_teaches_and_a_vain_one_leads_on(client):
    for address, words in (("/search", "For example"), ("/search?q=xylophone", "Nothing here has “xylophone”")):
        page = read(client.get(address).text)
        assert words in page.first("main").words
        assert page.first("ul", class_="tries").all("a")
        assert client.get(page.first("ul", class_="tries").first("a")["href"]).status_code == 200


@pytest.mark.parametrize("query", ["<script>alert(1)</script>", "%00", "\u202eabc", "'", "x" * 5_000, "%ff%fe"])
def test_a_hostile_search_does_nothing(client, query):
    answer = client.get("/search", query_string={"q": query} if "%" not in query else f"q={query}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "\u202e" not in read(answer.text).first("main").words


def test_a_search_is_no_page_for_search_engines(client):
    assert read(client.get("/search?q=pmp").text).first("meta", name="robots")["content"] == "noindex"

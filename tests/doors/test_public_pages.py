"""The public pages: the guide, the courses, the thank-you page, and what is said when something is wrong."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from tests.doors.html import read
from tpminstitute.guide.chapters import load_guide
from tpminstitute.inbox.previews import MADE_UP, letter_for
from tpminstitute.mail.letters import letter_sources

LARGEST = 60_000
PUBLIC = [
    "/",
    "/contact",
    "/courses",
    "/thanks/unknown",
    "/unsubscribe/forged",
    "/me",
    "/me/forged",
    "/nowhere",
    "/healthz",
    "/metrics",
]


@pytest.fixture
def database_url(sqlite_url):
    """Hardly a row is touched here, so one database is enough."""
    return sqlite_url


def page(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return read(answer.text)


def scripts(found):
    """What a page runs: a block of data is no script."""
    return [e for e in found.all("script") if e["type"] != "application/ld+json"]


def loaded_by(client, address):
    """Every style sheet and script that a page loads, and what those import. Returns: address → bytes."""
    text = client.get(address).text
    found = read(text)
    waiting = [e["href"] for e in found.all("link", rel="stylesheet")] + [e["src"] for e in scripts(found)]
    loaded = {address: text.encode()}
    while waiting:
        source = waiting.pop()
        if source not in loaded:
            answer = client.get(source)
            assert answer.status_code == 200, source
            loaded[source] = answer.data
            imported = re.findall(r"""(?:from|import)\s*["']\./([\w.-]+)["']""", answer.text)
            imported += re.findall(r"""url\(["']?(?!data:)([^"')]+)""", answer.text)
            waiting += [f"/static/{name}" for name in imported]
            answer.close()
    return loaded


def test_the_guide_with_all_it_loads_is_under_60_kilobytes(client):
    loaded = loaded_by(client, "/")
    assert len(loaded) >= 3
    assert sum(map(len, loaded.values())) < LARGEST, {name: len(data) for name, data in loaded.items()}


def test_the_guide_has_an_anchor_and_a_heading_for_every_chapter(client):
    guide = page(client, "/")
    for chapter in load_guide().chapters:
        section = guide.with_id(chapter.slug)
        assert section.first("h2").words == chapter.title


def test_every_letter_leads_to_a_place_that_the_guide_has(client, settings):
    guide = page(client, "/")
    ids = {element["id"] for element in guide.inner}
    for key, source in letter_sources().items():
        links = [link["href"] for link in read(letter_for(settings, key, source, MADE_UP).html).all("a")]
        assert {link.partition("#")[2] for link in links if "/#" in link} <= ids, key


def test_the_table_of_contents_leads_to_every_chapter_in_order(client):
    guide = page(client, "/")
    slugs = [f"#{chapter.slug}" for chapter in load_guide().chapters]
    for contents in guide.all("nav", aria_label="Chapters"):
        assert [link["href"] for link in contents.all("a")] == slugs


def test_the_guide_can_be_written_and_called_to(client):
    links = {link["href"] for link in page(client, "/").first("main").all("a")}
    assert {"mailto:info@tpminstitute.org", "tel:+12154302201", "/courses"} <= links


def test_every_link_within_the_guide_leads_somewhere(client):
    guide = page(client, "/")
    ids = {e["id"] for e in guide.inner}
    for link in guide.all("a"):
        if link["href"].startswith("#"):
            assert link["href"][1:] in ids
        elif link["href"].startswith("/"):
            assert client.get(link["href"]).status_code == 200


def test_the_guide_asks_to_write_and_holds_the_form(client):
    guide = page(client, "/")
    form = guide.with_id("write").first("form", class_="letter")
    assert (form["method"], form["action"].partition("?")[0]) == ("post", "/contact")
    assert [link for link in guide.first("article").all("a") if link["href"] == "#write"]


@pytest.mark.parametrize("address", ["/", "/contact"])
def test_the_form_is_sent_to_another_address_than_its_page_so_that_going_back_finds_the_same_form(client, address):
    """A browser drops its copy of a page when something is posted to the page's own address (RFC 9111, 4.4)."""
    assert page(client, address).first("form", class_="letter")["action"] != address


@pytest.mark.parametrize("address", ["/", "/contact", "/courses"])
def test_a_page_is_whole_without_scripts(client, address):
    found = page(client, address)
    assert not [e for e in found.first("body").inner if e.tag == "script"]
    assert all(script["type"] == "module" and script["src"] for script in scripts(found))
    # What only the script asks waits where it asks it; without it the form comes back with the same question.
    assert not [e for e in found.first("main").inner if "hidden" in e.attrs and not e["data-ask"]]


@pytest.mark.parametrize("address", ["/", "/contact", "/courses", "/staff/sign-in"])
def test_a_page_loads_nothing_from_another_host(client, address):
    found = page(client, address)
    sources = [e[name] for e in found.inner for name in ("src", "srcset", "poster", "data") if e[name]]
    sources += [e["href"] for e in found.all("link") if e["rel"] not in ("canonical", "alternate")]  # only named
    assert all(source.startswith(("/static/", "data:image/")) for source in sources)


@pytest.mark.parametrize("address", ["/", "/contact", "/courses", "/nowhere", "/staff/sign-in"])
def test_a_page_has_a_title_a_language_and_one_main_heading(client, address):
    found = read(client.get(address).text)
    assert found.first("html")["lang"] == "en"
    assert found.first("title").words
    assert len(found.all("h1")) == 1


@pytest.mark.parametrize("address", ["/", "/contact", "/courses", "/pathway", "/privacy", "/search", "/comments"])
def test_a_page_says_no_sentence_twice(client, address):
    said = [p.words for p in page(client, address).first("main").all("p") if p.parents[-1].tag != "li"]
    sentences = [one for words in said for one in re.split(r"(?<=[.?])\s+", words) if len(one) > 60]
    assert sorted(sentences) == sorted(set(sentences))


def test_the_courses_page_speaks_of_the_certifications_and_asks_to_write(client):
    main = page(client, "/courses").first("main")
    assert "Scrum" in main.text
    assert "/contact" in {link["href"] for link in main.all("a")}


def test_the_thank_you_page_names_the_reference_and_what_happens_next(client, visitor):
    place = visitor.send(name="Ada Lovelace").location
    main = page(client, place).first("main")
    assert main.first("h1").words == "Thank you, Ada"
    reference = main.first("strong", class_="reference").words
    assert reference.replace("-", "").lower() == place.rpartition("/")[2][:8]
    assert "What happens next" in main.text


def test_a_thank_you_page_that_never_was_is_not_found(client):
    assert client.get("/thanks/0000000000000000000a").status_code == 404


@pytest.mark.parametrize(
    ("method", "address", "status", "words"),
    [
        ("GET", "/nowhere", 404, "no such page"),
        ("GET", "/staffroom", 404, "no such page"),
        ("DELETE", "/contact", 405, "Nothing was changed"),
        ("POST", "/", 405, "Nothing was changed"),
        ("PUT", "/courses", 405, "Nothing was changed"),
    ],
)
def test_an_error_is_said_in_plain_words_with_a_way_on(client, method, address, status, words):
    answer = client.open(address, method=method)
    assert answer.status_code == status
    main = read(answer.text).first("main")
    assert words in main.text
    assert {"/", "/contact"} <= {link["href"] for link in main.all("a")}


def test_an_error_at_the_desk_leads_back_to_the_desk(client):
    main = read(client.get("/staff/nowhere").text).first("main")
    assert "no such page" in main.text
    assert {link["href"] for link in main.all("a")} == {"/staff/", "/"}


def test_an_error_of_ours_is_said_in_plain_words_and_without_its_reason(app, client):
    def broken():
        raise RuntimeError("secret detail")

    app.view_functions["site.courses"] = broken
    answer = client.get("/courses")
    assert answer.status_code == 500
    assert "on our side" in answer.text
    assert "secret detail" not in answer.text


@pytest.mark.parametrize("address", [*PUBLIC, "/readyz"])
def test_a_public_page_sets_no_cookie(client, address):
    assert "Set-Cookie" not in client.get(address).headers


@pytest.mark.parametrize("fields", [{}, {"email": "wrong"}, {"token": "forged"}])
def test_sending_the_form_sets_no_cookie(visitor, fields):
    assert "Set-Cookie" not in visitor.send(**fields).headers


@pytest.mark.parametrize("address", [*PUBLIC, "/staff/sign-in", "/staff/"])
def test_every_answer_forbids_foreign_scripts_frames_and_guesses(client, address):
    headers = client.get(address).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert policy["default-src"] in ("'none'", "'self'")
    assert policy["script-src"] == "'self'"
    assert re.fullmatch(r"'self' 'sha256-[\w+/]{43}='", policy["style-src"])
    assert (policy["frame-ancestors"], policy["base-uri"]) == ("'none'", "'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]


@pytest.mark.parametrize("address", ["/", "/contact", "/courses", "/search", "/guide/send", "/nowhere"])
def test_a_public_page_carries_its_style_in_itself_so_that_no_request_blocks_it(client, address):
    answer = client.get(address)
    found = read(answer.text)
    (style,) = found.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert not found.all("link", rel="stylesheet")
    assert all(script["type"] == "module" for script in scripts(found))


def test_a_style_sheet_may_be_kept_for_a_year_under_its_fingerprint(client):
    sheet = read(client.get("/staff/sign-in").text).all("link", rel="stylesheet")[0]
    with client.get(sheet["href"]) as answer:
        assert "immutable" in answer.headers["Cache-Control"]


def test_nothing_but_static_files_is_served_as_a_file(client):
    for name in ("app.py", "var/secret_key", "templates/parts.html", "../app.py"):
        assert client.get(f"/static/../{name}").status_code == 404
        assert client.get(f"/{name}").status_code == 404


def test_no_page_carries_inline_styles_or_scripts():
    for path in Path(__file__).parents[2].joinpath("templates").rglob("*.html"):
        if "email" not in path.parts:
            text = path.read_text("utf-8")
            assert not re.search(
                r"""\sstyle=["']|<style|\son\w+=["']|<script(?![^>]*\s(?:src=|type="application/ld\+json"))""", text
            ), path

"""How the site is found and shared: addresses, pictures, lists for machines, and pages for when something is wrong."""

import io
import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.factories import an_account, contact_of, submitted
from tests.rooms.courses_kept import a_course, a_date
from tpminstitute.comments.models import PublicationState, PublishedAnswer
from tpminstitute.core import clock
from tpminstitute.guide.chapters import load_guide
from tpminstitute.web.policy import site_sheet

pytestmark = on_sqlite

CHAPTER = "gaining-relevant-experience"
HOSTILE = "Why </script><b>me</b> & you?"
ATOM = {"a": "http://www.w3.org/2005/Atom"}
MAPPED = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def page(client, address):
    return read(client.get(address).text)


def meta(found, name):
    return [one["content"] for one in found.all("meta") if name in (one["property"], one["name"])]


def json_ld(found):
    return [json.loads(one.text) for one in found.all("script", type="application/ld+json")]


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def answer(db, settings, alice):
    """A published question with hostile words, and its answer."""
    submitted(db, settings)
    now = clock.now()
    with db.write() as session:
        session.add(
            PublishedAnswer(
                public_id="0123456789abcdefghij",
                contact_id=contact_of(db).id,
                account_id=alice,
                consent="Yes.",
                chapter=CHAPTER,
                edition="0123abcd",
                question=HOSTILE,
                answer="Because.",
                state=PublicationState.PUBLISHED,
                asked_at=now,
                consented_at=now,
                published_at=now,
            )
        )


@pytest.mark.parametrize("address", ["/", "/contact", "/courses", "/pathway", "/privacy", f"/comments/{CHAPTER}"])
def test_a_public_page_names_its_one_address_and_what_is_shared_of_it(client, settings, address):
    found = page(client, f"{address}?topic=courses")
    assert [one["href"] for one in found.all("link", rel="canonical")] == [settings.public_url + address]
    assert meta(found, "og:url") == [settings.public_url + address]
    assert meta(found, "og:title") == [found.first("title").text]
    assert meta(found, "og:description") == meta(found, "description")
    assert meta(found, "og:image:alt")


@pytest.mark.parametrize("address", ["/search", "/nowhere", "/pathway/zz", "/unsubscribe/forged", "/comments/mine/x"])
def test_what_is_nobody_elses_has_no_address_to_share(client, address):
    found = page(client, address)
    assert not found.all("link", rel="canonical")
    assert not meta(found, "og:url")
    assert meta(found, "robots") == ["noindex"]


def test_the_guide_is_told_as_an_article_of_the_institute(client, settings):
    (told,) = json_ld(page(client, "/"))
    assert (told["@type"], told["headline"], told["inLanguage"]) == ("Article", load_guide().title, "en")
    assert told.get("dateModified") == (str(load_guide().updated) if load_guide().updated else None)
    assert told["publisher"]["@type"] == "Organization"
    assert (told["publisher"]["name"], told["publisher"]["email"]) == (
        settings.institute_name,
        settings.institute_email,
    )


def test_only_answers_that_are_shown_are_told_as_often_asked_and_their_words_end_no_element(client, answer):
    (told,) = json_ld(page(client, f"/comments/{CHAPTER}"))
    assert told["@type"] == "FAQPage"
    assert [one["name"] for one in told["mainEntity"]] == [HOSTILE]
    assert not json_ld(page(client, "/comments/developing-essential-skills"))


def test_the_picture_is_made_here_and_kept_at_the_address_of_its_version(client, settings):
    (address,) = meta(page(client, "/"), "og:image")
    first = client.get(address.removeprefix(settings.public_url))
    assert Image.open(io.BytesIO(first.data)).size == (1200, 630)
    assert len(first.data) < 60_000
    assert "immutable" in first.headers["Cache-Control"]
    assert client.get("/og.png?v=older").headers["Cache-Control"] == "public, no-cache"
    assert client.get("/og.png", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_the_sitemap_lists_what_may_be_found_and_each_page_is_there(client, db, settings, alice, answer):
    a_course(db, alice)
    tree = ElementTree.fromstring(client.get("/sitemap.xml").data)
    places = [str(one.text).removeprefix(settings.public_url) for one in tree.findall("s:url/s:loc", MAPPED)]
    assert {"/", "/contact", "/pathway", "/courses/leading-programs", f"/comments/{CHAPTER}"} <= set(places)
    assert len(tree.findall("s:url/s:lastmod", MAPPED)) == (1 if load_guide().updated else 0)
    for place in places:
        found = page(client, place)
        assert [one["href"] for one in found.all("link", rel="canonical")] == [settings.public_url + place]


def test_the_feed_tells_editions_answers_and_dates_once_each(client, db, alice, answer):
    course = a_course(db, alice)
    a_date(db, course, alice, f"{clock.now().year + 1}-05-04T09:00")
    first = client.get("/feed.xml")
    tree = ElementTree.fromstring(first.data)
    ids = [str(one.text) for one in tree.findall("a:entry/a:id", ATOM)]
    assert len(ids) == len(set(ids))
    kinds = {one.split(":")[2].split("/")[0] for one in ids}
    assert kinds >= {"answer", "date"}
    assert HOSTILE in "".join(str(one.text) for one in tree.findall("a:entry/a:content", ATOM))
    newest = tree.findtext("a:entry/a:updated", namespaces=ATOM)
    assert tree.findtext("a:updated", namespaces=ATOM) == newest
    assert client.get("/feed.xml", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_robots_are_kept_from_what_is_somebodys_own_and_told_where_the_pages_are(client, settings):
    lines = client.get("/robots.txt").text.splitlines()
    assert {"User-agent: *", "Disallow: /staff", "Disallow: /thanks/", "Disallow: /search"} <= set(lines)
    assert lines[-1] == f"Sitemap: {settings.public_url}/sitemap.xml"


def test_security_txt_names_whom_to_tell_and_holds_for_less_than_a_year(client, settings):
    fields = dict(line.split(": ", 1) for line in client.get("/.well-known/security.txt").text.splitlines())
    assert fields["Contact"] == f"mailto:{settings.institute_email}"
    ends = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=90) < ends - clock.now() < timedelta(days=365)
    assert fields["Canonical"] == f"{settings.public_url}/.well-known/security.txt"


@pytest.mark.parametrize(
    "address", ["/sitemap.xml", "/robots.txt", "/feed.xml", "/og.png", "/.well-known/security.txt"]
)
def test_a_machine_may_ask_for_the_headers_alone(client, address):
    whole, head = client.get(address), client.head(address)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert head.headers["Cache-Control"].startswith("public")


# --- when something is wrong -------------------------------------------------------------------------------


def asked_for(found):
    """What a page makes a browser ask for by itself."""
    links = [one["href"] for one in found.all("link") if one["rel"] in ("stylesheet", "icon", "preload")]
    return [one for one in links + [e["src"] for e in found.all("script") + found.all("img")] if one[:5] != "data:"]


def test_a_page_that_is_not_there_asks_for_nothing_more_and_says_where_to_go(client):
    found = page(client, "/nowhere")
    assert not asked_for(found)
    assert {"/", "/courses", "/pathway", "/search", "/contact"} <= {one["href"] for one in found.first("main").all("a")}


def test_where_even_the_error_page_breaks_a_still_one_stands(app, client, settings):
    app.jinja_env.globals["site_sheet"] = app.jinja_env.globals["institute"] = None
    answer = client.get("/contact")
    assert answer.status_code == 500
    found = read(answer.text)
    assert found.first("h1").words == "Something broke on our side"
    assert settings.institute_email in found.text
    assert str(site_sheet()) in answer.text
    assert not asked_for(found)

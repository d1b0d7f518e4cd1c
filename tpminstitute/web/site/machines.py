"""What machines ask a site for: which pages there are, which not to visit, what is new, and whom to tell of a hole."""

from collections.abc import Iterator
from datetime import timedelta
from xml.sax.saxutils import escape

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core import clock, tokens
from tpminstitute.web.common import session, settings, shared
from tpminstitute.web.site import site
from tpminstitute.web.site.along import guide
from tpminstitute.web.site.news import news, updated

FOR_MINUTES = "public, max-age=300"

HIDDEN = (
    "/staff", "/me/", "/thanks/", "/unsubscribe/", "/go/", "/search", "/pathway/", "/calendar/", "/hooks/",
    "/comments/decide/", "/comments/mine/", "/comments/consent/", "/comments/unsubscribe/",
)  # fmt: skip
"""Where robots have nothing to look for: what is somebody's own, and what is made of what is asked."""

SECURITY_HOLDS = timedelta(days=180)
"""How long security.txt says that it holds (RFC 9116, 2.5.5: less than a year)."""


@site.get("/robots.txt")
def robots() -> Response:
    """Say where robots need not go, and where the list of pages is (RFC 9309)."""
    lines = ["User-agent: *", *(f"Disallow: {place}" for place in HIDDEN)]
    return _text("\n".join([*lines, "", f"Sitemap: {settings().public_url}/sitemap.xml", ""]), "text/plain")


@site.get("/sitemap.xml")
def sitemap() -> Response:
    """List the pages that may be found; a date stands only where it is known."""
    day = guide().updated
    pages = [f"<url><loc>{_address('site.guide')}</loc>{f'<lastmod>{day}</lastmod>' if day else ''}</url>"]
    pages += [f"<url><loc>{address}</loc></url>" for address in _others()]
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return _text(f"{text}{chr(10).join(pages)}\n</urlset>\n", "application/xml")


@site.get("/feed.xml")
def feed() -> Response:
    """Tell what is new, as an Atom feed (RFC 4287); 304 while nothing is."""
    entries = news(session(), settings(), guide(), shared().courses.courses)
    text = render_template("site/feed.xml", site=settings().public_url, entries=entries, updated=updated(entries))
    return _text(text, "application/atom+xml")


@site.get("/.well-known/security.txt")
def security() -> Response:
    """Say whom to tell of a hole (RFC 9116). It is the same for a whole day, and so is its ETag."""
    end = (clock.now() + SECURITY_HOLDS).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: mailto:{settings().institute_email}",
        f"Expires: {end:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {settings().public_url}/.well-known/security.txt",
    ]
    return _text("\n".join([*lines, ""]), "text/plain")


def _others() -> Iterator[str]:
    yield from map(_address, ("site.contact", "site.pathway_check", "site.courses", "site.privacy"))
    for course in shared().courses.courses:
        yield _address("site.course", slug=course.slug)
    for slug in shared().talk:
        yield _address("site.chapter_comments", slug=slug)


def _address(endpoint: str, slug: str | None = None) -> str:
    """Return the whole address of a page; `slug` names which of its kind."""
    path = url_for(endpoint) if slug is None else url_for(endpoint, slug=slug)
    return escape(f"{settings().public_url}{path}")


def _text(text: str, kind: str) -> Response:
    answer = make_response(text)
    answer.headers["Content-Type"] = f"{kind}; charset=utf-8"
    answer.headers["Cache-Control"] = FOR_MINUTES
    answer.set_etag(tokens.digest(text)[:32])
    return answer.make_conditional(request)

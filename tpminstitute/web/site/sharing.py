"""How public pages are found and shared: their one address, their picture, and what they tell search engines."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from flask import make_response, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from tpminstitute.comments.queries import QuestionAndAnswer
from tpminstitute.core.structured import for_page, organization
from tpminstitute.guide.book import LANGUAGE
from tpminstitute.web.common import settings
from tpminstitute.web.site import site
from tpminstitute.web.site.along import guide

FOUND = {
    "site.guide",
    "site.contact",
    "site.courses",
    "site.course",
    "site.pathway_check",
    "site.comments",
    "site.chapter_comments",
    "site.send_guide",
    "site.privacy",
}
"""The pages that may be found and shared; any other is somebody's own, or leads on."""

TYPE = "image/png"
FOR_A_YEAR = "public, max-age=31536000, immutable"


@site.app_template_global()
def canonical_address() -> str:
    """Return the one address of the page that is shown, without what was added to it; '' for one of nobody else's."""
    return f"{settings().public_url}{request.path}" if request.endpoint in FOUND else ""


@site.app_template_global()
def picture_address() -> str:
    """Return where the picture is that stands for the site; another one has another address."""
    return f"{settings().public_url}{url_for('site.picture', v=_version())}"


@site.app_template_global()
def guide_as_json_ld() -> Markup:
    """Return the guide as an article of the institute."""
    publisher = organization(settings())
    address = f"{settings().public_url}/"
    article: dict[str, Any] = {
        "@type": "Article",
        "@id": f"{address}#guide",
        "url": address,
        "headline": guide().title,
        "inLanguage": LANGUAGE,
        "image": picture_address(),
        "author": {"@id": publisher["@id"]},
        "publisher": publisher,
    }
    day = guide().updated
    return Markup(for_page(article | ({"dateModified": day.isoformat()} if day else {})))


@site.app_template_global()
def answers_as_json_ld(questions: Sequence[QuestionAndAnswer]) -> Markup:
    """Return the published answers that a page shows, at least one, as questions that are often asked."""
    told = [
        {"@type": "Question", "name": one.question, "acceptedAnswer": {"@type": "Answer", "text": one.answer}}
        for one in questions
    ]
    return Markup(for_page({"@type": "FAQPage", "mainEntity": told}))


@site.get("/og.png")
def picture() -> Response:
    """Hand out the picture, made once for each title; at the address that names its version it may be kept for good."""
    answer = make_response(_picture(*_told()))
    answer.mimetype = TYPE
    answer.headers["Cache-Control"] = FOR_A_YEAR if request.args.get("v") == _version() else "public, no-cache"
    answer.set_etag(_version())
    return answer.make_conditional(request)


def _told() -> tuple[str, int, str]:
    return guide().title, len(guide().on_the_way), settings().institute_name


def _version() -> str:
    return hashlib.sha256(repr(_told()).encode()).hexdigest()[:10]


@lru_cache(maxsize=2)
def _picture(title: str, stations: int, publisher: str) -> bytes:
    from tpminstitute.guide import picture  # Pillow is large: it is loaded with the first picture

    return picture.draw(title, stations, publisher)

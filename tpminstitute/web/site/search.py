"""Searching the guide, the comments on it, and the questions that were answered."""

from functools import lru_cache
from typing import cast

import structlog
from flask import current_app, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from tpminstitute.guide.chapters import Guide
from tpminstitute.site_search.passages import guide_passages
from tpminstitute.site_search.search import Index, Read, search
from tpminstitute.site_search.talk import KeptTalk
from tpminstitute.web.common import database, reason_of
from tpminstitute.web.site import site
from tpminstitute.web.site.along import guide

log = structlog.get_logger(__name__)


@site.get("/search")
def search_site() -> str:
    """Show what was found, or how to look; `?q=` is what is looked for.

    While the database is away, the guide alone is searched, and the page says so.
    """
    query = request.args.get("q", "")
    talk = _talk() if query else None
    answer = search(query, _guide_index(guide()), *([talk] if talk else []))
    tries = [part.short for chapter in guide().chapters for part in chapter.parts]
    missing = bool(query) and talk is None
    return render_template(
        "site/search.html", answer=answer, tries=tries, chapters=guide().chapters, guide_only=missing
    )


def _talk() -> Index | None:
    kept = cast(KeptTalk, current_app.extensions["tpm_talk"])
    try:
        with database().read() as reading:
            return kept.index(reading)
    except SQLAlchemyError as problem:
        log.error("talk_not_searched", reason=reason_of(problem))
        return None


@lru_cache(maxsize=1)
def _guide_index(guide: Guide) -> Index:
    return Index.of(Read.of(passage) for passage in guide_passages(guide))

"""Searching the guide and what was said about it."""

from collections.abc import Callable, Iterable
from itertools import chain

from flask import render_template, request

from tpminstitute.site_search.passages import Passage, guide_passages
from tpminstitute.site_search.search import search
from tpminstitute.web.site import site
from tpminstitute.web.site.along import guide

SOURCES: list[Callable[[], Iterable[Passage]]] = [lambda: guide_passages(guide())]
"""Where passages come from, asked at each search: what else is public is added here."""


@site.get("/search")
def search_site() -> str:
    """Show what was found, or how to look; `?q=` is what is looked for."""
    answer = search(request.args.get("q", ""), chain.from_iterable(source() for source in SOURCES))
    tries = [part.short for chapter in guide().chapters for part in chapter.parts]
    return render_template("site/search.html", answer=answer, tries=tries, chapters=guide().chapters)

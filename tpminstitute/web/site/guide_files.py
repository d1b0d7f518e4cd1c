"""The guide to keep: as a PDF and as an EPUB."""

from typing import cast

from flask import Response, current_app, request

from tpminstitute.guide import epub
from tpminstitute.guide.book import book_of
from tpminstitute.guide.shelf import EPUB, PDF, Shelf
from tpminstitute.web.common import settings
from tpminstitute.web.site import site
from tpminstitute.web.site.along import guide

NAME = "tpm-pathway-guide"
"""What the file is called where the reader keeps it, before its ending."""


@site.get("/guide.pdf")
def guide_pdf() -> Response:
    """Hand out the PDF, made when the first reader asks for it."""
    return _file(PDF, "application/pdf", "inline")


@site.get("/guide.epub")
def guide_epub() -> Response:
    """Hand out the EPUB."""
    return _file(EPUB, epub.TYPE, "attachment")


def _file(kind: str, content_type: str, how: str) -> Response:
    shelf = cast(Shelf, current_app.extensions["tpm_shelf"])
    file = shelf.file(book_of(guide(), settings()), kind)
    response = Response(file.content, mimetype=content_type)
    response.headers["Content-Disposition"] = f'{how}; filename="{NAME}.{kind}"'
    response.headers["Cache-Control"] = "public, no-cache"
    response.set_etag(file.name.partition(".")[0])
    response.make_conditional(request)
    return response

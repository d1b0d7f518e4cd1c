"""The guide."""

from typing import cast

from flask import current_app, render_template

from tpminstitute.comments.chapters import commented
from tpminstitute.contacts import consent
from tpminstitute.guide import figure
from tpminstitute.guide.book import Book, in_words
from tpminstitute.guide.shelf import EPUB, PDF, Shelf
from tpminstitute.web.common import shared
from tpminstitute.web.site import site
from tpminstitute.web.site.form import LetterForm
from tpminstitute.web.site.kept_page import TOKEN_PLACE, KeptGuide, Rendered


@site.get("/")
def guide() -> Rendered:
    """Show the guide, with the letter at its foot. This is reached when the page that is kept holds no longer."""
    return cast(KeptGuide, current_app.extensions["tpm_guide"]).keep(shared(), _render)


def _render(book: Book, shelf: Shelf) -> str:
    form = LetterForm(formdata=None, topics=shared().topics)
    form.token.data = TOKEN_PLACE
    return render_template(
        "site/guide.html",
        guide=book.guide,
        site=book.publisher.site,
        updated=in_words(book.guide.updated) if book.guide.updated else "",
        drawn=figure.draw(book.guide),
        epub=shelf.file(book, EPUB),
        pdf=shelf.lying_there(book, PDF),
        form=form,
        commented={chapter.slug for chapter in commented()},
        talk=shared().talk,
        comments_open=shared().settings.comments_open,
        consent_wording=consent.CURRENT_WORDING.text,
    )

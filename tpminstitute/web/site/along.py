"""What a letter brings along: read from what the page put into its form, named so that its writer can see it."""

from flask import current_app

from tpminstitute.guide.chapters import Guide
from tpminstitute.inbox.along import Along
from tpminstitute.web.site.form import LetterForm


def guide() -> Guide:
    """Return the guide as it was read at the start."""
    loaded: Guide = current_app.extensions["tpm"].guide
    return loaded


def about_words(key: str) -> str:
    """Return what is asked about, as its writer and staff read it; '' for a key that names nothing of ours."""
    titles = {chapter.slug: chapter.title for chapter in guide().chapters}
    return f"the chapter “{titles[key]}”" if key in titles else ""


def along_of(form: LetterForm) -> Along:
    """Return what `form` brings along; what names nothing of ours is left out, the letter itself is never refused."""
    return Along(about=about_words(form.about.data or ""), edition=guide().edition)

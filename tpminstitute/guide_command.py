"""`tpm guide`: which edition the guide's text is, the line that dates it, and its PDF and EPUB made ahead."""

import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

from tpminstitute.core.config import Settings, load_settings

if TYPE_CHECKING:  # what the command needs is loaded when it runs, so that the others start quickly
    from tpminstitute.guide.book import Book
    from tpminstitute.guide.chapters import Guide

AFTER_THE_FIRST_PAGE = 2
"""Seconds that a press lets pass, so that the page which ordered the book is out of the house first."""


@click.command()
def guide() -> None:
    """Say which edition of the guide this is and since when, and make its PDF and EPUB."""
    from tpminstitute.core.db import Database
    from tpminstitute.guide.book import book_of
    from tpminstitute.guide.chapters import load_guide
    from tpminstitute.guide.shelf import EPUB, PDF, Shelf
    from tpminstitute.institute.service import effective_if_readable

    operators = load_settings()
    with closing(Database(operators.database_url)) as db:
        settings = effective_if_readable(db, operators)
    text = load_guide()
    click.echo(_dated(text, settings))
    shelf, book = Shelf(settings.guide_folder), book_of(text, settings)
    for kind in (PDF, EPUB):
        file = shelf.file(book, kind)
        click.echo(f"{settings.guide_folder / file.name} ({file.size})")


def _dated(text: "Guide", settings: Settings) -> str:
    from tpminstitute.core import clock, zones
    from tpminstitute.guide.book import in_words
    from tpminstitute.guide.chapters import CONTENT
    from tpminstitute.guide.editions import FILE, line_for

    if text.updated is not None:
        return f"This is edition {text.edition}, updated on {in_words(text.updated)}."
    today = zones.reading(clock.now(), settings.institute_zone).date()
    return (
        f"This is edition {text.edition}, and it has no date, so readers see none. To date it, add this line to "
        f"{CONTENT / 'guide' / FILE}, say in it what changed, and restart:\n{line_for(text.edition, today)}"
    )


def print_apart(_: "Book") -> None:
    """Have the command make the files in a process of its own, so that this one stays small; returns at once."""
    threading.Thread(target=_print, name="press", daemon=True).start()


def _print() -> None:
    time.sleep(AFTER_THE_FIRST_PAGE)
    subprocess.run([sys.executable, "-m", "tpminstitute.cli", "guide"], stdout=subprocess.DEVNULL, check=False)

"""What was just done can be undone: a bar on the next page offers it for ten seconds."""

from dataclasses import dataclass

from flask import flash, get_flashed_messages

CATEGORY = "undo"


@dataclass(frozen=True)
class Undo:
    """What was done, as a sentence, and the address whose POST undoes it."""

    sentence: str
    url: str


def offer_undo(sentence: str, url: str) -> None:
    """Offer on the next page to take back what `sentence` says was done, by a POST to `url`."""
    flash(f"{url} {sentence}", CATEGORY)


def offered_undo() -> Undo | None:
    """Return what the page should offer to take back, or None."""
    offered = get_flashed_messages(category_filter=[CATEGORY])
    if not offered:
        return None
    url, _, sentence = str(offered[-1]).partition(" ")
    return Undo(sentence, url)

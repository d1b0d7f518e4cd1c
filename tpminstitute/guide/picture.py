"""The picture that stands where somebody shares the site: the guide's title, and its chapters as stations on the path.

Pillow takes several megabytes, so nothing imports this module before a picture is asked for.
"""

import io
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

TYPE = "image/png"
WIDTH, HEIGHT = 1200, 630
"""Pixels: the size that the Open Graph's readers cut nothing off."""

LARGEST = 30
"""Stations that are drawn: more of them on one line are no stations any more."""

_PAPER, _INK, _SECOND, _ACCENT = "#fbfaf7", "#1d2126", "#59616b", "#0f5c4d"
_LEFT, _TOP, _LINE, _RADIUS = 80, 150, 500, 15
_SIZES = ((64, 30), (48, 42), (36, 56))
"""Sizes of the title, the largest first, and how many characters stand on a line of each."""

_LINES = 4


def draw(title: str, stations: int, publisher: str) -> bytes:
    """Return the picture as PNG: the same words and number of stations are the same bytes."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((_LEFT, 64), publisher[:60], fill=_SECOND, font=ImageFont.load_default(32))
    size, lines = _laid_out(title)
    for at, line in enumerate(lines):
        pen.text((_LEFT, _TOP + at * size * 1.25), line, fill=_INK, font=ImageFont.load_default(size))
    _path(pen, min(stations, LARGEST))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _laid_out(title: str) -> tuple[int, list[str]]:
    for size, characters in _SIZES:
        lines = wrap(title, characters)
        if len(lines) <= _LINES:
            return size, lines
    return size, lines[:_LINES]


def _path(pen: ImageDraw.ImageDraw, stations: int) -> None:
    """The path: the first station is where one stands, the others lie ahead."""
    left, right = _LEFT + _RADIUS, WIDTH - _LEFT - _RADIUS
    pen.line((left, _LINE, right, _LINE), fill=_ACCENT, width=3)
    for number in range(stations):
        x = left + (right - left) * number / max(stations - 1, 1)
        pen.circle((x, _LINE), _RADIUS, fill=_PAPER if number else _ACCENT, outline=_ACCENT, width=4)

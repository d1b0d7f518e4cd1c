"""The path as a figure: the guide's chapters as stations on a line, their named parts as stops beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from xml.sax.saxutils import escape

from tpminstitute.guide.chapters import Chapter, Guide

WIDTH = 320
LINE, STOP, TEXT, PART_TEXT = 10, 30, 32, 44
"""Where the line, a stop beside it, and the two kinds of text stand, from the left."""

STEP, PART_STEP, AIR = 20, 22, 16
"""From one line of a title to the next, from one part to the next, and after a station."""

CHARACTERS = 36
"""Of a title on one line: a serif of 16 is 7.5 wide on average, and some letters are wider."""

CAPTION = "The path this guide describes"


@dataclass(frozen=True)
class Figure:
    """The figure as SVG that inherits its colours; `told` says in words what it shows."""

    svg: str
    told: str
    height: int


def draw(guide: Guide) -> Figure:
    """Draw the path of `guide`: nothing is in it but its chapters' titles and the names that have anchors."""
    told = " ".join(_told(number, chapter) for number, chapter in enumerate(guide.on_the_way, start=1))
    y, ends, shapes = 16, [16], []
    for chapter in guide.on_the_way:
        ends.append(y)
        lines, y = list(_station(chapter, y)), _below(chapter, y)
        shapes += lines
    height = y - AIR + 4
    line = f'<path d="M{LINE} {ends[0]}V{ends[-1]}" stroke="currentColor" opacity=".5"/>'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="path-title path-told" fill="currentColor" font-size="16">'
        f'<title id="path-title">{CAPTION}</title><desc id="path-told">{escape(told)}</desc>'
        f"{line}{''.join(shapes)}</svg>"
    )
    return Figure(svg, told, height)


def _told(number: int, chapter: Chapter) -> str:
    names = ", ".join(part.name for part in chapter.parts)
    return f"{number}. {chapter.title}{f', with {names}' if names else ''}."


def _lines(title: str) -> list[str]:
    return wrap(title, CHARACTERS) or [title]


def _below(chapter: Chapter, y: int) -> int:
    """Return where the station after `chapter` stands, which stands at `y`."""
    return y + STEP * len(_lines(chapter.title)) + PART_STEP * len(chapter.parts) + AIR


def _station(chapter: Chapter, y: int) -> Iterator[str]:
    yield f'<circle class="stop" cx="{LINE}" cy="{y}" r="5"/>'
    for at, line in enumerate(_lines(chapter.title)):
        yield f'<text x="{TEXT}" y="{y + 5 + STEP * at}">{escape(line)}</text>'
    below = y + STEP * len(_lines(chapter.title))
    for at, part in enumerate(chapter.parts):
        middle = below + PART_STEP * at + 2
        branch = f"M{LINE} {middle - 12}q0 12 12 12h{STOP - LINE - 12}"
        yield f'<path d="{branch}" fill="none" stroke="currentColor" opacity=".5"/>'
        yield f'<circle class="stop" cx="{STOP + 2}" cy="{middle}" r="2.5"/>'
        yield f'<text x="{PART_TEXT}" y="{middle + 5}" font-size="14">{escape(part.name)}</text>'

"""The path as a figure: the guide's chapters as stations on a line, their named parts as stops beside it."""

from collections.abc import Iterator, Sequence
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

TITLE_SIZE, PART_SIZE = 16, 14

CAPTION = "The path this guide describes"


BEND = 12
"""The radius of the bend by which a stop's branch leaves the line."""


@dataclass(frozen=True)
class Line:
    """The line of the path, from the first station down to the last."""

    top: int
    bottom: int


@dataclass(frozen=True)
class Stop:
    """A station on the line or a stop beside it: a dot of radius `r`."""

    x: int
    y: int
    r: float


@dataclass(frozen=True)
class Branch:
    """What leads from the line, bending, to the stop at `y`."""

    y: int


@dataclass(frozen=True)
class Words:
    """A line of text whose letters stand on `y`."""

    x: int
    y: int
    size: int
    text: str


Shape = Line | Stop | Branch | Words


@dataclass(frozen=True)
class Figure:
    """The figure as SVG that inherits its colours; `told` says in words what it shows, `shapes` of what it is made.

    Its measures are those of the shapes: `WIDTH` wide and `height` high, `y` from the top.
    """

    svg: str
    told: str
    height: int
    shapes: Sequence[Shape]


def draw(guide: Guide) -> Figure:
    """Draw the path of `guide`: nothing is in it but its chapters' titles and the names that have anchors."""
    told = " ".join(_told(number, chapter) for number, chapter in enumerate(guide.on_the_way, start=1))
    y, ends, stations = 16, [16], []
    for chapter in guide.on_the_way:
        ends.append(y)
        stations += list(_station(chapter, y))
        y = _below(chapter, y)
    height, shapes = y - AIR + 4, [Line(ends[0], ends[-1]), *stations]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="path-title path-told" fill="currentColor" font-size="16">'
        f'<title id="path-title">{CAPTION}</title><desc id="path-told">{escape(told)}</desc>'
        f"{''.join(map(_as_svg, shapes))}</svg>"
    )
    return Figure(svg, told, height, shapes)


def _as_svg(shape: Shape) -> str:
    match shape:
        case Line(top, bottom):
            return f'<path d="M{LINE} {top}V{bottom}" stroke="currentColor" opacity=".5"/>'
        case Stop(x, y, r):
            return f'<circle class="stop" cx="{x}" cy="{y}" r="{r:g}"/>'
        case Branch(y):
            way = f"M{LINE} {y - BEND}q0 {BEND} {BEND} {BEND}h{STOP - LINE - BEND}"
            return f'<path d="{way}" fill="none" stroke="currentColor" opacity=".5"/>'
        case Words(x, y, size, text):
            sized = "" if size == TITLE_SIZE else f' font-size="{size}"'
            return f'<text x="{x}" y="{y}"{sized}>{escape(text)}</text>'


def _told(number: int, chapter: Chapter) -> str:
    names = ", ".join(part.name for part in chapter.parts)
    return f"{number}. {chapter.title}{f', with {names}' if names else ''}."


def _lines(title: str) -> list[str]:
    return wrap(title, CHARACTERS) or [title]


def _below(chapter: Chapter, y: int) -> int:
    """Return where the station after `chapter` stands, which stands at `y`."""
    return y + STEP * len(_lines(chapter.title)) + PART_STEP * len(chapter.parts) + AIR


def _station(chapter: Chapter, y: int) -> Iterator[Shape]:
    yield Stop(LINE, y, 5)
    for at, line in enumerate(_lines(chapter.title)):
        yield Words(TEXT, y + 5 + STEP * at, TITLE_SIZE, line)
    below = y + STEP * len(_lines(chapter.title))
    for at, part in enumerate(chapter.parts):
        middle = below + PART_STEP * at + 2
        yield Branch(middle)
        yield Stop(STOP + 2, middle, 2.5)
        yield Words(PART_TEXT, middle + 5, PART_SIZE, part.name)

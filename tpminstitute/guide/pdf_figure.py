"""The figure of the path on a page of the PDF, of the same shapes as on the web, its words real text."""

from typing import Any

from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from tpminstitute.guide.chapters import Guide
from tpminstitute.guide.figure import BEND, LINE, STOP, WIDTH, Branch, Figure, Line, Shape, Stop, Words, draw
from tpminstitute.guide.letters_of_pdf import printable

INK, LINE_INK = "#1c2126", "#8d9093"
"""The colours of words and stops, and of what leads to them."""


class Path(Flowable):  # type: ignore[misc]  # ReportLab ships no types
    """The path of a guide, as wide as the text and no higher than a page: a long one is drawn smaller."""

    def __init__(self, guide: Guide, height: float) -> None:
        """Draw the path of `guide` in `height` points at most."""
        super().__init__()
        self.hAlign = "LEFT"
        self._figure: Figure = draw(guide)
        self._most = height

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """Return how much room it takes of that `width`, in points."""
        self._scale = min(1, width / WIDTH, self._most / self._figure.height)
        return WIDTH * self._scale, self._figure.height * self._scale

    def draw(self) -> None:
        """Draw every shape; a page's `y` counts from below, a shape's from the top."""
        canvas: Canvas = self.canv
        canvas.scale(self._scale, self._scale)
        canvas.translate(0, self._figure.height)
        for shape in self._figure.shapes:
            _draw(canvas, shape)


def _draw(canvas: Any, shape: Shape) -> None:
    canvas.setFillColor(INK)
    canvas.setStrokeColor(LINE_INK)
    match shape:
        case Line(top, bottom):
            canvas.line(LINE, -top, LINE, -bottom)
        case Stop(x, y, r):
            canvas.circle(x, -y, r, stroke=0, fill=1)
        case Branch(y):
            canvas.arc(LINE, -y, LINE + 2 * BEND, -y + 2 * BEND, 180, 90)
            canvas.line(LINE + BEND, -y, STOP, -y)
        case Words(x, y, size, text):
            canvas.setFont("Times-Roman", size)
            canvas.drawString(x, -y, printable(text))

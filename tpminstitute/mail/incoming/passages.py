"""A text in passages: what the writer newly wrote, what is quoted, and signatures.

Where it is unclear which it is, it counts as words: a folded sentence that somebody newly wrote is worse than a
quotation in full.
"""

from collections.abc import Sequence
from itertools import islice

from tpminstitute.mail.incoming.markup import Mark
from tpminstitute.mail.incoming.model import Passage, PassageKind
from tpminstitute.mail.incoming.quoting import attribution, divider, is_device, is_quoted, names_a_writer

_SIGNATURE_LINES, _SIGNATURE_LOOK = 12, 60
_MARKERS = ("-- ", "--", "—", "– ")
_WORDS, _QUOTED, _SIGNATURE = PassageKind.WORDS, PassageKind.QUOTED, PassageKind.SIGNATURE
_NO_MARKS: dict[int, Mark] = {}


def split_passages(lines: Sequence[str], marks: dict[int, Mark] = _NO_MARKS) -> tuple[Passage, ...]:
    """Return the passages of a text; joined by newlines they are its `lines` again.

    `marks` says what the mail's HTML says about some lines by their number.
    """
    lines = list(lines)
    kinds = [_QUOTED if is_quoted(line) else _WORDS for line in lines]
    for number, mark in marks.items():
        if number < len(kinds) and mark is Mark.QUOTED:
            kinds[number] = _QUOTED
    _mark_attributions(lines, kinds)
    rest = _rest(lines, kinds, marks)
    _mark_signatures(lines, kinds, marks, rest)
    if _has(kinds[:rest], lines, _WORDS):
        kinds[rest:] = [_QUOTED] * (len(kinds) - rest)
    elif not _has(kinds, lines, _WORDS):
        _restore(kinds, marks)
    _join_blank(lines, kinds)
    return tuple(_passages(lines, kinds))


def _mark_attributions(lines: list[str], kinds: list[PassageKind]) -> None:
    """Mark each line that says who wrote the quotation right below it."""
    for at in range(1, len(lines)):
        if kinds[at] is not _QUOTED or kinds[at - 1] is _QUOTED:
            continue
        above = at - 1
        while above > 0 and at - above < 3 and not lines[above].strip():
            above -= 1
        for start in range(max(above - 3, 0), above + 1):
            if start + attribution(lines, start) == above + 1 and all(kinds[n] is _WORDS for n in range(start, above)):
                kinds[start:at] = [_QUOTED] * (at - start)
                break
        else:
            if kinds[above] is _WORDS and names_a_writer(lines[above]):
                kinds[above:at] = [_QUOTED] * (at - above)


def _rest(lines: list[str], kinds: list[PassageKind], marks: dict[int, Mark]) -> int:
    """Return the line from which on everything is an older mail, or the number of lines.

    That is so where an older mail stands there without the sign of a quotation before its lines.
    """
    for at, line in enumerate(lines):
        if kinds[at] is _QUOTED:
            continue
        if marks.get(at) is Mark.DIVIDER or (line and _may_divide(line) and divider(lines, at)):
            return at
        if line and attribution(lines, at):
            return at
    return len(lines)


def _may_divide(line: str) -> bool:
    return (
        line[0] in " \t*_-=—"
        or ":" in line[:14]
        or "：" in line[:14]
        or line.rstrip().endswith(":")
        or " wrote: " in line
    )


def _mark_signatures(lines: list[str], kinds: list[PassageKind], marks: dict[int, Mark], rest: int) -> None:
    end = 0
    for at in range(rest):
        if kinds[at] is not _WORDS:
            continue
        if marks.get(at) is Mark.SIGNATURE or is_device(lines[at]):
            kinds[at] = _SIGNATURE
        elif lines[at] in _MARKERS:
            end = end if end > at else next((n for n in range(at + 1, rest) if kinds[n] is _QUOTED), rest)
            if _is_short(lines, at + 1, end):
                kinds[at:end] = [_SIGNATURE] * (end - at)


def _is_short(lines: list[str], start: int, end: int) -> bool:
    filled = (number for number in range(start, min(end, start + _SIGNATURE_LOOK)) if lines[number].strip())
    return sum(1 for _ in islice(filled, _SIGNATURE_LINES + 1)) <= _SIGNATURE_LINES and end - start <= _SIGNATURE_LOOK


def _has(kinds: Sequence[PassageKind], lines: list[str], kind: PassageKind) -> bool:
    return any(found is kind and line.strip() for found, line in zip(kinds, lines, strict=False))


def _restore(kinds: list[PassageKind], marks: dict[int, Mark]) -> None:
    """Take the markup's word back where nothing else was written: many people write into their signature."""
    for at, mark in marks.items():
        if at < len(kinds) and mark is Mark.SIGNATURE:
            kinds[at] = _WORDS


def _join_blank(lines: list[str], kinds: list[PassageKind]) -> None:
    """Let an empty line go with what stands above it, so that it parts no quotation."""
    for at in range(1, len(lines)):
        if not lines[at].strip() and kinds[at] is _WORDS:
            kinds[at] = kinds[at - 1]


def _passages(lines: list[str], kinds: list[PassageKind]) -> list[Passage]:
    found: list[Passage] = []
    start = 0
    for at in range(1, len(lines) + 1):
        if at == len(lines) or kinds[at] is not kinds[start]:
            found.append(Passage(kinds[start], "\n".join(lines[start:at])))
            start = at
    return found if len(found) > 1 or lines != [""] else []

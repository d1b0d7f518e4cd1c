"""The day on which somebody who is away comes back, in the ways people write days: English, German, French, Spanish."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_TEXT_LIMIT = 3_000
_BEFORE, _AFTER = 60, 40
_SOON = timedelta(days=400)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner jan janvier janv enero ene",
            "february feb februar februar février fevrier févr fév febrero",
            "march mar märz maerz mär mars marzo",
            "april apr avril avr abril abr",
            "may mai mayo",
            "june jun juni juin junio",
            "july jul juli juillet juil julio",
            "august aug août aout agosto ago",
            "september sept sep septembre septiembre setiembre",
            "october oct oktober okt octobre octubre",
            "november nov novembre noviembre",
            "december dec dezember dez décembre déc diciembre dic",
        ),
        start=1,
    )
    for name in names.split()
}
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon montag lundi lunes",
            "tuesday tue tues dienstag mardi martes",
            "wednesday wed mittwoch mercredi miércoles miercoles",
            "thursday thu thurs donnerstag jeudi jueves",
            "friday fri freitag vendredi viernes",
            "saturday sat samstag sonnabend samedi sábado",
            "sunday sun sonntag dimanche domingo",
        )
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WEEKDAY = "|".join(sorted(_WEEKDAYS, key=len, reverse=True))
_S = r"[ \xa0\n]{0,3}"
_DATE = re.compile(
    rf"(?P<iso>(?P<y1>20\d\d)-(?P<m1>\d\d?)-(?P<d1>\d\d?))(?!\d)"
    rf"|(?<![\d.])(?P<d2>\d\d?)\.{_S}(?P<m2>\d\d?)\.(?:{_S}(?P<y2>20\d\d|\d\d)(?!\d|:))?"
    rf"|(?<![\d/])(?P<d3>\d\d?)/(?P<m3>\d\d?)(?:/(?P<y3>20\d\d|\d\d))?(?![\d/])"
    rf"|(?<![\d-])(?P<d6>\d\d?)-(?P<m6>\d\d?)-(?P<y6>20\d\d)(?!\d)"
    rf"|\b(?P<d4>\d\d?)(?:st|nd|rd|th|er|º|\.)?{_S}(?:of{_S}|de{_S}|-)?(?P<m4>{_MONTH})\b\.?,?(?:{_S}(?:de{_S}"
    rf"|del{_S})?-?(?P<y4>20\d\d))?"
    rf"|\b(?P<m5>{_MONTH})\b\.?{_S}(?:the{_S})?(?P<d5>\d\d?)(?:st|nd|rd|th)?(?![\d:])(?:,?{_S}(?P<y5>20\d\d))?"
    rf"|\b(?P<weekday>{_WEEKDAY})\b"
    r"|\b(?P<tomorrow>tomorrow|morgen(?! früh)|demain|mañana)\b",
    re.I,
)
_RETURN = re.compile(
    r"\b(?:back|return\w*|resum\w*|again|wieder|zurück|retour|revien\w*|regres\w*|vuelv\w*|vuelta|volver\w*"
    r"|reincorpor\w*|rientr\w*)\b",
    re.I,
)
_UNTIL = re.compile(
    r"(?:\b(?:until|til|till|through|thru|to|bis|jusqu['’]?(?:au|à|en)?|hasta|al|au|ending|ends)\b|[-–—])"
    r"(?:\W|\b(?:and|und|including|einschließlich|einschl|inkl|the|zum|am|el|le|on|day|and|including|incl"
    r"|friday)\b){0,8}$",
    re.I,
)
_INCLUDED = re.compile(
    r"\b(?:through|thru|including|included|inclusive|incl|einschließlich|einschl|inkl|inklusive"
    r"|inclus|inclusive|incluido)\b",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?;](?=\s)|\n\s*\n")
_WEST = timedelta(hours=-3), timedelta(hours=-11)


@dataclass
class _Named:
    """A day that a text names: where it stands, and the day."""

    start: int
    end: int
    day: date | None
    by_weekday: bool = False


def return_day(text: str, sent_at: datetime) -> date | None:
    """Return the day on which the writer of `text` is back, or None where it names none after `sent_at`.

    A day "back on" or "returning" goes before a day "until"; where a text says that a day is included ("through
    Friday"), it is the one after. A year is guessed where none is written: the next time that this day comes.
    """
    text = text[:_TEXT_LIMIT]
    until: date | None = None
    days = list(_days(text, sent_at))
    ends = [0, *(named.end for named in days)]
    starts = [*(named.start for named in days[1:]), len(text)]
    for named, previous, following in zip(days, ends, starts, strict=False):
        before = _within_sentence(text[max(previous, named.start - _BEFORE) : named.start], last=True)
        after = _within_sentence(text[named.end : min(following, named.end + _AFTER)], last=False)
        if named.day is None or not sent_at.date() <= named.day <= sent_at.date() + _SOON:
            continue
        upto = _UNTIL.search(before)
        if (_RETURN.search(before) or _RETURN.search(after.partition("\n")[0])) and not upto:
            return named.day
        if upto:
            included = _INCLUDED.search(upto[0]) or _INCLUDED.match(after.lstrip(" ,("))
            until = named.day + timedelta(days=1) if included else named.day
    return until


def _within_sentence(text: str, *, last: bool) -> str:
    pieces = _SENTENCE_END.split(text)
    return pieces[-1 if last else 0]


def _days(text: str, sent_at: datetime) -> Iterator[_Named]:
    """Return the days in a text in their order; a weekday that goes with a date is no day of its own."""
    found = [_named(match, sent_at) for match in _DATE.finditer(text)]
    for at, named in enumerate(found):
        following = found[at + 1] if at + 1 < len(found) else None
        if named.by_weekday and following and not following.by_weekday and following.start - named.end <= 7:
            following.start = named.start
            continue
        yield named


def _named(match: re.Match[str], sent_at: datetime) -> _Named:
    parts = match.groupdict()
    sent = sent_at.date()
    if parts["tomorrow"]:
        return _Named(match.start(), match.end(), sent + timedelta(days=1))
    if parts["weekday"]:
        ahead = (_WEEKDAYS[parts["weekday"].lower()] - sent.weekday() - 1) % 7 + 1
        return _Named(match.start(), match.end(), sent + timedelta(days=ahead), by_weekday=True)
    number = next(n for n in "123456" if parts[f"d{n}"])
    day, month, year = int(parts[f"d{number}"]), parts[f"m{number}"].lower(), parts[f"y{number}"]
    whole = int(year) + (2000 if len(year) == 2 else 0) if year else None
    if month in _MONTHS:
        return _Named(match.start(), match.end(), _next(day, _MONTHS[month], whole, sent))
    orders = [(day, int(month))]
    if number == "3":
        west = _WEST[1] <= (sent_at.utcoffset() or timedelta()) <= _WEST[0]
        orders.insert(0 if west else 1, (int(month), day))
    days = [_next(*order, whole, sent) for order in orders]
    likely = [one for one in days if one is not None and sent <= one <= sent + _SOON]
    return _Named(match.start(), match.end(), next(iter(likely), None))


def _next(day: int, month: int, year: int | None, sent: date) -> date | None:
    """Return that day in `year`, or the next one from `sent` on; None where the calendar has none."""
    for guess in [year] if year else [sent.year, sent.year + 1]:
        try:
            found = date(guess, month, day)
        except ValueError:
            continue
        if year or found >= sent:
            return found
    return None

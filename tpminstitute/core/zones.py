"""Time zones by name, and what the clock of a place shows.

A reading is what a clock shows: a datetime without a zone. Where a clock is set forward some readings don't exist,
and where it is set back some come twice (PEP 495); a reading stands for its first time here.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
_PLACEHOLDER = "Factory"
"""What the database calls a machine whose zone nobody has set."""


@cache
def names() -> frozenset[str]:
    """Return the name of every zone in the IANA database that tzdata brings, former names of places among them."""
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split()) - {_PLACEHOLDER}


@cache
def places() -> tuple[str, ...]:
    """Return the zones that a person may choose from, in order: those of a country's places, by their present names."""
    return tuple(sorted({name for zones in _by_country().values() for name in zones}))


def of_country(code: str) -> tuple[str, ...]:
    """Return the zones of a country (ISO 3166 alpha-2), in the database's order; none where there is no such."""
    return _by_country().get(code, ())


@cache
def _by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, _, name = line.split("\t")[:3]
            found[code] = (*found.get(code, ()), name)
    return found


def named(name: str) -> ZoneInfo | None:
    """Return the zone called `name`, or None when there is none (any more).

    A name is looked up in the list first, so that none can lead to another file.
    """
    return _kept(name) if name in names() else None


@cache
def _kept(name: str) -> ZoneInfo:
    """Read once: `ZoneInfo` itself keeps eight, and reads a file for every other."""
    return ZoneInfo(name)


def written(moment: datetime, zone: ZoneInfo) -> str:
    """Return `moment` by the clock of `zone`, as people read it: every local time that anybody is shown."""
    shown = local(moment, zone)
    return f"{shown:%a} {shown.day} {shown:%b %Y %H:%M} ({zone.key})"


def whose_clock(zone: ZoneInfo) -> str:
    """Return whose clock a zone is, as people say it, such as ``New York time``."""
    place = zone.key.rpartition("/")[2].replace("_", " ")
    return "UTC" if place in ("UTC", "GMT", "Universal", "Zulu") else f"{place} time"


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return `moment` in `zone`; raises `ValueError` for one without a zone, which would get this machine's."""
    if moment.tzinfo is None:
        raise ValueError(f"A moment without a time zone has no reading elsewhere: {moment!r}")
    return moment.astimezone(zone)


def reading(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock of `zone` shows at `moment`."""
    return local(moment, zone).replace(tzinfo=None, fold=0)


def moment(reading: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which the clock of `zone` shows `reading`, the first time; it must exist."""
    return reading.replace(tzinfo=zone).astimezone(UTC)


def exists(shown: datetime, zone: ZoneInfo) -> bool:
    """Return whether the clock of `zone` ever shows the reading `shown`."""
    return reading(moment(shown, zone), zone) == shown


def existing(shown: datetime, zone: ZoneInfo) -> datetime:
    """Return the reading `shown`, or, where the clock skips it, the first one after the change."""
    return shown if exists(shown, zone) else reading(_change(shown, zone), zone)


def first_reading(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock of `zone` shows at `moment`, or, if it is for the second time, the next that isn't."""
    shown = reading(moment, zone)
    return reading(_change(shown, zone) - _SECOND, zone) + _SECOND if local(moment, zone).fold else shown


def comes_twice(shown: datetime, zone: ZoneInfo) -> bool:
    """Return whether the clock of `zone` shows the reading `shown` two times."""
    first, second = (shown.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first != second and exists(shown, zone)


def _change(shown: datetime, zone: ZoneInfo) -> datetime:
    """The moment of the clock change, exact to the second as all are, by which a reading is skipped or comes twice."""
    before, after = sorted(shown.replace(microsecond=0, tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after

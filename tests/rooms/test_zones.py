"""Time zones by name: those of places, and nothing else that may be called so."""

from datetime import UTC, datetime

import pytest

from tpminstitute.core import zones

NOWHERE = [
    "", " ", ".", "..", "/", "US/Pacific-New", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "/etc/passwd",
    "Europe", "Europe/", "europe/berlin", "Europe/Berlin ", "Europe/Berlin\n", "Europe/Berlin\x00", "Europe//Berlin",
    "Europe/../Europe/Berlin", "localtime", "posixrules", "posix/Europe/Berlin", "right/Europe/Berlin", "Factory",
    "zone.tab", "tzdata.zi", "__init__.py", "EST5EDT4,M3.2.0,M11.1.0", "+01:00", "\ud800", "Ωmega/Zone", "A" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("name", NOWHERE, ids=lambda name: ascii(name)[:30])
def test_what_names_no_zone_is_none(name):
    assert zones.named(name) is None


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Calcutta", "America/Argentina/Buenos_Aires", "UTC", "Japan"])
def test_a_zone_is_found_by_its_present_and_its_former_names(name):
    zone = zones.named(name)
    assert zone is not None
    assert zone.key == name


def test_every_name_of_the_database_can_be_read():
    moment = datetime(2026, 5, 20, 9, tzinfo=UTC)
    for name in zones.names():
        zone = zones.named(name)
        assert zone is not None
        assert moment.astimezone(zone) == moment


def test_the_zones_to_choose_from_are_present_names_of_places():
    assert {"Europe/Berlin", "Asia/Kolkata", "America/New_York", "Pacific/Apia"} <= set(zones.places()) < zones.names()
    assert not {"Asia/Calcutta", "UTC", "US/Eastern", "GB"} & set(zones.places())
    assert list(zones.places()) == sorted(zones.places())


def test_a_local_time_is_written_with_its_place():
    kathmandu = zones.named("Asia/Kathmandu")
    assert kathmandu is not None
    text = zones.written(datetime(2026, 5, 5, 20, 30, tzinfo=UTC), kathmandu)
    assert text == "Wed 6 May 2026 02:15 (Asia/Kathmandu)"

"""Holidays: a list that staff keep, with the federal ones reckoned by rule and looked over before they are saved."""

from datetime import date

import pytest
import time_machine
from sqlalchemy import select

from tests.factories import an_account
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences.federal_holidays import federal_holidays
from tpminstitute.sequences.holidays import (
    add_federal_holidays,
    add_holiday,
    holidays_of,
    missing_federal_holidays,
    remove_holiday,
    years,
)

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SUMMER = date(2026, 8, 3)


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel("2026-03-02 15:00Z", tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


def days(found):
    return [f"{holiday.day:%a %d %b} {holiday.name}" for holiday in found]


def test_federal_holidays_are_those_of_the_almanac():
    """The list of 2026 as the Office of Personnel Management prints it; Independence Day is a Saturday."""
    assert days(federal_holidays(2026)) == [
        "Thu 01 Jan New Year's Day",
        "Mon 19 Jan Birthday of Martin Luther King, Jr.",
        "Mon 16 Feb Washington's Birthday",
        "Mon 25 May Memorial Day",
        "Fri 19 Jun Juneteenth",
        "Fri 03 Jul Independence Day (observed)",
        "Sat 04 Jul Independence Day",
        "Mon 07 Sep Labor Day",
        "Mon 12 Oct Columbus Day",
        "Wed 11 Nov Veterans Day",
        "Thu 26 Nov Thanksgiving Day",
        "Fri 25 Dec Christmas Day",
    ]


@pytest.mark.parametrize(
    ("year", "day", "name"),
    [
        (2023, date(2023, 1, 2), "New Year's Day (observed)"),
        (2021, date(2021, 12, 31), "New Year's Day (observed)"),
        (2021, date(2021, 12, 24), "Christmas Day (observed)"),
        (2024, date(2024, 11, 28), "Thanksgiving Day"),
        (2018, date(2018, 11, 22), "Thanksgiving Day"),
        (2027, date(2027, 5, 31), "Memorial Day"),
        (2028, date(2028, 2, 21), "Washington's Birthday"),
        (2022, date(2022, 6, 20), "Juneteenth (observed)"),
    ],
)
def test_a_holiday_falls_where_the_rule_says(year, day, name):
    assert name in [holiday.name for holiday in federal_holidays(year) if holiday.day == day]


def test_juneteenth_is_none_before_it_was_one():
    assert not [holiday for holiday in federal_holidays(2020) if "Juneteenth" in holiday.name]
    assert not [holiday for holiday in federal_holidays(2020) if holiday.day.year != 2020]


def test_a_holiday_is_added_once_and_removed(db, alice):
    with db.write() as session:
        add_holiday(session, SUMMER, " Summer\nbreak ", alice)
    with db.write() as session, pytest.raises(Refusal, match="Monday 3 August 2026 is a holiday already: “Summer br"):
        add_holiday(session, SUMMER, "Other", alice)
    with db.read() as session:
        assert [(h.day, h.name) for h in holidays_of(session, 2026)] == [(SUMMER, "Summer break")]
    with db.write() as session:
        assert remove_holiday(session, SUMMER, alice) == "Summer break"
    with db.write() as session, pytest.raises(Refusal, match="is no holiday any more"):
        remove_holiday(session, SUMMER, alice)


@ON_SQLITE
@pytest.mark.parametrize(
    ("day", "name", "says"),
    [
        (SUMMER, "\u200b", "Write which holiday"),
        (SUMMER, "n" * 81, "Shorten the name"),
        (date(2024, 1, 1), "Long ago", "Choose a day between 2025 and 2036"),
        (date(9999, 12, 31), "Far away", "Choose a day between 2025 and 2036"),
    ],
)
def test_a_holiday_that_cannot_be_is_refused(db, alice, day, name, says):
    with db.write() as session, pytest.raises(Refusal, match=says):
        add_holiday(session, day, name, alice)


def test_federal_holidays_are_offered_once_and_only_the_chosen_are_added(db, alice):
    with db.write() as session:
        add_holiday(session, date(2026, 12, 25), "Christmas", alice)
        offered = missing_federal_holidays(session, 2026)
        assert "Christmas Day" not in [holiday.name for holiday in offered]
        chosen = [holiday.day for holiday in offered if holiday.name != "Columbus Day"]
        assert add_federal_holidays(session, 2026, [*chosen, SUMMER], alice) == len(chosen)
        assert add_federal_holidays(session, 2026, chosen, alice) == 0
        assert [holiday.name for holiday in missing_federal_holidays(session, 2026)] == ["Columbus Day"]
        assert len(holidays_of(session, 2026)) == 11


@ON_SQLITE
def test_years_begin_with_the_first_holiday_and_reach_as_far_as_one_plans(db, alice):
    with db.write() as session:
        assert list(years(session)) == list(range(2026, 2037))
        add_holiday(session, date(2025, 12, 25), "Christmas", alice)
        assert years(session)[0] == 2025


@ON_SQLITE
def test_changes_of_holidays_are_in_the_audit_log(db, alice):
    with db.write() as session:
        add_holiday(session, SUMMER, "Summer break", alice)
        remove_holiday(session, SUMMER, alice)
        add_federal_holidays(session, 2026, [date(2026, 1, 1)], alice)
    with db.read() as session:
        entries = session.execute(select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)).all()
    assert entries == [
        ("holiday_added", "2026-08-03, “Summer break”"),
        ("holiday_removed", "2026-08-03, “Summer break”"),
        ("holiday_added", "2026-01-01, “New Year's Day”"),
    ]

"""Working time: when a promise falls due by the institute's clock, over nights, holidays and changed clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpminstitute.core.errors import Refusal
from tpminstitute.institute.office_hours import (
    Hours,
    NeverOpen,
    OfficeHours,
    began_at,
    due_at,
    standing_at,
    working_time_between,
)

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = dict.fromkeys(range(1, 6), Hours(9 * 60, 17 * 60))
OFFICE = OfficeHours(NEW_YORK, WORKDAYS)
ONE_DAY = timedelta(hours=8)

FRIDAY, MONDAY = (2026, 11, 20), (2026, 11, 23)


def at(*shown, zone=NEW_YORK):
    """The moment at which a clock in `zone` shows this."""
    return datetime(*shown).replace(tzinfo=zone).astimezone(UTC)


# --- a promise ----------------------------------------------------------------------------------------------


def test_a_working_day_ends_at_the_same_hour_of_the_next_working_day():
    assert due_at(at(2026, 11, 18, 11, 30), ONE_DAY, OFFICE) == at(2026, 11, 19, 11, 30)


def test_a_promise_made_on_friday_evening_is_kept_by_the_end_of_monday():
    assert due_at(at(*FRIDAY, 19), ONE_DAY, OFFICE) == at(*MONDAY, 17)


def test_a_promise_made_on_friday_noon_is_due_on_monday_noon():
    assert due_at(at(*FRIDAY, 12), ONE_DAY, OFFICE) == at(*MONDAY, 12)


def test_what_fills_a_day_is_due_when_that_day_closes_and_not_when_the_next_one_opens():
    assert due_at(at(*MONDAY, 9), ONE_DAY, OFFICE) == at(*MONDAY, 17)


def test_a_holiday_counts_nothing():
    thanksgiving = OfficeHours(NEW_YORK, WORKDAYS, frozenset({date(2026, 11, 26)}))
    assert due_at(at(2026, 11, 25, 15), ONE_DAY, thanksgiving) == at(2026, 11, 27, 15)


def test_no_time_at_all_is_due_at_once_though_the_office_is_closed():
    assert due_at(at(*FRIDAY, 22), timedelta(), OFFICE) == at(*FRIDAY, 22)


def test_each_weekday_has_its_own_hours():
    short_friday = OfficeHours(NEW_YORK, {4: Hours(9 * 60, 17 * 60), 5: Hours(9 * 60, 12 * 60)})
    assert due_at(at(2026, 11, 19, 16), timedelta(hours=5), short_friday) == at(2026, 11, 26, 10)


def test_an_hour_that_the_clock_skips_is_no_working_time():
    nights = OfficeHours(BERLIN, {7: Hours(60, 240)})
    assert working_time_between(at(2026, 3, 29, 0, zone=BERLIN), at(2026, 3, 29, 12, zone=BERLIN), nights) == timedelta(
        hours=2
    )


def test_an_office_that_opens_at_a_time_that_the_clock_skips_opens_right_after_it():
    nights = OfficeHours(BERLIN, {7: Hours(150, 300)})
    assert standing_at(at(2026, 3, 29, 0, zone=BERLIN), nights).until == at(2026, 3, 29, 3, zone=BERLIN)


def test_an_hour_that_comes_twice_while_the_office_is_open_is_worked_twice():
    nights = OfficeHours(BERLIN, {7: Hours(60, 240)})
    assert due_at(at(2026, 10, 25, 0, zone=BERLIN), timedelta(hours=4), nights) == at(2026, 10, 25, 4, zone=BERLIN)


# --- open or closed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (at(*MONDAY, 9), "Open until 17:00."),
        (at(*MONDAY, 16, 59), "Open until 17:00."),
        (at(*MONDAY, 17), "Closed until Tuesday 9:00."),
        (at(*MONDAY, 7), "Closed until today 9:00."),
        (at(*FRIDAY, 18), "Closed until Monday 9:00."),
    ],
)
def test_a_sentence_says_whether_the_office_is_open_and_until_when(now, sentence):
    assert standing_at(now, OFFICE).sentence == sentence


def test_a_day_that_is_far_away_is_named_with_its_date():
    holidays = frozenset(date(2026, 12, 21) + timedelta(days=number) for number in range(14))
    winter = OfficeHours(NEW_YORK, WORKDAYS, holidays)
    assert standing_at(at(2026, 12, 19, 12), winter).sentence == "Closed until Monday 4 January, 9:00."


# --- what is refused ----------------------------------------------------------------------------------------


def test_a_week_without_hours_is_refused():
    with pytest.raises(NeverOpen, match="at least one weekday"):
        OfficeHours(NEW_YORK, {})


@pytest.mark.parametrize(("opens", "closes"), [(540, 540), (600, 540), (-1, 60), (0, 1441)])
def test_hours_that_are_none_are_refused(opens, closes):
    with pytest.raises(Refusal):
        Hours(opens, closes)


def test_holidays_without_end_are_told_and_not_looked_through_forever():
    always = frozenset(date(2026, 1, 1) + timedelta(days=number) for number in range(1000))
    with pytest.raises(NeverOpen, match="look at the holidays"):
        due_at(at(2026, 2, 1, 9), ONE_DAY, OfficeHours(NEW_YORK, WORKDAYS, always))


# --- whatever the place, the week and the holidays ----------------------------------------------------------

PLACES = ["America/New_York", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "America/Santiago"]
moments = st.integers(0, 60 * 24 * 365 * 3).map(
    lambda minute: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)
working_times = st.integers(1, 60 * 24).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def opening_hours(draw):
    opens = draw(st.integers(0, 1320))
    return Hours(opens, draw(st.integers(opens + 120, 1440)))


@st.composite
def offices(draw):
    week = draw(st.dictionaries(st.integers(1, 7), opening_hours(), min_size=1))
    days = draw(st.sets(st.dates(date(2025, 1, 1), date(2027, 12, 31)), max_size=8))
    return OfficeHours(ZoneInfo(draw(st.sampled_from(PLACES))), week, frozenset(days))


@given(moments, working_times, offices())
def test_by_the_time_it_is_due_just_the_working_time_has_passed(since, working_time, hours):
    due = due_at(since, working_time, hours)
    assert working_time_between(since, due, hours) == working_time
    assert working_time_between(since, due - timedelta(minutes=1), hours) < working_time


@given(moments, moments, working_times, offices())
def test_who_waits_longer_is_due_no_later(one, other, working_time, hours):
    first, second = sorted((one, other))
    assert due_at(first, working_time, hours) <= due_at(second, working_time, hours)


@given(moments, moments, working_times, offices())
def test_what_began_by_the_moment_counted_back_is_due_and_nothing_else(since, now, working_time, hours):
    assert (since <= began_at(now, working_time, hours)) == (due_at(since, working_time, hours) <= now)


@given(moments, offices())
def test_the_office_stays_as_it_is_until_the_moment_it_says(moment, hours):
    standing = standing_at(moment, hours)
    between = working_time_between(moment, standing.until, hours)
    assert between == (standing.until - moment if standing.is_open else timedelta())

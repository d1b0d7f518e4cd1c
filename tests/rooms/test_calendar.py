"""When a mail may go, by the clock of the place where somebody lives: waits, windows, and clocks that are changed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpminstitute.core.errors import Refusal
from tpminstitute.sequences.calendar import (
    NeverOpens,
    Wait,
    Window,
    days_before,
    earliest_after,
    is_open,
    next_open,
)
from tpminstitute.sequences.models import WaitUnit

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
APIA = ZoneInfo("Pacific/Apia")
ST_JOHNS = ZoneInfo("America/St_Johns")
WEEK = frozenset(range(1, 8))
OFFICE = Window(frozenset({1, 2, 3, 4, 5}), 9 * 60, 17 * 60)
ALL_DAY = Window(WEEK, 0, 1440)


def at(zone, *shown, fold=0):
    """The moment at which a clock in `zone` shows this."""
    return datetime(*shown).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def hours(first, last, days=WEEK):
    return Window(days, int(first * 60), int(last * 60))


def waited(moment, amount, unit, zone=BERLIN, holidays=frozenset()):
    return earliest_after(moment, Wait(amount, unit), zone, holidays).at


# --- waits --------------------------------------------------------------------------------------------------


def test_hours_are_time_that_passes_though_the_clock_is_set_forward():
    noon_before = at(BERLIN, 2026, 3, 28, 12)
    assert waited(noon_before, 24, WaitUnit.HOURS) == at(BERLIN, 2026, 3, 29, 13)


def test_days_keep_what_the_clock_shows():
    assert waited(at(BERLIN, 2026, 3, 28, 12), 1, WaitUnit.DAYS) == at(BERLIN, 2026, 3, 29, 12)
    assert waited(at(NEW_YORK, 2026, 10, 31, 8, 15), 2, WaitUnit.DAYS, NEW_YORK) == at(NEW_YORK, 2026, 11, 2, 8, 15)


def test_a_wait_that_ends_in_the_hour_that_does_not_exist_ends_after_it_and_says_so():
    reached = earliest_after(at(BERLIN, 2026, 3, 28, 2, 30), Wait(1, WaitUnit.DAYS), BERLIN)
    assert reached.at == at(BERLIN, 2026, 3, 29, 3, 0)
    assert reached.why == (
        "02:30 on Sunday 29 March doesn't exist where they live (Europe/Berlin): the clock is set forward then."
    )


def test_a_wait_that_ends_in_the_hour_that_comes_twice_ends_in_the_first_and_says_so():
    reached = earliest_after(at(BERLIN, 2026, 10, 24, 2, 30), Wait(1, WaitUnit.DAYS), BERLIN)
    assert reached.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert reached.why == (
        "02:30 on Sunday 25 October comes twice where they live (Europe/Berlin), and it is the first."
    )


def test_a_day_that_a_place_left_out_is_waited_over():
    assert waited(at(APIA, 2011, 12, 29, 10), 1, WaitUnit.DAYS, APIA) == at(APIA, 2011, 12, 31, 0)


def test_a_day_after_28_february_is_the_29th_only_where_there_is_one():
    assert waited(at(BERLIN, 2028, 2, 28, 9), 1, WaitUnit.DAYS) == at(BERLIN, 2028, 2, 29, 9)
    assert waited(at(BERLIN, 2027, 2, 28, 9), 1, WaitUnit.DAYS) == at(BERLIN, 2027, 3, 1, 9)
    assert waited(at(BERLIN, 2028, 2, 29, 9), 366, WaitUnit.DAYS) == at(BERLIN, 2029, 3, 1, 9)


def test_working_days_count_neither_weekends_nor_holidays():
    friday, whit_monday = at(BERLIN, 2026, 5, 22, 16), date(2026, 5, 25)
    assert waited(friday, 1, WaitUnit.WORKING_DAYS) == at(BERLIN, 2026, 5, 25, 16)
    reached = earliest_after(friday, Wait(2, WaitUnit.WORKING_DAYS), BERLIN, {whit_monday})
    assert reached.at == at(BERLIN, 2026, 5, 27, 16)
    assert reached.why == "Monday 25 May is a holiday."


def test_working_days_from_a_saturday_begin_on_monday():
    assert waited(at(BERLIN, 2026, 5, 16, 11), 1, WaitUnit.WORKING_DAYS) == at(BERLIN, 2026, 5, 18, 11)


def test_what_day_it_is_is_asked_where_they_live():
    late_friday_there = at(NEW_YORK, 2026, 5, 15, 22)  # Saturday already in UTC
    assert waited(late_friday_there, 1, WaitUnit.WORKING_DAYS, NEW_YORK) == at(NEW_YORK, 2026, 5, 18, 22)


def test_days_before_a_course_are_not_counted_onwards():
    with pytest.raises(ValueError, match="counted back"):
        waited(at(BERLIN, 2026, 5, 20, 9), 10, WaitUnit.BEFORE_COURSE)


ONWARDS = [WaitUnit.HOURS, WaitUnit.DAYS, WaitUnit.WORKING_DAYS]


@pytest.mark.parametrize("unit", ONWARDS)
def test_no_wait_is_the_moment_itself(unit):
    second_time = at(BERLIN, 2026, 10, 25, 2, 30, fold=1)
    assert waited(second_time, 0, unit) == second_time


@pytest.mark.parametrize(("amount", "unit"), [(-1, "hours"), (17545, "hours"), (732, "days"), (732, "working_days")])
def test_a_wait_below_nothing_or_beyond_two_years_is_refused(amount, unit):
    with pytest.raises(Refusal, match="A wait"):
        Wait(amount, WaitUnit(unit))


def test_days_before_a_course_keep_what_the_clock_shows():
    start = at(NEW_YORK, 2026, 3, 12, 9)
    assert days_before(start, 10, NEW_YORK).at == at(NEW_YORK, 2026, 3, 2, 9)
    assert days_before(start, 0, NEW_YORK).at == start
    assert days_before(at(BERLIN, 2028, 3, 10, 9), 10, BERLIN).at == at(BERLIN, 2028, 2, 29, 9)


def test_days_before_a_course_that_end_in_no_hour_end_after_it_and_say_so():
    reached = days_before(at(BERLIN, 2026, 4, 8, 2, 15), 10, BERLIN, "at the institute")
    assert reached.at == at(BERLIN, 2026, 3, 29, 3)
    assert "doesn't exist at the institute (Europe/Berlin)" in reached.why


def test_days_before_a_course_are_not_after_it():
    with pytest.raises(Refusal, match="write 0 or more"):
        days_before(at(BERLIN, 2026, 4, 8, 9), -1, BERLIN)


# --- windows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ((frozenset(), 0, 60), "choose at least one weekday"),
        (({1}, 540, 540), "its hours begin at 09:00 and end at 09:00"),
        (({1}, 600, 540), "Let them end later than they begin"),
        (({1}, -1, 540), "within one day"),
        (({1}, 0, 1441), "within one day"),
        (({0}, 0, 1440), "Weekdays are numbers"),
        (({8}, 0, 1440), "Weekdays are numbers"),
    ],
)
def test_a_window_that_never_opens_is_refused_with_a_reason(window, sentence):
    days, opens, closes = window
    with pytest.raises(Refusal, match=sentence):
        Window(frozenset(days), opens, closes)


def test_a_mail_goes_at_once_while_its_window_is_open():
    opening = next_open(at(BERLIN, 2026, 5, 20, 9), OFFICE, BERLIN)
    assert opening.at == at(BERLIN, 2026, 5, 20, 9)
    assert (opening.moved, opening.why) == (False, "")


def test_a_window_is_closed_at_the_minute_it_closes():
    opening = next_open(at(BERLIN, 2026, 5, 20, 17), OFFICE, BERLIN)
    assert opening.at == at(BERLIN, 2026, 5, 21, 9)


@pytest.mark.parametrize(
    ("earliest", "window", "holidays", "opens", "why"),
    [
        (
            (2026, 5, 20, 3, 10), OFFICE, (), (2026, 5, 20, 9),
            "03:10 on Wednesday 20 May where they live (Europe/Berlin) is outside the hours of this mail, "
            "09:00 to 17:00.",
        ),
        ((2026, 5, 16, 11), OFFICE, (), (2026, 5, 18, 9), "Saturday and Sunday are outside the days of this mail."),
        ((2026, 5, 17, 11), OFFICE, (), (2026, 5, 18, 9), "Sunday is outside the days of this mail."),
        ((2026, 5, 25, 9), OFFICE, [(2026, 5, 25)], (2026, 5, 26, 9), "Monday 25 May is a holiday."),
        (
            (2026, 5, 22, 18, 40), OFFICE, [(2026, 5, 23), (2026, 5, 25)], (2026, 5, 26, 9),
            "18:40 on Friday 22 May where they live (Europe/Berlin) is outside the hours of this mail, "
            "09:00 to 17:00. Saturday and Sunday are outside the days of this mail. Monday 25 May is a holiday.",
        ),
        (
            (2026, 5, 20, 9), hours(9, 17, frozenset({2, 4})), [(2026, 5, 21)], (2026, 5, 26, 9),
            "This mail goes out on Tuesday and Thursday only. Thursday 21 May is a holiday.",
        ),
        (
            (2026, 12, 24, 9), ALL_DAY, [(2026, 12, day) for day in range(24, 32)], (2027, 1, 1, 0),
            "8 holidays lie between, the first on Thursday 24 December.",
        ),
        (
            (2028, 2, 29, 9), ALL_DAY, [(2028, 2, 29)], (2028, 3, 1, 0), "Tuesday 29 February is a holiday.",
        ),
    ],
)  # fmt: skip
def test_what_moves_a_mail_is_said_in_a_sentence(earliest, window, holidays, opens, why):
    opening = next_open(at(BERLIN, *earliest), window, BERLIN, {date(*day) for day in holidays})
    assert opening.at == at(BERLIN, *opens)
    assert opening.moved
    assert opening.why == why


def test_the_sentence_says_whose_place_it_is():
    opening = next_open(at(NEW_YORK, 2026, 5, 20, 3, 10), OFFICE, NEW_YORK, where="at the institute")
    assert "03:10 on Wednesday 20 May at the institute (America/New_York)" in opening.why


def test_a_window_in_the_hour_that_does_not_exist_stays_shut_that_day_and_says_so():
    opening = next_open(at(BERLIN, 2026, 3, 29, 1), hours(2, 3), BERLIN)
    assert opening.at == at(BERLIN, 2026, 3, 30, 2)
    assert "On Sunday 29 March the clock in Europe/Berlin skips the hours of this mail." in opening.why


def test_a_window_that_begins_in_the_hour_that_does_not_exist_opens_after_it_and_says_so():
    opening = next_open(at(BERLIN, 2026, 3, 29, 1), hours(2.5, 5), BERLIN)
    assert opening.at == at(BERLIN, 2026, 3, 29, 3)
    assert "02:30 on Sunday 29 March doesn't exist where they live (Europe/Berlin)" in opening.why


def test_a_window_that_begins_when_midnight_does_not_exist_opens_at_one():
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    opening = next_open(at(sao_paulo, 2017, 10, 14, 12), hours(0, 2), sao_paulo)
    assert opening.at == at(sao_paulo, 2017, 10, 15, 1)


def test_the_hour_that_comes_twice_counts_the_first_time_only():
    first, second = (at(BERLIN, 2026, 10, 25, 2, 30, fold=fold) for fold in (0, 1))
    window = hours(2, 3)
    assert next_open(first, window, BERLIN).at == first
    opening = next_open(second, window, BERLIN)
    assert opening.at == at(BERLIN, 2026, 10, 26, 2)
    assert opening.why.startswith(
        "02:30 on Sunday 25 October comes twice where they live (Europe/Berlin), and only the first time counts."
    )


def test_a_window_around_the_hour_that_comes_twice_opens_again_after_it():
    second = at(BERLIN, 2026, 10, 25, 2, 30, fold=1)
    assert next_open(second, ALL_DAY, BERLIN).at == at(BERLIN, 2026, 10, 25, 3)


def test_a_date_that_comes_twice_in_part_opens_a_window_once():
    """In St. John's of 1995 a minute past midnight became 23:01 of the day before."""
    again = at(ST_JOHNS, 1995, 10, 28, 23, 30, fold=1)
    assert next_open(again, ALL_DAY, ST_JOHNS).at == at(ST_JOHNS, 1995, 10, 29, 0, 1)
    saturdays = hours(0, 24, frozenset({6}))
    assert next_open(again, saturdays, ST_JOHNS).at == at(ST_JOHNS, 1995, 11, 4, 0)


def test_a_window_on_a_day_that_a_place_left_out_opens_on_the_next():
    opening = next_open(at(APIA, 2011, 12, 29, 18), OFFICE, APIA)
    assert opening.at == at(APIA, 2012, 1, 2, 9)
    assert "On Friday 30 December the clock in Pacific/Apia skips the hours of this mail." in opening.why


def test_a_window_whose_every_day_is_a_holiday_is_an_error_and_no_endless_search():
    mondays = {date(2026, 1, 5) + timedelta(weeks=week) for week in range(80)}
    with pytest.raises(NeverOpens, match="within 400 days"):
        next_open(at(BERLIN, 2026, 1, 1, 9), hours(9, 17, frozenset({1})), BERLIN, mondays)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        next_open(datetime(2026, 5, 20, 9), OFFICE, BERLIN)  # noqa: DTZ001


# --- always -------------------------------------------------------------------------------------------------

CHANGES = [
    ("Europe/Berlin", 2026, 3, 29, 1), ("Europe/Berlin", 2026, 10, 25, 1),
    ("America/New_York", 2026, 3, 8, 7), ("America/New_York", 2026, 11, 1, 6),
    ("Australia/Lord_Howe", 2026, 4, 4, 15), ("Australia/Lord_Howe", 2026, 10, 3, 15, 30),  # half an hour
    ("Antarctica/Troll", 2026, 3, 29, 1), ("Antarctica/Troll", 2026, 10, 25, 1),  # two hours
    ("America/St_Johns", 1995, 10, 29, 2, 31), ("America/St_Johns", 1995, 4, 2, 3, 31),
    ("America/Sao_Paulo", 2017, 10, 15, 3), ("America/Sao_Paulo", 2018, 2, 18, 2),  # at midnight
    ("Asia/Beirut", 2026, 3, 28, 22), ("Asia/Beirut", 2026, 10, 24, 21), ("America/Havana", 2026, 11, 1, 5),
    ("Pacific/Apia", 2011, 12, 30, 10), ("Pacific/Kwajalein", 1993, 8, 21, 12), ("Asia/Kathmandu", 2026, 1, 1, 0),
]  # fmt: skip


@st.composite
def places(draw):
    """A zone, and a moment within two days of a change of its clock."""
    name, *change = draw(st.sampled_from(CHANGES))
    return ZoneInfo(name), at(UTC, *change) + timedelta(minutes=draw(st.integers(-2880, 2880)))


@st.composite
def windows(draw):
    opens = draw(st.integers(0, 1439))
    closes = draw(st.integers(opens + 1, min(1440, opens + draw(st.sampled_from([1, 30, 90, 480, 1440])))))
    return Window(draw(st.frozensets(st.integers(1, 7), min_size=1)), opens, closes)


def local_dates(moment, zone, offsets):
    return {moment.astimezone(zone).date() + timedelta(days=offset) for offset in offsets}


@given(places(), windows(), st.frozensets(st.integers(0, 6)))
def test_an_opening_is_never_before_is_inside_its_window_and_stays_where_it_is(place, window, free):
    zone, earliest = place
    holidays = local_dates(earliest, zone, free)
    opening = next_open(earliest, window, zone, holidays)
    assert opening.at >= earliest
    assert is_open(opening.at, window, zone, holidays)
    assert opening.moved is (opening.at != earliest) is bool(opening.why)
    assert next_open(opening.at, window, zone, holidays).at == opening.at


@given(places(), st.integers(0, 3000), windows())
def test_who_is_later_is_never_earlier(place, minutes, window):
    zone, earliest = place
    later = earliest + timedelta(minutes=minutes)
    assert next_open(earliest, window, zone).at <= next_open(later, window, zone).at


def first_open_minute(earliest, window, zone, holidays):
    """The first open minute within two days, found by going through them all, or None.

    It begins two days before, so that a reading which was seen already shows.
    """
    newest = datetime(1, 1, 1)  # noqa: DTZ001
    for minute in range(-2880, 2880):
        moment = earliest + timedelta(minutes=minute)
        shown = moment.astimezone(zone).replace(tzinfo=None, fold=0)
        again, newest = shown <= newest, max(newest, shown)
        inside = window.opens <= shown.hour * 60 + shown.minute < window.closes and shown.isoweekday() in window.days
        if minute >= 0 and inside and not again and shown.date() not in holidays:
            return moment
    return None


@settings(max_examples=60)
@given(places(), windows(), st.frozensets(st.integers(0, 2), max_size=2))
def test_no_open_minute_is_passed_over(place, window, free):
    zone, earliest = place
    holidays = local_dates(earliest, zone, free)
    found = first_open_minute(earliest, window, zone, holidays)
    opening = next_open(earliest, window, zone, holidays).at
    assert opening == found if found else opening >= earliest + timedelta(days=2)


@given(places(), st.integers(0, 40), st.sampled_from(ONWARDS), st.frozensets(st.integers(0, 6)))
def test_a_wait_never_ends_before_it_begins(place, amount, unit, free):
    zone, moment = place
    reached = earliest_after(moment, Wait(amount, unit), zone, local_dates(moment, zone, free))
    assert reached.at >= moment

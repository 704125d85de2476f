"""Local clocks: quiet hours and the ends of digests, in every kind of zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.live.notifications.rules.kinds import Digest, Window
from functions.live.notifications.rules.quiet import closes_at, instant, is_always_quiet, quiet_until

ZONES = (
    "UTC America/New_York America/St_Johns America/Sao_Paulo Europe/London Europe/Berlin Africa/Casablanca "
    "Asia/Kolkata Asia/Kathmandu Australia/Lord_Howe Pacific/Chatham Pacific/Apia"
).split()
EVERY_DAY = frozenset(range(7))
NIGHT = Window(EVERY_DAY, time(22), time(7))


def at(zone, *parts, fold=0):
    return datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("month", [1, 3, 4, 7, 10, 11])
def test_quiet_hours_matrix(zone, month):
    """At three at night it is quiet until seven of that clock, at noon it is not, whatever the clocks do that night."""
    there = ZoneInfo(zone)
    for day in range(1, 29):
        night = instant(there, date(2027, month, day), time(3, 30), later=True)
        end = quiet_until([NIGHT], there, night)

        assert end is not None and end.astimezone(there).strftime("%d %H:%M") == f"{day:02} 07:00"
        assert quiet_until([NIGHT], there, at(zone, 2027, month, day, 12)) is None
        assert quiet_until([NIGHT], there, end) is None


def test_an_end_that_the_clock_jumps_over_is_the_first_instant_after():
    window = Window(EVERY_DAY, time(1), time(2, 30))

    end = quiet_until([window], ZoneInfo("Europe/Berlin"), at("Europe/Berlin", 2027, 3, 28, 1, 15))

    assert end == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)


def test_an_end_that_the_clock_shows_twice_is_the_later_one():
    window = Window(EVERY_DAY, time(1), time(2, 30))

    end = quiet_until([window], ZoneInfo("Europe/Berlin"), at("Europe/Berlin", 2027, 10, 31, 1, 15))

    assert end == at("Europe/Berlin", 2027, 10, 31, 2, 30, fold=1)


def test_a_window_belongs_to_the_day_it_begins_on():
    friday = Window(frozenset([4]), time(22), time(7))
    there = ZoneInfo("Europe/London")

    assert quiet_until([friday], there, at("Europe/London", 2027, 6, 5, 6)) is not None
    assert quiet_until([friday], there, at("Europe/London", 2027, 6, 6, 6)) is None


def test_windows_that_follow_each_other_are_one():
    day, night = Window(EVERY_DAY, time(7), time(9)), NIGHT

    end = quiet_until([day, night], ZoneInfo("UTC"), datetime(2027, 6, 1, 23, tzinfo=UTC))

    assert end == datetime(2027, 6, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "always"),
    [
        ([Window(EVERY_DAY, time(8), time(8))], True),
        ([Window(EVERY_DAY, time(8), time(20)), Window(EVERY_DAY, time(20), time(8))], True),
        ([Window(EVERY_DAY, time(8), time(7, 59))], False),
        ([Window(frozenset(range(6)), time(0), time(0))], False),
        ([], False),
    ],
)
def test_a_week_without_a_minute_left_is_found(windows, always):
    assert is_always_quiet(windows) is always


WINDOWS = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.times(min_value=time(0), max_value=time(23, 59)).map(lambda one: one.replace(second=0, microsecond=0)),
    st.times(min_value=time(0), max_value=time(23, 59)).map(lambda one: one.replace(second=0, microsecond=0)),
)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))


@settings(max_examples=150, deadline=None)
@given(st.lists(WINDOWS, min_size=1, max_size=4), st.sampled_from(ZONES), MOMENTS)
def test_after_the_end_it_is_not_quiet(windows, zone, now):
    there = ZoneInfo(zone)
    end = quiet_until(windows, there, now)

    if end is not None:
        assert end > now
        if not is_always_quiet(windows) and len(windows) == 1:
            assert quiet_until(windows, there, end) is None


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["hourly", "daily", "weekly"]),
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    st.integers(0, 6),
    st.sampled_from(ZONES),
    MOMENTS,
)
def test_a_digest_closes_after_now_and_within_its_cadence(cadence, clock, weekday, zone, now):
    closing = closes_at(Digest(cadence, clock, weekday), ZoneInfo(zone), now)

    longest = {"hourly": timedelta(hours=1), "daily": timedelta(hours=26), "weekly": timedelta(days=7, hours=26)}
    assert now < closing <= now + longest[cadence]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["hourly", "daily", "weekly"]), st.sampled_from(ZONES), MOMENTS, st.integers(1, 59))
def test_whoever_comes_before_the_end_goes_into_the_same_window(cadence, zone, now, minutes):
    digest, there = Digest(cadence, time(9)), ZoneInfo(zone)
    closing = closes_at(digest, there, now)
    second = now + timedelta(minutes=minutes)

    if second < closing:
        assert closes_at(digest, there, second) == closing
    else:
        assert closes_at(digest, there, second) > closing

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.cron import BadCron, Cron

BERLIN, NEW_YORK, APIA, LORD_HOWE, HAVANA, UTC_ZONE = (
    ZoneInfo(n)
    for n in ("Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "America/Havana", "UTC")
)
ZONES = st.sampled_from([BERLIN, NEW_YORK, APIA, LORD_HOWE, HAVANA, UTC_ZONE])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def firings(text: str, after: str, zone: ZoneInfo = UTC_ZONE, count: int = 3) -> list[str]:
    cron, instant, found = Cron.parse(text), at(after), []
    while len(found) < count:
        instant = cron.next_after(instant, zone)
        found.append(instant.astimezone(zone).strftime("%Y-%m-%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", ["01-01 00:01", "01-01 00:02"]),
        ("*/15 * * * *", ["01-01 00:15", "01-01 00:30"]),
        ("5/20 3 * * *", ["01-01 03:05", "01-01 03:25", "01-01 03:45", "01-02 03:05"]),
        ("0 9-17/4 * * *", ["01-01 09:00", "01-01 13:00", "01-01 17:00", "01-02 09:00"]),
        ("0 0 1 * *", ["02-01 00:00", "03-01 00:00"]),
        ("0 0 * FEB,apr *", ["02-01 00:00", "02-02 00:00"]),
        ("30 8 * * MON-FRI", ["01-01 08:30", "01-02 08:30", "01-05 08:30"]),
        ("0 0 * * 0", ["01-04 00:00", "01-11 00:00"]),
        ("0 0 * * 7", ["01-04 00:00", "01-11 00:00"]),
        ("0 0 * * FRI-SUN", ["01-02 00:00", "01-03 00:00", "01-04 00:00", "01-09 00:00"]),
        ("0 0 * * FRI-0", ["01-02 00:00", "01-03 00:00", "01-04 00:00", "01-09 00:00"]),
        ("0 0 13 * FRI", ["01-02 00:00", "01-09 00:00", "01-13 00:00"]),
        ("0 0 13 * *", ["01-13 00:00", "02-13 00:00"]),
        ("0 0 */2 * MON", ["01-05 00:00", "01-19 00:00"]),
        ("0 0 ? * MON", ["01-05 00:00", "01-12 00:00"]),
        ("0 0 L * *", ["01-31 00:00", "02-28 00:00"]),
        ("0 0 LW * ?", ["01-30 00:00", "02-27 00:00", "03-31 00:00"]),
        ("0 0 15W * *", ["01-15 00:00", "02-16 00:00", "03-16 00:00"]),
        ("0 0 1W * *", ["01-01 00:00", "02-02 00:00", "03-02 00:00"][1:]),
        ("0 0 31W * *", ["01-30 00:00", "03-31 00:00", "05-29 00:00"]),
        ("0 0 * * 5L", ["01-30 00:00", "02-27 00:00"]),
        ("0 0 * * FRIL", ["01-30 00:00", "02-27 00:00"]),
        ("0 0 * * MON#2", ["01-12 00:00", "02-09 00:00"]),
        ("0 0 * * 1#5", ["03-30 00:00", "06-29 00:00"]),
        ("0 0 1,15 * 3", ["01-07 00:00", "01-14 00:00", "01-15 00:00"]),
    ],
)
def test_cron_vectors(text, expected):
    found = firings(text, "2026-01-01T00:00:00+00:00", count=len(expected))

    assert [when[5:16] for when in found] == expected


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "schedule"),
        ("* * * *", "schedule"),
        ("* * * * * *", "schedule"),
        ("@daily", "schedule"),
        ("60 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("a * * * *", "minute"),
        ("5-1 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("٣ * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* ? * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * 32 * *", "day of month"),
        ("* * 32W * *", "day of month"),
        ("* * W * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * FOO *", "month"),
        ("* * * * 8", "day of week"),
        ("* * * * L", "day of week"),
        ("* * * * 1#6", "day of week"),
        ("* * * * 1#0", "day of week"),
        ("* * * * #", "day of week"),
        ("* * * * XL", "day of week"),
        ("*" * 300, "schedule"),
    ],
)
def test_a_bad_schedule_names_its_field(text, field):
    with pytest.raises(BadCron) as refused:
        Cron.parse(text)

    assert refused.value.field == field


@given(st.text(max_size=30) | st.text(alphabet="0123456789*/-,?LW# MONJAN", max_size=30))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    try:
        Cron.parse(text)
    except BadCron:
        pass


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("30 2 * * *", BERLIN, "2026-03-28T12:00:00+01:00", ["2026-03-29 03:00+0200", "2026-03-30 02:30+0200"]),
        ("0,15,45 2 * * *", BERLIN, "2026-03-28T12:00:00+01:00", ["2026-03-29 03:00+0200", "2026-03-30 02:00+0200"]),
        ("0 2,3 * * *", BERLIN, "2026-03-28T12:00:00+01:00", ["2026-03-29 03:00+0200", "2026-03-30 02:00+0200"]),
        ("30 * * * *", BERLIN, "2026-03-29T01:00:00+01:00", ["2026-03-29 01:30+0100", "2026-03-29 03:30+0200"]),
        ("30 2 * * *", NEW_YORK, "2026-03-07T12:00:00-05:00", ["2026-03-08 03:00-0400", "2026-03-09 02:30-0400"]),
        ("10 2 * * *", LORD_HOWE, "2026-10-03T12:00:00+10:30", ["2026-10-04 02:30+1100", "2026-10-05 02:10+1100"]),
        ("0 9 30 12 *", APIA, "2011-12-29T12:00:00-10:00", ["2011-12-31 00:00+1400", "2012-12-30 09:00+1400"]),
        ("30 0 * * *", HAVANA, "2026-03-07T12:00:00-05:00", ["2026-03-08 01:00-0400", "2026-03-09 00:30-0400"]),
    ],
)
def test_a_time_in_the_gap_fires_once_when_the_gap_ends(text, zone, after, expected):
    assert firings(text, after, zone, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("30 2 * * *", BERLIN, "2026-10-24T12:00:00+02:00", ["2026-10-25 02:30+0200", "2026-10-26 02:30+0100"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01T01:45:00-04:00", ["2026-11-02 01:30-0500"]),
        ("30 0 * * *", HAVANA, "2026-10-31T12:00:00-04:00", ["2026-11-01 00:30-0400", "2026-11-02 00:30-0500"]),
    ],
)
def test_a_time_that_exists_twice_fires_on_the_first(text, zone, after, expected):
    assert firings(text, after, zone, len(expected)) == expected


def test_an_hourly_schedule_goes_by_elapsed_time_through_both_changes():
    for after in ("2026-10-24T22:00:00+00:00", "2026-03-28T22:00:00+00:00"):
        cron, instants = Cron.parse("0 * * * *"), [at(after)]
        for _ in range(8):
            instants.append(cron.next_after(instants[-1], BERLIN))

        assert {other - one for one, other in pairwise(instants)} == {timedelta(hours=1)}


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *"])
def test_a_schedule_that_never_fires_says_so(text):
    assert Cron.parse(text).next_after(at("2026-01-01T00:00:00+00:00"), BERLIN) is None


def test_the_leap_day_is_found_across_a_century():
    assert firings("0 0 29 2 *", "2097-01-01T00:00:00+00:00", count=1) == ["2104-02-29 00:00+0000"]


@pytest.mark.parametrize("year", [1, 2, 9998, 9999])
def test_the_ends_of_the_calendar_are_no_obstacle(year):
    found = Cron.parse("0 0 1 1 *").next_after(datetime(year, 6, 1, tzinfo=UTC), BERLIN)

    assert found is None or found.year == year + 1


FIELDS = st.tuples(
    st.sampled_from(["*", "*/7", "0", "15,45", "59"]),
    st.sampled_from(["*", "*/5", "0", "2", "1-3", "23"]),
    st.sampled_from(["*", "L", "1", "15W", "28-31", "*/10"]),
    st.sampled_from(["*", "3", "10,11", "APR-SEP"]),
    st.sampled_from(["*", "SUN", "MON#1", "5L", "1-5"]),
).map(" ".join)
MOMENTS = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(FIELDS, MOMENTS, ZONES)
def test_the_next_firing_is_later_and_on_a_whole_minute(text, after, zone):
    cron = Cron.parse(text)
    first = cron.next_after(after, zone)
    second = cron.next_after(first, zone)

    assert after < first < second
    assert first.second == first.microsecond == 0
    assert cron.next_after(first - timedelta(seconds=1), zone) == first


@given(FIELDS, st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_without_changes_of_the_clock_it_agrees_with_trying_every_minute(text, after):
    cron = Cron.parse(text)
    minute = after.replace(second=0, microsecond=0)
    tried = (minute + timedelta(minutes=step) for step in range(1, 3 * 1440))
    expected = next(
        (m for m in tried if cron.fits(m.date()) and m.hour in cron.hours and m.minute in cron.minutes), None
    )

    found = cron.next_after(after, UTC_ZONE)

    assert found == expected or (expected is None and found > after + timedelta(days=2))


@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)))
def test_one_day_a_month_suits_each_special_item(day):
    month = [date(day.year, day.month, 1) + timedelta(days=n) for n in range(31)]
    month = [candidate for candidate in month if candidate.month == day.month]

    for text in ("0 0 L * *", "0 0 LW * *", "0 0 15W * *", "0 0 * * 5L", "0 0 * * TUE#3"):
        assert sum(Cron.parse(text).fits(candidate) for candidate in month) == 1

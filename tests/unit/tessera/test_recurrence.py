from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.recurrence import Rule, UnsupportedRule, count_between, instant_of, next_after, occurrences

BERLIN, NEW_YORK, APIA, UTC_ZONE = (ZoneInfo(n) for n in ("Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC"))
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def days(text: str, start: str, count: int = 6) -> list[str]:
    found = occurrences(Rule.parse(text), at(start), UTC_ZONE)
    return [instant.date().isoformat() for instant in islice(found, count)]


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        ("FREQ=DAILY", "2026-12-30", ["2026-12-30", "2026-12-31", "2027-01-01"]),
        ("FREQ=DAILY;INTERVAL=10", "2026-02-25", ["2026-02-25", "2026-03-07", "2026-03-17"]),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "2026-11-20", ["2026-11-20", "2026-11-23", "2026-11-24"]),
        ("FREQ=DAILY;BYMONTHDAY=-1", "2026-01-01", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("FREQ=WEEKLY", "2026-11-21", ["2026-11-21", "2026-11-28", "2026-12-05"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", "2026-11-18", ["2026-11-22", "2026-11-30", "2026-12-06"]),
        ("FREQ=MONTHLY", "2026-01-31", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ("FREQ=MONTHLY", "2028-01-30", ["2028-01-30", "2028-02-29", "2028-03-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=15,-1", "2026-02-01", ["2026-02-15", "2026-02-28", "2026-03-15"]),
        ("FREQ=MONTHLY;BYDAY=2TU", "2026-11-01", ["2026-11-10", "2026-12-08", "2027-01-12"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-11-01", ["2026-11-27", "2026-12-25", "2027-01-29"]),
        ("FREQ=MONTHLY;BYDAY=5MO", "2026-11-01", ["2026-11-30", "2027-03-29", "2027-05-31"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2026-01-01", ["2026-02-13", "2026-03-13", "2026-11-13"]),
        ("FREQ=MONTHLY;BYDAY=1MO,SU", "2026-11-01", ["2026-11-01", "2026-11-02", "2026-11-08"]),
        ("FREQ=YEARLY", "2028-02-29", ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("FREQ=YEARLY;BYDAY=20MO", "2026-01-01", ["2026-05-18", "2027-05-17", "2028-05-15"]),
        ("FREQ=YEARLY;BYDAY=-1SU", "2026-01-01", ["2026-12-27", "2027-12-26", "2028-12-31"]),
        ("RRULE:freq=daily;count=2;", "2026-01-01", ["2026-01-01", "2026-01-02"]),
    ],
)
def test_rule_vectors(rule, start, expected):
    assert days(rule, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", ""),
        ("FREQ=HOURLY", "FREQ=HOURLY"),
        ("FREQ=SECONDLY", "FREQ=SECONDLY"),
        ("INTERVAL=2", "FREQ"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS=1"),
        ("FREQ=WEEKLY;WKST=SU", "WKST=SU"),
        ("FREQ=YEARLY;BYMONTH=1", "BYMONTH=1"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
        ("FREQ=DAILY;INTERVAL=1001", "INTERVAL=1001"),
        ("FREQ=DAILY;COUNT=-1", "COUNT=-1"),
        ("FREQ=DAILY;COUNT=10001", "COUNT=10001"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "UNTIL=20270101"),
        ("FREQ=WEEKLY;BYDAY=2MO", "BYDAY=2MO"),
        ("FREQ=MONTHLY;BYDAY=MO,6TU", "BYDAY=6TU"),
        ("FREQ=DAILY;BYDAY=XX", "BYDAY=XX"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY=1"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY=0"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL=20260230"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY"),
        ("FREQ=DAILY;;COUNT=1", ""),
        ("FREQ=DAILY;COUNT=", "COUNT="),
    ],
)
def test_what_is_not_understood_is_named(text, part):
    with pytest.raises(UnsupportedRule) as refused:
        Rule.parse(text)

    assert refused.value.part == part


@given(st.text(max_size=40) | st.text(alphabet="FREQ=DAILYWKMOUNTHBSCV;,-+0129TZ", max_size=40))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    try:
        Rule.parse(text)
    except UnsupportedRule:
        pass


def test_a_time_in_the_gap_moves_forward_by_the_gap():
    assert instant_of(at("2026-03-29T02:30"), BERLIN).astimezone(BERLIN).isoformat() == "2026-03-29T03:30:00+02:00"
    assert instant_of(at("2026-03-08T02:15"), NEW_YORK).astimezone(NEW_YORK).isoformat() == "2026-03-08T03:15:00-04:00"


def test_a_time_that_exists_twice_is_the_first():
    assert instant_of(at("2026-10-25T02:30"), BERLIN).isoformat() == "2026-10-25T00:30:00+00:00"


def test_nine_in_the_morning_stays_nine_through_both_changes_of_the_clock():
    series = occurrences(Rule.parse("FREQ=WEEKLY"), at("2026-01-05T09:00"), BERLIN)

    assert {instant.astimezone(BERLIN).hour for instant in islice(series, 60)} == {9}


def test_a_day_a_zone_skips_makes_no_double():
    found = list(islice(occurrences(Rule.parse("FREQ=DAILY"), at("2011-12-29T09:00"), APIA), 3))

    assert found == sorted(set(found))
    assert [instant.astimezone(APIA).day for instant in found] == [29, 31, 1]


def test_a_day_a_zone_skips_is_still_due_on_the_next_one():
    rule, start = Rule.parse("FREQ=DAILY;INTERVAL=2"), at("2011-12-28T09:00")

    found = next_after(rule, start, APIA, at("2011-12-31T00:30:00+14:00"))

    assert found == at("2011-12-31T09:00:00+14:00")


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20260103", "2026-01-03"),
        ("20260103T090000", "2026-01-03"),
        ("20260103T085959", "2026-01-02"),
        ("20260103T080000Z", "2026-01-03"),
        ("20260103T075959Z", "2026-01-02"),
    ],
)
def test_until_is_the_last_that_may_be(until, last):
    found = list(occurrences(Rule.parse(f"FREQ=DAILY;UNTIL={until}"), at("2026-01-01T09:00"), BERLIN))

    assert found[-1].date().isoformat() == last


def test_count_counts_from_the_start_wherever_one_asks_from():
    rule, start = Rule.parse("FREQ=DAILY;COUNT=3"), at("2026-01-01T09:00")

    assert next_after(rule, start, UTC_ZONE, at("2026-01-02T09:00+00:00")) == at("2026-01-03T09:00+00:00")
    assert next_after(rule, start, UTC_ZONE, at("2026-01-03T09:00+00:00")) is None


@pytest.mark.parametrize(
    "rule",
    ["FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31", "FREQ=DAILY;UNTIL=20260101", "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20"],
)
def test_a_rule_that_never_falls_says_so(rule):
    assert next_after(Rule.parse(rule), at("2026-02-01T09:00"), BERLIN, at("2026-02-01T00:00+00:00")) is None


def test_five_missed_days_are_counted_and_the_next_is_after_now():
    rule, start = Rule.parse("FREQ=DAILY"), at("2026-01-01T09:00")
    due, now = at("2026-01-01T09:00+00:00"), at("2026-01-06T10:00+00:00")

    assert count_between(rule, start, UTC_ZONE, due, until=now) == 5
    assert next_after(rule, start, UTC_ZONE, now) == at("2026-01-07T09:00+00:00")


def test_counting_what_was_missed_for_ages_is_bounded():
    rule, long_ago = Rule.parse("FREQ=DAILY"), at("1900-01-01T09:00")

    missed = count_between(rule, long_ago, UTC_ZONE, at("1900-01-01T09:00+00:00"), until=at("2026-01-01T00:00+00:00"))

    assert missed == 10_000


@pytest.mark.parametrize("start", ["0001-01-01T00:00", "9999-12-31T23:59"])
@pytest.mark.parametrize("frequency", ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
@pytest.mark.parametrize("after", ["0001-01-01T00:00+00:00", "2026-01-01T00:00+00:00", "9999-12-31T23:59+00:00"])
def test_the_ends_of_the_calendar_are_no_obstacle(start, frequency, after):
    rule = Rule.parse(f"FREQ={frequency}")

    assert len(list(islice(occurrences(rule, at(start), NEW_YORK, after=at(after)), 3))) <= 3
    assert len(list(islice(occurrences(rule, at(start), BERLIN, after=at(after)), 3))) <= 3


def test_a_start_with_an_offset_is_a_defect():
    with pytest.raises(ValueError, match="local"):
        next_after(Rule.parse("FREQ=DAILY"), at("2026-01-01T09:00+00:00"), BERLIN, at("2026-01-01T09:00+00:00"))


@st.composite
def rules(draw):
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    text = f"FREQ={frequency};INTERVAL={draw(st.integers(1, 5))}"
    names = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
    # Not both kinds in one rule: dateutil then wants a day to fit both, the RFC either.
    if frequency in ("MONTHLY", "YEARLY") and draw(st.booleans()):
        most = 5 if frequency == "MONTHLY" else 53
        names = st.tuples(st.integers(-most, most).filter(bool).map(str), names).map("".join)
    by_day = draw(st.lists(names, max_size=3))
    by_month_day = draw(st.lists(st.integers(-31, 31).filter(bool), max_size=3)) if frequency != "WEEKLY" else []
    text += f";BYDAY={','.join(by_day)}" if by_day else ""
    text += f";BYMONTHDAY={','.join(map(str, by_month_day))}" if by_month_day else ""
    return text + draw(st.sampled_from(["", ";COUNT=7", ";UNTIL=20330615", ";UNTIL=20330615T120000"]))


# Up to the 28th, past which the anchor rule differs from the RFC on purpose.
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1)).map(
    lambda d: d.replace(day=min(d.day, 28), microsecond=0)
)


# The oracle takes seconds over sparse rules, so no deadline.
@settings(deadline=None)
@given(rules(), STARTS)
def test_it_agrees_with_dateutil(text, start):
    # A bare day as UNTIL means its end here and its start in dateutil.
    spelled = text + "T235959" if text.endswith("UNTIL=20330615") else text
    end = start + timedelta(days=3000)
    expected = oracle.rrulestr(spelled, dtstart=start).between(start, end, inc=True)[:40]

    found = (instant.replace(tzinfo=None) for instant in occurrences(Rule.parse(text), start, UTC_ZONE))

    assert list(islice(takewhile(lambda wall: wall <= end, found), 40)) == expected


@given(
    rules(),
    STARTS,
    st.timedeltas(timedelta(days=-400), timedelta(days=3000)),
    st.sampled_from([BERLIN, NEW_YORK, APIA]),
)
def test_asking_from_anywhere_finds_the_same_series(text, start, distance, zone):
    rule, after = Rule.parse(text), start.replace(tzinfo=UTC) + distance

    walked = next((i for i in islice(occurrences(rule, start, zone), 5000) if i > after), None)

    assert next_after(rule, start, zone, after) == walked


@given(rules(), STARTS, st.sampled_from([BERLIN, NEW_YORK, APIA]))
def test_instants_strictly_increase(text, start, zone):
    found = list(islice(occurrences(Rule.parse(text), start, zone), 40))

    assert all(one < other for one, other in pairwise(found))


@given(st.dates(date(2020, 1, 29), date(2032, 1, 31)).filter(lambda day: day.day > 28))
def test_the_anchor_day_comes_back_in_every_month_that_has_it(start):
    found = islice(occurrences(Rule.parse("FREQ=MONTHLY"), datetime.combine(start, datetime.min.time()), UTC_ZONE), 24)

    for instant in found:
        assert instant.day == start.day or (instant + 24 * HOUR).day == 1

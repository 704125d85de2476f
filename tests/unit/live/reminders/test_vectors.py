"""Schedules as texts and when they fall: RFC 5545's own examples and others, and what crontab(5) and Quartz say.

The expected times were computed by other programs: those of rules by `dateutil`, those of cron by asking every minute.
"""

from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from functions.live.reminders.rules.expansion import occurrences
from functions.live.reminders.rules.problems import BadCron, BadRRule
from functions.live.reminders.rules.rrule import WEEKDAYS, BadRule, Rule
from functions.live.reminders.rules.schedules import ByCron, ByRule, check

UTC_ZONE = ZoneInfo("UTC")
STAMP = "%Y%m%dT%H%M%S"


def vectors(name):
    lines = (Path(__file__).parent / name).read_text().splitlines()
    return [pytest.param(*(part.strip() for part in line.split("|")), id=line.partition("|")[0]) for line in lines]


@pytest.mark.parametrize(("rule", "start", "expected"), vectors("rrule_vectors.txt"))
def test_rrule_vectors(rule, start, expected):
    wanted = [when for when in expected.split() if when != "."]

    found = islice(occurrences(Rule.parse(rule), datetime.strptime(start, STAMP), UTC_ZONE), 7)

    told = [f"{when:{STAMP}}" for when in found]
    assert told[: len(wanted)] == wanted
    # A dot says that the series ends there.
    assert expected.endswith(".") <= (told == wanted)


@pytest.mark.parametrize(("text", "expected"), vectors("cron_vectors.txt"))
def test_cron_vectors(text, expected):
    found = islice(ByCron(text, "UTC").after(datetime(2026, 1, 1, tzinfo=UTC)), len(expected.split()))

    assert " ".join(f"{when:%Y-%m-%dT%H:%M}" for when in found) == expected


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("", "part"),
        ("FREQ=SECONDLY", "FREQ"),
        ("FREQ=FORTNIGHTLY", "FREQ"),
        ("INTERVAL=2", "FREQ"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DAILY;COUNT=0", "COUNT"),
        ("FREQ=DAILY;COUNT=10001", "COUNT"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20260101", "together"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=١", "INTERVAL"),
        ("FREQ=DAILY;BYDAY=1MO", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=6MO", "BYDAY"),
        ("FREQ=YEARLY;BYDAY=54MO", "BYDAY"),
        ("FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO", "BYDAY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY"),
        ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO"),
        ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO"),
        ("FREQ=DAILY;BYMONTH=13", "BYMONTH"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE"),
        ("FREQ=DAILY;BYSECOND=60", "BYSECOND"),
        ("FREQ=DAILY;BYSECOND=0,30", "BYSECOND"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS"),
        ("FREQ=DAILY;WKST=XX", "WKST"),
        ("FREQ=DAILY;RSCALE=GREGORIAN", "RSCALE"),
        ("FREQ=DAILY;", "part"),
        ("FREQ=DAILY;BYDAY=" + "MO," * 200, "characters"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where(rule, told):
    with pytest.raises(BadRule, match=told):
        Rule.parse(rule)
    with pytest.raises(BadRRule, match=told):
        check(ByRule(rule, datetime(2026, 1, 1), "UTC"))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("* * * *", "schedule"),
        ("@daily", "schedule"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 32 * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of week"),
        ("* * * * MON#6", "day of week"),
    ],
)
def test_a_cron_that_cannot_be_read_names_the_field(text, field):
    with pytest.raises(BadCron, match=f"field {field}"):
        check(ByCron(text, "UTC"))


@st.composite
def rules(draw):
    """Rules that `dateutil` reads as the RFC does.

    It takes ordinals and plain days together for their overlap, and counts BYSETPOS in a first week from the start.
    """
    frequency = draw(st.sampled_from(["MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 5))}", f"WKST={draw(st.sampled_from(WEEKDAYS))}"]

    def some(name, low, high, *, signed=False):
        if draw(st.booleans()):
            numbers = st.integers(low, high)
            if signed:
                numbers = st.one_of(numbers, st.integers(-high, -low))
            parts.append(f"{name}={','.join(map(str, draw(st.lists(numbers, min_size=1, max_size=3))))}")

    some("BYMONTH", 1, 12)
    if frequency != "WEEKLY":
        some("BYMONTHDAY", 1, 28, signed=True)
    ordinal = draw(st.sampled_from(["", "1", "2", "-1"])) if frequency in ("MONTHLY", "YEARLY") else ""
    if draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3))
        parts.append(f"BYDAY={','.join(ordinal + day for day in days)}")
    some("BYHOUR", 0, 23)
    some("BYMINUTE", 0, 59)
    if len(parts) > 3 and frequency != "WEEKLY":
        some("BYSETPOS", 1, 3, signed=True)
    return ";".join(parts)


starts = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(lambda when: when.replace(microsecond=0, fold=0))


@given(rules(), starts, st.integers(0, 8))
def test_a_rule_agrees_with_another_implementation_wherever_it_is_taken_up(rule, start, number):
    found = list(islice(occurrences(Rule.parse(rule), start, UTC_ZONE), 10))

    # Where nothing comes the other implementation searches to the end of the calendar, minute by minute.
    theirs = list(islice(rrulestr(rule, dtstart=start), len(found))) if found else []
    assert [when.replace(tzinfo=None) for when in found] == theirs
    assert all(first < second for first, second in pairwise(found))
    if number + 1 < len(found):
        after = found[number]
        assert next(occurrences(Rule.parse(rule), start, UTC_ZONE, after=after)) == found[number + 1]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYMINUTE=5;BYSETPOS=2",
        "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
        "FREQ=YEARLY;INTERVAL=1000;BYMONTH=1;BYMONTHDAY=1",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO",
    ],
)
def test_a_rule_that_never_falls_is_given_up(rule):
    after = datetime(2026, 1, 2, tzinfo=UTC)

    assert next(occurrences(Rule.parse(rule), datetime(2026, 1, 1), UTC_ZONE, after=after), None) is None

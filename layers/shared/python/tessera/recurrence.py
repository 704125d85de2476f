"""Repeating dates: the part of RFC 5545 that to-do lists need, expanded on the wall clock of a zone.

Understood: FREQ (DAILY to YEARLY), INTERVAL, BYDAY with ordinals, BYMONTHDAY from either end, COUNT,
UNTIL. A local time that does not exist moves forward by the gap, one that exists twice is its first
occurrence. Where the RFC would skip a short month, a rule without BYDAY and BYMONTHDAY uses the last
day instead and comes back to its own: 31 Jan, 28 Feb, 31 Mar.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tessera.rrule import MAX_COUNT
from tessera.rrule import Rule as Rule
from tessera.rrule import UnsupportedRule as UnsupportedRule

HORIZON_YEARS = 50

_DAY = timedelta(days=1)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a local time: past a gap by its length, the first of two."""
    # PEP 495: with fold 0 a time in a gap has the offset from before it, which moves it past the gap.
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def next_after(rule: Rule, start_local: datetime, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first occurrence later than this instant, or None when there is none within 50 years."""
    return next(occurrences(rule, start_local, zone, after=after), None)


def count_between(
    rule: Rule, start_local: datetime, zone: ZoneInfo, after: datetime, *, until: datetime, at_most: int = MAX_COUNT
) -> int:
    """How many occurrences are later than `after` and not later than `until`: those missed meanwhile.

    Counting stops at `at_most`, so a series forgotten for decades costs no more than that.
    """
    missed = 0
    for instant in occurrences(rule, start_local, zone, after=after):
        if instant > until or missed == at_most:
            break
        missed += 1
    return missed


def occurrences(
    rule: Rule, start_local: datetime, zone: ZoneInfo, *, after: datetime | None = None
) -> Iterator[datetime]:
    """The instants of a series in order, in UTC; with `after`, those later than it.

    `start_local` is the naive local time of the series' start: its time of day is that of every
    occurrence and its day the anchor. It is itself an occurrence when it fits the rule. A series that
    brings nothing for 50 years is over. For days without a clock, start at midnight with zone UTC.
    """
    if start_local.tzinfo is not None:
        raise ValueError("The start is a local time, without an offset.")
    anchor, clock_time = start_local.date(), start_local.time()
    # Two days of margin cover every offset and the one zone that skipped a whole day.
    sought = anchor if after is None else max(anchor, _two_days_before(after, zone))
    # COUNT counts from the start, so such a series is walked from there.
    first = anchor if rule.count is not None else sought
    given, latest = 0, after
    for day in _days(rule, anchor, first):
        wall = datetime.combine(day, clock_time)
        if _is_past(rule.until, wall, zone) or given == rule.count:
            return
        given += 1
        if day < sought:
            continue
        instant = instant_of(wall, zone)
        # Equal instants: the day a zone skips moves onto the one behind it.
        if latest is None or instant > latest:
            latest = instant
            yield instant


def _two_days_before(instant: datetime, zone: ZoneInfo) -> date:
    try:
        day = instant.astimezone(zone).date()
    except OverflowError:
        # The very ends of the calendar have no local time in some zones; two days cover that as well.
        day = instant.date()
    return max(day, date.min + 2 * _DAY) - 2 * _DAY


def _is_past(until: date | datetime | None, wall: datetime, zone: ZoneInfo) -> bool:
    if until is None:
        return False
    if not isinstance(until, datetime):
        return wall.date() > until
    return wall > until if until.tzinfo is None else instant_of(wall, zone) > until


def _days(rule: Rule, anchor: date, first: date) -> Iterator[date]:
    """The days of the rule from `first` on, up to the end of the calendar or 50 empty years."""
    index = _period_of(rule, anchor, first)
    empty_until = first.year + HORIZON_YEARS
    while True:
        start = _period_start(rule, anchor, index)
        if start is None or start.year > empty_until:
            return
        for day in _expanded(rule, anchor, start):
            # The first and last year of the calendar have days without an instant in some zones.
            if day >= first and date.min.year < day.year < date.max.year:
                empty_until = day.year + HORIZON_YEARS
                yield day
        index += 1


def _period_of(rule: Rule, anchor: date, day: date) -> int:
    """The number of the last period that starts on or before this day."""
    if rule.frequency == "DAILY":
        distance = (day - anchor).days
    elif rule.frequency == "WEEKLY":
        distance = (day - _monday(anchor)).days // 7
    else:
        distance = (day.year - anchor.year) * 12 + day.month - anchor.month
        if rule.frequency == "YEARLY":
            distance = day.year - anchor.year
    return max(0, distance // rule.interval)


def _period_start(rule: Rule, anchor: date, index: int) -> date | None:
    """The first day of a period, or None past the end of the calendar."""
    steps = index * rule.interval
    try:
        if rule.frequency == "DAILY":
            return anchor + steps * _DAY
        if rule.frequency == "WEEKLY":
            return _monday(anchor) + 7 * steps * _DAY
        months = anchor.year * 12 + anchor.month - 1 + steps
        return (
            date(months // 12, months % 12 + 1, 1) if rule.frequency == "MONTHLY" else date(anchor.year + steps, 1, 1)
        )
    except (OverflowError, ValueError):
        return None


def _monday(day: date) -> date:
    return day - day.weekday() * _DAY


def _expanded(rule: Rule, anchor: date, start: date) -> Iterator[date]:
    """The days of the rule within the period that starts here."""
    if rule.frequency in ("MONTHLY", "YEARLY") and not (rule.by_day or rule.by_month_day):
        month = start.month if rule.frequency == "MONTHLY" else anchor.month
        yield date(start.year, month, min(anchor.day, monthrange(start.year, month)[1]))
        return
    last = _period_end(rule, start)
    for number in range(start.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(number)
        if rule.frequency == "WEEKLY" and not rule.by_day:
            fits = day.weekday() == anchor.weekday()
        else:
            fits = _fits(rule, day, start, last)
        if fits:
            yield day


def _period_end(rule: Rule, start: date) -> date:
    if rule.frequency == "DAILY":
        return start
    if rule.frequency == "WEEKLY":
        return date.fromordinal(min(start.toordinal() + 6, date.max.toordinal()))
    if rule.frequency == "MONTHLY":
        return start.replace(day=monthrange(start.year, start.month)[1])
    return date(start.year, 12, 31)


def _fits(rule: Rule, day: date, first: date, last: date) -> bool:
    if rule.by_month_day:
        from_end = day.day - monthrange(day.year, day.month)[1] - 1
        if day.day not in rule.by_month_day and from_end not in rule.by_month_day:
            return False
    if not rule.by_day:
        return True
    ordinals = (0, (day - first).days // 7 + 1, -((last - day).days // 7 + 1))
    return any(weekday == day.weekday() and ordinal in ordinals for ordinal, weekday in rule.by_day)

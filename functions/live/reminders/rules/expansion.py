"""When a rule of RFC 5545 falls, as instants on the wall clock of a zone.

A local time that does not exist moves forward by the gap, one that exists twice is its first occurrence; hourly and
minutely rules step in elapsed time, so they skip nothing and fire in both. The start is an occurrence only where it
fits the rule. A rule that brings nothing for 50 years is over, whatever it says: no text may keep us busy for longer.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import product
from zoneinfo import ZoneInfo

from tessera.recurrence import instant_of

from .rrule import Rule

HORIZON = timedelta(days=50 * 366)
MAX_EMPTY_STEPS = 10_000

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# The last year of the calendar has days without an instant in some zones.
_LAST = date(9998, 12, 31)


def occurrences(rule: Rule, start: datetime, zone: ZoneInfo, *, after: datetime | None = None) -> Iterator[datetime]:
    """The instants of a series in order, in UTC; with `after`, those later than it.

    `start` is the naive local time at which the series begins. COUNT counts from there, so that a series with it is
    walked from its start; any other goes straight to where it is wanted.
    """
    if start.tzinfo is not None:
        raise ValueError("The start is a local time, without an offset.")
    series = _Series(rule, start, zone)
    begin = instant_of(start, zone)
    given, latest = 0, after
    for instant, wall in series.candidates(begin if rule.count is not None or after is None else max(begin, after)):
        if instant < begin:
            continue
        if series.is_past(instant, wall) or given == rule.count:
            return
        given += 1
        # Equal instants: a time in a gap moves onto one that is in the rule itself.
        if latest is None or instant > latest:
            latest = instant
            yield instant


@dataclass(frozen=True)
class _Series:
    rule: Rule
    start: datetime
    zone: ZoneInfo

    def candidates(self, sought: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Instants and their local times in order, from a little before `sought` on, some before the start."""
        return self._elapsed(sought) if self.rule.is_elapsed else self._on_wall(sought)

    def is_past(self, instant: datetime, wall: datetime) -> bool:
        until = self.rule.until
        if until is None:
            return False
        if not isinstance(until, datetime):
            return wall.date() > until
        return wall > until if until.tzinfo is None else instant > until

    @cached_property
    def second(self) -> int:
        return self.start.second if self.rule.second is None else self.rule.second

    @cached_property
    def clock_times(self) -> tuple[time, ...]:
        hours, minutes = self.rule.hours or (self.start.hour,), self.rule.minutes or (self.start.minute,)
        return tuple(time(hour, minute, self.second) for hour, minute in product(hours, minutes))

    def _on_wall(self, sought: datetime) -> Iterator[tuple[datetime, datetime]]:
        # Two days of margin cover every offset and the one zone that skipped a whole day.
        first = max(self.start.date(), sought.date() - 2 * _DAY)
        index, empty_until = self._period_of(first), _horizon(first)
        while True:
            span = self._span(index)
            if span is None or span[0] > empty_until:
                return
            walls = [datetime.combine(day, at) for day in self._days(*span) for at in self.clock_times]
            found = sorted((instant_of(wall, self.zone), wall) for wall in self._chosen(walls))
            if found and span[1] >= first:
                empty_until = _horizon(span[1])
                yield from found
            index += 1

    def _chosen(self, found: list[datetime]) -> list[datetime]:
        """The BYSETPOS of RFC 5545: these positions of the period's set."""
        if not self.rule.positions:
            return found
        places = {place - 1 if place > 0 else len(found) + place for place in self.rule.positions}
        return [found[place] for place in sorted(places) if 0 <= place < len(found)]

    def _period_of(self, day: date) -> int:
        """The number of the last period that starts on or before this day."""
        anchor, rule = self.start.date(), self.rule
        if rule.frequency == "DAILY":
            distance = (day - anchor).days
        elif rule.frequency == "WEEKLY":
            distance = (day - self._week_of(anchor)).days // 7
        else:
            distance = day.year - anchor.year
            if rule.frequency == "MONTHLY":
                distance = distance * 12 + day.month - anchor.month
        return max(0, distance // rule.interval)

    def _span(self, index: int) -> tuple[date, date] | None:
        """The first and last day of a period, or None past the end of the calendar."""
        anchor, steps = self.start.date(), index * self.rule.interval
        try:
            if self.rule.frequency == "DAILY":
                day = anchor + steps * _DAY
                return (day, day) if day <= _LAST else None
            if self.rule.frequency == "WEEKLY":
                monday = self._week_of(anchor) + 7 * steps * _DAY
                return (monday, monday + 6 * _DAY) if monday + 6 * _DAY <= _LAST else None
            months = anchor.year * 12 + anchor.month - 1 + steps
            year, month = divmod(months, 12) if self.rule.frequency == "MONTHLY" else (anchor.year + steps, 0)
            if year > _LAST.year:
                return None
            if self.rule.frequency == "YEARLY":
                return date(year, 1, 1), date(year, 12, 31)
            return date(year, month + 1, 1), date(year, month + 1, monthrange(year, month + 1)[1])
        except OverflowError:
            return None

    def _week_of(self, day: date) -> date:
        return day - (day.weekday() - self.rule.week_start) % 7 * _DAY

    def _days(self, first: date, last: date) -> Iterator[date]:
        months = self._months
        day = first
        while day <= last:
            if months and day.month not in months:
                day = day.replace(day=monthrange(day.year, day.month)[1]) + _DAY
                continue
            if self._fits(day):
                yield day
            day += _DAY

    @cached_property
    def _months(self) -> frozenset[int]:
        """Where the rule names no days, they come from the start."""
        rule = self.rule
        if rule.frequency == "YEARLY" and not rule.names_days and not rule.months:
            return frozenset([self.start.month])
        return frozenset(rule.months)

    @cached_property
    def _month_days(self) -> frozenset[int]:
        rule = self.rule
        if rule.frequency in ("MONTHLY", "YEARLY") and not rule.names_days:
            return frozenset([self.start.day])
        return frozenset(rule.month_days)

    @cached_property
    def _by_day(self) -> tuple[tuple[int, int], ...]:
        rule = self.rule
        if rule.frequency == "WEEKLY" and not rule.names_days:
            return ((0, self.start.weekday()),)
        return rule.by_day

    def _fits(self, day: date) -> bool:
        """Whether every part of the rule that names days admits this one."""
        rule = self.rule
        if self._months and day.month not in self._months:
            return False
        if self._month_days:
            from_end = day.day - monthrange(day.year, day.month)[1] - 1
            if day.day not in self._month_days and from_end not in self._month_days:
                return False
        if rule.year_days:
            number = day.timetuple().tm_yday
            if number not in rule.year_days and number - _year_length(day.year) - 1 not in rule.year_days:
                return False
        if rule.weeks and not self._is_in_weeks(day):
            return False
        return not self._by_day or self._is_weekday(day)

    def _is_weekday(self, day: date) -> bool:
        """BYDAY: an ordinal counts within the month, or within the year where the rule names no month."""
        ordinals = {0}
        if any(ordinal for ordinal, _ in self._by_day):
            if self.rule.frequency == "MONTHLY" or self.rule.months:
                place, length = day.day, monthrange(day.year, day.month)[1]
            else:
                place, length = day.timetuple().tm_yday, _year_length(day.year)
            ordinals |= {(place - 1) // 7 + 1, -((length - place) // 7 + 1)}
        return any(weekday == day.weekday() and ordinal in ordinals for ordinal, weekday in self._by_day)

    def _is_in_weeks(self, day: date) -> bool:
        """A week belongs to the year that has four of its days (RFC 5545, BYWEEKNO)."""
        middle = self._week_of(day) + 3 * _DAY
        number = (middle.timetuple().tm_yday - 1) // 7 + 1
        end = date(middle.year, 12, 31)
        last_middle = end - (end.weekday() - self.rule.week_start - 3) % 7 * _DAY
        last = (last_middle.timetuple().tm_yday - 1) // 7 + 1
        return number in self.rule.weeks or number - last - 1 in self.rule.weeks

    def _elapsed(self, sought: datetime) -> Iterator[tuple[datetime, datetime]]:
        base = instant_of(self.start, self.zone) - timedelta(seconds=self.start.second)
        step = _MINUTE * self.rule.interval
        if self.rule.frequency == "HOURLY":
            base, step = base - self.start.minute * _MINUTE, _HOUR * self.rule.interval
        index, empty = max(0, (sought - base) // step), 0
        empty_until = _horizon(max(base, sought).date())
        while empty < MAX_EMPTY_STEPS:
            begin = base + index * step
            local = begin.astimezone(self.zone)
            ahead = self._ahead(begin, local, empty_until)
            if ahead is None:
                return
            if ahead > begin:
                index, empty = max(index + 1, -((base - ahead) // step)), empty + 1
                continue
            found = self._chosen(sorted(self._within(begin, local)))
            yield from ((instant, instant.astimezone(self.zone).replace(tzinfo=None)) for instant in found)
            if found:
                empty, empty_until = 0, _horizon(local.date())
            else:
                empty += 1
            index += 1

    def _ahead(self, begin: datetime, local: datetime, empty_until: date) -> datetime | None:
        """Where to go on when nothing of this period can fit; itself when it can, None when nothing ever will."""
        if not self._fits(local.date()):
            day = next(self._days(local.date() + _DAY, empty_until), None)
            return None if day is None else instant_of(datetime.combine(day, time()), self.zone)
        if self.rule.hours and local.hour not in self.rule.hours:
            return begin + (60 - local.minute) * _MINUTE
        return begin

    def _within(self, begin: datetime, local: datetime) -> Iterator[datetime]:
        rule, seconds = self.rule, timedelta(seconds=self.second)
        if rule.frequency == "MINUTELY":
            if not rule.minutes or local.minute in rule.minutes:
                yield begin + seconds
        elif rule.minutes:
            # Where a zone shifts by half an hour, hours of elapsed time no longer begin with its own.
            yield from (begin + (minute - local.minute) % 60 * _MINUTE + seconds for minute in rule.minutes)
        else:
            yield begin + self.start.minute * _MINUTE + seconds


def _horizon(day: date) -> date:
    return min(day, _LAST - HORIZON) + HORIZON


def _year_length(year: int) -> int:
    return 366 if monthrange(year, 2)[1] == 29 else 365

"""Cron schedules of five fields on the wall clock of a zone.

Minute, hour, day of month, month, day of week; names, lists, ranges, steps; `L` (the last day, `5L`
the last Friday), `W` (`15W` the working day nearest to the 15th, `LW` the last one) and `#` (`1#2` the
second Monday). When both day fields are restricted either is enough; a field that starts with `*`
restricts nothing in this sense (crontab(5)).

A time that does not exist fires at the instant the gap ends, a time that exists twice on its first
occurrence. A schedule of all 24 hours goes by elapsed time instead: it skips nothing and fires in both.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HORIZON_YEARS = 50
MAX_TEXT_CHARACTERS = 200

_MONTH_NAMES = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES.split(), start=1)}
_WEEKDAYS = {name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])}
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_NEAREST = re.compile(r"(\d{1,2})W", re.ASCII)

# Whether a day suits one item of a day field.
DayTest = Callable[[date], bool]


class BadCron(ValueError):
    """A schedule that cannot be read; `field` is the name of the field at fault."""

    def __init__(self, field: str, why: str) -> None:
        self.field = field
        super().__init__(f"{field}: {why}.")


@dataclass(frozen=True)
class Cron:
    """A schedule, parsed. Compare and keep its text, not this."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    month_days: tuple[DayTest, ...]
    weekdays: tuple[DayTest, ...]
    either_day: bool

    @classmethod
    def parse(cls, text: str) -> "Cron":
        """Read `30 2 * * MON-FRI`. Raises `BadCron`, which names the field at fault."""
        fields = text.upper().split() if len(text) <= MAX_TEXT_CHARACTERS else []
        if len(fields) != 5:
            raise BadCron("schedule", "there must be five fields: minute, hour, day of month, month, day of week")
        minute, hour, month_day, month, weekday = fields
        return cls(
            text=" ".join(fields),
            minutes=tuple(sorted(_numbers("minute", minute, 0, 59))),
            hours=tuple(sorted(_numbers("hour", hour, 0, 23))),
            months=frozenset(_numbers("month", month, 1, 12, _MONTHS)),
            month_days=tuple(_month_day(item) for item in month_day.split(",")),
            weekdays=tuple(_weekday(item) for item in weekday.split(",")),
            either_day=not month_day.startswith(("*", "?")) and not weekday.startswith(("*", "?")),
        )

    def next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """The first instant later than this one, in UTC, or None when there is none within 50 years."""
        return next(self.occurrences(after, zone), None)

    def occurrences(self, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The instants later than this one, in UTC and in order, for 50 years.

        To walk a dense schedule so costs far less than to ask for the next one again and again.
        """
        if not date.min.year + 1 < after.year < date.max.year - 1:
            return
        hourly, latest = len(self.hours) == 24, after
        for day in self._days_from(after.astimezone(zone).date() - _DAY):
            for instant in self._elapsed(day, zone, after) if hourly else self._on_wall(day, zone):
                if instant > latest:
                    latest = instant
                    yield instant

    def fits(self, day: date) -> bool:
        """Whether the schedule has a time on this day."""
        if day.month not in self.months:
            return False
        by_month, by_week = (any(test(day) for test in tests) for tests in (self.month_days, self.weekdays))
        return by_month or by_week if self.either_day else by_month and by_week

    def _days_from(self, first: date) -> Iterator[date]:
        # The last days of the calendar are left out: some of their times are no instants.
        end = min(first.toordinal() + HORIZON_YEARS * 366, date.max.toordinal() - 2)
        return (day for day in map(date.fromordinal, range(first.toordinal(), end)) if self.fits(day))

    def _on_wall(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                yield _instant_of(datetime.combine(day, time(hour, minute)), zone)

    def _elapsed(self, day: date, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
        midnight = _instant_of(datetime.combine(day, time()), zone)
        instant = max(midnight, after.astimezone(UTC).replace(second=0, microsecond=0))
        while (wall := instant.astimezone(zone)).date() <= day:
            if wall.minute in self.minutes and wall.date() == day:
                yield instant
            instant += _MINUTE


def _instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a local time; for one in a gap, the end of the gap."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    before = wall.replace(tzinfo=zone, fold=0).utcoffset()
    behind = wall.replace(tzinfo=zone, fold=1).utcoffset()
    if before is None or behind is None or before >= behind:
        return instant
    # PEP 495: only in a gap is the offset of fold 0 the smaller one. The transition lies between the
    # two readings of the time; halving finds it to the second.
    low, high = instant - (behind - before), instant
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == behind else (middle, high)
    return high


def _numbers(field: str, text: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    found: set[int] = set()
    for item in text.split(","):
        found |= _range(field, item, low, high, names or {})
    return found


def _range(field: str, item: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    span, slash, step_text = item.partition("/")
    step = _number(field, step_text, 1, high, {}) if slash else 1
    if span == "*" or (span == "?" and field.startswith("day")):
        return set(range(low, high + 1, step))
    first_text, dash, last_text = span.partition("-")
    first = _number(field, first_text, low, high, names)
    # `5/15` means from 5 on, as in every cron that reads it.
    last = _number(field, last_text, low, high, names) if dash else (high if slash else first)
    if names is _WEEKDAYS and dash and last == 0 < first:
        last = 7
    if last < first:
        raise BadCron(field, f"{item} goes backwards")
    return set(range(first, last + 1, step))


def _number(field: str, text: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text)
    if value is None:
        if not text.isascii() or not text.isdigit() or len(text) > 4 or not low <= int(text) <= high:
            raise BadCron(field, f"{text or 'nothing'} is not one of {low} to {high}")
        value = int(text)
    return value


def _month_day(item: str) -> DayTest:
    field = "day of month"
    if item == "L":
        return lambda day: day.day == _length(day)
    if item == "LW":
        return lambda day: day.day == _nearest_working_day(day, _length(day))
    nearest = _NEAREST.fullmatch(item)
    if nearest:
        wanted = _number(field, nearest[1], 1, 31, {})
        return lambda day: wanted <= _length(day) and day.day == _nearest_working_day(day, wanted)
    numbers = _range(field, item, 1, 31, {})
    return lambda day: day.day in numbers


def _weekday(item: str) -> DayTest:
    field = "day of week"
    name, hash_sign, ordinal_text = item.partition("#")
    if hash_sign:
        wanted, ordinal = _number(field, name, 0, 7, _WEEKDAYS) % 7, _number(field, ordinal_text, 1, 5, {})
        return lambda day: _sunday_based(day) == wanted and (day.day - 1) // 7 + 1 == ordinal
    if item.endswith("L") and item != "L":
        last = _number(field, item[:-1], 0, 7, _WEEKDAYS) % 7
        return lambda day: _sunday_based(day) == last and day.day + 7 > _length(day)
    # Both 0 and 7 are Sunday; `*` must not count it twice in a step.
    numbers = {number % 7 for number in _range(field, item, 0, 6 if item.startswith(("*", "?")) else 7, _WEEKDAYS)}
    return lambda day: _sunday_based(day) in numbers


def _length(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _sunday_based(day: date) -> int:
    return day.isoweekday() % 7


def _nearest_working_day(month: date, wanted: int) -> int:
    """The working day nearest to this day of the month, never one of another month."""
    weekday = month.replace(day=wanted).weekday()
    if weekday == 5:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 6:
        return wanted + 1 if wanted < _length(month) else wanted - 2
    return wanted

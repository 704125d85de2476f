"""The three kinds of schedule, and the instants at which each is due.

An occurrence is what the schedule names; a firing is an occurrence moved by one of the reminder's offsets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from tessera import cron as crontab
from tessera.recurrence import instant_of

from .durations import Span
from .expansion import occurrences
from .problems import AtInPast, BadCron, BadRRule, NeverFires, refused
from .rrule import BadRule, Rule

FIRST_YEAR, LAST_YEAR = 1970, 2200
# An `at` this little in the past was meant to be now.
GRACE = timedelta(seconds=60)
MAX_OFFSETS = 5
# The firing that a snooze asks for, beside those of the offsets.
SNOOZED = -1

_MICROSECOND = timedelta(microseconds=1)
# A day of the calendar differs from 24 hours by a change of the clock, and where a zone skips a day by that day.
_SLACK = timedelta(hours=26)


@dataclass(frozen=True)
class Once:
    at: datetime
    tz: str = "UTC"

    def after(self, instant: datetime) -> Iterator[datetime]:
        """The occurrences later than this instant, in order."""
        if self.at > instant:
            yield self.at


@dataclass(frozen=True)
class ByCron:
    cron: str
    tz: str
    start: datetime | None = None
    end: datetime | None = None

    def after(self, instant: datetime) -> Iterator[datetime]:
        """The occurrences later than this instant, in order. Raises `BadCron`."""
        sought = instant if self.start is None else max(instant, self.start - _MICROSECOND)
        for found in _cron(self.cron).occurrences(sought, ZoneInfo(self.tz)):
            if self.end is not None and found > self.end:
                return
            yield found


@dataclass(frozen=True)
class ByRule:
    """`start` is a local time; `exdates` and `rdates` are instants. COUNT counts what is excluded as well."""

    rrule: str
    start: datetime
    tz: str
    exdates: tuple[datetime, ...] = ()
    rdates: tuple[datetime, ...] = ()

    def after(self, instant: datetime) -> Iterator[datetime]:
        """The occurrences later than this instant, in order. Raises `BadRRule`."""
        ruled = occurrences(_rule(self.rrule), self.start, ZoneInfo(self.tz), after=instant)
        added = iter(sorted({one for one in self.rdates if one > instant}))
        following = next(added, None)
        for one in ruled:
            while following is not None and following <= one:
                if following < one and following not in self._left_out:
                    yield following
                following = next(added, None)
            if one not in self._left_out:
                yield one
        while following is not None:
            if following not in self._left_out:
                yield following
            following = next(added, None)

    @cached_property
    def _left_out(self) -> frozenset[datetime]:
        return frozenset(self.exdates)


Schedule = Once | ByCron | ByRule


@dataclass(frozen=True, order=True)
class Firing:
    """When to fire, and which of the offsets says so; `occurrence` is what it is about."""

    due: datetime
    offset: int
    occurrence: datetime


@lru_cache(maxsize=256)
def _cron(text: str) -> crontab.Cron:
    try:
        return crontab.Cron.parse(text)
    except crontab.BadCron as error:
        raise BadCron("/schedule/cron", f"Look at the field {error.field}. {error}") from None


@lru_cache(maxsize=256)
def _rule(text: str) -> Rule:
    try:
        return Rule.parse(text)
    except BadRule as error:
        raise BadRRule("/schedule/rrule", str(error)) from None


def instant_in(wall_or_instant: datetime, tz: str) -> datetime:
    """The instant in UTC; a naive value is a local time of this zone."""
    if wall_or_instant.tzinfo is not None:
        return wall_or_instant.astimezone(UTC)
    return instant_of(wall_or_instant, ZoneInfo(tz))


def wall_in(wall_or_instant: datetime, tz: str) -> datetime:
    """The local time in this zone, without a zone; an instant is read there."""
    if wall_or_instant.tzinfo is None:
        return wall_or_instant.replace(fold=0)
    return wall_or_instant.astimezone(ZoneInfo(tz)).replace(tzinfo=None, fold=0)


def check(schedule: Schedule) -> None:
    """Raises `BadCron`, `BadRRule`, `InvalidRequest`."""
    whens: dict[str, Sequence[datetime | None]]
    if isinstance(schedule, Once):
        whens = {"at": [schedule.at]}
    elif isinstance(schedule, ByCron):
        _cron(schedule.cron)
        whens = {"start": [schedule.start], "end": [schedule.end]}
    else:
        _rule(schedule.rrule)
        whens = {"dtstart": [schedule.start], "exdates": schedule.exdates, "rdates": schedule.rdates}
    for name, found in whens.items():
        # Near the ends of the calendar some days have no instant in some zones.
        if any(when is not None and not FIRST_YEAR <= when.year <= LAST_YEAR for when in found):
            raise refused(f"/schedule/{name}", f"Reminders are of the years {FIRST_YEAR} to {LAST_YEAR}.")


def firings(schedule: Schedule, offsets: Sequence[str], after: datetime, offset: int) -> Iterator[Firing]:
    """What fires later than the firing at `after` by this offset, in order.

    Two offsets may meet in one instant; then the one that is named first goes first.
    """
    zone = ZoneInfo(schedule.tz)
    spans = [Span.parse(text) for text in offsets] or [Span(0, timedelta())]
    waiting = [_moved(schedule, number, span, zone, after, offset) for number, span in enumerate(spans)]
    heads = [next(one, None) for one in waiting]
    while found := min((head for head in heads if head is not None), default=None):
        yield found
        # Firings of one offset may fall together where a clock is set forward.
        number = found.offset
        heads[number] = next((one for one in waiting[number] if one.due > found.due), None)


def _moved(
    schedule: Schedule, number: int, span: Span, zone: ZoneInfo, after: datetime, offset: int
) -> Iterator[Firing]:
    sought = after - span.about - (_SLACK if span.days else _MICROSECOND)
    for occurrence in schedule.after(sought):
        due = span.from_(occurrence, zone)
        if (due, number) > (after, offset):
            yield Firing(due, number, occurrence)


def first_firing(schedule: Schedule, offsets: Sequence[str], now: datetime) -> Firing:
    """The first from now on. Raises `AtInPast`, `NeverFires`."""
    start, offset = now, len(offsets)
    if isinstance(schedule, Once) and schedule.at <= now:
        if schedule.at < now - GRACE:
            raise AtInPast("/schedule/at", "It is more than a minute in the past. Choose a time to come.")
        start = schedule.at - _MICROSECOND
    found = next(firings(schedule, offsets, start, offset), None)
    if found is None:
        pointer = "/offsets" if any(True for _ in schedule.after(start)) else "/schedule"
        raise NeverFires(pointer, "Nothing of it lies between now and the next 50 years.")
    return found

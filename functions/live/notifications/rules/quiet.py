"""Local clocks: when quiet hours end, and when a digest closes. All in a person's own zone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .kinds import Digest, Window

WEEK_MINUTES = 7 * 24 * 60
# Windows may follow each other; more than a week of them in a row is refused when they are set.
_LONGEST_CHAIN = 16
_DAY = timedelta(days=1)


def instant(zone: ZoneInfo, day: date, clock: time, *, later: bool) -> datetime:
    """The instant at which a clock there shows this time.

    Where the clock jumps over it, the first instant after the jump; where it shows it twice, the second one when
    `later`, else the first.
    """
    wall = datetime.combine(day, clock)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        # Both readings exist, and are one unless the clock shows this time twice.
        return max(first, second) if later else min(first, second)
    return _jump(zone, second, first)


def quiet_until(windows: Sequence[Window], zone: ZoneInfo, now: datetime) -> datetime | None:
    """When it stops being quiet, or None when it is not quiet now."""
    end = _end_of(windows, zone, now)
    if end is None:
        return None
    for _ in range(_LONGEST_CHAIN):
        following = _end_of(windows, zone, end)
        if following is None:
            return end
        end = following
    return end


def is_always_quiet(windows: Sequence[Window]) -> bool:
    """Whether no minute of the week is left."""
    minutes: set[int] = set()
    for window in windows:
        for day in window.days:
            start = day * 1_440 + window.start.hour * 60 + window.start.minute
            length = (_minutes(window.end) - _minutes(window.start)) % 1_440 or 1_440
            minutes.update((start + offset) % WEEK_MINUTES for offset in range(length))
    return len(minutes) == WEEK_MINUTES


def closes_at(digest: Digest, zone: ZoneInfo, now: datetime) -> datetime:
    """When the window of a digest that is open now closes: always after now."""
    local = now.astimezone(zone)
    if digest.cadence == "hourly":
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return (now + timedelta(hours=1) - past).astimezone(UTC)
    day, step = local.date(), 1
    if digest.cadence == "weekly":
        day, step = day + timedelta(days=(digest.weekday - day.weekday()) % 7), 7
    closing = instant(zone, day, digest.at, later=True)
    return closing if closing > now else instant(zone, day + timedelta(days=step), digest.at, later=True)


def _end_of(windows: Sequence[Window], zone: ZoneInfo, now: datetime) -> datetime | None:
    today = now.astimezone(zone).date()
    ends = []
    for window in windows:
        # One that began yesterday may still run; clocks that are set back make it end a day later at most.
        for day in (today - 2 * _DAY, today - _DAY, today):
            if day.weekday() not in window.days:
                continue
            last = day if window.end > window.start else day + _DAY
            start = instant(zone, day, window.start, later=False)
            end = instant(zone, last, window.end, later=True)
            if start <= now < end:
                ends.append(end)
    return max(ends, default=None)


def _jump(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which the clock jumps, which lies between these two."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle <= before:
            break
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute

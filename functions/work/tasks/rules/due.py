"""When a task is due, and which instants "today" and "overdue" mean in a zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tessera.problems import InvalidRequest
from tessera.recurrence import instant_of

from .task import Task, refused

_DAY = timedelta(days=1)
_TICK = timedelta(milliseconds=1)


def zone_of(name: str | None) -> ZoneInfo:
    return ZoneInfo(name or "UTC")


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    return instant_of(datetime.combine(day, time()), zone)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last millisecond of the day: where a task without a clock sorts."""
    if day == date.max:
        return datetime.combine(day, time(23, 59), UTC)
    return start_of_day(day + _DAY, zone) - _TICK


def due_of(task: Task) -> datetime | None:
    """The instant from which the task is overdue."""
    if task.due_at is not None:
        return task.due_at
    return None if task.due_date is None else end_of_day(task.due_date, zone_of(task.tz))


def awaits_overdue(task: Task) -> datetime | None:
    """The instant at which the task becomes overdue, unless that was told already or will not matter."""
    due = due_of(task)
    if due is None or task.is_done or task.deleted_at is not None or task.overdue_notified_for == due:
        return None
    return due


@dataclass(frozen=True)
class DueRange:
    """Tasks due from `since` on and up to `until`, either of them open; or those that are not due at all."""

    since: datetime | None = None
    until: datetime | None = None
    none: bool = False

    def holds(self, task: Task) -> bool:
        due = due_of(task)
        if self.none or due is None:
            return self.none and due is None
        return (self.since is None or due >= self.since) and (self.until is None or due <= self.until)


def due_range(text: str, zone: ZoneInfo, now: datetime) -> DueRange:
    """What `overdue`, `today`, `next7`, `none` or `2026-11-01..2026-11-30` means now. Raises `InvalidRequest`."""
    today = now.astimezone(zone).date()
    if text == "none":
        return DueRange(none=True)
    if text == "overdue":
        return DueRange(until=now - _TICK)
    if text == "today":
        return DueRange(start_of_day(today, zone), end_of_day(today, zone))
    if text == "next7":
        return DueRange(start_of_day(today, zone), end_of_day(today + 6 * _DAY, zone))
    first, dots, last = text.partition("..")
    if not dots or not (first or last):
        raise _unknown()
    since = start_of_day(_day(first), zone) if first else None
    until = end_of_day(_day(last), zone) if last else None
    if since and until and since > until:
        raise refused("?due", "The range ends before it begins.")
    return DueRange(since, until)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise _unknown() from None
    # The first and last year of the calendar have days without an instant in some zones.
    if text != found.isoformat() or not date.min.year < found.year < date.max.year:
        raise _unknown()
    return found


def _unknown() -> InvalidRequest:
    return refused("?due", "Say overdue, today, next7, none, or a range of days such as 2026-11-01..2026-11-30.")

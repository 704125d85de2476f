"""Repeating tasks: the finished occurrence is kept, and completing it makes the next one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from tessera.recurrence import Rule, UnsupportedRule, count_between, instant_of, next_after, occurrences

from .due import due_of, zone_of
from .task import Mode, Task, refused

_UTC = ZoneInfo("UTC")
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class _Series:
    """A series as the expansion wants it. Days without a clock are midnights in UTC."""

    rule: Rule
    start: datetime
    zone: ZoneInfo
    current: datetime
    present: datetime

    @property
    def start_instant(self) -> datetime:
        return instant_of(self.start, self.zone)


def series_start(task: Task) -> datetime | None:
    """The local time at which the series of this task begins, when it begins with this task."""
    if task.recurrence is None:
        return None
    if task.due_at is not None:
        return task.due_at.astimezone(zone_of(task.tz)).replace(tzinfo=None, fold=0)
    return None if task.due_date is None else datetime.combine(task.due_date, time())


def check(task: Task, now: datetime) -> None:
    """Raises `InvalidRequest` for a rule that is not understood or brings nothing from now on."""
    if task.recurrence is None:
        return
    try:
        rule = Rule.parse(task.recurrence.rule)
    except UnsupportedRule as error:
        raise refused("/recurrence/rule", str(error)) from None
    series = _series(task, rule, now)
    first = next(occurrences(rule, series.start, series.zone, after=series.start_instant - _INSTANT), None)
    if first is None:
        raise refused("/recurrence/rule", "UNTIL lies before the day the task is due, or no day fits the rule.")
    if next_after(rule, series.start, series.zone, series.present - _INSTANT) is None:
        raise refused("/recurrence/rule", "The rule has no occurrence from now on.")


def following(task: Task, now: datetime, *, completed_at: datetime) -> Task | None:
    """The next occurrence of a task that is being completed, without an id or a place; None at the end.

    `fixed` jumps to the first occurrence after now and says how many it skipped; `after_completion`
    counts from the completion.
    """
    if task.recurrence is None or task.series_start is None:
        return None
    whole = Rule.parse(task.recurrence.rule)
    series = _series(task, replace(whole, count=None), now)
    missed = 0
    if task.recurrence.mode is Mode.AFTER_COMPLETION:
        start = _from_completion(task, series.start.time(), completed_at)
        found = next_after(series.rule, start, series.zone, instant_of(start, series.zone))
    else:
        start = series.start
        after = max(series.current, series.present - (_DAY if task.due_date else timedelta()))
        found = next_after(series.rule, start, series.zone, after)
        missed = count_between(series.rule, start, series.zone, series.current, until=after)
    occurrence = task.occurrence + 1 + missed
    if found is None or (whole.count is not None and occurrence > whole.count):
        return None
    due_date, due_at = (found.date(), None) if task.due_date else (None, found)
    made = replace(
        task, due_date=due_date, due_at=due_at, occurrence=occurrence, missed=missed, overdue_notified_for=None
    )
    if task.recurrence.mode is Mode.AFTER_COMPLETION:
        # The day of this one at the series' own hour: where that hour was left out, it comes back the day after.
        day = found.astimezone(series.zone).date()
        made = replace(made, series_start=datetime.combine(day, start.time()))
    return replace(made, remind_at=_shifted(task, made))


def preview(task: Task, n: int) -> list[date | datetime]:
    """The occurrences from this task on, itself the first, as days or instants like its due."""
    if task.recurrence is None or task.series_start is None:
        return []
    whole = Rule.parse(task.recurrence.rule)
    left = n if whole.count is None else min(n, whole.count - task.occurrence + 1)
    series = _series(task, replace(whole, count=None), task.updated_at)
    later: Iterator[datetime] = occurrences(series.rule, series.start, series.zone, after=series.current)
    instants = [series.current, *islice(later, max(0, left - 1))]
    return [instant.date() if task.due_date else instant for instant in instants][:left]


def _series(task: Task, rule: Rule, now: datetime) -> _Series:
    zone = zone_of(task.tz)
    start = task.series_start or series_start(task)
    assert start is not None
    if task.due_date is not None:
        today = now.astimezone(zone).date()
        return _Series(rule, start, _UTC, _midnight(task.due_date), _midnight(today))
    assert task.due_at is not None
    return _Series(rule, start, zone, task.due_at, now)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _from_completion(task: Task, hour: time, completed_at: datetime) -> datetime:
    return datetime.combine(completed_at.astimezone(zone_of(task.tz)).date(), hour)


def _shifted(before: Task, after: Task) -> tuple[datetime, ...]:
    """Reminders keep their distance to the due time."""
    was, now_due = due_of(before), due_of(after)
    if was is None or now_due is None:
        return ()
    return tuple(when + (now_due - was) for when in before.remind_at)

"""How a schedule is said, and when it falls."""

import re
from datetime import datetime
from itertools import islice
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema

from tessera import clock
from tessera.types import In, Instant, Out, ZoneName, text

from ..rules.durations import PATTERN, Span
from ..rules.problems import refused
from ..rules.reminder import Reminder
from ..rules.schedules import (
    MAX_OFFSETS,
    ByCron,
    ByRule,
    Firing,
    Once,
    Schedule,
    check,
    firings,
    first_firing,
    instant_in,
    wall_in,
)

NEXT, PREVIEWED = 5, 20
MAX_DATES = 100
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d)?", re.ASCII)


def _when(value: object) -> datetime:
    if isinstance(value, str) and _LOCAL.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper())
        except ValueError as error:
            raise ValueError("There is no such date or time.") from error
    if isinstance(value, str):
        return clock.parse(value).replace(microsecond=0)
    raise ValueError("A time looks like 2026-11-21T09:00:00, in the zone, or 2026-11-21T09:00:00Z, with an offset.")


def _span(value: str) -> str:
    Span.parse(value)
    return value


When = Annotated[
    datetime,
    PlainValidator(_when),
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "maxLength": 35}),
]
SpanText = Annotated[str, StringConstraints(pattern=PATTERN, min_length=3, max_length=20), AfterValidator(_span)]
Offsets = Annotated[list[SpanText], Field(max_length=MAX_OFFSETS)]
Dates = Annotated[list[When], Field(max_length=MAX_DATES)]
CronText = Annotated[str, text(200)]
RuleText = Annotated[str, text(500)]
_TAKES = {
    "at": ("tz",),
    "cron": ("tz", "start", "end"),
    "rrule": ("dtstart", "tz", "exdates", "rdates"),
}


class ScheduleIn(In):
    """One of `at`, `cron` with `tz`, or `rrule` with `dtstart` and `tz`.

    A time with an offset is that instant; one without is the wall clock's in `tz`. Where a clock is set forward, cron
    fires when the gap ends and the others later by the gap; where it is set back, all fire the first time.
    """

    at: When | None = None
    cron: CronText | None = None
    rrule: RuleText | None = None
    tz: ZoneName | None = None
    dtstart: When | None = None
    start: When | None = None
    end: When | None = None
    exdates: Annotated[Dates, Field(default_factory=list)]
    rdates: Annotated[Dates, Field(default_factory=list)]

    def schedule(self) -> Schedule:
        """Raises `InvalidRequest` for fields that do not go together, and what `check` raises."""
        kinds = [name for name in _TAKES if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise refused("/schedule", "A schedule has one of at, cron and rrule.")
        given = {name for name in type(self).model_fields if getattr(self, name) not in (None, [])}
        for name in sorted(given - {kinds[0], *_TAKES[kinds[0]]}):
            raise refused(f"/schedule/{name}", f"It has no meaning with {kinds[0]}.")
        found = self._made(kinds[0])
        check(found)
        return found

    def _made(self, kind: str) -> Schedule:
        if self.tz is None and (kind != "at" or (self.at is not None and self.at.tzinfo is None)):
            raise refused("/schedule/tz", "Name the time zone whose clock this follows.")
        tz = self.tz or "UTC"
        if self.at is not None:
            return Once(self._instant("at", self.at, tz), tz)
        if self.cron is not None:
            start, end = (self._bound(name, tz) for name in ("start", "end"))
            return ByCron(" ".join(self.cron.split()), tz, start, end)
        if self.dtstart is None:
            raise refused("/schedule/dtstart", "A rule needs the time at which it begins.")
        left_out, added = (
            tuple(self._instant(name, when, tz) for when in getattr(self, name)) for name in ("exdates", "rdates")
        )
        if self.rrule is None:
            raise AssertionError("One of the three was found above.")
        rule = self.rrule.strip().upper().removeprefix("RRULE:")
        self._instant("dtstart", self.dtstart, tz)
        return ByRule(rule, wall_in(self.dtstart, tz), tz, left_out, added)

    def _bound(self, name: str, tz: str) -> datetime | None:
        when: datetime | None = getattr(self, name)
        return None if when is None else self._instant(name, when, tz)

    @staticmethod
    def _instant(name: str, when: datetime, tz: str) -> datetime:
        try:
            return instant_in(when, tz)
        except OverflowError:
            raise refused(f"/schedule/{name}", "There is no such time in this zone.") from None


class ScheduleOut(Out):
    at: Instant | None = None
    cron: Annotated[str, Field(max_length=200)] | None = None
    rrule: Annotated[str, Field(max_length=500)] | None = None
    tz: Annotated[str, Field(max_length=64)]
    dtstart: Annotated[str, Field(max_length=35)] | None = None
    start: Instant | None = None
    end: Instant | None = None
    exdates: Annotated[list[Instant], Field(max_length=MAX_DATES)] | None = None
    rdates: Annotated[list[Instant], Field(max_length=MAX_DATES)] | None = None

    @classmethod
    def of(cls, schedule: Schedule) -> "ScheduleOut":
        if isinstance(schedule, Once):
            return cls(at=schedule.at, tz=schedule.tz)
        if isinstance(schedule, ByCron):
            return cls(cron=schedule.cron, tz=schedule.tz, start=schedule.start, end=schedule.end)
        return cls(
            rrule=schedule.rrule,
            tz=schedule.tz,
            dtstart=schedule.start.isoformat(timespec="seconds"),
            exdates=list(schedule.exdates),
            rdates=list(schedule.rdates),
        )


class FiringOut(Out):
    """When it fires, in UTC and on the clock of its zone, and the occurrence that this is about."""

    at: Instant
    local: Annotated[str, Field(max_length=35)]
    occurrence_at: Instant
    offset: Annotated[str, Field(max_length=20)] | None

    @classmethod
    def of(cls, firing: Firing, tz: str, offsets: list[str]) -> "FiringOut":
        local = firing.due.astimezone(ZoneInfo(tz)).isoformat(timespec="seconds")
        offset = offsets[firing.offset] if 0 <= firing.offset < len(offsets) else None
        return cls(at=firing.due, local=local, occurrence_at=firing.occurrence, offset=offset)

    @classmethod
    def coming(cls, reminder: Reminder) -> list["FiringOut"]:
        """The next five."""
        offsets, tz = list(reminder.offsets), reminder.schedule.tz
        return [cls.of(one, tz, offsets) for one in islice(reminder.coming(), NEXT)]


class PreviewIn(In):
    schedule: ScheduleIn
    offsets: Annotated[Offsets, Field(default_factory=list)]

    def firings(self) -> list[FiringOut]:
        """Raises what `schedule` raises, and `NeverFires`."""
        schedule = self.schedule.schedule()
        first = first_firing(schedule, self.offsets, clock.now())
        rest = islice(firings(schedule, self.offsets, first.due, first.offset), PREVIEWED - 1)
        return [FiringOut.of(one, schedule.tz, self.offsets) for one in (first, *rest)]


class PreviewOut(Out):
    """The next 20 times, fewer where there are no more."""

    items: Annotated[list[FiringOut], Field(max_length=PREVIEWED)]

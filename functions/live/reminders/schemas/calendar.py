"""Bodies of calendar events and of the calendar's feed."""

from typing import Annotated

from pydantic import Field

from tessera.types import Cursor, In, Instant, Limit, Out, Params, Ulid, ZoneName, text

from ..rules.calendar import MAX_ATTENDEES, MAX_RANGE, Attendee, CalendarEvent
from ..rules.problems import refused
from .reminders import Title
from .schedules import Offsets


class AttendeeIn(In):
    """Somebody who comes, and when they are reminded: offsets from the start."""

    user_id: Ulid
    offsets: Annotated[Offsets, Field(default_factory=list)]


class CalendarEventIn(In):
    title: Title
    starts_at: Instant
    ends_at: Instant
    tz: ZoneName
    location: Annotated[str, text(200)] | None = None
    notes: Annotated[str, text(1000, multiline=True)] | None = None
    attendees: Annotated[list[AttendeeIn], Field(max_length=MAX_ATTENDEES, default_factory=list)]

    def event(self) -> CalendarEvent:
        same = {name: getattr(self, name) for name in ("title", "starts_at", "ends_at", "tz", "location", "notes")}
        people = tuple(Attendee(one.user_id, tuple(one.offsets)) for one in self.attendees)
        return CalendarEvent(**same, attendees=people)


class AttendeeOut(Out):
    """`offsets` and the reminder are shown to whom they belong."""

    user_id: Ulid
    offsets: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=5)] | None
    reminder_id: Ulid | None


class CalendarEventOut(Out):
    id: Ulid
    organiser_id: Ulid
    title: Annotated[str, Field(max_length=200)]
    starts_at: Instant
    ends_at: Instant
    tz: Annotated[str, Field(max_length=64)]
    location: Annotated[str, Field(max_length=200)] | None
    notes: Annotated[str, Field(max_length=1000)] | None
    attendees: Annotated[list[AttendeeOut], Field(max_length=MAX_ATTENDEES)]
    created_at: Instant


class EventParams(Params):
    """Events that start at `from` or later, and before `to`."""

    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    limit: Limit = 50
    cursor: Cursor | None = None

    def check(self) -> None:
        """Raises `InvalidRequest`."""
        if not self.from_ < self.to <= self.from_ + MAX_RANGE:
            raise refused("?to", f"`to` lies after `from`, and at most {MAX_RANGE.days} days.")


class FeedOut(Out):
    """The token is shown this once; a new one ends the old one. `path` is where a calendar program finds the feed."""

    token: Annotated[str, Field(max_length=64)]
    path: Annotated[str, Field(max_length=120)]


class TokenParams(Params):
    token: Annotated[str, Field(min_length=1, max_length=64)]

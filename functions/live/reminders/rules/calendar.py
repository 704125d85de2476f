"""What a calendar event is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .problems import refused
from .schedules import GRACE, Once, check

MAX_ATTENDEES = 20
LONGEST = timedelta(days=31)
MAX_RANGE = timedelta(days=366)


@dataclass(frozen=True)
class Attendee:
    """Somebody who comes, when they are reminded, and the reminder that does it."""

    user_id: str
    offsets: tuple[str, ...]
    reminder_id: str | None = None


@dataclass(frozen=True)
class CalendarEvent:
    title: str
    starts_at: datetime
    ends_at: datetime
    tz: str
    location: str | None = None
    notes: str | None = None
    attendees: tuple[Attendee, ...] = ()


def check_event(event: CalendarEvent, now: datetime) -> None:
    """Raises `InvalidRequest`."""
    if event.starts_at < now - GRACE:
        raise refused("/starts_at", "An event starts in the future.")
    check(Once(event.starts_at))
    if not timedelta() < event.ends_at - event.starts_at <= LONGEST:
        raise refused("/ends_at", f"An event ends after it starts, and within {LONGEST.days} days.")
    names = [one.user_id for one in event.attendees]
    if len(set(names)) < len(names):
        raise refused("/attendees", "Everybody is named once.")

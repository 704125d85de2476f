"""Calendar events: who comes is reminded at offsets of their own, by a reminder that is theirs."""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tessera import clock, icalendar, ids
from tessera.auth.principal import Principal
from tessera.idempotency import Created, Intent
from tessera.problems import NotFound

from ..ports import Ports
from ..rules import reminder as rules
from ..rules.calendar import Attendee, CalendarEvent, check_event
from ..rules.problems import NeverFires
from ..rules.reminder import Reminder, State
from ..rules.schedules import Once
from ..store.calendar import EventRow, event_pk, people_of, people_text
from ..store.rows import META
from . import fire
from .forget import forget_soon

FEED_BACK, FEED_AHEAD = timedelta(days=30), timedelta(days=366)
MAX_IN_FEED = 100


def create(ports: Ports, wanted: CalendarEvent, *, by: Principal, intent: Intent) -> Created[EventRow]:
    """The event, in the calendar of each, with a reminder for each whose offsets still lie ahead. 1 transaction."""
    now = clock.now()
    check_event(wanted, now)
    made = [_reminder(wanted, one, intent, now) for one in wanted.attendees]
    people = [
        replace(one, reminder_id=reminder.id if reminder else None)
        for one, reminder in zip(wanted.attendees, made, strict=True)
    ]
    row = EventRow(
        pk=event_pk(intent.id),
        sk=META,
        owner=by.owner_id,
        title=wanted.title,
        starts_at=clock.rfc3339(wanted.starts_at),
        ends_at=clock.rfc3339(wanted.ends_at),
        tz=wanted.tz,
        location=wanted.location,
        notes=wanted.notes,
        attendees=people_text(people),
        created_at=clock.rfc3339(now),
    )
    everybody = people if any(one.user_id == by.owner_id for one in people) else [Attendee(by.owner_id, ()), *people]
    steps = [ports.reminders.put_step(reminder) for reminder in made if reminder]
    found = ports.calendar.create(row, everybody, steps, intent)
    for reminder in made:
        if reminder:
            fire.queue_soon(ports, reminder)
    return found


def delete(ports: Ports, caller_id: str, event_id: str) -> None:
    """Cancelled for all by who made it; anybody else only leaves it. 2 reads, 1 transaction and 1 message."""
    row = ports.calendar.get(caller_id, event_id)
    is_cancelled = row.owner == caller_id
    going = [
        one.reminder_id for one in people_of(row) if one.reminder_id and (is_cancelled or one.user_id == caller_id)
    ]
    steps = [ports.reminders.drop_step(reminder_id) for reminder_id in going]
    if is_cancelled:
        ports.calendar.cancel(row, steps)
    else:
        ports.calendar.leave(row, caller_id, steps)
    forget_soon(ports, going)


def renew_feed(ports: Ports, owner_id: str) -> str:
    """A new token for the feed, which ends the old one. Only its hash is kept."""
    token = secrets.token_urlsafe(24)
    ports.calendar.replace_feed(owner_id, _hashed(token))
    return token


def feed(ports: Ports, token: str) -> str:
    """Events of a year and the next firing of each active reminder, as iCalendar. Raises `NotFound`."""
    owner_id = ports.calendar.owner_of_feed(_hashed(token))
    if owner_id is None:
        raise NotFound()
    now = clock.now()
    events, _ = ports.calendar.between(owner_id, now - FEED_BACK, now + FEED_AHEAD, MAX_IN_FEED, None)
    reminders, _ = ports.reminders.page(owner_id, State.ACTIVE, MAX_IN_FEED, None)
    return icalendar.calendar("reminders", [*_events(events, now), *_reminders(reminders, now)])


def _reminder(wanted: CalendarEvent, attendee: Attendee, intent: Intent, now: datetime) -> Reminder | None:
    """None when nothing of it lies ahead."""
    if not attendee.offsets:
        return None
    reminder = Reminder(
        # Derived from the event's, so that a replay makes the same ones.
        id=ids.derived(ids.timestamp_ms(intent.id), hashlib.sha256(f"{intent.id}{attendee.user_id}".encode()).digest()),
        owner_id=attendee.user_id,
        user_id=attendee.user_id,
        title=wanted.title,
        schedule=Once(wanted.starts_at, wanted.tz),
        action={"notify": {}},
        created_at=now,
        updated_at=now,
        offsets=attendee.offsets,
        event_id=intent.id,
    )
    try:
        return rules.made(reminder, now)
    except NeverFires:
        return None


def _events(rows: Sequence[EventRow], now: datetime) -> Iterator[str]:
    for row in rows:
        yield from ("BEGIN:VEVENT", f"UID:{row.id}@tessera", f"DTSTAMP:{icalendar.stamp(now)}")
        yield f"DTSTART:{icalendar.stamp(clock.parse(row.starts_at))}"
        yield f"DTEND:{icalendar.stamp(clock.parse(row.ends_at))}"
        yield from icalendar.text("SUMMARY", row.title)
        if row.location:
            yield from icalendar.text("LOCATION", row.location)
        if row.notes:
            yield from icalendar.text("DESCRIPTION", row.notes)
        yield "END:VEVENT"


def _reminders(reminders: Sequence[Reminder], now: datetime) -> Iterator[str]:
    for reminder in reminders:
        # Those of events are in the calendar already.
        if reminder.pending is None or reminder.event_id is not None:
            continue
        due = icalendar.stamp(reminder.pending.due)
        yield from ("BEGIN:VEVENT", f"UID:{reminder.id}-{due}@tessera", f"DTSTAMP:{icalendar.stamp(now)}")
        yield f"DTSTART:{due}"
        yield from icalendar.text("SUMMARY", reminder.title)
        yield from ("TRANSP:TRANSPARENT", "END:VEVENT")


def _hashed(token: str) -> str:
    # The token is 192 random bits, so that a plain hash of it cannot be guessed back.
    return hashlib.sha256(token.encode()).hexdigest()

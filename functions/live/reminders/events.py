"""What `reminders` tells the rest.

`reminder.fired` and `reminder.missed` are for `notifications`, which tells the person. `reminder.completed` and
`event.raised`, which a reminder's own action asks for, have no consumer yet; `privacy.data.erased` is for `admin`.
"""

from typing import ClassVar

from tessera.bus import Event
from tessera.types import Instant, Model


class Notice(Model):
    """What somebody wants to be told. Texts as they were written."""

    body: str | None = None
    url: str | None = None


class _OfReminder(Model):
    """Which reminder, whose, and who made it."""

    reminder_id: str
    owner_id: str
    user_id: str


class ReminderFired(_OfReminder, Event):
    """Once for each run. `notify` is null where the action is another one."""

    type: ClassVar[str] = "reminders.reminder.fired.v1"

    title: str
    due_at: Instant
    occurrence_at: Instant
    lag_ms: int
    notify: Notice | None = None
    event_id: str | None = None


class ReminderMissed(_OfReminder, Event):
    """So many runs since `due_at` will not happen any more."""

    type: ClassVar[str] = "reminders.reminder.missed.v1"

    title: str
    due_at: Instant
    missed: int


class ReminderCompleted(_OfReminder, Event):
    type: ClassVar[str] = "reminders.reminder.completed.v1"

    runs: int


class EventRaised(_OfReminder, Event):
    """The event a person asked for. Its name is a field: nobody speaks for another capability."""

    type: ClassVar[str] = "reminders.event.raised.v1"

    name: str
    due_at: Instant
    data: dict[str, str | int | float | bool | None]


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str

"""Bodies of reminders, their runs and the secrets of webhooks."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from tessera.types import Cursor, In, Instant, Limit, Name, Out, Params, Patch, Ulid, ZoneName, absent, text

from ..rules.problems import refused
from ..rules.reminder import MAX_JITTER_SECONDS, Misfire, Reminder, Result, State
from ..rules.rrule import MAX_COUNT
from .schedules import FiringOut, Offsets, ScheduleIn, ScheduleOut, SpanText

Title = Annotated[str, text(200)]
Short = Annotated[str, Field(max_length=300)]
URL = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", min_length=10, max_length=2000)]
EventName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._-]*$", min_length=1, max_length=64)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", min_length=1, max_length=64)]
# What a double holds exactly.
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Value = Annotated[str, text(200, min_length=0, multiline=True)] | bool | Whole | float | None
Jitter = Annotated[int, Field(ge=0, le=MAX_JITTER_SECONDS)]
MaxRuns = Annotated[int, Field(ge=1, le=MAX_COUNT)]


class NotifyIn(In):
    """What the notification says below the title, and where it leads."""

    body: Annotated[str, text(1000, multiline=True)] | None = None
    url: URL | None = None


class WebhookIn(In):
    """A signed POST to this address; the secret is one of `POST /reminders/secrets`."""

    url: URL
    secret_id: Ulid


class EventIn(In):
    """An event `reminders.event.raised.v1` on the bus, with this name and data."""

    type: EventName
    data: Annotated[dict[Key, Value], Field(max_length=20, default_factory=dict)]


class ActionIn(In):
    """One of the three."""

    notify: NotifyIn | None = None
    webhook: WebhookIn | None = None
    event: EventIn | None = None

    def action(self) -> dict[str, Any]:
        """Raises `InvalidRequest` unless it is one."""
        found = {name: one for name in ("notify", "webhook", "event") if (one := getattr(self, name)) is not None}
        if len(found) != 1:
            raise refused("/action", "An action is one of notify, webhook and event.")
        ((name, one),) = found.items()
        return {name: one.model_dump(mode="json", exclude_none=name == "notify")}


class ReminderIn(In):
    """`misfire` says what becomes of firings that an outage of more than five minutes kept from happening."""

    title: Title
    schedule: ScheduleIn
    action: ActionIn
    offsets: Annotated[Offsets, Field(default_factory=list)]
    misfire: Misfire = Misfire.FIRE_ONCE
    jitter_s: Jitter = 0
    max_runs: MaxRuns | None = None


class ReminderPatch(Patch):
    """Only what is named changes. `tz` alone keeps the schedule's wall clock and moves it to another zone."""

    title: Title = absent()
    schedule: ScheduleIn = absent()
    tz: ZoneName = absent()
    action: ActionIn = absent()
    offsets: Offsets = absent()
    misfire: Misfire = absent()
    jitter_s: Jitter = absent()
    max_runs: MaxRuns | None = absent()

    def fields(self) -> dict[str, Any]:
        """What changes, as a reminder keeps it. Raises what `schedule` and `action` raise."""
        found = self.changes()
        if "schedule" in found:
            found["schedule"] = found["schedule"].schedule()
        if "action" in found:
            found["action"] = found["action"].action()
        if "offsets" in found:
            found["offsets"] = tuple(found["offsets"])
        return found


class SnoozeIn(In):
    for_: Annotated[SpanText, Field(alias="for", description="How long from now on, as PT10M.")]


class WebhookOut(Out):
    url: Annotated[str, Field(max_length=2000)]
    secret_id: Ulid


class NotifyOut(Out):
    body: Annotated[str, Field(max_length=1000)] | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None


class EventOut(Out):
    type: Annotated[str, Field(max_length=64)]
    data: dict[str, Annotated[str, Field(max_length=200)] | bool | int | float | None]


class ActionOut(Out):
    notify: NotifyOut | None = None
    webhook: WebhookOut | None = None
    event: EventOut | None = None


class ReminderOut(Out):
    """`next_at` is when it is due next; with `jitter_s` it fires up to so many seconds later."""

    id: Ulid
    title: Annotated[str, Field(max_length=200)]
    state: State
    schedule: ScheduleOut
    action: ActionOut
    offsets: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=5)]
    misfire: Misfire
    jitter_s: int
    max_runs: int | None
    runs: int
    next_at: Instant | None
    event_id: Ulid | None
    created_at: Instant
    updated_at: Instant
    version: int

    @classmethod
    def of(cls, reminder: Reminder) -> "ReminderOut":
        return cls(**_fields(reminder))


class ReminderDetailOut(ReminderOut):
    next: Annotated[list[FiringOut], Field(max_length=5)]

    @classmethod
    def of(cls, reminder: Reminder) -> "ReminderDetailOut":
        return cls(**_fields(reminder), next=FiringOut.coming(reminder))


class RunOut(Out):
    """A firing. `offset` numbers the reminder's offsets; `snooze` and `now` are those a person asked for.

    `pending` is a webhook that is still being tried; `missed` stands for so many firings that did not happen.
    """

    id: Annotated[str, Field(max_length=60)]
    reminder_id: Ulid
    due_at: Instant
    offset: Annotated[str, Field(max_length=10)]
    occurrence_at: Instant
    fired_at: Instant
    lag_ms: int
    result: Result
    attempts: int
    missed: int
    error: Short | None


class ListParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class ReminderParams(ListParams):
    state: State | None = None


class SecretIn(In):
    name: Name


class SecretOut(Out):
    id: Ulid
    name: Annotated[str, Field(max_length=120)]
    created_at: Instant


class SecretMadeOut(SecretOut):
    """`secret` is shown this once; null when the request was a repetition of an earlier one."""

    secret: Annotated[str, Field(max_length=60)] | None


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]


def _fields(reminder: Reminder) -> dict[str, Any]:
    same = ("id", "title", "state", "misfire", "jitter_s", "max_runs", "runs", "event_id", "version")
    return {
        **{name: getattr(reminder, name) for name in (*same, "created_at", "updated_at")},
        "schedule": ScheduleOut.of(reminder.schedule),
        "action": ActionOut.model_validate(reminder.action),
        "offsets": list(reminder.offsets),
        "next_at": reminder.pending.due if reminder.pending else None,
    }

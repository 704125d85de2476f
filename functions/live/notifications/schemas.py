"""Bodies of what people do with their own notifications."""

from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from tessera.types import Cursor, In, Instant, Limit, Name, Out, Params, Ulid, ZoneName

from .rules.kinds import Cadence, Channel, Digest, Preferences, Priority, QuietMode, State, Window
from .rules.sms import E164

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_TYPES, MAX_WINDOWS, MAX_MUTED, MAX_WEBHOOKS = 200, 14, 100, 5

TypeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", min_length=1, max_length=60)]
# All that is not named otherwise goes by `*`.
TypeOrAll = Annotated[str, StringConstraints(pattern=r"^(?:\*|[a-z][a-z0-9]*(?:-[a-z0-9]+)*)$", max_length=60)]
Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}$", max_length=20)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _number(value: str) -> str:
    if not E164.fullmatch(value):
        raise ValueError("A number looks like +491701234567.")
    return value


ClockTime = Annotated[str, StringConstraints(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
Number = Annotated[
    str,
    StringConstraints(min_length=8, max_length=16),
    AfterValidator(_number),
    WithJsonSchema({"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$", "maxLength": 16}),
]


class FeedParams(Params):
    unread: bool = False
    archived: bool = False
    type: TypeName | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class NotificationOut(Out):
    """`count` says how many were grouped into it; `actors` are those who did it last."""

    id: Ulid
    type: TypeName
    priority: Priority
    title: Annotated[str, Field(max_length=200)]
    body: Annotated[str, Field(max_length=2_000)]
    link: Annotated[str, Field(max_length=2_000)] | None
    actors: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=3)]
    count: int
    read: bool
    archived: bool
    created_at: Instant


class CountsOut(Out):
    """`unseen` is counted up to a hundred. All up to `read_before` was once marked as read together."""

    unread: int
    unseen: Annotated[int, Field(le=100)]
    seen_id: Ulid | None = None
    read_before: Ulid | None = None


class ReadAllIn(In):
    before_id: Ulid


class ReadAllOut(Out):
    """When it is not `done`, the rest follows by itself within seconds."""

    marked: int
    done: bool


class SeenIn(In):
    id: Ulid


class WindowBody(In):
    """Quiet from `start` to `end` of the clock; an `end` that is not later is the next day's."""

    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)]
    start: ClockTime
    end: ClockTime


class QuietIn(In):
    windows: Annotated[list[WindowBody], Field(max_length=MAX_WINDOWS)]
    mode: QuietMode = "defer"


class DigestBody(In):
    """`at` counts for daily and weekly ones, `weekday` for weekly ones."""

    cadence: Cadence
    at: ClockTime = "09:00"
    weekday: Weekday = "mon"


Matrix = Annotated[
    dict[TypeOrAll, Annotated[dict[Channel, bool], Field(max_length=5)]],
    Field(default_factory=dict, max_length=MAX_TYPES),
]
Digests = Annotated[dict[TypeOrAll, DigestBody], Field(default_factory=dict, max_length=MAX_TYPES)]
Webhook = Annotated[str, StringConstraints(min_length=10, max_length=500)]


class PreferencesIn(In):
    """All of it; what is left out goes back to what it was at first. `tz` is the zone of every clock in it."""

    tz: ZoneName = "UTC"
    locale: Locale | None = None
    matrix: Matrix
    digests: Digests
    quiet_hours: QuietIn | None = None
    muted_until: Instant | None = None
    muted_actors: Annotated[list[Ulid], Field(default_factory=list, max_length=MAX_MUTED)]
    webhooks: Annotated[list[Webhook], Field(default_factory=list, max_length=MAX_WEBHOOKS)]

    def chosen(self) -> Preferences:
        quiet = self.quiet_hours
        return Preferences(
            tz=self.tz,
            locale=self.locale or "",
            matrix={name: {str(one): on for one, on in row.items()} for name, row in self.matrix.items()},
            digests={name: _digest(one) for name, one in self.digests.items()},
            windows=tuple(_window(one) for one in quiet.windows) if quiet else (),
            quiet_mode=quiet.mode if quiet else "defer",
            muted_until=self.muted_until,
            muted_actors=frozenset(self.muted_actors),
            webhooks=tuple(dict.fromkeys(self.webhooks)),
        )


class QuietOut(Out):
    windows: Annotated[list[WindowBody], Field(max_length=MAX_WINDOWS)]
    mode: QuietMode


class PreferencesOut(Out):
    """`webhook_secret` signs what goes to addresses that begin with https://, as Standard Webhooks says."""

    tz: Annotated[str, Field(max_length=64)]
    locale: Annotated[str, Field(max_length=20)] | None
    matrix: Matrix
    digests: Digests
    quiet_hours: QuietOut | None
    muted_until: Instant | None
    muted_actors: Annotated[list[Ulid], Field(max_length=MAX_MUTED)]
    webhooks: Annotated[list[Webhook], Field(max_length=MAX_WEBHOOKS)]
    webhook_secret: Annotated[str, Field(max_length=100)]
    number: Annotated[str, Field(max_length=16)] | None

    @classmethod
    def of(cls, chosen: Preferences, *, webhook_secret: str, number: str | None) -> "PreferencesOut":
        windows = [
            WindowBody(
                days=[WEEKDAYS[day] for day in sorted(one.days)],  # type: ignore[misc]
                start=f"{one.start:%H:%M}",
                end=f"{one.end:%H:%M}",
            )
            for one in chosen.windows
        ]
        return cls(
            tz=chosen.tz,
            locale=chosen.locale or None,
            matrix={name: dict(row) for name, row in chosen.matrix.items()},  # type: ignore[misc]
            digests={
                name: DigestBody(cadence=one.cadence, at=f"{one.at:%H:%M}", weekday=WEEKDAYS[one.weekday])  # type: ignore[arg-type]
                for name, one in chosen.digests.items()
            },
            quiet_hours=QuietOut(windows=windows, mode=chosen.quiet_mode) if windows else None,
            muted_until=chosen.muted_until,
            muted_actors=sorted(chosen.muted_actors),
            webhooks=list(chosen.webhooks),
            webhook_secret=webhook_secret,
            number=number,
        )


class PreviewParams(Params):
    type: TypeName


class DecisionOut(Out):
    """What would be done now: `pending` goes out at once, `deferred` and `digest` at `at`, `skipped` never."""

    state: State
    reason: Annotated[str, Field(max_length=40)] = ""
    at: Instant | None = None


class PreviewOut(Out):
    channels: dict[Channel, DecisionOut]


class SubscriptionKeys(In):
    p256dh: Annotated[str, Field(max_length=120)]
    auth: Annotated[str, Field(max_length=40)]


class Subscription(In):
    """What `PushSubscription.toJSON()` of a browser gives."""

    endpoint: Annotated[str, StringConstraints(min_length=10, max_length=1_000)]
    keys: SubscriptionKeys
    expirationTime: int | None = None


class DeviceIn(In):
    """A browser comes with its `subscription`, anything else with its `token`."""

    platform: Literal["web", "fcm", "apns"]
    token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_.-]+$", min_length=10, max_length=1_000)] | None = (
        None
    )
    subscription: Subscription | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def _reachable(self) -> "DeviceIn":
        given = self.subscription is not None, self.token is not None
        if given != ((True, False) if self.platform == "web" else (False, True)):
            raise ValueError("A browser has a `subscription`, anything else a `token`.")
        return self


class DeviceOut(Out):
    """The token itself is not shown again."""

    id: Annotated[str, Field(max_length=40)]
    platform: Literal["web", "fcm", "apns"]
    name: Annotated[str, Field(max_length=120)] | None
    created_at: Instant


class DevicesOut(Out):
    items: Annotated[list[DeviceOut], Field(max_length=100)]


class PushKeyOut(Out):
    """The key that a browser subscribes with, as `applicationServerKey`."""

    public_key: Annotated[str, Field(max_length=100)]


class NumberIn(In):
    number: Number


class CodeIn(In):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$", max_length=6)]


class NumberOut(Out):
    number: Annotated[str, Field(max_length=16)]


class TopicOut(Out):
    topic: Annotated[str, Field(max_length=80)]


class TopicParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


def _window(one: WindowBody) -> Window:
    days = frozenset(WEEKDAYS.index(day) for day in one.days)
    return Window(days, time.fromisoformat(one.start), time.fromisoformat(one.end))


def _digest(one: DigestBody) -> Digest:
    return Digest(one.cadence, time.fromisoformat(one.at), WEEKDAYS.index(one.weekday))

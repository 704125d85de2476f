"""Channels, types of notifications, and what a person has chosen. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Literal, get_args

Channel = Literal["inapp", "email", "sms", "push", "webhook"]
Priority = Literal["low", "normal", "high", "critical"]
Cadence = Literal["instant", "hourly", "daily", "weekly"]
Collapse = Literal["once", "group"]
QuietMode = Literal["defer", "drop"]
State = Literal[
    "pending", "deferred", "digest", "sending", "sent", "delivered", "failed", "dead", "skipped", "cancelled"
]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
# What leaves the house. In-app is the feed itself.
OUTSIDE: tuple[Channel, ...] = ("email", "sms", "push", "webhook")
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
STATES: tuple[State, ...] = get_args(State)
# What has not left yet, and what never will any more.
WAITING: frozenset[str] = frozenset(["pending", "deferred", "digest"])
SETTLED: frozenset[str] = frozenset(["sent", "delivered", "failed", "dead", "skipped", "cancelled"])
EVERY_TYPE = "*"


@dataclass(frozen=True)
class Words:
    """What one channel says, as templates or as text. In-app and push have a title, a body and a link."""

    title: str = ""
    body: str = ""
    link: str = ""
    html: str = ""


@dataclass(frozen=True)
class Kind:
    """A type of notification. `mandatory` channels cannot be switched off; `fallback` are minutes until a channel
    is used when nobody has read it before."""

    name: str
    title: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    channels: frozenset[str] = frozenset(["inapp", "email"])
    mandatory: frozenset[str] = frozenset()
    cadence: Cadence = "instant"
    collapse: Collapse = "once"
    fallback: Mapping[str, int] = field(default_factory=dict)
    version: int = 0


@dataclass(frozen=True)
class Window:
    """Quiet from `start` to `end` of the clock, on these days (0 is Monday) by when it begins."""

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True)
class Digest:
    cadence: Cadence = "instant"
    at: time = time(9)
    weekday: int = 0


@dataclass(frozen=True)
class Preferences:
    """What a person has chosen. The type `*` stands for all that is not named."""

    tz: str = "UTC"
    locale: str = ""
    matrix: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    digests: Mapping[str, Digest] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    quiet_mode: QuietMode = "defer"
    muted_until: datetime | None = None
    muted_actors: frozenset[str] = frozenset()
    webhooks: tuple[str, ...] = ()
    version: int = 0

    def wants(self, kind: Kind, channel: str) -> bool:
        """Whether this type comes by this channel."""
        if channel in kind.mandatory:
            return True
        for name in (kind.name, EVERY_TYPE):
            chosen = self.matrix.get(name, {}).get(channel)
            if chosen is not None:
                return chosen
        return channel in kind.channels

    def digest_of(self, kind: Kind) -> Digest:
        return self.digests.get(kind.name) or self.digests.get(EVERY_TYPE) or Digest(kind.cadence)

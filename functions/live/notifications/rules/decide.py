"""What becomes of one notification for one person on one channel."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .kinds import CHANNELS, OUTSIDE, Kind, Preferences, Priority, State
from .quiet import closes_at, quiet_until


@dataclass(frozen=True)
class Decision:
    """`at` is when it is looked at again. `unless_read` is for a fallback: reading it first cancels it."""

    state: State
    reason: str = ""
    at: datetime | None = None
    unless_read: bool = False


@dataclass(frozen=True)
class Asked:
    """What the sender has asked for."""

    kind: Kind
    priority: Priority = "normal"
    channels: frozenset[str] | None = None
    expires_at: datetime | None = None
    actor_id: str = ""

    @property
    def is_critical(self) -> bool:
        return self.priority == "critical"


def is_for(asked: Asked, preferences: Preferences, user_id: str) -> str:
    """Why this person is not told at all; empty when they are."""
    if asked.actor_id == user_id:
        return "self"
    if asked.actor_id in preferences.muted_actors and not asked.is_critical:
        return "muted_actor"
    return ""


def wanted(asked: Asked, preferences: Preferences) -> tuple[str, ...]:
    """The channels that are used. What is critical comes by the type's own channels, whatever was chosen."""
    allowed: Collection[str] = CHANNELS if asked.channels is None else asked.channels
    return tuple(
        channel
        for channel in CHANNELS
        if channel in allowed
        and (preferences.wants(asked.kind, channel) or (asked.is_critical and channel in asked.kind.channels))
    )


def decide(
    asked: Asked, preferences: Preferences, channel: str, now: datetime, *, has_waited: bool = False
) -> Decision:
    """What is done on a channel outside now. `has_waited` is asked again at the end of a wait.

    Raises nothing and knows no clock: the same at the moment of sending and when it is looked at again.
    """
    assert channel in OUTSIDE
    if asked.expires_at is not None and asked.expires_at <= now:
        return Decision("skipped", "expired")
    if asked.is_critical:
        return Decision("pending")
    if preferences.muted_until is not None and preferences.muted_until > now:
        return Decision("skipped", "muted")
    fallback = asked.kind.fallback.get(channel)
    if fallback and not has_waited:
        return Decision("deferred", "fallback", now + timedelta(minutes=fallback), unless_read=True)
    zone = ZoneInfo(preferences.tz)
    digest = preferences.digest_of(asked.kind)
    if digest.cadence != "instant":
        return Decision("digest", digest.cadence, closes_at(digest, zone, now))
    return _around_quiet(preferences, zone, now) or Decision("pending")


def decide_digest(preferences: Preferences, now: datetime) -> Decision:
    """What is done with the message of a digest that has closed."""
    if preferences.muted_until is not None and preferences.muted_until > now:
        return Decision("skipped", "muted")
    return _around_quiet(preferences, ZoneInfo(preferences.tz), now) or Decision("pending")


def decide_again(asked: Asked, preferences: Preferences, now: datetime) -> Decision:
    """What is done with another attempt: one that was to come at once never becomes part of a digest."""
    if asked.expires_at is not None and asked.expires_at <= now:
        return Decision("skipped", "expired")
    return Decision("pending") if asked.is_critical else decide_digest(preferences, now)


def _around_quiet(preferences: Preferences, zone: ZoneInfo, now: datetime) -> Decision | None:
    until = quiet_until(preferences.windows, zone, now)
    if until is None:
        return None
    if preferences.quiet_mode == "drop":
        return Decision("skipped", "quiet")
    return Decision("deferred", "quiet", until)

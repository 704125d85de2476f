"""What a reminder is and what may become of it. Nothing here knows the time or a store."""

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

from .durations import Span
from .problems import NotActive, NothingNext, NotPaused, refused
from .schedules import SNOOZED, Firing, Schedule, check, firings, first_firing

# Later than this, what was due was missed, and the policy decides. A message that was lost is found sooner.
MISFIRE_AFTER = timedelta(minutes=5)
MAX_CAUGHT_UP = 10
# What is counted of a long outage; beyond it, what was missed is at least so many.
MAX_COUNTED = 10_000
MAX_JITTER_SECONDS = 900
_AFTER_ALL = 1_000


class State(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"


class Misfire(StrEnum):
    FIRE_ONCE = "fire_once"
    SKIP = "skip"
    FIRE_ALL = "fire_all"


class Result(StrEnum):
    """How a run came out; `pending` is a webhook that has not been answered well yet."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSED = "missed"


@dataclass(frozen=True)
class Reminder:
    """`action` is `{"notify": …}`, `{"webhook": …}` or `{"event": …}`.

    `gen` counts every change, firings too: whoever changes it names the one they saw. `pending` is the firing it
    waits for; while it is paused or at its end there is none.
    """

    id: str
    owner_id: str
    user_id: str
    title: str
    schedule: Schedule
    action: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    offsets: tuple[str, ...] = ()
    misfire: Misfire = Misfire.FIRE_ONCE
    jitter_s: int = 0
    max_runs: int | None = None
    state: State = State.ACTIVE
    pending: Firing | None = None
    runs: int = 0
    gen: int = 1
    version: int = 1
    event_id: str | None = None
    made_by: str | None = None

    @property
    def kind(self) -> str:
        return next(iter(self.action))

    @property
    def is_full(self) -> bool:
        return self.max_runs is not None and self.runs >= self.max_runs

    @property
    def fire_at(self) -> datetime | None:
        """When the pending firing happens: at most `jitter_s` after it is due, always equally long after."""
        return None if self.pending is None else self.moment_of(self.pending)

    def moment_of(self, firing: Firing) -> datetime:
        seed = f"{self.id}{firing.due.isoformat()}{firing.offset}".encode()
        spread = int.from_bytes(hashlib.sha256(seed).digest()[:8]) % (1000 * self.jitter_s + 1)
        return firing.due + timedelta(milliseconds=spread)

    def coming(self) -> Iterator[Firing]:
        """The pending firing and what follows it, as far as nothing is changed."""
        if self.pending is None:
            return
        left = None if self.max_runs is None else max(1, self.max_runs - self.runs)
        yield from islice(self._chain(), left)

    def _chain(self) -> Iterator[Firing]:
        assert self.pending is not None
        yield self.pending
        # One at its end that was snoozed comes back for that one time.
        if not self.is_full:
            yield from self.following(self.pending)

    def following(self, firing: Firing) -> Iterator[Firing]:
        # A snooze stands for all that was due until then.
        offset = _AFTER_ALL if firing.offset == SNOOZED else firing.offset
        return firings(self.schedule, self.offsets, firing.due, offset)


@dataclass(frozen=True)
class Done:
    """What is written down of a firing. `missed` counts those that will not happen any more."""

    firing: Firing
    result: Result
    missed: int = 0


@dataclass(frozen=True)
class Turn:
    """What a firing comes to: the runs, and the reminder afterwards."""

    after: Reminder
    done: tuple[Done, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether the reminder has come to its end with this."""
        return self.after.state is State.COMPLETED


def made(reminder: Reminder, now: datetime) -> Reminder:
    """The reminder with its first firing. Raises what `check` and `first_firing` raise."""
    check(reminder.schedule)
    _check_offsets(reminder)
    return replace(reminder, pending=first_firing(reminder.schedule, reminder.offsets, now))


def changed(reminder: Reminder, now: datetime, **fields: Any) -> Reminder:
    """The reminder with these fields changed; a change of when it fires begins anew from now.

    Raises what `made` raises, and `InvalidRequest`.
    """
    after = _next_version(reminder, now, **fields)
    is_moved = not fields.keys().isdisjoint({"schedule", "offsets"})
    if after.is_full and (is_moved or "max_runs" in fields):
        raise refused("/max_runs", f"It has run {after.runs} times already. More than that, or null, lets it go on.")
    if is_moved:
        after = made(after, now)
        if after.state is State.PAUSED:
            return replace(after, pending=None)
        return replace(after, state=State.ACTIVE)
    if after.state is State.COMPLETED and "max_runs" in fields:
        found = next(firings(after.schedule, after.offsets, now, _AFTER_ALL), None)
        return replace(after, pending=found, state=State.ACTIVE if found else State.COMPLETED)
    return after


def paused(reminder: Reminder, now: datetime) -> Reminder:
    _check_active(reminder)
    return _next_version(reminder, now, state=State.PAUSED, pending=None)


def resumed(reminder: Reminder, now: datetime) -> Reminder:
    """Active again, with what its schedule names from now on. Raises `NotPaused`, `NothingNext`."""
    if reminder.state is not State.PAUSED:
        raise NotPaused(f"It is {reminder.state.value}.")
    found = next(firings(reminder.schedule, reminder.offsets, now, _AFTER_ALL), None)
    if found is None:
        raise NothingNext("Its time has passed meanwhile. Give it another schedule.")
    return _next_version(reminder, now, state=State.ACTIVE, pending=found)


def snoozed(reminder: Reminder, now: datetime, span: Span) -> Reminder:
    """Quiet until then, when it fires once; after that its schedule goes on. One at its end comes back for that."""
    if reminder.state is State.PAUSED:
        raise NotActive("It is paused. Resume it first.")
    if span.about <= timedelta():
        raise refused("/for", "A reminder is put off to a time to come, as PT10M does.")
    then = (now + span.about).replace(microsecond=0)
    return _next_version(reminder, now, state=State.ACTIVE, pending=Firing(then, SNOOZED, then))


def skipped(reminder: Reminder, now: datetime) -> Turn:
    """Without its next firing. Raises `NotActive`, `NothingNext`."""
    _check_active(reminder)
    if reminder.pending is None:
        raise NothingNext("There is no next run to skip.")
    after = _next_version(reminder, now)
    return _moved_on(after, reminder.pending, (Done(reminder.pending, Result.SKIPPED),), fired=0)


def fired(reminder: Reminder, now: datetime) -> Turn:
    """What becomes of the pending firing, whose time has come, and of others that were missed with it."""
    pending = reminder.pending
    assert pending is not None
    result = Result.PENDING if reminder.kind == "webhook" else Result.DONE
    after = replace(reminder, gen=reminder.gen + 1)
    if now - reminder.moment_of(pending) <= MISFIRE_AFTER:
        return _moved_on(after, pending, (Done(pending, result),), fired=0 if pending.offset == SNOOZED else 1)
    last, count, latest = _missed(reminder, now)
    wanted = {Misfire.SKIP: 0, Misfire.FIRE_ONCE: 1, Misfire.FIRE_ALL: MAX_CAUGHT_UP}[reminder.misfire]
    if reminder.max_runs is not None and pending.offset != SNOOZED:
        wanted = min(wanted, reminder.max_runs - reminder.runs)
    caught_up = latest[max(0, len(latest) - wanted) :]
    done = [Done(one, result) for one in caught_up]
    lost = count - len(caught_up)
    if lost:
        # The latest are caught up, so the first of all is not among them and stands for those that are lost.
        done.insert(0, Done(pending, Result.MISSED, missed=lost))
    counted = sum(one.offset != SNOOZED for one in caught_up)
    return _moved_on(after, last, tuple(done), fired=counted)


def _missed(reminder: Reminder, now: datetime) -> tuple[Firing, int, list[Firing]]:
    """The last firing that is past, how many are, and the latest of them."""
    latest: deque[Firing] = deque(maxlen=MAX_CAUGHT_UP)
    count = 0
    for one in islice(reminder._chain(), MAX_COUNTED):
        if reminder.moment_of(one) > now:
            break
        latest.append(one)
        count += 1
    last = latest[-1]
    # A longer outage is not walked to its end.
    return (Firing(now, _AFTER_ALL, now) if count == MAX_COUNTED else last), count, list(latest)


def _moved_on(reminder: Reminder, firing: Firing, done: tuple[Done, ...], *, fired: int) -> Turn:
    after = replace(reminder, runs=reminder.runs + fired)
    following = None if after.is_full else next(after.following(firing), None)
    state = State.ACTIVE if following else State.COMPLETED
    return Turn(replace(after, pending=following, state=state), done)


def _next_version(reminder: Reminder, now: datetime, **fields: Any) -> Reminder:
    return replace(reminder, updated_at=now, gen=reminder.gen + 1, version=reminder.version + 1, **fields)


def _check_active(reminder: Reminder) -> None:
    if reminder.state is not State.ACTIVE:
        raise NotActive(f"It is {reminder.state.value}.")


def _check_offsets(reminder: Reminder) -> None:
    if len(set(reminder.offsets)) < len(reminder.offsets):
        raise refused("/offsets", "Each offset is named once.")

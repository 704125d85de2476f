"""The generic cell rate algorithm, in whole microseconds, and its one conditional write.

A bucket is a time, `tat`: when it will be full again. A request of cost c is admitted when
`max(tat, now) + c*T - now <= B*T`, and moves it there. Over any time d at most B + d/T are admitted.

DynamoDB has no `max` in an update, so the write has two shapes: IDLE for a bucket that is full,
BUSY for one that is not. A wrong guess costs a second write and never a wrong answer, because
each shape's condition holds only where its formula is right.
"""

from dataclasses import dataclass
from typing import Any

MICROS = 1_000_000
MAX_WINDOWS = 3
# The item outlives the moment it is full, when it says no more than its absence would.
TTL_SLACK_SECONDS = 3_600

# Of each window; None where nothing is stored, which is the same as a time long past.
Tats = tuple[int | None, ...]


@dataclass(frozen=True)
class Window:
    """`limit` requests per period, of which `burst` may come at once."""

    limit: int
    period_seconds: int
    burst: int

    def __post_init__(self) -> None:
        if min(self.limit, self.period_seconds, self.burst) < 1:
            raise ValueError("Limit, period and burst of a window are at least 1.")

    @property
    def interval(self) -> int:
        """Microseconds for one request, rounded up so that the limit is never exceeded."""
        return -(-self.period_seconds * MICROS // self.limit)

    @property
    def capacity(self) -> int:
        return self.burst * self.interval

    def times(self, factor: int) -> "Window":
        return Window(self.limit * factor, self.period_seconds, self.burst * factor)


@dataclass(frozen=True)
class Charge:
    """One decision to be made: all windows admit it or none is charged."""

    windows: tuple[Window, ...]
    cost: int
    now: int
    slack: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.windows) <= MAX_WINDOWS:
            raise ValueError(f"A policy has one to {MAX_WINDOWS} windows.")
        if not 1 <= self.cost <= min(window.burst for window in self.windows):
            raise ValueError(f"A cost of {self.cost} is more than the policy's burst and could never be admitted.")

    def wait(self, tats: Tats) -> int:
        """Microseconds until this would be admitted, 0 when it is now: sufficient, and not one less would do."""
        waits = [tat - self._room(window) for window, tat in zip(self.windows, tats, strict=True) if tat is not None]
        return max([0, *waits])

    def busy(self, tats: Tats) -> tuple[bool, ...]:
        """The shape of the write, of each window, that these times ask for."""
        return tuple(tat is not None and tat > self.now - self.slack for tat in tats)

    def after(self, tats: Tats) -> Tats:
        """The times once this is admitted, whichever shape wrote them."""
        return tuple(
            (tat if tat is not None and busy else self.now) + self.cost * window.interval
            for window, tat, busy in zip(self.windows, tats, self.busy(tats), strict=True)
        )

    def write(self, busy: tuple[bool, ...]) -> dict[str, Any]:
        """The update, its condition and values, for DynamoDB's `UpdateItem`."""
        conditions, changes, values = [], [], {}
        for index, (window, is_busy) in enumerate(zip(self.windows, busy, strict=True)):
            tat, cost = f"tat{index}", self.cost * window.interval
            if is_busy:
                conditions.append(f"{tat} > :floor AND {tat} <= :room{index}")
                changes.append(f"{tat} = {tat} + :cost{index}")
                values[":floor"] = self.now - self.slack
                values[f":room{index}"] = self._room(window)
                values[f":cost{index}"] = cost
            else:
                conditions.append(f"(attribute_not_exists({tat}) OR {tat} <= :now)")
                changes.append(f"{tat} = :next{index}")
                values[":now"] = self.now
                values[f":next{index}"] = self.now + cost
        full_at = self.now + max(window.capacity for window in self.windows)
        values[":ttl"] = full_at // MICROS + TTL_SLACK_SECONDS
        return {
            "ConditionExpression": " AND ".join(conditions),
            "UpdateExpression": f"SET {', '.join(changes)}, #ttl = :ttl",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": numbers(values),
        }

    def refund(self) -> dict[str, Any]:
        """The update that takes the charge back. A `tat` in the past is worth no more than now, so the
        refund is bounded by the burst."""
        changes = [f"tat{index} = tat{index} - :cost{index}" for index in range(len(self.windows))]
        values = {f":cost{index}": self.cost * window.interval for index, window in enumerate(self.windows)}
        return {
            "ConditionExpression": " AND ".join(f"attribute_exists(tat{index})" for index in range(len(self.windows))),
            "UpdateExpression": f"SET {', '.join(changes)}",
            "ExpressionAttributeValues": numbers(values),
        }

    def _room(self, window: Window) -> int:
        """The latest `tat` that still admits."""
        return self.now + (window.burst - self.cost) * window.interval


def numbers(values: dict[str, int]) -> dict[str, dict[str, str]]:
    return {name: {"N": str(value)} for name, value in values.items()}


def tats_of(item: dict[str, dict[str, str]], windows: int) -> Tats:
    """The times on an item in DynamoDB's notation."""
    stored = (item.get(f"tat{index}") for index in range(windows))
    return tuple(int(found["N"]) if found else None for found in stored)

"""The generic cell rate algorithm, in whole microseconds, and its one conditional write.

A bucket is a time, `tat`: when it will be full again. A request of cost c is admitted when
`max(tat, now) + c*T - now <= B*T`, and moves it there. Over any time d at most B + d/T are admitted.

DynamoDB has no `max` in an update, so the write has two shapes: IDLE for a bucket that is full,
BUSY for one that is not. A wrong guess costs a second write and never a wrong answer, because
each shape's condition holds only where its formula is right.
"""

from dataclasses import dataclass

from tessera.tallies import MICROS, Clause, Figures, State


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
    def period(self) -> int:
        return self.period_seconds * MICROS

    @property
    def full_after(self) -> int:
        """Microseconds in which an empty bucket fills."""
        return self.burst * self.interval

    @property
    def per_second(self) -> float:
        return self.limit / self.period_seconds

    def times(self, factor: int) -> "Window":
        return Window(self.limit * factor, self.period_seconds, self.burst * factor)


@dataclass(frozen=True)
class Gcra:
    """A token bucket with exact bounds. `slack` lets a process with an old view of the bucket succeed at once, for
    which the bound grows by slack/T."""

    window: Window
    index: int = 0
    slack: int = 0

    @property
    def label(self) -> str:
        return str(self.window.period_seconds)

    @property
    def capacity(self) -> int:
        return self.window.burst

    @property
    def _tat(self) -> str:
        return f"tat{self.index}"

    def wait(self, state: State, cost: int, now: int) -> int:
        tat = state.get(self._tat)
        return 0 if tat is None else max(0, tat - self._room(cost, now))

    def clause(self, state: State, cost: int, now: int) -> Clause:
        tat, index, price = self._tat, self.index, cost * self.window.interval
        if self._is_busy(state, now):
            return Clause(
                (f"{tat} > :floor{index}", f"{tat} <= :room{index}"),
                (f"{tat} = {tat} + :cost{index}",),
                {f":floor{index}": now - self.slack, f":room{index}": self._room(cost, now), f":cost{index}": price},
            )
        return Clause(
            (f"(attribute_not_exists({tat}) OR {tat} <= :now{index})",),
            (f"{tat} = :next{index}",),
            {f":now{index}": now, f":next{index}": now + price},
        )

    def after(self, state: State, cost: int, now: int) -> dict[str, int]:
        start = state[self._tat] if self._is_busy(state, now) else now
        return {self._tat: start + cost * self.window.interval}

    def refund(self, cost: int, now: int) -> Clause:
        # A `tat` in the past is worth no more than now, so that refunds are bounded by the burst.
        tat, given = self._tat, f":cost{self.index}"
        values = {given: cost * self.window.interval}
        return Clause((f"attribute_exists({tat})",), (f"{tat} = {tat} - {given}",), values)

    def figures(self, state: State, now: int) -> Figures:
        window, full_in = self.window, max(0, state.get(self._tat, 0) - now)
        left = max(0, window.full_after - full_in) // window.interval
        return Figures(window.limit, window.period_seconds, left, full_in)

    def keeps(self, now: int) -> int:
        return self.window.full_after

    def _is_busy(self, state: State, now: int) -> bool:
        """The shape of the write that this state asks for."""
        tat = state.get(self._tat)
        return tat is not None and tat > now - self.slack

    def _room(self, cost: int, now: int) -> int:
        """The latest `tat` that still admits."""
        return now + (self.window.burst - cost) * self.window.interval

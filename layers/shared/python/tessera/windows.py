"""Counting by windows of the clock, for policies that would rather have it than the token bucket of `gcra`.

`Fixed` is always one write: each window has a counter of its own, so there is no shape to guess. Its price is that
twice the limit may pass at the edge of two windows. `Sliding` weighs the last window by the share of it that is still
covered; it is one write for whoever has seen the bucket in this window, and two for others.
"""

from dataclasses import dataclass

from tessera.gcra import Window
from tessera.tallies import Clause, Figures, State

# A window's counter is of no use after it. Those of the windows just before go with the next write; older ones go
# when somebody sees them, or with the item.
SWEPT = 4


@dataclass(frozen=True)
class _Counted:
    """What both have: a limit on each window of one period, as the `index`th of a policy."""

    window: Window
    index: int = 0

    @property
    def label(self) -> str:
        return str(self.window.period_seconds)

    @property
    def capacity(self) -> int:
        return self.window.limit


@dataclass(frozen=True)
class Fixed(_Counted):
    """At most `limit` in each window of the clock."""

    def wait(self, state: State, cost: int, now: int) -> int:
        used = state.get(self._counter(now), 0)
        return 0 if used + cost <= self.window.limit else self._ends_in(now)

    def clause(self, state: State, cost: int, now: int) -> Clause:
        counter, index = self._counter(now), self.index
        number, prefix = now // self.window.period, f"w{index}_"
        seen = {int(name.removeprefix(prefix)) for name in state if name.startswith(prefix)}
        old = {one for one in seen if one < number} | set(range(max(0, number - SWEPT), number))
        return Clause(
            (f"(attribute_not_exists({counter}) OR {counter} <= :most{index})",),
            (f"{counter} = if_not_exists({counter}, :none{index}) + :cost{index}",),
            {f":most{index}": self.window.limit - cost, f":none{index}": 0, f":cost{index}": cost},
            tuple(f"{prefix}{one}" for one in sorted(old)),
        )

    def after(self, state: State, cost: int, now: int) -> dict[str, int]:
        return {self._counter(now): state.get(self._counter(now), 0) + cost}

    def refund(self, cost: int, now: int) -> Clause:
        counter, given = self._counter(now), f":cost{self.index}"
        return Clause((f"{counter} >= {given}",), (f"{counter} = {counter} - {given}",), {given: cost})

    def figures(self, state: State, now: int) -> Figures:
        used, window = state.get(self._counter(now), 0), self.window
        left = max(0, window.limit - used)
        return Figures(window.limit, window.period_seconds, left, self._ends_in(now) if used else 0)

    def keeps(self, now: int) -> int:
        return self.window.period

    def _counter(self, now: int) -> str:
        return f"w{self.index}_{now // self.window.period}"

    def _ends_in(self, now: int) -> int:
        return self.window.period - now % self.window.period


@dataclass(frozen=True)
class _View:
    """An item as it counts now: the window it is in, what that one and the last one hold, how far it has run."""

    number: int
    used: int
    before: int
    elapsed: int


@dataclass(frozen=True)
class Sliding(_Counted):
    """At most `limit` in any stretch of one period, if the last window's requests were spread evenly over it."""

    def wait(self, state: State, cost: int, now: int) -> int:
        view, period = self._view(state, now), self.window.period
        room = self.window.limit - cost - view.used
        if room >= 0:
            return max(0, _elapsed_for(view.before, room, period) - view.elapsed)
        # This window alone is too full, so the next one must be waited for, in which it counts as the last.
        then = _elapsed_for(view.used, self.window.limit - cost, period)
        return period - view.elapsed + then

    def clause(self, state: State, cost: int, now: int) -> Clause:
        index, limit, period = self.index, self.window.limit, self.window.period
        number, used, before = (f"{name}{index}" for name in ("wid", "w", "p"))
        held, view, current = state.get(number), self._view(state, now), now // period
        left = period - view.elapsed
        values = {f":cost{index}": cost, f":wid{index}": view.number}
        if held is not None and held >= current:
            values |= {f":p{index}": view.before, f":most{index}": limit - cost - -(-view.before * left // period)}
            return Clause(
                (f"{number} = :wid{index}", f"{before} = :p{index}", f"{used} <= :most{index}"),
                (f"{used} = {used} + :cost{index}",),
                values,
            )
        started = (f"{number} = :wid{index}", f"{used} = :cost{index}")
        if held is not None and held == current - 1:
            # The counter becomes the last window's in the same write, whatever it has come to.
            values |= {f":old{index}": held, f":most{index}": (limit - cost) * period // left}
            return Clause(
                (f"{number} = :old{index}", f"{used} <= :most{index}"), (*started, f"{before} = {used}"), values
            )
        values |= {f":none{index}": 0}
        if held is None:
            return Clause((f"attribute_not_exists({number})",), (*started, f"{before} = :none{index}"), values)
        values |= {f":old{index}": current - 1}
        return Clause((f"{number} < :old{index}",), (*started, f"{before} = :none{index}"), values)

    def after(self, state: State, cost: int, now: int) -> dict[str, int]:
        view, index = self._view(state, now), self.index
        return {f"wid{index}": view.number, f"w{index}": view.used + cost, f"p{index}": view.before}

    def refund(self, cost: int, now: int) -> Clause:
        index = self.index
        values = {f":cost{index}": cost, f":wid{index}": now // self.window.period}
        return Clause(
            (f"wid{index} = :wid{index}", f"w{index} >= :cost{index}"), (f"w{index} = w{index} - :cost{index}",), values
        )

    def figures(self, state: State, now: int) -> Figures:
        view, window = self._view(state, now), self.window
        counted = view.used + -(-view.before * (window.period - view.elapsed) // window.period)
        rest = window.period - view.elapsed
        full_in = rest + window.period if view.used else rest if view.before else 0
        return Figures(window.limit, window.period_seconds, max(0, window.limit - counted), full_in)

    def keeps(self, now: int) -> int:
        return 2 * self.window.period

    def _view(self, state: State, now: int) -> _View:
        number, elapsed = divmod(now, self.window.period)
        index = self.index
        held, used, before = state.get(f"wid{index}"), state.get(f"w{index}", 0), state.get(f"p{index}", 0)
        if held is None or held < number - 1:
            return _View(number, 0, 0, elapsed)
        if held == number - 1:
            return _View(number, 0, used, elapsed)
        # Another process, whose clock is ahead, has opened a window that has not begun here.
        return _View(held, used, before, elapsed if held == number else 0)


def _elapsed_for(before: int, room: int, period: int) -> int:
    """How far a window must have run until no more than `room` of the last one's requests count."""
    return 0 if before <= room else period - room * period // before

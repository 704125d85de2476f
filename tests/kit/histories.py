"""What many clients asked of one object at once, and whether any order of it makes sense.

A history is a list of operations, each with when it was asked and when it was answered. It is linearizable when the
operations can be put in one order that keeps every answer before every later question and in which each answer is
what the object, used by one at a time, would have said (Herlihy and Wing 1990). The search is Wing and Gong's, with
the states that were tried remembered (Lowe 2017).

An operation without an answer, because the worker was killed or the connection broke, may have taken effect at any
time after it was asked, or never.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

S = TypeVar("S", bound=Hashable)

NEVER = float("inf")


class Lost(Exception):
    """No answer came, so nobody knows whether it was done."""


@dataclass(frozen=True)
class Operation:
    """`answer` is None where none came."""

    client: int
    name: str
    given: Any
    answer: Any
    asked_at: float
    answered_at: float = NEVER

    @property
    def is_lost(self) -> bool:
        return self.answered_at == NEVER


@dataclass
class History:
    """Records what its clients do; safe to share by threads."""

    operations: list[Operation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def record(self, client: int, name: str, given: Any, do: Callable[[], Any]) -> Any:
        """Do it and note it. `do` raises `Lost` when no answer came; then None comes back."""
        asked_at = time.monotonic()
        try:
            answer = do()
        except Lost:
            self._note(Operation(client, name, given, None, asked_at))
            return None
        self._note(Operation(client, name, given, answer, asked_at, time.monotonic()))
        return answer

    def _note(self, operation: Operation) -> None:
        with self._lock:
            self.operations.append(operation)


@dataclass(frozen=True)
class Model(Generic[S]):
    """An object as one client alone would meet it: what it starts as, and what an operation makes of it.

    `step(state, name, given)` returns the new state and the answer.
    """

    start: S
    step: Callable[[S, str, Any], tuple[S, Any]]


@dataclass(frozen=True)
class Verdict:
    """`longest` is the furthest that any order came: what follows it is where sense ends."""

    is_linearizable: bool
    longest: tuple[Operation, ...] = ()


def check(operations: Sequence[Operation], model: Model[S]) -> Verdict:
    """Look for an order. Exponential at worst; a hundred operations of a few clients take a moment."""
    ordered = sorted(operations, key=lambda operation: operation.asked_at)
    must = sum(1 << index for index, operation in enumerate(ordered) if not operation.is_lost)
    tried: set[tuple[int, Hashable]] = set()
    longest: list[Operation] = []
    # Each entry is a choice that was made: what is done by then, the state, and the order that led there.
    stack: list[tuple[int, S, tuple[Operation, ...]]] = [(0, model.start, ())]
    while stack:
        done, state, order = stack.pop()
        if done & must == must:
            return Verdict(True, order)
        if len(order) > len(longest):
            longest = list(order)
        if (done, state) in tried:
            continue
        tried.add((done, state))
        open_now = [index for index in range(len(ordered)) if not done >> index & 1]
        # Whoever was asked only after somebody else's answer cannot come before them.
        earliest_answer = min(ordered[index].answered_at for index in open_now)
        for index in reversed(open_now):
            operation = ordered[index]
            if operation.asked_at > earliest_answer:
                continue
            after, answer = model.step(state, operation.name, operation.given)
            if operation.is_lost or answer == operation.answer:
                stack.append((done | 1 << index, after, (*order, operation)))
    return Verdict(False, tuple(longest))


def assert_linearizable(operations: Sequence[Operation], model: Model[S]) -> None:
    """Raises `AssertionError`, showing how far the best order came and what could not follow it."""
    verdict = check(operations, model)
    if verdict.is_linearizable:
        return
    placed = set(map(id, verdict.longest))
    rest = [operation for operation in operations if id(operation) not in placed and not operation.is_lost]
    shown = [f"  {_line(operation)}" for operation in verdict.longest[-5:]]
    stuck = [f"  {_line(operation)}" for operation in sorted(rest, key=lambda operation: operation.asked_at)[:5]]
    raise AssertionError("\n".join(["No order makes sense of it. After", *shown, "none of these can follow:", *stuck]))


def _line(operation: Operation) -> str:
    return f"client {operation.client}: {operation.name} {operation.given!r} was answered {operation.answer!r}"


def register() -> Model[tuple[Any, int]]:
    """A value with a version: `read` answers both, `write` of `(value, version)` answers the next version or None."""

    def step(state: tuple[Any, int], name: str, given: Any) -> tuple[tuple[Any, int], Any]:
        value, version = state
        if name == "read":
            return state, (value, version)
        wanted, expected = given
        return ((wanted, version + 1), version + 1) if expected == version else (state, None)

    return Model((None, 1), step)


def claims() -> Model[str | None]:
    """A name that one of many may take: `take` by somebody answers whether it is theirs."""

    def step(state: str | None, name: str, given: str) -> tuple[str | None, bool]:
        holder = state or given
        return holder, holder == given

    return Model(None, step)


def counter(most: int) -> Model[int]:
    """Places of which there are `most`: `take` answers whether one was had, `give` always True."""

    def step(state: int, name: str, given: Any) -> tuple[int, bool]:
        if name == "give":
            return max(0, state - 1), True
        return (state + 1, True) if state < most else (state, False)

    return Model(0, step)


def assert_conserved(deltas: Iterable[tuple[int, bool | None]], *, before: int, after: int) -> None:
    """A sum is what it was and what was surely added, and at most what may have been besides.

    Each delta comes with whether it was done: None when nobody knows.
    """
    known, low, high = 0, 0, 0
    for delta, was_done in deltas:
        if was_done:
            known += delta
        elif was_done is None:
            low, high = low + min(delta, 0), high + max(delta, 0)
    least, most = before + known + low, before + known + high
    assert least <= after <= most, f"The sum is {after}; from what was answered it must be {least} to {most}."

"""Failures on order: at a named fault point, at a call, or as contention at random."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tessera import aws


class Crash(BaseException):
    """The process dies here. Not an `Exception`, so that no handler of ours survives it."""


@contextmanager
def crash_at(point: str, *, times: int = 1) -> Iterator[None]:
    """Die the first `times` times this fault point is passed."""
    left = times

    def hook(service: str, name: str, parameters: dict[str, Any]) -> None:
        nonlocal left
        if service == "fault" and name == point and left:
            left -= 1
            raise Crash(point)

    with aws.intercepted(hook):
        yield


@contextmanager
def failing(service: str, operation: str, *, code: str, times: int = 1_000_000) -> Iterator[list[str]]:
    """Let these calls fail with this error code; yields the list of calls that did."""
    failed: list[str] = []

    def hook(called: str, name: str, parameters: dict[str, Any]) -> None:
        if (called, name) == (service, operation) and len(failed) < times:
            failed.append(name)
            raise aws.ClientError({"Error": {"Code": code, "Message": "on order"}}, operation)

    with aws.intercepted(hook):
        yield failed


@contextmanager
def answer_lost(operation: str) -> Iterator[None]:
    """The first such call to DynamoDB is done, and its answer never comes."""
    lost: list[str] = []

    def lose(model: Any, **_: Any) -> None:
        if not lost:
            lost.append(model.name)
            raise aws.Unreachable[-1](endpoint_url="lost on the way back")

    events = aws.client("dynamodb").meta.events
    events.register(f"after-call.dynamodb.{operation}", lose, unique_id="answer-lost")
    try:
        yield
    finally:
        events.unregister(f"after-call.dynamodb.{operation}", unique_id="answer-lost")


@contextmanager
def meanwhile(operation: str, do: Callable[[], object], *, key: str = "") -> Iterator[None]:
    """Somebody else does this right before the first such call (of an item whose key says so) goes out."""
    waiting = [do]

    def hook(service: str, name: str, parameters: dict[str, Any]) -> None:
        if name == operation and waiting and key in repr(parameters.get("Key") or parameters.get("Item") or ""):
            waiting.pop()()

    with aws.intercepted(hook):
        yield
    assert not waiting, f"{operation} was never called, so nothing came in between."


@contextmanager
def before_call(number: int, do: Callable[[], object]) -> Iterator[list[str]]:
    """Somebody else does this right before the call of this number to DynamoDB goes out, counted from one.

    Yields what was called, so that a test can go through all the places between two calls of a piece of work.
    """
    called: list[str] = []
    away = False

    def hook(service: str, name: str, parameters: dict[str, Any]) -> None:
        nonlocal away
        if service != "dynamodb" or away:
            return
        called.append(name)
        if len(called) == number:
            away = True
            do()
            away = False

    with aws.intercepted(hook):
        yield called


@contextmanager
def contention(share: float, *, seed: int) -> Iterator[list[int]]:
    """Cancel this share of transactions with a conflict, as the service does and emulators never do."""
    dice, met = random.Random(seed), [0]

    def hook(service: str, name: str, parameters: dict[str, Any]) -> None:
        if name == "TransactWriteItems" and dice.random() < share:
            met[0] += 1
            reasons = [{"Code": "TransactionConflict"}] + [{"Code": "None"}] * (len(parameters["TransactItems"]) - 1)
            error = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
            raise aws.ClientError(error, name)  # type: ignore[arg-type]

    with aws.intercepted(hook):
        yield met

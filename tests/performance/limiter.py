"""What limiting costs: decisions a second, writes for each, and its share of a request, on the local cloud."""

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from functions.work.tasks.app import app, handler
from tessera import aws, clock, ids
from tessera.buckets import Buckets
from tessera.gcra import Window
from tessera.limits import Limits
from tessera.policies import Policy
from tests.kit.apps import serving
from tests.kit.buckets import InMemory, limiter
from tests.kit.clocks import FakeClock
from tests.kit.queues import make_queue
from tests.kit.stores import make_table
from tests.performance.latency import event, in_shifts, local_cloud, quietly, unlimited

ROUNDS = 300
WIDE = Policy("wide", (Window(60_000, 60, 1_000),), lease=1)
OFTEN = Policy("often", (Window(500, 1, 500),))
BATCH = 25


def sizes(said: Mapping[str, str]) -> list[int]:
    """Among how many buckets decisions are timed: `LARGE=1` adds 10^5, `BUCKETS=1000000` as many as it says."""
    asked = [int(said["BUCKETS"])] if said.get("BUCKETS") else []
    return [1, 10_000, *([100_000] if said.get("LARGE") else []), *asked]


def report(folder: Path) -> str:
    return "\n".join(f"  {line}" for line in [*_writes(), *_measured(folder)])


def _writes() -> Iterator[str]:
    """Of one bucket of 600 a minute and a burst of 20, simulated."""
    for processes in (1, 2, 8):
        shares = []
        for load in (0.2, 0.8, 2.0):
            fake, dice, store = FakeClock(), random.Random(7), InMemory()
            with clock.using(fake):
                fleet = [limiter(store) for _ in range(processes)]
                policy = Policy("shared", (Window(600, 60, 20),))
                for _ in range(3_000):
                    fake.advance(seconds=dice.expovariate(10 * load))
                    dice.choice(fleet).decide(policy, "user:anna")
            shares.append(f"{store.writes / 3_000:.2f}")
        name = f"writes per decision, {processes} process(es)"
        yield f"{name:<44} {' / '.join(shares)} at 20 / 80 / 200 % load"


def _measured(folder: Path) -> Iterator[str]:
    with local_cloud(folder), serving(app, "Tasks", QUEUE=make_queue("tasks")) as served:
        table = make_table("Ratelimit").name
        for size in sizes(os.environ):
            fill(table, size)
            limits = limiter(Buckets(table, 2_000))
            bare, decided = _in_turns(
                lambda number: _bare_update(table, number),
                lambda number, limits=limits: limits.decide(WIDE, f"user:{number}"),  # type: ignore[misc]
            )
            yield (
                f"{f'a decision, {size:,} buckets':<44} {decided:.2f} ms, {1000 / decided:,.0f}/s; "
                f"a bare update {bare:.2f} ms: {decided - bare:+.2f} ms"
            )
        yield _leased(limiter(Buckets(table, 2_000)))
        yield _skipped(limiter(Buckets(table, 2_000)))
        caller, writers = served.person(), in_shifts(served)
        unlimited("user:read", served)
        requests: dict[str, Callable[[], Any]] = {
            "GET /tasks": lambda: event(caller, "GET", "/tasks"),
            "POST /tasks": lambda: event(next(writers), "POST", "/tasks", {"title": "Buy milk"}),
        }
        for name, make in requests.items():
            yield _share(name, make)


def _leased(limits: Limits) -> str:
    began, passed = time.perf_counter(), 0
    with aws.metered() as meter:
        while time.perf_counter() - began < 2:
            passed += limits.decide(OFTEN, "user:often").allowed
    took = time.perf_counter() - began
    return (
        f"{'500/s on one subject, by leases':<44} {passed / took:,.0f} admitted/s by "
        f"{meter.requests / took:.0f} writes/s, burst included"
    )


def _skipped(limits: Limits) -> str:
    taken = []
    for number in range(2_000):
        began = time.perf_counter()
        decision = limits.sample("user:read", f"user:{number // 9}", request_id=str(number))
        if decision.writes == 0:
            taken.append(time.perf_counter() - began)
    return f"{'a read that is not charged':<44} {statistics.median(taken) * 1e6:.0f} us"


def _share(name: str, make: Callable[[], Any]) -> str:
    """How much of a request is the limiter's, by the clock around its calls."""
    limits, spent = app.state.bindings.get(Limits), 0.0
    real = {method: getattr(limits, method) for method in ("decide", "sample")}

    def timed(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **more: Any) -> Any:
            nonlocal spent
            began = time.perf_counter()
            try:
                return call(*given, **more)
            finally:
                spent += time.perf_counter() - began

        return run

    for method, call in real.items():
        setattr(limits, method, timed(call))
    try:
        for _ in range(20):
            quietly(handler, make())
        spent, began = 0.0, time.perf_counter()
        for _ in range(ROUNDS):
            answer = quietly(handler, make())
            assert answer["statusCode"] < 300, answer
        took = time.perf_counter() - began
    finally:
        for method, call in real.items():
            setattr(limits, method, call)
    share = f"{spent / ROUNDS * 1000:.2f} of {took / ROUNDS * 1000:.2f} ms: {spent / took:.0%}"
    return f"{'share of ' + name:<44} {share}"


def _in_turns(bare: Callable[[int], Any], ours: Callable[[int], Any]) -> tuple[float, float]:
    """The medians in milliseconds, one after the other each round, so that a busy moment strikes both."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 20):
        for place, call in enumerate((bare, ours)):
            began = time.perf_counter()
            call(number)
            if number >= 20:
                taken[place].append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[0]), statistics.median(taken[1])


def _bare_update(table: str, number: int) -> None:
    """The least that could count: no condition, nothing remembered."""
    aws.client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": f"BARE#{number}"}, "sk": {"S": "wide"}},
        UpdateExpression="SET tat0 = :tat",
        ExpressionAttributeValues={":tat": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )


def fill(table: str, count: int) -> None:
    """So many buckets of others."""
    for start in range(0, count, BATCH):
        puts = [
            {"PutRequest": {"Item": {"pk": {"S": f"B#{ids.new()}"}, "sk": {"S": "wide"}, "tat0": {"N": "1"}}}}
            for _ in range(min(BATCH, count - start))
        ]
        aws.client("dynamodb").batch_write_item(RequestItems={table: puts})

"""What operations cost, held against `costs.json`, with a hundred and with ten thousand items in the way.

A change in requests fails: if it is meant, `make bench RECORD=1` writes the new table, and the change shows in review.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from functions.work.tasks.app import app
from functions.work.tasks.rules.task import INBOX
from tessera import clock, ids
from tests.kit.apps import Caller, Served, serving
from tests.kit.capacity import CapacityMeter
from tests.kit.clocks import FakeClock
from tests.kit.queues import make_queue
from tests.performance.filling import fill

COSTS = Path(__file__).with_name("costs.json")
RECORD = bool(os.environ.get("RECORD"))
SIZES = [100, 10_000, *([100_000] if os.environ.get("LARGE") else [])]


@dataclass
class World:
    """Somebody with this many tasks."""

    served: Served
    caller: Caller
    size: int
    ready: dict[str, "Prepared"] = field(default_factory=dict)

    def a_task(self) -> dict[str, Any]:
        made = self.caller.post("/tasks", json={"title": "Buy milk", "tags": ["home"]})
        assert made.status_code == 201, made.text
        return {**made.json(), "etag": made.headers["etag"]}


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: f"{size} items")
def world(cloud: None, request: pytest.FixtureRequest) -> Iterator[World]:
    # Time stands still, so that the feed of revocations, read every 15 seconds, does not come in between.
    with clock.using(FakeClock()), serving(app, "Tasks", QUEUE=make_queue("tasks")) as served:
        found = World(served, served.person(), request.param)
        # moto copies the table for each transaction, so what can be made ready is, before there is much to copy.
        found.ready = {name: prepare(found) for name, prepare in WRITES.items()}
        fill(served.table, found.caller.id, request.param)
        todo = served.client.post("/tasks/todo-backend/bench", json={"title": "Buy milk"})
        assert todo.status_code == 201, todo.text
        # Keys, revocations and limits are known from here on, as in a function that is warm.
        assert found.caller.get("/tasks").status_code == 200
        yield found


Prepared = Callable[[], Any]


def get_task(world: World) -> Prepared:
    task_id = world.caller.get("/tasks?limit=1").json()["items"][0]["id"]
    return lambda: world.caller.get(f"/tasks/{task_id}")


def create_task(world: World) -> Prepared:
    return lambda: world.caller.post("/tasks", json={"title": "Buy milk"}, headers={"idempotency-key": ids.new()})


def create_task_with_a_plain_key(world: World) -> Prepared:
    key = f"order {ids.new()}"
    return lambda: world.caller.post("/tasks", json={"title": "Buy milk"}, headers={"idempotency-key": key})


def replay_a_create(world: World) -> Prepared:
    headers = {"idempotency-key": ids.new()}
    world.caller.post("/tasks", json={"title": "Buy milk"}, headers=headers)
    return lambda: world.caller.post("/tasks", json={"title": "Buy milk"}, headers=headers)


def change_task(world: World) -> Prepared:
    task = world.a_task()
    match = {"if-match": task["etag"]}
    return lambda: world.caller.patch(f"/tasks/{task['id']}", json={"title": "Buy rye"}, headers=match)


def complete_task(world: World) -> Prepared:
    task = world.a_task()
    return lambda: world.caller.post(f"/tasks/{task['id']}/complete", headers={"if-match": task["etag"]})


def delete_task(world: World) -> Prepared:
    task = world.a_task()
    return lambda: world.caller.delete(f"/tasks/{task['id']}")


def list_tasks(world: World) -> Prepared:
    return lambda: world.caller.get("/tasks")


def list_tasks_of_a_list(world: World) -> Prepared:
    return lambda: world.caller.get(f"/tasks?list_id={INBOX}&limit=50")


def next_page(world: World) -> Prepared:
    cursor = world.caller.get("/tasks").json()["next"]
    return lambda: world.caller.get(f"/tasks?cursor={cursor}")


def facade_list(world: World) -> Prepared:
    return lambda: world.served.client.get("/tasks/todo-backend/bench")


def facade_add(world: World) -> Prepared:
    namespace = ids.new()
    world.served.client.post(f"/tasks/todo-backend/{namespace}", json={"title": "Buy milk"})
    return lambda: world.served.client.post(f"/tasks/todo-backend/{namespace}", json={"title": "Buy milk"})


WRITES: dict[str, Callable[[World], Prepared]] = {
    "POST /tasks": create_task,
    "POST /tasks, key without a time": create_task_with_a_plain_key,
    "POST /tasks, replayed": replay_a_create,
    "PATCH /tasks/{id}": change_task,
    "POST /tasks/{id}/complete": complete_task,
    "DELETE /tasks/{id}": delete_task,
    "POST /tasks/todo-backend/{ns}": facade_add,
}
READS: dict[str, Callable[[World], Prepared]] = {
    "GET /tasks/{id}": get_task,
    "GET /tasks": list_tasks,
    "GET /tasks?list_id": list_tasks_of_a_list,
    "GET /tasks?cursor": next_page,
    "GET /tasks/todo-backend/{ns}": facade_list,
}


# Reads of somebody signed in. The facade has a policy of its own, which counts every request.
SAMPLED = READS.keys() - {"GET /tasks/todo-backend/{ns}"}


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_an_operation_costs_what_the_table_says_however_much_there_is(world: World, name: str) -> None:
    do = READS[name](world) if name in READS else world.ready[name]

    with CapacityMeter() as meter:
        answer = do()

    assert answer.is_success, answer.text
    cost = meter.of(world.served.table.name)
    # The limiter's writes are its own, and counted apart.
    limiter: float = sum(other.requests for table, other in meter.by_table.items() if table != world.served.table.name)
    if name in SAMPLED:
        # One read in ten is charged; `test_a_read_adds_a_tenth_of_a_write` counts them.
        assert limiter in (0, 1)
        limiter = 0.1
    found = {
        "requests": cost.requests,
        "calls": cost.operations,
        "read_units": cost.read_units,
        "write_units": cost.write_units,
        "limiter": limiter,
    }
    if RECORD and world.size == SIZES[0]:
        before = json.loads(COSTS.read_text()) if COSTS.exists() else {}
        COSTS.write_text(json.dumps({**before, name: found}, indent=2) + "\n")
    known = json.loads(COSTS.read_text())[name]
    # How large the items of a page are is chance: an id and a place are longer or shorter by a few bytes.
    assert found == {**known, "read_units": pytest.approx(known["read_units"], abs=1)}


def limiter_writes(world: World, ask: Callable[[Caller], Any], times: int) -> list[str]:
    """The calls that the limiter makes for so many requests of somebody new."""
    caller = world.served.person()
    with CapacityMeter() as meter:
        for _ in range(times):
            ask(caller)
    # The first write of a class also looks for an override of its policy, once a minute.
    apart = [cost for table, cost in meter.by_table.items() if table != world.served.table.name]
    return [operation for cost in apart for operation in cost.operations if operation != "GetItem"]


def test_a_read_adds_a_tenth_of_a_write(world: World) -> None:
    absent = f"/tasks/{ids.new()}"

    assert limiter_writes(world, lambda caller: caller.get(absent), 100) == ["UpdateItem"] * 10


def test_a_write_adds_exactly_one(world: World) -> None:
    absent = f"/tasks/{ids.new()}"

    assert limiter_writes(world, lambda caller: caller.delete(absent), 30) == ["UpdateItem"] * 30


def test_the_table_lists_what_is_measured_and_nothing_else() -> None:
    assert set(json.loads(COSTS.read_text())) == {*READS, *WRITES}

"""Warm requests beside a bare handler that makes the same calls, in one process and one run, on the local cloud.

The bare handler is FastAPI and Mangum with nothing of ours: it repeats the DynamoDB calls of the request it is compared
with, through botocore's own client, and prints one line. What is left between the two is what Tessera adds.
"""

import contextlib
import io
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fastapi import FastAPI
from mangum import Mangum

from functions.work.tasks.app import app, handler
from tessera import aws, ids
from tessera.overrides import PolicyRow
from tessera.tables import Table
from tests.kit.apps import Caller, Served, serving
from tests.kit.queues import make_queue
from tests.performance.filling import fill
from tools import cloud, ports
from tools.emulator import Emulator

ROUNDS = 200
TARGET = 1.5
# More than a page holds.
LISTED = 100
WRITES_OF_ONE = 15

Handler = Callable[[dict[str, Any], Any], Any]
Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Timing:
    name: str
    calls: int
    ours_ms: float
    bare_ms: float

    @property
    def ratio(self) -> float:
        return self.ours_ms / self.bare_ms


def report(folder: Path) -> str:
    lines = [f"  {'':<18} {'calls':>5} {'ours':>10} {'bare':>10}"]
    for timing in measure(folder):
        over = f"  over {TARGET}" if timing.ratio > TARGET else ""
        lines.append(
            f"  {timing.name:<18} {timing.calls:>5} {timing.ours_ms:>7.2f} ms {timing.bare_ms:>7.2f} ms "
            f"{timing.ratio:>5.2f} x{over}"
        )
    return "\n".join(lines)


def measure(folder: Path) -> Iterator[Timing]:
    with local_cloud(folder), serving(app, "Tasks", QUEUE=make_queue("tasks")) as served:
        caller, writers = served.person(), in_shifts(served)
        unlimited("user:read", served)
        fill(served.table, caller.id, LISTED)
        made = quietly(handler, event(caller, "POST", "/tasks", {"title": "Buy milk"}))
        task_id = json.loads(made["body"])["id"]
        requests: dict[str, Callable[[], dict[str, Any]]] = {
            "GET /tasks/{id}": lambda: event(caller, "GET", f"/tasks/{task_id}"),
            "POST /tasks": lambda: event(next(writers), "POST", "/tasks", {"title": "Buy milk"}),
            "GET /tasks": lambda: event(caller, "GET", "/tasks"),
        }
        for name, make in requests.items():
            calls = calls_of(make())
            bare = bare_handler(
                make()["requestContext"]["http"]["method"], calls, status=201 if "POST" in name else 200
            )
            ours_ms, bare_ms = in_turns(make, handler, bare)
            yield Timing(name, len(calls), ours_ms, bare_ms)


def in_shifts(served: Served) -> Iterator[Caller]:
    """Somebody else before anybody has made as much as the limit allows."""
    while True:
        caller = served.person()
        for _ in range(WRITES_OF_ONE):
            yield caller


def unlimited(name: str, served: Served) -> None:
    """One reader asks more often here than a person may; what the limiter does for each of them stays the same."""
    many = 1_000_000
    row = PolicyRow(pk=f"POLICY#{name}", sk="V", limit=many, period_seconds=60, burst=many, lease=1)
    Table(served.bindings.environment["RATELIMIT"]).put(row)


@contextlib.contextmanager
def local_cloud(folder: Path) -> Iterator[None]:
    emulator = Emulator(folder, ports.any_free(), saves=False)
    emulator.start()
    try:
        emulator.wait()
        with patch.dict(os.environ, cloud.environment(emulator.endpoint)):
            aws.forget_clients()
            yield
    finally:
        aws.forget_clients()
        emulator.stop()


def event(caller: Caller, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the gateway would send of this caller."""
    headers = {"authorization": f"Bearer {caller.token}"}
    return gateway_event(method, path, body, headers if body is None else {**headers, "idempotency-key": ids.new()})


def gateway_event(
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    *,
    address: str = "127.0.0.1",
) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": "application/json", "host": "app.test", **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": address, "protocol": "HTTP/1.1"},
            "requestId": ids.new(),
            "stage": "$default",
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def calls_of(asked: dict[str, Any], handle: Handler = handler) -> list[Call]:
    """The DynamoDB calls of one warm request."""
    calls: list[Call] = []

    def note(service: str, operation: str, parameters: dict[str, Any]) -> None:
        if service == "dynamodb":
            calls.append((operation, json.loads(json.dumps(parameters))))

    quietly(handle, asked)
    with aws.intercepted(note):
        answer = quietly(handle, asked | {"headers": {**asked["headers"], "idempotency-key": ids.new()}})
    assert answer["statusCode"] < 300, answer
    return calls


def bare_handler(method: str, calls: list[Call], *, status: int) -> Handler:
    """FastAPI, Mangum, botocore, one line: the least that could do it."""
    bare, client = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), aws._session().create_client("dynamodb")

    def work() -> list[Any]:
        answers = [repeated(client, operation, parameters) for operation, parameters in calls]
        print(json.dumps({"level": "INFO", "message": "request", "status": status, "calls": len(answers)}))
        return [answer.get("Item") or answer.get("Items") for answer in answers]

    async def read() -> Any:
        return work()

    async def write(body: dict[str, Any]) -> Any:
        return work()

    bare.api_route("/{path:path}", methods=[method], status_code=status)(write if method == "POST" else read)
    return Mangum(bare, lifespan="off")


def repeated(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The call once more; a write makes another item, and the limiter's is one to the same bucket."""
    if operation == "TransactWriteItems":
        parameters = with_new_ids(parameters)
        answer: dict[str, Any] = client.transact_write_items(**parameters)
    elif operation == "UpdateItem":
        # Its condition names the state the bucket was in; the bare handler only counts.
        plain = {name: parameters[name] for name in ("TableName", "Key")}
        counting = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
        answer = client.update_item(**plain, **counting, ReturnValues="ALL_NEW")
    else:
        answer = {"GetItem": client.get_item, "Query": client.query}[operation](**parameters)
    return answer


def with_new_ids(parameters: dict[str, Any]) -> dict[str, Any]:
    """The same transaction for another task."""
    old = parameters["TransactItems"][0]["Put"]["Item"]["sk"]["S"].partition("#")[2]
    text = json.dumps(parameters).replace(old, ids.new()).replace(parameters["ClientRequestToken"], ids.new())
    made: dict[str, Any] = json.loads(text)
    return made


def is_success(status: int) -> bool:
    return status < 300


def in_turns(
    make: Callable[[], dict[str, Any]], ours: Handler, bare: Handler, *, is_right: Callable[[int], bool] = is_success
) -> tuple[float, float]:
    """The medians in milliseconds. One after the other each round, so that a busy moment strikes both."""
    taken: dict[str, list[float]] = {"ours": [], "bare": []}
    for round_number in range(ROUNDS + 20):
        for name, handle in (("ours", ours), ("bare", bare)):
            asked = make()
            began = time.perf_counter()
            answer = quietly(handle, asked)
            took = time.perf_counter() - began
            assert is_right(answer["statusCode"]), answer
            if round_number >= 20:
                taken[name].append(took * 1000)
    return statistics.median(taken["ours"]), statistics.median(taken["bare"])


_SINK = io.StringIO()


def quietly(handle: Handler, asked: dict[str, Any]) -> Any:
    """The lines are written, into memory: a terminal would be what is measured."""
    with contextlib.redirect_stdout(_SINK):
        answer = handle(asked, None)
    _SINK.seek(0)
    _SINK.truncate()
    return answer

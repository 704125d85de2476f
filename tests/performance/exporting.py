"""Whole rooms as files: how long a worker takes, and how much memory beyond that of an idle one.

A worker that keeps nothing needs no more for a room ten times as large. `LARGE=1` adds one of a hundred thousand. The
messages are made as they are read, because the local cloud looks through a whole room for each page of it; that a page
costs the same in a room of any size is asserted by the unit tests. All else is the local cloud's.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from pynamodb.expressions.condition import Condition

from functions.live.chat.app import app
from functions.live.chat.ports import Ports
from functions.live.chat.store.rows import MessageRow
from functions.live.chat.triggers import ENTRIES
from tessera import aws, ids
from tessera.auth.internal import Internal
from tessera.tables import Row, Table
from tessera.triggers import dispatch
from tests.kit.apps import Caller, Served, serving
from tests.kit.queues import batch, drain, make_fifo, make_queue
from tests.kit.stores import make_bucket, make_table
from tests.performance.latency import quietly

MESSAGES = (1_000, 10_000, *([100_000] if os.environ.get("LARGE") else []))
WORDS = "The release is planned for Thursday, if the tests are green by then. " * 3
R = TypeVar("R", bound=Row)


class MadeUp(Table):
    """A table of rooms in which so many messages were said, none below another, and nobody has reacted."""

    count = 0

    def query_all(self, row: type[R], pk: str, *, sort: Condition | None = None, **_: Any) -> Iterator[R]:
        assert sort is not None
        first, last = (bound.value["S"] for bound in sort.values[1:])
        if first.startswith("M#"):
            for n in range(int(first[2:14]), min(int(last[2:14]), self.count) + 1):
                yield cast(R, _message(pk, n))


def exported() -> Iterator[tuple[str, str]]:
    """One room after the other; every message of each is in its file once, in the order in which it was said."""
    given = {"QUEUE": make_queue("chat"), "REALTIME": make_table("Realtime").name, "BUCKET": make_bucket("uploads")}
    given["FANOUT_QUEUES"] = make_fifo("fanout")
    with serving(app, "Chat", **given) as served:
        served.bindings.replace(Internal, Internal("chat", served.bindings, _nobody_has_a_name))
        owner = served.person()
        for count in MESSAGES:
            room_id = _room(served, owner, count)
            made_up = MadeUp(served.table.name)
            made_up.count = count
            served.bindings.get(Ports).whole.table = made_up
            _forget_peak()
            idle, began = _memory("VmRSS"), time.perf_counter()
            job = _export(served, owner, room_id, given["QUEUE"])
            took, peak = time.perf_counter() - began, _memory("VmHWM")
            assert _said(given["BUCKET"], owner, job) == list(range(1, count + 1))
            rate = f"{took:.1f} s, {count / took:,.0f} a second"
            yield f"a room of {count:,} messages exported", f"{rate}; {peak - idle:.0f} MB beyond {idle:.0f}"


def _room(served: Served, owner: Caller, count: int) -> str:
    body = {"name": f"Room {count}", "kind": "private"}
    made = quietly(lambda asked, _: owner.post("/chat/rooms", json=asked), body)
    assert made.status_code == 201, made.text
    room_id = str(made.json()["id"])
    key, told = {"pk": {"S": f"ROOM#{room_id}"}, "sk": {"S": "META"}}, {":n": {"N": str(count)}}
    aws.client("dynamodb").update_item(
        TableName=served.table.name, Key=key, UpdateExpression="SET msg_n = :n", ExpressionAttributeValues=told
    )
    return room_id


def _message(pk: str, n: int) -> MessageRow:
    row = MessageRow(pk=pk, sk=f"M#{n:012d}", id=ids.new(), seq=n, author_id="a", at=1_700_000_000_000)
    row.text = WORDS
    return row


def _export(served: Served, owner: Caller, room_id: str, queue: str) -> str:
    """The id of the job, when it is done."""
    drain(queue)
    asked = quietly(lambda body, _: owner.post(f"/chat/rooms/{room_id}/export", json=body), {})
    assert asked.status_code == 202, asked.text
    while bodies := drain(queue):
        answer = quietly(lambda event, _: dispatch(ENTRIES, event, served.bindings), batch(*bodies))
        assert answer["batchItemFailures"] == [], answer
    told = served.bindings.get(Ports).jobs.get(owner.id, asked.json()["id"])
    assert told.state == "done", told
    return told.id


def _said(bucket: str, owner: Caller, job: str) -> list[int]:
    """The numbers of the messages in the file, in its order."""
    file = aws.client("s3").get_object(Bucket=bucket, Key=f"chat/exports/{owner.id}/{job}/room.jsonl")["Body"]
    lines: Iterator[dict[str, Any]] = map(json.loads, file.iter_lines())
    return [line["n"] for line in lines if line["kind"] == "message"]


def _nobody_has_a_name(function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps({"items": []})}


def _memory(name: str) -> float:
    """Of this process, in megabytes, where the system says so."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
    return float("nan")


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")

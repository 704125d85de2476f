"""The whole capability on moto, with `files` as a stand-in for whatever a test has said that there is."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from functions.files.media import sandbox
from functions.files.media.app import app, handler
from functions.files.media.ports import Ports
from functions.files.media.rules.jobs import JobView
from functions.files.media.rules.kinds import Kind
from functions.files.media.rules.outputs import Format, Spec, normal, text_of
from functions.files.media.store.rows import JobRow
from functions.files.media.triggers import ENTRIES
from tessera import aws, clock, ids
from tessera.auth.internal import Internal
from tessera.outbox import Envelope
from tessera.seqlog import SeqLog
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.apps import Caller, Served, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import make_queue
from tests.kit.stores import everything_in, make_table


class Files:
    """`files`, its resolve route and its bucket of clean bytes."""

    def __init__(self, bucket: str) -> None:
        self.bucket, self.status = bucket, 200
        self.known: dict[str, dict[str, Any]] = {}
        self.readers: set[tuple[str, str]] = set()
        self.before_answer: Callable[[], None] = lambda: None

    def add(self, owner_id: str, body: bytes, media_type: str = "image/png", state: str = "clean") -> str:
        file_id = ids.new()
        self.known[file_id] = {"id": file_id, "owner_id": owner_id, "state": state, "name": "a", "n": 0}
        self.replace(file_id, body, media_type)
        return file_id

    def replace(self, file_id: str, body: bytes, media_type: str = "image/png") -> dict[str, Any]:
        """Another version of its content; the data of the event that says so."""
        file = self.known[file_id]
        n = file["n"] + 1
        key = f"{file['owner_id']}/{file_id}/{n}"
        etag = aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)["ETag"].strip('"')
        file |= {"type": media_type, "size": len(body), "etag": etag, "bucket": self.bucket, "key": key, "n": n}
        return self.event(file_id)

    def event(self, file_id: str) -> dict[str, Any]:
        file = self.known[file_id]
        told = {name: file[name] for name in ("owner_id", "n", "size", "etag")}
        return {**told, "file_id": file_id, "media_type": file["type"]}

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        assert (function, event["rawPath"]) == ("tessera-files", "/files/internal/resolve")
        self.before_answer()
        asked = json.loads(event["body"])
        reader = asked["on_behalf_of"]
        found = [
            {**self.known[one], "role": "owner"}
            for one in asked["ids"]
            if one in self.known and (self.known[one]["owner_id"] == reader or (one, reader) in self.readers)
        ]
        return {"statusCode": self.status, "body": json.dumps({"items": found})}


@dataclass
class World:
    served: Served
    files: Files
    realtime: Table
    clock: FakeClock
    queues: dict[str, str]
    # How long each message was to wait; all come at once.
    waits: list[int] = field(default_factory=list)

    @property
    def bindings(self) -> Bindings:
        found: Bindings = app.state.bindings
        return found

    @property
    def ports(self) -> Ports:
        return self.bindings.get(Ports)

    @property
    def table(self) -> Table:
        return self.served.table

    def person(self, *roles: str) -> "Person":
        user_id = ids.new()
        expires = int(clock.now().timestamp()) + 31_536_000
        token = self.served.signer.token(sub=user_id, sid=f"family-{user_id}", exp=expires, roles=["user", *roles])
        return Person(self.served.client, token, user_id)

    def event(self, event_type: str, data: dict[str, Any]) -> dict[str, Any]:
        made = Envelope(ids.new(), event_type, clock.rfc3339(clock.now()), "", data)
        return self.deliver({"detail-type": event_type, "source": "tessera.files", "detail": json.loads(made.text())})

    def clean(self, caller: Caller, body: bytes, media_type: str = "image/png") -> str:
        """A file that has just been found clean, the news delivered and nothing done about it yet."""
        file_id = self.files.add(caller.id, body, media_type)
        assert self.event("files.file.clean.v1", self.files.event(file_id)) == {"batchItemFailures": []}
        return file_id

    def deliver(self, *bodies: dict[str, Any]) -> dict[str, Any]:
        records = [
            {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body), "attributes": {}}
            for number, body in enumerate(bodies)
        ]
        answer: dict[str, Any] = dispatch(ENTRIES, {"Records": records}, self.bindings)
        return answer

    def take(self, name: str = "QUEUE") -> list[dict[str, Any]]:
        """Every message that waits in this queue, however long it was to wait."""
        url, found = self.queues[name], []
        while messages := aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                found.append(json.loads(message["Body"]))
                aws.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def work(self) -> int:
        """Do what waits, and what that sends."""
        done = 0
        while bodies := [*self.take(), *self.take("HEAVY_QUEUE")]:
            for body in bodies:
                assert self.deliver(body) == {"batchItemFailures": []}, body
                done += 1
        return done

    def job(self, caller: Caller, file_id: str, status: int = 202, **body: Any) -> dict[str, Any]:
        answer = caller.post("/media/jobs", json={"file_id": file_id, **body})
        assert answer.status_code == status, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def view(self, job_id: str) -> JobView:
        found = self.ports.jobs.view(job_id)
        assert found is not None
        return found

    def objects(self, file_id: str = "") -> dict[str, bytes]:
        s3, bucket = aws.client("s3"), self.ports.objects.bucket
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"thumbs/{file_id}").get("Contents", ())
        return {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found}

    def picture(self, output: dict[str, Any]) -> Image.Image:
        """An output as whoever has its link sees it."""
        key = output["url"].partition("?")[0].split("/thumbs/", 1)[1]
        body = aws.client("s3").get_object(Bucket=self.ports.objects.bucket, Key=f"thumbs/{key}")["Body"].read()
        return Image.open(io.BytesIO(body))

    def told(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(row.data) for row in SeqLog(self.realtime).read(topic, 0, 1_000)]

    def events(self) -> list[Envelope]:
        return [Envelope.parse(item["event"]["S"]) for item in everything_in(self.table) if "event" in item]

    def check_counters(self) -> None:
        """Every job's counts are those of its outputs."""
        jobs = [item for item in everything_in(self.table) if item["sk"]["S"] == "META"]
        for item in jobs:
            row = JobRow()
            row.from_dynamodb_dict(item)
            view = self.view(row.pk.partition("#")[2])
            states = Counter(output.state for output in view.outputs)
            assert (view.job.done, view.job.failed) == (states["done"], states["failed"])

    def internal(self, path: str, body: dict[str, Any], *, caller: str = "accounts") -> Any:
        answer = handler(invocation(path, body, caller=caller), None)
        return answer["statusCode"], json.loads(answer["body"])

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Messages that are to wait come at once."""

        def at_once(service: str, operation: str, given: dict[str, Any]) -> None:
            if operation == "SendMessage":
                self.waits.append(given.get("DelaySeconds", 0))
                given["DelaySeconds"] = 0

        with aws.intercepted(at_once):
            yield


class Person(Caller):
    def put(self, path: str, **given: Any) -> httpx.Response:
        return self.request("PUT", path, **given)


def make_bucket(name: str) -> str:
    bucket = f"{name}-{ids.new().lower()}"
    where = {"LocationConstraint": "eu-central-1"}
    aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    return bucket


@pytest.fixture(scope="session")
def buckets(cloud: None) -> tuple[str, str]:
    """Keys hold ids, so that tests can share the buckets."""
    return make_bucket("clean"), make_bucket("media")


@pytest.fixture
def world(buckets: tuple[str, str], frozen: FakeClock) -> Iterator[World]:
    files, realtime = Files(buckets[0]), make_table("Realtime")
    queues = {name: make_queue(name.lower()) for name in ("QUEUE", "HEAVY_QUEUE", "DEAD_QUEUE", "HEAVY_DEAD_QUEUE")}
    fifo = {"FifoQueue": "true"}
    fanout = aws.client("sqs").create_queue(QueueName=f"fan-{ids.new().lower()}.fifo", Attributes=fifo)["QueueUrl"]
    variables = {
        "BUCKET": buckets[1],
        "CLEAN": buckets[0],
        "REALTIME": realtime.name,
        "FANOUT_QUEUES": fanout,
        "EPHEMERAL_QUEUE": make_queue("ephemeral"),
        "RATE_FACTOR": "1000",
        **queues,
    }
    with serving(app, "Media", **variables) as served:
        served.client.follow_redirects = False
        bindings: Bindings = app.state.bindings
        bindings.replace(Internal, Internal("media", bindings, files))
        made = World(served, files, realtime, frozen, queues)
        with made.hurried():
            yield made


@pytest.fixture
def ann(world: World) -> Person:
    return world.person()


@dataclass
class Reading:
    """What one process said of one source."""

    lines: list[dict[str, Any]]

    def of(self, kind: str) -> Any:
        return next((line[kind] for line in self.lines if kind in line), None)

    @property
    def code(self) -> str | None:
        """Why nothing, or not this output, was made; None when it was."""
        refused: str | None = self.of("refused")
        output = self.of("output")
        return refused or (output or {}).get("error")


def read(body: bytes, folder: Path, kind: Kind = Kind.IMAGE, **task: Any) -> Reading:
    """Let the process read this, with one small output where there is a picture."""
    folder.mkdir(exist_ok=True)
    path = folder / "source"
    path.write_bytes(body)
    specs = text_of([normal(Spec(32, 32, Format.WEBP))])
    given = {"specs": specs, "wants_facts": True, **task}
    return Reading(list(sandbox.run(sandbox.Task(path, folder, kind, **given))))

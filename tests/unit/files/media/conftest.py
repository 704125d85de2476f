"""The whole capability on moto, with `files` as a stand-in for whatever a test has said that there is."""

import compileall
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from tessera import aws, ids
from tessera.auth.internal import Internal
from tessera.seqlog import SeqLog
from tessera.tables import Table
from tests.kit.apps import Caller, answered, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain, make_fifo, make_queue
from tests.kit.stores import everything_in, make_bucket, make_table
from tests.kit.worlds import DONE, CapabilityWorld


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
class World(CapabilityWorld[Ports]):
    entries = ENTRIES
    ports_type = Ports

    files: Files
    realtime: Table
    queues: dict[str, str]
    # How long each message was to wait; all come at once.
    waits: list[int] = field(default_factory=list)

    def clean(self, caller: Caller, body: bytes, media_type: str = "image/png") -> str:
        """A file that has just been found clean, the news delivered and nothing done about it yet."""
        file_id = self.files.add(caller.id, body, media_type)
        assert self.receive("files.file.clean.v1", **self.files.event(file_id)) == DONE
        return file_id

    def take(self, name: str = "QUEUE") -> list[dict[str, Any]]:
        """Every message that waits in this queue, however long it was to wait."""
        return [json.loads(body) for body in drain(self.queues[name])]

    def work(self) -> int:
        """Do what waits, and what that sends."""
        done = 0
        while bodies := [*self.take(), *self.take("HEAVY_QUEUE")]:
            for body in bodies:
                assert self.deliver(body) == DONE, body
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

    def check_counters(self) -> None:
        """Every job's counts are those of its outputs."""
        jobs = [item for item in everything_in(self.table) if item["sk"]["S"] == "META"]
        for item in jobs:
            row = JobRow()
            row.from_dynamodb_dict(item)
            view = self.view(row.pk.partition("#")[2])
            states = Counter(output.state for output in view.outputs)
            assert (view.job.done, view.job.failed) == (states["done"], states["failed"])

    def internal(self, path: str, body: dict[str, Any], *, caller: str = "accounts") -> tuple[int, Any]:
        return answered(handler, invocation(path, body, caller=caller))

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Messages that are to wait come at once."""

        def at_once(service: str, operation: str, given: dict[str, Any]) -> None:
            if operation == "SendMessage":
                self.waits.append(given.get("DelaySeconds", 0))
                given["DelaySeconds"] = 0

        with aws.intercepted(at_once):
            yield


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Each picture has a process of its own that writes nothing: not what it compiled either, so it is there before."""
    for imported in (sandbox, Image):
        compileall.compile_dir(Path(imported.__file__ or "").parent, quiet=1)


@pytest.fixture(scope="session")
def buckets(cloud: None) -> tuple[str, str]:
    """Keys hold ids, so that tests can share the buckets."""
    return make_bucket("clean"), make_bucket("media")


@pytest.fixture
def world(buckets: tuple[str, str], frozen: FakeClock) -> Iterator[World]:
    files, realtime = Files(buckets[0]), make_table("Realtime")
    queues = {name: make_queue(name.lower()) for name in ("QUEUE", "HEAVY_QUEUE", "DEAD_QUEUE", "HEAVY_DEAD_QUEUE")}
    variables = {
        "BUCKET": buckets[1],
        "CLEAN": buckets[0],
        "REALTIME": realtime.name,
        "FANOUT_QUEUES": make_fifo("fanout"),
        "EPHEMERAL_QUEUE": make_queue("ephemeral"),
        "RATE_FACTOR": "1000",
        **queues,
    }
    with serving(app, "Media", **variables) as served:
        served.client.follow_redirects = False
        served.bindings.replace(Internal, Internal("media", served.bindings, files))
        made = World(served, frozen, files, realtime, queues)
        with made.hurried():
            yield made


@pytest.fixture
def ann(world: World) -> Caller:
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

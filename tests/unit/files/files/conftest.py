"""The app of `files` on a table and buckets of its own, people who may use it, and the messages that S3 would send."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from functions.files.files.app import app, handler
from functions.files.files.ports import Ports
from functions.files.files.rules.files import Content, File
from functions.files.files.triggers import ENTRIES
from tessera import aws, clock, ids
from tessera.auth.principal import Principal
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.apps import Caller, answered, invocation
from tests.kit.clocks import FakeClock
from tests.kit.queues import batch, drain, make_queue
from tests.kit.stores import events_in, make_bucket, ready_in
from tests.kit.tokens import ISSUER, Signer, publish
from tests.kit.web import AppClient
from tests.kit.worlds import DONE

MIB = 1024 * 1024


@pytest.fixture(scope="session")
def buckets(cloud: None) -> tuple[str, str]:
    """Keys hold ids, so that tests can share the buckets."""
    return make_bucket("quarantine"), make_bucket("clean")


@pytest.fixture
def bindings(
    buckets: tuple[str, str],
    table_of: Callable[[str], Table],
    secret: str,
    signer: Signer,
    frozen: FakeClock,
) -> Bindings:
    feed = table_of("Authfeed")
    publish(feed, signer.entry())
    return Bindings(
        {
            "STAGE": "test",
            "CAPABILITY": "files",
            "TABLE": table_of("Files").name,
            "QUEUE": make_queue("files"),
            "QUARANTINE": buckets[0],
            "CLEAN": buckets[1],
            "QUOTA_BYTES": "200000000",
            "PUBLIC_BASE_URL": "https://files.test",
            "ISSUER": ISSUER,
            "AUTHFEED": feed.name,
            "RATELIMIT": table_of("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "LIMIT_BUDGET_MS": "2000",
            "RATE_FACTOR": "100",
        }
    )


@pytest.fixture
def client(bindings: Bindings) -> Iterator[AppClient]:
    before, app.state.bindings = app.state.bindings, bindings
    yield AppClient(app, base_url="https://files.test", follow_redirects=False)
    app.state.bindings = before


@pytest.fixture
def world(bindings: Bindings, client: AppClient, signer: Signer, frozen: FakeClock) -> Iterator["World"]:
    def at_once(service: str, operation: str, given: dict[str, Any]) -> None:
        if operation == "SendMessage":
            given["DelaySeconds"] = 0

    with aws.intercepted(at_once):
        yield World(bindings, client, signer, frozen)


@pytest.fixture
def ann(world: "World") -> Caller:
    return world.person()


@dataclass
class World:
    bindings: Bindings
    client: AppClient
    signer: Signer
    clock: FakeClock

    @property
    def ports(self) -> Ports:
        return self.bindings.get(Ports)

    def set(self, **settings: Any) -> None:
        """Other settings than those of the template."""
        ports = self.ports
        made = replace(ports, settings=ports.settings.model_copy(update=settings))
        if "max_pending" in settings:
            ports.files.usage._max_pending = settings["max_pending"]
        self.bindings.replace(Ports, made)

    def use(self, **ports: Any) -> None:
        self.bindings.replace(Ports, replace(self.ports, **ports))

    def person(self, **claims: Any) -> Caller:
        user_id = ids.new()
        expires = int(clock.now().timestamp()) + 31_536_000
        token = self.signer.token(sub=user_id, sid=f"family-{user_id}", exp=expires, **claims)
        return Caller(self.client, token, user_id)

    def principal(self, caller: Caller) -> Principal:
        return Principal(kind="user", id=caller.id, user_id=caller.id)

    def announced(self, caller: Caller, body: bytes = b"hello", **fields: Any) -> dict[str, Any]:
        made = caller.post("/files", json={"name": "a.txt", "type": "text/plain", "size": len(body), **fields})
        assert made.status_code in (200, 201), made.text
        return {**made.json(), "etag": made.headers["etag"]}

    def put(self, file_id: str, body: bytes = b"hello", *, n: int = 1) -> str:
        """The bytes come, as by the signed link; what S3 would say of it comes back."""
        content = self.content(file_id, n)
        aws.client("s3").put_object(Bucket=self.ports.objects.quarantine, Key=content.key, Body=body)
        return content.key

    def clean(self, caller: Caller, body: bytes = b"hello", **fields: Any) -> dict[str, Any]:
        """A file that has come and was found clean."""
        file = self.announced(caller, body, **fields)
        self.come(self.put(file["id"], body))
        found = caller.get(f"/files/{file['id']}")
        return {**found.json(), "etag": found.headers["etag"]}

    def come(self, key: str, *, event: str = "ObjectCreated:Put") -> dict[str, Any]:
        """The message of S3 that an object was created."""
        record = {"eventName": event, "s3": {"bucket": {"name": "b"}, "object": {"key": key, "sequencer": "1"}}}
        return self.message(json.dumps({"Records": [record]}))

    def message(self, body: str) -> dict[str, Any]:
        answer: dict[str, Any] = dispatch(ENTRIES, batch(body), self.bindings)
        return answer

    def work(self) -> int:
        """Do what the capability has sent to itself, and what that sends."""
        done = 0
        while bodies := drain(self.ports.settings.queue):
            for body in bodies:
                assert self.message(body) == DONE, body
                done += 1
        return done

    def sweep(self) -> int:
        """Bring everything that is due by now."""
        due = ready_in(self.ports.files.table)
        for message in due:
            assert self.message(json.dumps(message)) == DONE
        return len(due)

    def later(self, **units: float) -> None:
        self.clock.advance(**units)

    def file(self, file_id: str) -> File:
        found = self.ports.files.find(file_id)
        assert found is not None
        return found

    def content(self, file_id: str, n: int = 1) -> Content:
        found = self.ports.files.content(file_id, n)
        assert found is not None
        return found

    def in_bucket(self, key: str, *, clean: bool) -> bool:
        bucket = self.ports.objects.clean if clean else self.ports.objects.quarantine
        return bool(aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"))

    def usage(self, caller: Caller) -> dict[str, Any]:
        found: dict[str, Any] = caller.get("/files/usage").json()
        return found

    def events(self) -> list[str]:
        return events_in(self.ports.files.table)

    def internal(self, path: str, body: dict[str, Any], *, caller: str = "accounts") -> tuple[int, Any]:
        return answered(handler, invocation(path, body, caller=caller))


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


TEN_MINUTES, A_DAY = timedelta(minutes=10), timedelta(days=1)

"""The whole blog on moto with the log's own table, `accounts` as a stand-in, and people who write and read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from functions.content.blog.actions import feeding, shelving
from functions.content.blog.app import app, handler
from functions.content.blog.ports import Ports
from functions.content.blog.triggers import ENTRIES
from tessera.auth.internal import Internal
from tessera.tables import Table
from tests.kit.apps import Caller, Served, answered, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain, make_fifo, make_queue
from tests.kit.stores import make_bucket, make_table
from tests.kit.worlds import DONE, CapabilityWorld

from .accounts import Accounts
from .files import Files

API = "/blog/realworld/api"


@dataclass
class Member:
    """Somebody of the facade."""

    served: Served
    id: str
    username: str
    token: str

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"authorization": f"Token {self.token}", **given.pop("headers", {})}
        answer: httpx.Response = self.served.client.request(method, API + path, headers=headers, **given)
        return answer

    def article(self, title: str = "A title", **fields: Any) -> dict[str, Any]:
        body = {"title": title, "description": "About it", "body": "What it says.", **fields}
        answer = self.request("POST", "/articles", json={"article": body})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()["article"]
        return made


@dataclass
class World(CapabilityWorld[Ports]):
    """`blog` and what it stands on."""

    entries = ENTRIES
    ports_type = Ports

    realtime: Table
    queue: str
    accounts: Accounts
    files: Files

    def person(self, *roles: str, **claims: Any) -> Caller:
        """Somebody with an account of ours, whom accounts know by a handle."""
        made = super().person(*roles, **claims)
        self.accounts.add(made.id, f"name{len(self.accounts.people)}")
        return made

    def member(self, username: str = "") -> Member:
        name = username or f"member{len(self.accounts.people)}"
        body = {"username": name, "email": f"{name}@example.com", "password": "password123"}
        answer = self.served.client.post(f"{API}/users", json={"user": body})
        assert answer.status_code == 201, answer.text
        made = answer.json()["user"]
        user_id = next(one for one, known in self.accounts.people.items() if known["username"] == name)
        return Member(self.served, user_id, name, made["token"])

    def anonymous(self, method: str, path: str, **given: Any) -> httpx.Response:
        answer: httpx.Response = self.served.client.request(method, path, **given)
        return answer

    def post(self, by: Caller, title: str = "A title", **fields: Any) -> dict[str, Any]:
        """A published post, with its ETag."""
        body = {"title": title, "body": "What it says.", "status": "published", **fields}
        answer = by.post("/blog/posts", json=body)
        assert answer.status_code == 201, answer.text
        return {**answer.json(), "etag": answer.headers["etag"]}

    def comment(self, by: Caller, post: dict[str, Any], body: str = "I see.", **fields: Any) -> dict[str, Any]:
        answer = by.post(f"/blog/posts/{post['id']}/comments", json={"body": body, **fields})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def follow(self) -> None:
        """Bring the blog's own events and work off its queue."""
        self.deliver_own()
        self.work()

    def work(self) -> None:
        while bodies := drain(self.queue):
            for body in bodies:
                assert self.deliver(json.loads(body)) == DONE

    def internal(self, path: str, body: dict[str, Any], caller: str = "accounts") -> dict[str, Any]:
        status, found = answered(handler, invocation(path, body, caller=caller))
        return {"status": status, **(found or {})}


@pytest.fixture(scope="session")
def bucket(cloud: None) -> str:
    return make_bucket("uploads")


@pytest.fixture
def world(cloud: None, frozen: FakeClock, monkeypatch: pytest.MonkeyPatch, bucket: str) -> Iterator[World]:
    # The queue counts real seconds, which no test waits for.
    monkeypatch.setattr(feeding, "CALM_SECONDS", 0)
    monkeypatch.setattr(shelving, "PAUSE_SECONDS", 0)
    queue, realtime = make_queue("blog"), make_table("Realtime")
    variables = {"QUEUE": queue, "REALTIME": realtime.name, "CONDUIT": "on", "PUBLIC_BASE_URL": "https://app.test"}
    variables |= {"BUCKET": bucket, "FANOUT_QUEUES": make_fifo("fanout"), "RATE_FACTOR": "1000"}
    with serving(app, "Blog", **variables) as served:
        found = World(served, frozen, realtime, queue, Accounts(served.signer), Files())

        def answering(function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
            asked = found.files if function == "tessera-files" else found.accounts
            return asked(function, event, timeout_seconds)

        found.bindings.replace(Internal, Internal("blog", found.bindings, answering))
        served.client.event_hooks["request"].append(lambda request: frozen.advance(milliseconds=1))
        yield found


@pytest.fixture
def alice(world: World) -> Caller:
    return world.person()


@pytest.fixture
def bob(world: World) -> Caller:
    return world.person()


@pytest.fixture
def moderator(world: World) -> Caller:
    return world.person("moderator")

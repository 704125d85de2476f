"""The whole blog on moto with the log's own table, `accounts` as a stand-in, and people who write and read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from functions.content.blog.actions import feeding, shelving
from functions.content.blog.app import app, handler
from functions.content.blog.ports import Ports
from functions.content.blog.triggers import ENTRIES
from tessera import aws, clock, ids
from tessera.auth.internal import Internal
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.apps import Caller, Served, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain, make_queue
from tests.kit.stores import everything_in, make_table

from .accounts import Accounts

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
class World:
    """`blog` and what it stands on."""

    served: Served
    realtime: Table
    queue: str
    accounts: Accounts
    frozen: FakeClock
    delivered: set[str] = field(default_factory=set)

    @property
    def table(self) -> Table:
        return self.served.table

    @property
    def bindings(self) -> Bindings:
        found: Bindings = app.state.bindings
        return found

    @property
    def ports(self) -> Ports:
        return self.bindings.get(Ports)

    def person(self, *roles: str, **claims: Any) -> Caller:
        """Somebody with an account of ours, whom accounts know by a handle."""
        user_id = ids.new()
        self.accounts.add(user_id, f"name{len(self.accounts.people)}")
        expires = int(clock.now().timestamp()) + 400 * 86_400
        told = {"sub": user_id, "sid": f"family-{user_id}", "exp": expires, "roles": ["user", *roles], **claims}
        return Caller(self.served.client, self.served.signer.token(**told), user_id)

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

    def events(self, event_type: str) -> list[dict[str, Any]]:
        found = [Envelope.parse(item["event"]["S"]) for item in everything_in(self.table) if "event" in item]
        return [one.data for one in sorted(found, key=lambda one: one.id) if one.type == event_type]

    def receive(self, event_type: str, source: str = "tessera.accounts", **data: Any) -> dict[str, Any]:
        made = Envelope(ids.new(), event_type, clock.rfc3339(clock.now()), "", data)
        return self.deliver({"detail-type": event_type, "source": source, "detail": json.loads(made.text())})

    def deliver(self, *bodies: dict[str, Any]) -> dict[str, Any]:
        records = [
            {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body), "attributes": {}}
            for number, body in enumerate(bodies)
        ]
        answer: dict[str, Any] = dispatch(ENTRIES, {"Records": records}, self.bindings)
        return answer

    def follow(self) -> None:
        """Bring the blog's own events, each once, and work off its queue."""
        wanted = {on.name for on in ENTRIES.events}
        found = [Envelope.parse(item["event"]["S"]) for item in everything_in(self.table) if "event" in item]
        for one in sorted(found, key=lambda one: one.id):
            if one.id not in self.delivered and one.type in wanted:
                self.delivered.add(one.id)
                body = {"detail-type": one.type, "source": "tessera.blog", "detail": json.loads(one.text())}
                assert self.deliver(body) == {"batchItemFailures": []}
        self.work()

    def work(self) -> None:
        while bodies := drain(self.queue):
            for body in bodies:
                assert self.deliver(json.loads(body)) == {"batchItemFailures": []}

    def due(self) -> list[dict[str, Any]]:
        """What the sweeper would find, now or later."""
        names = ("pk", "sk", "due_pk", "due_sk")
        found = [item for item in everything_in(self.table) if "due_pk" in item]
        return [{"kind": "due", "data": {name: item[name]["S"] for name in names}} for item in found]

    def internal(self, path: str, body: dict[str, Any], caller: str = "accounts") -> dict[str, Any]:
        answer = handler(invocation(path, body, caller=caller), None)
        return {"status": answer["statusCode"], **json.loads(answer["body"] or "{}")}


@pytest.fixture
def world(cloud: None, frozen: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # The queue counts real seconds, which no test waits for.
    monkeypatch.setattr(feeding, "CALM_SECONDS", 0)
    monkeypatch.setattr(shelving, "PAUSE_SECONDS", 0)
    queue, realtime = make_queue("blog"), make_table("Realtime")
    variables = {"QUEUE": queue, "REALTIME": realtime.name, "CONDUIT": "on", "PUBLIC_BASE_URL": "https://app.test"}
    fanout = aws.client("sqs").create_queue(
        QueueName=f"fanout-{ids.new()}.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )
    variables |= {"FANOUT_QUEUES": fanout["QueueUrl"], "RATE_FACTOR": "1000"}
    with serving(app, "Blog", **variables) as served:
        found = World(served, realtime, queue, Accounts(served.signer), frozen)
        found.bindings.replace(Internal, Internal("blog", found.bindings, found.accounts))
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

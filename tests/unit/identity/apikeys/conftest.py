"""The whole capability on moto, `accounts` as a stand-in behind the internal client, and programs that use keys."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from functions.identity.apikeys.actions import create
from functions.identity.apikeys.app import app, handler
from functions.identity.apikeys.ports import Ports
from functions.identity.apikeys.triggers import ENTRIES
from functions.work.tasks.app import app as tasks_app
from tessera import clock, ids
from tessera.auth.call import Call
from tessera.auth.feed import Feed
from tessera.auth.internal import Internal
from tessera.auth.key_item import KeyRow
from tessera.auth.principal import Principal
from tessera.auth.roles import expand
from tessera.idempotency import Intent
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import transact
from tessera.triggers import dispatch
from tests.kit import logs
from tests.kit.apps import Caller, Served, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import make_queue
from tests.kit.stores import everything_in

ADDRESS = "203.0.113.7"
SCOPES = ["tasks:read", "tasks:write"]


class Accounts:
    """What `accounts` would answer: everybody is an active user unless a test says otherwise."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, Any]] = {}
        self.mails: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def says(self, user_id: str, **state: Any) -> None:
        self.states[user_id] = {**self.states.get(user_id, {}), **state}

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        path = str(event["rawPath"])
        self.asked.append(path)
        if path == "/accounts/internal/mail":
            self.mails.append(json.loads(event["body"]))
            return {"statusCode": 202, "body": '{"status": "ok"}'}
        user_id = path.removeprefix("/accounts/internal/users/").removesuffix("/state")
        state = {"status": "active", "epoch": 1, "roles": ["user"], "permissions": [], "plan": "user", "mfa": []}
        state |= self.states.get(user_id, {})
        if state["status"] == "gone":
            return {"statusCode": 404, "body": "{}"}
        if not path.endswith("/state"):
            state = {"id": user_id, "email": f"{user_id.lower()}@example.com", "locale": "en"}
        return {"statusCode": 200, "body": json.dumps(state)}


@dataclass
class World:
    """`apikeys`, `tasks`, and what they share."""

    served: Served
    tasks: Served
    accounts: Accounts
    ports: Ports
    frozen: FakeClock
    delivered: set[str] = field(default_factory=set)

    @property
    def table(self) -> Table:
        return self.served.table

    @property
    def bindings(self) -> Bindings:
        found: Bindings = app.state.bindings
        return found

    def person(self, *roles: str, **claims: Any) -> Caller:
        """Somebody new who has just signed in."""
        user_id = ids.new()
        self.accounts.says(user_id, roles=["user", *roles], mfa=claims.pop("mfa", []))
        return self.again(user_id, roles=["user", *roles], **claims)

    def again(self, user_id: str, **claims: Any) -> Caller:
        """The same person with another token."""
        expires = int(clock.now().timestamp()) + 100 * 86_400
        told = {"sub": user_id, "sid": f"family-{user_id}", "exp": expires, **claims}
        return Caller(self.served.client, self.served.signer.token(**told), user_id)

    def key(self, owner: Caller, **fields: Any) -> dict[str, Any]:
        """A key as its owner was told it, `key` and all."""
        body = {"name": "Robot", "scopes": SCOPES, **fields}
        made = owner.post("/apikeys", json=body)
        assert made.status_code == 201, made.text
        found: dict[str, Any] = {**made.json(), "etag": made.headers["etag"]}
        return found

    def fill(self, owner: Caller) -> KeyRow:
        """One more key, past the limiter, which would stop so many requests."""
        caller = Principal(kind="user", id=owner.id, user_id=owner.id, permissions=expand(["user"]), aal=1)
        live = {"status": "active", "epoch": 1, "roles": ["user"], "mfa": [], "plan": "user"}
        call = Call("POST", "/apikeys", (), "", ADDRESS, True, None, self.bindings, ids.new(), live=live)
        wanted = create.Wanted("Robot", ["tasks:read"], "live", timedelta(days=90), [], None)
        intent = Intent(ids.new(), "a test")
        return create.create(self.ports, wanted, caller=caller, call=call, intent=intent).row

    def use(self, key: str, path: str = "/tasks", *, method: str = "GET", address: str = ADDRESS, **given: Any) -> Any:
        """What a program gets that uses this key at `tasks`, from this address."""
        # As bytes, because a key that only looks like one may hold any letters.
        headers = {b"authorization": f"Bearer {key}".encode()}
        with TestClient(tasks_app, base_url="https://app.test", client=(address, 50_000)) as program:
            return program.request(method, path, headers=headers, **given)

    def myself(self, key: str) -> httpx.Response:
        return self.served.client.get("/apikeys/self", headers={"authorization": f"Bearer {key}"})

    def change_epoch(self, user_id: str, epoch: int, **state: Any) -> None:
        """What `accounts` does when roles or the password change: the feed tells it at once."""
        self.accounts.says(user_id, epoch=epoch, **state)
        transact(self.bindings.get(Feed).revoke("u", user_id, min_ep=epoch))

    def receive(self, event_type: str, event_id: str = "", **data: Any) -> dict[str, Any]:
        """Deliver an event to the queue; what Lambda is told comes back."""
        made = Envelope(event_id or ids.new(), event_type, clock.rfc3339(clock.now()), "", data)
        body = {"detail-type": event_type, "source": "tessera.any", "detail": json.loads(made.text())}
        return self.deliver(body)

    def sweep(self) -> int:
        """Send what is due by now, as the sweeper does; how many items that were."""
        found = [item for item in everything_in(self.table) if "due_sk" in item]
        due = [item for item in found if clock.parse(item["due_sk"]["S"].partition("#")[0]) <= clock.now()]
        for item in due:
            data = {name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")}
            assert self.deliver({"kind": "due", "data": data}) == {"batchItemFailures": []}
        return len(due)

    def events(self, event_type: str) -> list[dict[str, Any]]:
        """The data of the events of this type that items carry, in the order in which they were made."""
        found = [Envelope.parse(item["event"]["S"]) for item in everything_in(self.table) if "event" in item]
        return [one.data for one in sorted(found, key=lambda one: one.id) if one.type == event_type]

    def deliver_own(self) -> None:
        """Bring the events of keys that are on items now, each once, as the stream would."""
        found = [Envelope.parse(item["event"]["S"]) for item in everything_in(self.table) if "event" in item]
        for one in found:
            if one.type.startswith("apikeys.") and one.id not in self.delivered:
                self.delivered.add(one.id)
                assert self.receive(one.type, one.id, **one.data) == {"batchItemFailures": []}

    def audited(self) -> list[str]:
        return [entry["action"] for entry in self.events("audit.entry.recorded.v1")]

    def deliver(self, body: dict[str, Any]) -> dict[str, Any]:
        record = {"eventSource": "aws:sqs", "messageId": ids.new(), "body": json.dumps(body), "attributes": {}}
        found: dict[str, Any] = dispatch(ENTRIES, {"Records": [record]}, self.bindings)
        return found


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def world(cloud: None, frozen: FakeClock, accounts: Accounts) -> Iterator[World]:
    with serving(app, "Apikeys") as served:
        bindings: Bindings = app.state.bindings
        shared = {name: bindings.environment[name] for name in ("AUTHFEED", "RATELIMIT", "MAC_KEYS")}
        keys = {"APIKEYS": served.table.name}
        app.state.bindings = bindings = Bindings({**bindings.environment, **keys})
        bindings.replace(Internal, Internal("apikeys", bindings, accounts))
        with serving(tasks_app, "Tasks", QUEUE=make_queue("tasks"), **shared, **keys) as tasks:
            yield World(served, tasks, accounts, bindings.get(Ports), frozen)


@pytest.fixture
def alice(world: World) -> Caller:
    return world.person()


@pytest.fixture
def restarted(world: World) -> Callable[[], None]:
    """`restarted()`: the container of `tasks` is a new one, which remembers nothing."""

    def restart() -> None:
        tasks_app.state.bindings = Bindings(dict(tasks_app.state.bindings.environment))

    return restart


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """`logged()`: every line that was logged in this test."""
    with logs.logged() as written:
        yield written


@pytest.fixture
def invoked() -> Callable[..., tuple[int, Any]]:
    """`invoked("GET", path, caller=…)`: an internal route, as another function of ours calls it."""

    def invoke(method: str, path: str, body: Any = None, *, caller: str) -> tuple[int, Any]:
        route, _, query = path.partition("?")
        event = {
            "version": "2.0",
            "rawPath": route,
            "rawQueryString": query,
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "http": {"method": method, "path": route, "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"},
                "tessera": {"internal": True, "caller": caller, "request_id": ids.new(), "depth": 1},
            },
            "body": "" if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = handler(event, None)
        return int(answer["statusCode"]), json.loads(answer["body"] or "null")

    return invoke

"""The whole capability on moto, `accounts` as a stand-in behind the internal client, and programs that use keys."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from functions.identity.apikeys.actions import create
from functions.identity.apikeys.app import app, handler
from functions.identity.apikeys.ports import Ports
from functions.identity.apikeys.triggers import ENTRIES
from functions.work.tasks.app import app as tasks_app
from tessera import ids
from tessera.auth.call import Call
from tessera.auth.feed import Feed
from tessera.auth.internal import Internal
from tessera.auth.key_item import KeyRow
from tessera.auth.principal import Principal
from tessera.auth.roles import expand
from tessera.idempotency import Intent
from tessera.settings import Bindings
from tessera.transact import transact
from tests.kit import logs
from tests.kit.apps import Caller, Served, answered, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import make_queue
from tests.kit.web import AppClient
from tests.kit.worlds import CapabilityWorld

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


class Organisations:
    """What `organisations` would answer: everybody is in theirs what their token says, until a test says otherwise."""

    def __init__(self) -> None:
        self.roles: dict[tuple[str, str], str | None] = {}
        self.asked = 0
        self.status = 200

    def says(self, organisation_id: str, user_id: str, role: str | None) -> None:
        self.roles[organisation_id, user_id] = role

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        assert event["rawPath"] == "/organisations/internal/membership"
        self.asked += 1
        asked = json.loads(event["body"])
        role = self.roles.get((asked["organisation_id"], asked["user_id"]))
        if role is None:
            return {"statusCode": 404, "body": "{}"}
        return {"statusCode": self.status, "body": json.dumps({"role": role, "epoch": 1, "permissions": None})}


@dataclass
class World(CapabilityWorld[Ports]):
    """`apikeys`, `tasks`, and what they share."""

    entries = ENTRIES
    ports_type = Ports

    tasks: Served
    accounts: Accounts
    organisations: Organisations

    def person(self, *roles: str, **claims: Any) -> Caller:
        """Somebody new who has just signed in."""
        user_id = ids.new()
        self.accounts.says(user_id, roles=["user", *roles], mfa=claims.pop("mfa", []))
        return self.again(user_id, roles=["user", *roles], **claims)

    def again(self, user_id: str, **claims: Any) -> Caller:
        """The same person with another token."""
        if "org" in claims:
            self.organisations.says(claims["org"], user_id, claims["org_role"])
        return self.served.signed_in(user_id, **claims)

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
        with AppClient(tasks_app, base_url="https://app.test", client=(address, 50_000)) as program:
            return program.request(method, path, headers=headers, **given)

    def myself(self, key: str) -> httpx.Response:
        return self.served.client.get("/apikeys/self", headers={"authorization": f"Bearer {key}"})

    def change_epoch(self, user_id: str, epoch: int, **state: Any) -> None:
        """What `accounts` does when roles or the password change: the feed tells it at once."""
        self.accounts.says(user_id, epoch=epoch, **state)
        transact(self.bindings.get(Feed).revoke("u", user_id, min_ep=epoch))

    def audited(self) -> list[str]:
        return [entry["action"] for entry in self.events("audit.entry.recorded.v1")]


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def world(cloud: None, frozen: FakeClock, accounts: Accounts) -> Iterator[World]:
    organisations = Organisations()

    def others(function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        if function == "tessera-organisations":
            return organisations(event)
        return accounts(function, event, timeout_seconds)

    with serving(app, "Apikeys") as served:
        bindings: Bindings = app.state.bindings
        shared = {name: bindings.environment[name] for name in ("AUTHFEED", "RATELIMIT", "MAC_KEYS")}
        keys = {"APIKEYS": served.table.name}
        app.state.bindings = bindings = Bindings({**bindings.environment, **keys})
        bindings.replace(Internal, Internal("apikeys", bindings, others))
        with serving(tasks_app, "Tasks", QUEUE=make_queue("tasks"), **shared, **keys) as tasks:
            yield World(served, frozen, tasks, accounts, organisations)


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
        return answered(handler, invocation(path, body, caller=caller, method=method))

    return invoke

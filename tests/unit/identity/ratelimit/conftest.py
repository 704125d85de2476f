"""The app on one table, which is its own and the layer's, with people of every kind who may ask it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from functions.identity.ratelimit.app import app, handler
from tessera import clock, ids
from tessera.auth import key_text
from tessera.auth.key_item import MAIN, KeyRow, code_of, key_pk
from tessera.auth.mac import Mac
from tessera.limits import Limits
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.apps import Caller, Served, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.stores import everything_in, make_table

SCOPES = frozenset(["ratelimit:check"])


@dataclass
class Place:
    """The served app, and its table."""

    served: Served
    table: Table
    keys: Table

    @property
    def bindings(self) -> Bindings:
        return self.served.bindings

    @property
    def limits(self) -> Limits:
        return self.bindings.get(Limits)

    def with_role(self, role: str) -> Caller:
        return self.served.signed_in(ids.new(), roles=[role])

    def key(self, *, owner_id: str = "", plan: str = "default", scopes: frozenset[str] = SCOPES) -> Caller:
        """Somebody's program. `id` is its owner's."""
        owner_id, key_id = owner_id or ids.new(), ids.new()
        secret = key_text.new("live", key_id)
        row = KeyRow(
            pk=key_pk(key_text.name_of(key_id)),
            sk=MAIN,
            key_id=key_id,
            name="a program",
            h1=code_of(self.bindings.get(Mac), secret),
            last4=secret[-4:],
            uid=owner_id,
            owner_roles={"user"},
            scopes=set(scopes),
            env="live",
            plan=plan,
            exp=clock.millis() + 86_400_000,
            created=clock.millis(),
        )
        self.keys.put(row)
        return Caller(self.served.client, secret, owner_id)

    def items(self, prefix: str) -> list[dict[str, Any]]:
        return [item for item in everything_in(self.table) if item["pk"]["S"].startswith(prefix)]


@pytest.fixture
def place(frozen: FakeClock) -> Iterator[Place]:
    table, keys = make_table("Ratelimit"), make_table("Apikeys")
    with serving(app, "Ratelimit", TABLE=table.name, RATELIMIT=table.name, APIKEYS=keys.name) as served:
        yield Place(served, table, keys)


@pytest.fixture
def key(place: Place) -> Caller:
    return place.key()


@pytest.fixture
def admin(place: Place) -> Caller:
    return place.with_role("admin")


@pytest.fixture
def check(key: Caller) -> Callable[..., httpx.Response]:
    """`check(cost=2)`: asked by a program, about one subject, by figures of its own."""

    def ask(*, by: Caller | None = None, path: str = "/ratelimit/check", **given: Any) -> httpx.Response:
        policy = {} if "policy" in given else {"limit": 60, "period_s": 60, "burst": 10}
        body = {"namespace": "login", "key": "ann@example.com", **policy, **given}
        return (by or key).post(path, json=body)

    return ask


def internal(path: str, body: dict[str, Any], *, method: str = "POST", caller: str = "accounts") -> Any:
    """What an internal route answers."""
    return handler(invocation(path, body, caller=caller, method=method), None)

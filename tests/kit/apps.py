"""One app on tables of its own, and people who may use it, without any gateway."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from tessera import aws, clock, ids
from tessera.auth.envelope import context
from tessera.auth.principal import Principal
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.stores import make_table
from tests.kit.tokens import ISSUER, Signer, publish
from tests.kit.web import AppClient


@dataclass
class Caller:
    """Somebody signed in."""

    client: AppClient
    token: str
    id: str

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}", **given.pop("headers", {})}
        answer: httpx.Response = self.client.request(method, path, headers=headers, **given)
        return answer

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)

    def put(self, path: str, **given: Any) -> httpx.Response:
        return self.request("PUT", path, **given)

    def patch(self, path: str, **given: Any) -> httpx.Response:
        return self.request("PATCH", path, **given)

    def delete(self, path: str, **given: Any) -> httpx.Response:
        return self.request("DELETE", path, **given)


@dataclass
class Served:
    app: FastAPI
    table: Table
    client: AppClient
    signer: Signer

    @property
    def bindings(self) -> Bindings:
        """What the app is bound to now: a test may have bound it anew."""
        found: Bindings = self.app.state.bindings
        return found

    def person(self) -> Caller:
        """Somebody new, signed in."""
        return self.signed_in(ids.new())

    def signed_in(self, user_id: str, **claims: Any) -> Caller:
        """Whoever has this id, with a token that lasts longer than any test moves the clock."""
        expires = int(clock.now().timestamp()) + 400 * 86_400
        told = {"sub": user_id, "sid": f"family-{user_id}", "exp": expires, **claims}
        return Caller(self.client, self.signer.token(**told), user_id)


@contextmanager
def serving(app: FastAPI, logical_id: str, **variables: str) -> Iterator[Served]:
    """The app on a fresh table of this shape, with keys, limits and secrets of its own; moto must stand behind it."""
    table, feed, signer = make_table(logical_id), make_table("Authfeed"), Signer()
    publish(feed, signer.entry())
    secret = f"mac-keys-{ids.new()}"
    value = json.dumps({"current": "1", "1": "a text that CloudFormation would have made"})
    aws.client("secretsmanager").create_secret(Name=secret, SecretString=value)
    bindings = Bindings(
        {
            "STAGE": "test",
            "CAPABILITY": app.title,
            "TABLE": table.name,
            "ISSUER": ISSUER,
            "AUTHFEED": feed.name,
            "RATELIMIT": make_table("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "LIMIT_BUDGET_MS": "2000",
            **variables,
        }
    )
    before, app.state.bindings = app.state.bindings, bindings
    try:
        yield Served(app, table, AppClient(app, base_url="https://app.test"), signer)
    finally:
        app.state.bindings = before


def invocation(
    path: str,
    body: dict[str, Any] | None = None,
    *,
    caller: str = "accounts",
    method: str = "POST",
    of: Principal | None = None,
) -> dict[str, Any]:
    """The event by which another function of ours calls an internal route, perhaps on behalf of somebody."""
    route, _, query = path.partition("?")
    return {
        "version": "2.0",
        "rawPath": route,
        "rawQueryString": query,
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": route, "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"},
            "tessera": {**context(caller, on_behalf_of=of, client={}), "request_id": ids.new()},
        },
        "body": "" if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def answered(handler: Callable[[dict[str, Any], Any], Any], event: dict[str, Any]) -> tuple[int, Any]:
    """The status and the content with which a function answers this event."""
    answer = handler(event, None)
    return int(answer["statusCode"]), json.loads(answer["body"] or "null")

"""The app of `shortener` on a table of its own, people who may use it, and whoever comes by a link."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from functions.content.shortener.app import app, handler
from functions.content.shortener.outside.threats import Threats, ThreatsAway
from functions.content.shortener.ports import Ports
from functions.content.shortener.triggers import ENTRIES
from tessera import clock, ids
from tessera.resolver import DNS, LocalZone
from tessera.safehttp import Gate, SafeHTTP, SafeHTTPSettings
from tessera.settings import Bindings
from tessera.triggers import dispatch
from tests.kit.apps import Caller, answered, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import batch, drain, make_queue
from tests.kit.worlds import CapabilityWorld

BASE = "https://app.test"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
BOT = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
PUBLIC = "93.184.216.34"


class ListOfThreats:
    """What the list knows, or that it is away."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.is_away = False

    def find(self, urls: Sequence[str]) -> Mapping[str, str]:
        if self.is_away:
            raise ThreatsAway("on order")
        return {url: self.known[url] for url in urls if url in self.known}


@dataclass
class World(CapabilityWorld[Ports]):
    entries = ENTRIES
    ports_type = Ports

    clicks: str
    queue: str
    threats: ListOfThreats
    addresses: dict[str, list[str]] = field(default_factory=dict)

    def person(self, *roles: str, days: int = 100, **claims: Any) -> Caller:
        """Somebody who came so many days ago."""
        user_id = ids.at(clock.millis() - days * 86_400_000, secrets.token_bytes(10))
        return self.served.signed_in(user_id, **{"roles": ["user", *roles], **claims})

    def link(self, owner: Caller, url: str = "https://example.com/page", **fields: Any) -> dict[str, Any]:
        made = owner.post("/shortener/links", json={"url": url, **fields})
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    def follow(self, code: str, *, method: str = "GET", agent: str = CHROME, **given: Any) -> httpx.Response:
        headers = {"user-agent": agent, **given.pop("headers", {})}
        answer: httpx.Response = self.served.client.request(
            method, f"/s/{code}", headers=headers, follow_redirects=False, **given
        )
        return answer

    def messages(self) -> list[dict[str, Any]]:
        """The clicks that wait to be counted, taken out."""
        return [json.loads(body) for body in drain(self.clicks)]

    def count(self) -> int:
        """Count the clicks that wait; how many messages that were."""
        bodies = [json.dumps(one) for one in self.messages()]
        assert self.give(bodies) == []
        return len(bodies)

    def give(self, bodies: Sequence[str]) -> list[str]:
        """Give these messages to the worker in batches; those that it wants again come back."""
        failed = []
        for start in range(0, len(bodies), 500):
            some = bodies[start : start + 500]
            answer = dispatch(ENTRIES, batch(*some), self.bindings)
            failed += [some[int(one["itemIdentifier"])] for one in answer["batchItemFailures"]]
        return failed

    def work(self) -> int:
        """Work off the queue of jobs; how many there were."""
        bodies = drain(self.queue)
        assert self.give(bodies) == []
        return len(bodies)

    def later(self, **units: float) -> None:
        self.frozen.advance(**units)

    def forget(self) -> None:
        """The process is a new one, which holds no links."""
        bindings = Bindings(dict(self.bindings.environment))
        prepare(bindings, self)
        app.state.bindings = bindings

    def invoke(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return answered(handler, invocation(path, body))

    def resolve(self, host: str, port: int) -> list[str]:
        found = self.addresses.get(host, [PUBLIC])
        if not found:
            raise OSError("no such name")
        return found


def prepare(bindings: Bindings, world: World) -> None:
    """Everything of the outside is at hand."""
    gate = Gate.of(bindings.settings(SafeHTTPSettings))
    bindings.replace(SafeHTTP, SafeHTTP(gate, resolve=world.resolve))
    bindings.replace(Threats, world.threats)  # type: ignore[type-var]
    bindings.replace(DNS, DNS(LocalZone()))


@pytest.fixture
def variables() -> dict[str, str]:
    """What a test says otherwise in the environment of the app."""
    return {}


@pytest.fixture
def world(cloud: None, frozen: FakeClock, variables: dict[str, str]) -> Iterator[World]:
    clicks, queue = make_queue("clicks"), make_queue("shortener")
    with serving(app, "Shortener", QUEUE=queue, CLICKS=clicks, PUBLIC_BASE_URL=BASE, **variables) as served:
        made = World(served, frozen, clicks, queue, ListOfThreats())
        prepare(made.bindings, made)
        yield made


@pytest.fixture
def ann(world: World) -> Caller:
    return world.person()


@pytest.fixture
def staff(world: World) -> Caller:
    return world.person("moderator")


DAY = timedelta(days=1)


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).removeprefix("/problems/")

"""Notifications on tables of their own, with stand-ins of every provider on one socket."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.live.notifications.actions import send
from functions.live.notifications.actions.send import Wanted
from functions.live.notifications.app import app
from functions.live.notifications.config import NotifySettings
from functions.live.notifications.ports import Ports
from functions.live.notifications.providers.email import Known, Letter, Mail
from functions.live.notifications.providers.outcomes import Failed
from functions.live.notifications.rules.kinds import Preferences
from functions.live.notifications.store import NotifyStore
from functions.live.notifications.store.rows import DeliveryRow, FeedRow
from functions.live.notifications.triggers import ENTRIES
from localstack.stand_ins import served, wire
from tessera import aws, clock, ids
from tessera.idempotency import Intent
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.apps import Caller
from tests.kit.clocks import FakeClock
from tests.kit.queues import batch, drain, make_queue
from tests.kit.stand_ins import Answer, Asked, WireStandIn
from tests.kit.stores import ready_in
from tests.kit.tokens import ISSUER, Signer, publish
from tests.kit.web import AppClient
from tests.kit.worlds import carried

CHANNELS = ("email", "sms", "push", "webhook")


class Door(WireStandIn):
    """What the front door does with the stand-ins: each below a path of its own."""

    def __enter__(self) -> "Door":
        super().__enter__()
        self.stand_ins: dict[str, Any] = dict(served.build(self.url, now=lambda: clock.now().timestamp()))
        return self

    def answer(self, asked: Asked) -> Answer:
        name, _, rest = asked.path.removeprefix(f"{served.PREFIX}/").partition("/")
        given = wire.Asked(asked.method, f"/{rest}", asked.query, asked.headers, asked.body)
        found = self.stand_ins[name].answer(given)
        return Answer(found.status, found.headers, found.body)


@dataclass
class FakeMail:
    """`accounts` and `outbox` in one: people with addresses, and mails by their id."""

    people: dict[str, Known] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    calls: int = 0

    def find(self, user_id: str) -> Known | None:
        return self.people.get(user_id)

    def send(self, letter: Letter) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        self.letters.setdefault(letter.id, letter)
        return letter.id


@pytest.fixture(scope="session")
def socket() -> Iterator[Door]:
    with Door() as found:
        yield found


@pytest.fixture
def door(socket: Door) -> Iterator[Door]:
    """The same socket with stand-ins that nobody has asked yet."""
    socket.stand_ins = dict(served.build(socket.url, now=lambda: clock.now().timestamp()))
    socket.journal.clear()
    yield socket
    socket._script.clear()


@pytest.fixture
def mail() -> FakeMail:
    return FakeMail()


@pytest.fixture
def bindings(
    table_of: Callable[[str], Table], secret: str, signer: Signer, frozen: FakeClock, door: Door, mail: FakeMail
) -> Bindings:
    feed = table_of("Authfeed")
    publish(feed, signer.entry())
    made = Bindings(
        {
            "STAGE": "local",
            "CAPABILITY": "notifications",
            "TABLE": table_of("Notifications").name,
            "REALTIME": table_of("Realtime").name,
            "QUEUE": make_queue("notifications"),
            "DEAD_QUEUE": make_queue("notifications-dead"),
            **{f"{channel.upper()}_QUEUE": make_queue(f"notifications-{channel}") for channel in CHANNELS},
            "ISSUER": ISSUER,
            "STAND_INS": f"{door.url}{served.PREFIX}",
            "SAFEHTTP_ALLOW": urlsplit(door.url).netloc,
            "AUTHFEED": feed.name,
            "RATELIMIT": table_of("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "LIMIT_BUDGET_MS": "2000",
        }
    )
    made.replace(Mail, mail)  # type: ignore[type-var]
    return made


@pytest.fixture
def ports(bindings: Bindings) -> Ports:
    return bindings.get(Ports)


@dataclass
class World:
    """Everything a test does: people, sending, the worker as its queues drive it, and time."""

    bindings: Bindings
    ports: Ports
    clock: FakeClock
    mail: FakeMail
    door: Door
    client: AppClient
    signer: Signer

    @property
    def store(self) -> NotifyStore:
        return self.ports.store

    @property
    def settings(self) -> NotifySettings:
        return self.ports.settings

    def person(self, *, email: str = "ann@example.com", locale: str = "en", **chosen: Any) -> str:
        """Somebody whom `accounts` knows; what they have chosen stands in `chosen`."""
        user_id = ids.new()
        self.mail.people[user_id] = Known(email, locale, True)
        if chosen:
            self.store.people.choose(user_id, Preferences(**chosen), expect=0)
        return user_id

    def send(self, *users: str, kind: str = "announcement", **given: Any) -> str:
        """Ask for it and let the workers do all of it; the id of the batch comes back."""
        batch_id = self.ask(*users, kind=kind, **given)
        self.work()
        return batch_id

    def ask(self, *users: str, kind: str = "announcement", **given: Any) -> str:
        given.setdefault("data", {"title": "News"} if kind == "announcement" else {})
        wanted = Wanted(kind, users, **given)
        return send.send(self.ports, wanted, Intent(ids.new(), "a test"), by="tester")[0].id

    def give(self, *bodies: str) -> list[str]:
        """Deliver these messages; what the worker wants to have again comes back."""
        if not bodies:
            return []
        answer = dispatch(ENTRIES, batch(*bodies), self.bindings)
        return [bodies[int(entry["itemIdentifier"])] for entry in answer["batchItemFailures"]]

    def event(self, name: str, data: dict[str, Any], *, event_id: str = "") -> list[str]:
        """An event from the bus."""
        made = Envelope(event_id or ids.new(), name, clock.rfc3339(clock.now()), "", data)
        return self.give(json.dumps(carried(made)))

    def waiting(self, channel: str = "") -> list[str]:
        url = self.settings.queue_of(channel) if channel else self.settings.queue
        return drain(url)

    def work(self) -> None:
        """Deliver what waits in the queues until nothing does."""
        while bodies := [body for name in ("", *CHANNELS) for body in self.waiting(name)]:
            assert self.give(*bodies) == []

    def sweep(self) -> None:
        """Bring what is due, as the sweeper does, and let the workers go on from there."""
        for message in ready_in(self.store.table):
            assert self.give(json.dumps(message)) == []
        self.work()

    def later(self, **units: float) -> None:
        self.clock.advance(**units)
        self.sweep()

    def feed(self, user_id: str, **given: Any) -> list[FeedRow]:
        return self.store.feed.page(user_id, 100, None, **given).rows

    def unread(self, user_id: str) -> int:
        person = self.store.people.get(user_id)
        return int(person.unread) if person else 0

    def deliveries(self, user_id: str) -> dict[str, DeliveryRow]:
        """The newest one of each channel."""
        rows = self.store.deliveries.of_user(user_id, 100, None).rows
        return {row.channel: row for row in reversed(rows)}

    def states(self, user_id: str) -> dict[str, str]:
        return {channel: row.state for channel, row in self.deliveries(user_id).items()}

    def counts(self, batch_id: str) -> dict[str, int]:
        return send.standing(self.ports, batch_id)[1]

    def published(self, user_id: str) -> list[dict[str, Any]]:
        return [json.loads(entry.data) for entry in self.ports.live.log.read(f"user:{user_id}", 0, 500)]

    def caller(self, user_id: str = "", role: str = "user") -> Caller:
        expires = int(clock.now().timestamp()) + 31_536_000
        user = user_id or ids.new()
        token = self.signer.token(sub=user, roles=[role], aal=2, exp=expires, sid=f"family-{user}")
        return Caller(self.client, token, user)


@pytest.fixture
def client(bindings: Bindings) -> Iterator[AppClient]:
    before, app.state.bindings = app.state.bindings, bindings
    yield AppClient(app, base_url="https://notifications.test")
    app.state.bindings = before


@pytest.fixture
def world(
    bindings: Bindings,
    ports: Ports,
    frozen: FakeClock,
    mail: FakeMail,
    door: Door,
    client: AppClient,
    signer: Signer,
) -> World:
    aws.forget_clients()
    return World(bindings, ports, frozen, mail, door, client, signer)


def failed(reason: str = "on-order") -> Failed:
    return Failed(reason)

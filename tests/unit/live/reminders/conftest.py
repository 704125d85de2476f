"""The app of `reminders` on a table of its own, people who may use it, and its queue as it drives the worker."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from functions.live.reminders.app import app
from functions.live.reminders.ports import Ports
from functions.live.reminders.rules.reminder import Reminder
from functions.live.reminders.triggers import ENTRIES
from tessera import aws, clock, ids
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.apps import Caller
from tests.kit.clocks import FakeClock
from tests.kit.queues import batch, make_queue
from tests.kit.stores import envelopes_in, ready_in
from tests.kit.tokens import ISSUER, Signer, publish
from tests.kit.web import AppClient

DAILY = {"cron": "0 9 * * *", "tz": "UTC"}


@pytest.fixture
def table(table_of: Callable[[str], Table]) -> Table:
    return table_of("Reminders")


@pytest.fixture(scope="session")
def webhook_key(cloud: None) -> str:
    return str(aws.client("kms").create_key()["KeyMetadata"]["Arn"])


@dataclass
class Sent:
    """What was put on the queue, with its delay, instead of waiting for it."""

    messages: list[tuple[str, int]] = field(default_factory=list)

    def note(self, service: str, operation: str, params: dict[str, Any]) -> None:
        if operation == "SendMessageBatch":
            self.messages += [(entry["MessageBody"], entry["DelaySeconds"]) for entry in params["Entries"]]
        elif operation == "SendMessage":
            self.messages.append((params["MessageBody"], 0))

    def take(self) -> list[str]:
        """The bodies, in the order in which they come."""
        found = [body for body, _ in sorted(self.messages, key=lambda message: message[1])]
        self.messages.clear()
        return found


@pytest.fixture
def sent() -> Iterator[Sent]:
    found = Sent()
    with aws.intercepted(found.note):
        yield found


@pytest.fixture
def bindings(
    table: Table,
    table_of: Callable[[str], Table],
    secret: str,
    webhook_key: str,
    signer: Signer,
    frozen: FakeClock,
    sent: Sent,
) -> Bindings:
    feed = table_of("Authfeed")
    publish(feed, signer.entry())
    return Bindings(
        {
            "STAGE": "local",
            "CAPABILITY": "reminders",
            "TABLE": table.name,
            "QUEUE": make_queue("reminders"),
            "WEBHOOK_KEY": webhook_key,
            "REALTIME": table_of("Realtime").name,
            "SAFEHTTP_ALLOW": "127.0.0.1:1",
            "ISSUER": ISSUER,
            "AUTHFEED": feed.name,
            "RATELIMIT": table_of("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "LIMIT_BUDGET_MS": "2000",
        }
    )


@pytest.fixture
def ports(bindings: Bindings) -> Ports:
    return bindings.get(Ports)


@pytest.fixture
def client(bindings: Bindings) -> Iterator[AppClient]:
    before, app.state.bindings = app.state.bindings, bindings
    yield AppClient(app, base_url="https://reminders.test")
    app.state.bindings = before


@pytest.fixture
def person(client: AppClient, signer: Signer) -> Callable[[], Caller]:
    """`person()`: somebody new, signed in."""

    def new() -> Caller:
        user_id = ids.new()
        # Long enough for any test that moves the clock.
        expires = int(clock.now().timestamp()) + 31_536_000
        return Caller(client, signer.token(sub=user_id, sid=f"family-{user_id}", exp=expires), user_id)

    return new


@pytest.fixture
def alice(person: Callable[[], Caller]) -> Caller:
    return person()


@dataclass
class Worker:
    """The worker as its queue and its schedule drive it."""

    bindings: Bindings
    table: Table
    clock: FakeClock
    sent: Sent

    def give(self, *bodies: str) -> list[str]:
        """Deliver these messages; what the worker wants to have again comes back."""
        if not bodies:
            return []
        answer = dispatch(ENTRIES, batch(*bodies), self.bindings)
        return [str(entry["itemIdentifier"]) for entry in answer["batchItemFailures"]]

    def sweep(self) -> None:
        dispatch(ENTRIES, {"schedule": "sweep"}, self.bindings)

    def at(self, when: datetime) -> None:
        """It is this time now, and what is due until now comes from the index as the sweep finds it."""
        self.clock.set(when)
        self.sent.take()
        for message in ready_in(self.table):
            assert self.give(json.dumps(message)) == []

    def later(self, **units: float) -> None:
        self.clock.advance(**units)
        self.at(self.clock.now())

    def events(self, prefix: str = "reminders.") -> list[Envelope]:
        """The events that items carry, in the order in which they were made."""
        return [one for one in envelopes_in(self.table) if one.type.startswith(prefix)]

    def types(self) -> list[str]:
        return [envelope.type.removeprefix("reminders.").removesuffix(".v1") for envelope in self.events()]

    def runs(self, reminder: Reminder | str) -> list[tuple[str, str]]:
        """When runs were due and how they came out, the earliest first."""
        wanted = reminder if isinstance(reminder, str) else reminder.id
        rows = self.bindings.get(Ports).reminders.runs(wanted, 100, None).rows
        return [(row.due_at[:16], row.result) for row in reversed(rows)]


@pytest.fixture
def worker(bindings: Bindings, table: Table, frozen: FakeClock, sent: Sent) -> Worker:
    return Worker(bindings, table, frozen, sent)


@pytest.fixture
def make(alice: Caller, ports: Ports) -> Callable[..., Reminder]:
    """`make(cron="0 9 * * *", tz="UTC")`: a reminder of Alice's, as the route makes it."""

    def new(*, by: Caller | None = None, title: str = "Tea", **fields: Any) -> Reminder:
        names = ("at", "cron", "rrule", "tz", "dtstart", "start", "end", "exdates", "rdates")
        schedule = {name: fields.pop(name) for name in names if name in fields} or DAILY
        body = {"title": title, "schedule": schedule, "action": {"notify": {}}, **fields}
        answer = (by or alice).post("/reminders", json=body)
        assert answer.status_code == 201, answer.text
        found = ports.reminders.find(answer.json()["id"])
        assert found is not None
        return found

    return new

"""The mail worker on a table of its own, with a provider that keeps what it is given."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.live.outbox import provider as port
from functions.live.outbox.actions import ask as asking
from functions.live.outbox.app import app
from functions.live.outbox.drafts import Content, Draft
from functions.live.outbox.letters import Letter
from functions.live.outbox.ports import Ports
from functions.live.outbox.rules import Mail
from functions.live.outbox.store import MailStore
from functions.live.outbox.triggers import ENTRIES
from tessera import aws, clock, ids
from tessera.auth.internal import Internal
from tessera.idempotency import Intent
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.clocks import FakeClock
from tests.kit.queues import batch, drain, make_queue
from tests.kit.stores import due_in, make_bucket
from tests.kit.tokens import ISSUER, Signer, publish
from tests.kit.web import AppClient
from tools.ses_events import event

MAIL_FROM = "hello@tessera.test"


@dataclass
class FakeFiles:
    """`files` as its internal route answers: those that are `known`, by their id."""

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        body = json.loads(event["body"])
        self.asked.append(body)
        items = [self.known[one] for one in body["ids"] if one in self.known]
        return {"statusCode": self.status, "headers": {}, "body": json.dumps({"items": items})}

    def keep(self, content: bytes = b"hello", *, state: str = "clean", **fields: Any) -> str:
        """A file in the bucket of clean ones; its id comes back."""
        file_id, bucket = ids.new(), make_bucket("clean")
        aws.client("s3").put_object(Bucket=bucket, Key=file_id, Body=content)
        found = {"id": file_id, "state": state, "name": "a.txt", "type": "text/plain", "size": len(content)}
        self.known[file_id] = {**found, "bucket": bucket, "key": file_id, **fields}
        return file_id


@dataclass
class FakeProvider:
    """Takes letters, unless an error is on order; `letters` are those it took."""

    letters: list[Letter] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    calls: int = 0
    speed: float = 1_000_000

    def send(self, letter: Letter) -> str:
        self.calls += 1
        letter.mime()
        if self.errors:
            raise self.errors.pop(0)
        self.letters.append(letter)
        return f"message-{len(self.letters)}-{letter.mail_id}"

    def rate(self) -> float:
        return self.speed

    def ids_of(self, mail_id: str) -> list[str]:
        return [f"message-{n}-{mail_id}" for n, one in enumerate(self.letters, 1) if one.mail_id == mail_id]


@pytest.fixture(scope="session")
def mail_key(cloud: None) -> str:
    return str(aws.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def files() -> FakeFiles:
    return FakeFiles()


@pytest.fixture
def bindings(
    table_of: Callable[[str], Table],
    secret: str,
    mail_key: str,
    signer: Signer,
    frozen: FakeClock,
    provider: Any,
    files: FakeFiles,
) -> Bindings:
    feed = table_of("Authfeed")
    publish(feed, signer.entry())
    made = Bindings(
        {
            "STAGE": "test",
            "CAPABILITY": "outbox",
            "TABLE": table_of("Outbox").name,
            "QUEUE": make_queue("outbox"),
            "DEAD_QUEUE": make_queue("outbox-dead"),
            "BULK_QUEUE": make_queue("outbox-bulk"),
            "BULK_DEAD_QUEUE": make_queue("outbox-bulk-dead"),
            "PUBLIC_BASE_URL": "https://tessera.test",
            "REALTIME": table_of("Realtime").name,
            "MAIL_FROM": MAIL_FROM,
            "MAIL_KEY": mail_key,
            "ISSUER": ISSUER,
            "AUTHFEED": feed.name,
            "RATELIMIT": table_of("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "LIMIT_BUDGET_MS": "2000",
        }
    )
    made.replace(port.SESProvider, provider)
    made.replace(Internal, Internal("outbox", made, files))
    return made


@pytest.fixture
def ports(bindings: Bindings) -> Ports:
    return bindings.get(Ports)


@pytest.fixture
def store(bindings: Bindings) -> MailStore:
    return bindings.get(MailStore)


@pytest.fixture
def ask(store: MailStore) -> Callable[..., Mail]:
    """`ask("ann@example.com")`: a mail that waits to be sent, as the route makes it."""

    def make(*to: str, text: str = "Hello.", subject: str = "News", **given: Any) -> Mail:
        content = given.pop("content", Content(text=text))
        draft = Draft(sender=MAIL_FROM, to=to or ("ann@example.com",), subject=subject, content=content, **given)
        return asking.ask(store, lambda: draft, Intent(ids.new(), "a test"), by="tester")[0]

    return make


@dataclass
class Worker:
    """The worker as its queues drive it."""

    bindings: Bindings
    store: MailStore
    clock: FakeClock

    def give(self, *bodies: str) -> list[str]:
        """Deliver these messages; what the worker wants to have again comes back."""
        if not bodies:
            return []
        answer = dispatch(ENTRIES, batch(*bodies), self.bindings)
        return [str(entry["itemIdentifier"]) for entry in answer["batchItemFailures"]]

    def work(self) -> list[str]:
        """Deliver what waits in the queues now."""
        settings = self.store.settings
        return self.give(*drain(settings.queue), *drain(settings.bulk_queue))

    def sweep(self) -> None:
        """Bring what is due, as the sweeper does."""
        for message in due_in(self.store.table):
            when = message["data"]["due_sk"].partition("#")[0]
            if when <= f"{self.clock.now():%Y-%m-%dT%H:%M:%S.999Z}":
                assert self.give(json.dumps(message)) == []

    def later(self, **units: float) -> None:
        self.clock.advance(**units)
        self.sweep()

    def hear(self, mail_id: str, kind: str, *, attempt: int = 1, **given: Any) -> list[str]:
        """A report of the provider about this mail."""
        return self.give(json.dumps(event(kind, mail_id=mail_id, attempt=attempt, **given)))


@pytest.fixture
def worker(bindings: Bindings, store: MailStore, frozen: FakeClock) -> Worker:
    return Worker(bindings, store, frozen)


@pytest.fixture
def client(bindings: Bindings) -> Iterator[AppClient]:
    before, app.state.bindings = app.state.bindings, bindings
    yield AppClient(app, base_url="https://outbox.test")
    app.state.bindings = before


@pytest.fixture
def admin(client: AppClient, signer: Signer) -> Callable[..., Any]:
    """`admin("GET", "/outbox/stats")`: a request of somebody who runs the mail."""
    return _caller(client, signer, "admin")


@pytest.fixture
def user(client: AppClient, signer: Signer) -> Callable[..., Any]:
    return _caller(client, signer, "user")


def _caller(client: AppClient, signer: Signer, role: str) -> Callable[..., Any]:
    # A month is long enough for any test that moves the clock.
    expires = int(clock.now().timestamp()) + 2_592_000
    token = signer.token(sub=ids.new(), roles=[role], aal=2, exp=expires)

    def request(method: str, path: str, **given: Any) -> Any:
        headers = {"authorization": f"Bearer {token}", **given.pop("headers", {})}
        return client.request(method, path, headers=headers, **given)

    return request

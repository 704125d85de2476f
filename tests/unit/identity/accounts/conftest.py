"""The whole capability on moto: tables shaped by the template, a real KMS and secret, mails read from the events."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI

from functions.identity.accounts.app import ROUTERS
from functions.identity.accounts.pace import Pace
from functions.identity.accounts.ports import Client, Ports
from functions.identity.accounts.store.rows import MAIN, UserRow, user_pk
from tessera import aws, clock, ids, sealed
from tessera.auth import jws
from tessera.auth.call import Call
from tessera.auth.internal import Internal
from tessera.entry import build_app
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.queues import make_queue
from tests.kit.stores import everything_in, make_bucket
from tests.kit.web import AppClient

from .deliveries import Deliveries
from .neighbours import Neighbours

PASSWORD = "a quiet morning at sea"


@pytest.fixture(scope="session")
def environment(cloud: None) -> dict[str, str]:
    """What all tests share: secrets and the key that seals mail. The hash is the weakest that is allowed."""
    manager = aws.client("secretsmanager")
    names = {}
    for variable in ("MAC_KEYS", "PEPPER"):
        names[variable] = f"{variable.lower()}-{ids.new()}"
        manager.create_secret(Name=names[variable], SecretString=json.dumps({"current": "1", "1": f"{variable} text"}))
    return {
        **names,
        "MAIL_KEY": aws.client("kms").create_key()["KeyMetadata"]["KeyId"],
        "FACTOR_KEY": aws.client("kms").create_key()["KeyMetadata"]["KeyId"],
        "STAGE": "test",
        "ISSUER": "https://tessera.test",
        "PUBLIC_BASE_URL": "https://app.test",
        "OWNER_EMAIL": "Boss@Example.com",
        "HASH_MEMORY_KIB": "19456",
        "HASH_TIME": "2",
        "FLOOR_MS": "0",
        "FLOOR_STEP_MS": "1",
        "LIMIT_BUDGET_MS": "3000",
    }


@pytest.fixture
def tables(table_of: Callable[[str], Table]) -> dict[str, Table]:
    return {name: table_of(name) for name in ("Accounts", "Authfeed", "Ratelimit")}


@pytest.fixture(scope="session")
def bucket(cloud: None) -> str:
    """One for all tests: what they put there lies under ids of their own."""
    return make_bucket("uploads")


@pytest.fixture
def queue(cloud: None) -> str:
    return make_queue("accounts")


@pytest.fixture
def app(frozen: FakeClock, environment: dict[str, str], tables: dict[str, Table], queue: str, bucket: str) -> FastAPI:
    return make_app(environment, tables, QUEUE=queue, BUCKET=bucket)


def make_app(environment: dict[str, str], tables: dict[str, Table], **more: str) -> FastAPI:
    """An app as one container has it; several may stand on the same tables."""
    named = {"TABLE": "Accounts", "AUTHFEED": "Authfeed", "RATELIMIT": "Ratelimit"}
    found = {variable: tables[name].name for variable, name in named.items()}
    return build_app("accounts", *ROUTERS, environment={**environment, **found, **more})


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


@pytest.fixture
def bindings(app: FastAPI, neighbours: Neighbours) -> Bindings:
    found: Bindings = app.state.bindings

    async def at_once(seconds: float) -> None:
        return None

    found.replace(Pace, Pace(0, 1, wait=at_once, pause=lambda seconds: None))
    found.replace(Internal, Internal("accounts", found, neighbours))
    return found


@pytest.fixture
def ports(bindings: Bindings) -> Ports:
    return bindings.get(Ports)


@pytest.fixture
def standing(ports: Ports) -> Callable[..., UserRow]:
    """`standing(pw="x")`: a user as their item may stand, past everything that leads there."""

    def stand(**fields: Any) -> UserRow:
        user_id, now = ids.new(), clock.millis()
        row = UserRow(pk=user_pk(user_id), sk=MAIN, user_id=user_id, roles={"user"}, created=now, updated=now, **fields)
        ports.users.table.put(row)
        return ports.users.get(user_id)

    return stand


@pytest.fixture
def http(app: FastAPI, bindings: Bindings, frozen: FakeClock) -> Iterator[AppClient]:
    """Each request comes a millisecond after the last one, so that what they leave can be put in order."""
    with AppClient(app, base_url="http://test") as client:
        client.event_hooks["request"].append(lambda request: frozen.advance(milliseconds=1))
        yield client


@pytest.fixture
def table(tables: dict[str, Table]) -> Table:
    return tables["Accounts"]


@pytest.fixture
def deliveries(table: Table, queue: str, bindings: Bindings, frozen: FakeClock) -> Deliveries:
    return Deliveries(table, queue, bindings, frozen)


@dataclass
class Mailbox:
    """The mails that were asked for, opened as the mail worker opens them."""

    table: Table
    key: str

    def all(self, to: str = "") -> list[dict[str, Any]]:
        found = {}
        for item in everything_in(self.table):
            envelope = Envelope.parse(item["event"]["S"]) if "event" in item else None
            if envelope is not None and envelope.type == "accounts.mail.requested.v1":
                found[envelope.id] = envelope.data
        mails = [mail for _, mail in sorted(found.items()) if not to or mail["to"] == to]
        return [{**mail, "opened": self._opened(mail)} for mail in mails]

    def latest(self, to: str, template: str) -> dict[str, Any]:
        return next(mail for mail in reversed(self.all(to)) if mail["template"] == template)

    def token(self, to: str, template: str) -> str:
        """What stands behind the `=` of the link."""
        link: str = self.latest(to, template)["opened"]["link"]
        return link.partition("=")[2]

    def _opened(self, mail: dict[str, Any]) -> dict[str, Any]:
        return sealed.unseal(self.key, "mail", mail["secret"]) if mail["secret"] else {}


@pytest.fixture
def mailbox(table: Table, environment: dict[str, str]) -> Mailbox:
    return Mailbox(table, environment["MAIL_KEY"])


@pytest.fixture
def call(bindings: Bindings) -> Call:
    return Call(
        method="POST",
        path="/accounts",
        headers=(),
        query_string="",
        source_ip="203.0.113.7",
        api_gateway=True,
        internal=None,
        bindings=bindings,
        request_id=ids.new(),
    )


@dataclass
class Person:
    """Somebody signed up, verified and signed in."""

    email: str
    password: str
    signed_in: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.signed_in["user"]["id"])

    @property
    def refresh_token(self) -> str:
        return str(self.signed_in["refresh_token"])

    @property
    def device_token(self) -> str:
        return str(self.signed_in["device_token"])

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.signed_in['access_token']}"}


@pytest.fixture
def person(http: AppClient, mailbox: Mailbox) -> Callable[..., Person]:
    """`person("ann@example.com")`: somebody new."""

    def make(email: str = "ann@example.com", password: str = PASSWORD, **more: str) -> Person:
        asked = http.post("/accounts/sign-up", json={"email": email, "password": password, **more})
        assert asked.status_code == 202, asked.text
        code = mailbox.latest(email, "verify-sign-up")["opened"]["code"]
        sent = {"sign_up_id": asked.json()["sign_up_id"], "code": code}
        made = http.post("/accounts/sign-up/verify", json=sent)
        assert made.status_code == 201, made.text
        return Person(email, password, made.json())

    return make


@pytest.fixture
def client() -> Client:
    return Client(address="203.0.113.7")


@pytest.fixture
def internal(app: FastAPI, bindings: Bindings) -> Callable[..., Any]:
    """`internal("POST", path, json)`: as an invocation by IAM, past the gateway."""
    return internal_to(app)


def internal_to(app: FastAPI) -> Callable[..., Any]:
    from mangum import Mangum

    handler = Mangum(app, lifespan="off")

    def invoke(method: str, path: str, body: Any = None, *, caller: str = "seed") -> tuple[int, Any]:
        path, _, query = path.partition("?")
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"host": "internal", "content-type": "application/json"},
            "requestContext": {
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "", "userAgent": ""},
                "tessera": {"internal": True, "caller": caller},
            },
            "body": "" if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = handler(event, None)
        text = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"]
        return answer["statusCode"], json.loads(text or "null")

    return invoke


@pytest.fixture
def claims() -> Callable[[str], dict[str, Any]]:
    """What an access token says."""
    return lambda token: dict(json.loads(jws.parse(token).payload))


@pytest.fixture
def told(table: Table) -> Callable[[], list[str]]:
    """What was told so far: the types of events, and of audit entries what was done."""

    def look() -> list[str]:
        envelopes = [Envelope.parse(item["event"]["S"]) for item in everything_in(table) if "event" in item]
        return [envelope.data.get("action", envelope.type) for envelope in envelopes]

    return look

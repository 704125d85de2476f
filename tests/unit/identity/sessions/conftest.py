"""The whole capability on moto, with a stand-in for `accounts` behind the internal client."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI

from functions.identity.sessions import app as module
from functions.identity.sessions.ports import Ports
from tessera import clock, ids
from tessera.auth import jws
from tessera.auth.call import Call
from tessera.auth.internal import Internal
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tests.kit.apps import Served, serving
from tests.kit.clocks import FakeClock
from tests.kit.cookies import Browser
from tests.kit.stores import everything_in
from tests.kit.tokens import Signer
from tests.kit.web import AppClient

PASSWORD, CODE = "a quiet morning at sea", "123456"
DEVICE_TOKEN = "device.of-ann"
ORIGIN = "https://app.test"


@dataclass
class User:
    email: str
    id: str = field(default_factory=ids.new)
    name: str = "Ann"
    password: str = PASSWORD
    status: str = "active"
    epoch: int = 1
    ended_at: int | None = None
    kept: str | None = None
    has_factor: bool = False
    roles: tuple[str, ...] = ("user",)


class FakeAccounts:
    """What the internal routes of `accounts` answer. `calls` holds each as `(path, body, envelope)`."""

    def __init__(self, signer: Signer) -> None:
        self.signer, self.users = signer, dict[str, User]()
        self.calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        # What somebody has shown who proves again who they are by their password.
        self.answer_again = ["pwd"]
        self.answer: tuple[int, dict[str, Any], dict[str, str]] | None = None
        # Done at the moment a token is asked for, to race with it.
        self.at_mint: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def add(self, email: str, **more: Any) -> User:
        user = User(email, **more)
        self.users[user.id] = user
        return user

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        assert function == "tessera-accounts"
        path = event["rawPath"].removeprefix("/accounts/internal/")
        body = json.loads(event["body"])
        with self._lock:
            self.calls.append((path, body, event["requestContext"]["tessera"]))
        status, said, headers = self.answer or self._answered(path, body)
        return {"statusCode": status, "headers": headers, "body": json.dumps(said), "isBase64Encoded": False}

    def asked(self) -> list[str]:
        return [path for path, _, _ in self.calls]

    def _answered(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        if path == "authenticate":
            return self._password(body)
        if path == "authenticate/mfa":
            user_id, _, named = body["mfa_token"].removeprefix("tmf_").partition("-")
            user = self.users.get(user_id)
            good = user is not None and body.get("code") == CODE
            if not good or user is None:
                return refused(401, "mfa-failed")
            return self._proven(user, ["pwd", "otp"], 2, session_id=named or None)
        if path == "authenticate/passkey":
            user = self.users.get(body["credential"].get("user"))
            return self._proven(user, ["hwk", "user"], 2) if user else refused(401, "passkey-unknown")
        if path == "authenticate/outside":
            return self._outside(body)
        if path == "reauthenticate":
            return self._again(body)
        assert path == "mint", path
        return self._mint(body)

    def _password(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        user = next((user for user in self.users.values() if user.email == body["email"]), None)
        if user is None or user.password != body["password"] or user.status != "active":
            return refused(401, "login-failed")
        if user.has_factor:
            return 200, {"status": "mfa_required", "mfa_token": f"tmf_{user.id}", "methods": ["totp"]}, {}
        return self._proven(user, ["pwd"], 1, device_token=DEVICE_TOKEN)

    def _outside(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        user, named = self.users[body["user_id"]], body["session_id"]
        if user.has_factor and body["aal"] < 2:
            return 200, {"status": "mfa_required", "mfa_token": f"tmf_{user.id}-{named}", "methods": ["totp"]}, {}
        return self._proven(user, body["amr"], body["aal"], session_id=named)

    def _again(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        user = self.users[body["user_id"]]
        if body.get("password") == user.password:
            return self._proven(user, self.answer_again, 1)
        return self._proven(user, ["otp"], 2) if body.get("code") == CODE else refused(401, "login-failed")

    def _proven(
        self,
        user: User,
        amr: list[str],
        aal: int,
        device_token: str | None = None,
        session_id: str | None = None,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        proof = {"user_id": user.id, "amr": amr, "aal": aal, "auth_time": clock.millis() // 1000, "epoch": user.epoch}
        return 200, {"status": "ok", "proof": proof, "device_token": device_token, "session_id": session_id}, {}

    def _mint(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        self.at_mint()
        user = self.users.get(body["user_id"])
        if user is None:
            return refused(404, "not-found")
        if user.status != "active":
            return refused(409, "not-active")
        life, now = body.get("expires_in") or 600, int(clock.now().timestamp())
        claims = {name: body[name] for name in ("amr", "aal", "auth_time", "client_id")}
        token = self.signer.token(
            sub=user.id, sid=body["session_id"], ep=user.epoch, roles=list(user.roles), exp=now + life, **claims
        )
        shown = {"id": user.id, "email": user.email, "name": user.name, "roles": list(user.roles), "bio": "not shown"}
        ended = {"ended_at": user.ended_at, "kept_session_id": user.kept}
        return 200, {"access_token": token, "expires_in": life, "epoch": user.epoch, "user": shown, **ended}, {}


def refused(status: int, slug: str, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    said = {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": f"It is {slug}."}
    return status, said, {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def served(frozen: FakeClock) -> Iterator[Served]:
    with serving(module.app, "Sessions", PUBLIC_BASE_URL=ORIGIN) as found:
        yield found


@pytest.fixture
def app(served: Served) -> FastAPI:
    return module.app


@pytest.fixture
def bindings(served: Served) -> Bindings:
    found: Bindings = module.app.state.bindings
    return found


@pytest.fixture
def accounts(served: Served, bindings: Bindings) -> FakeAccounts:
    made = FakeAccounts(served.signer)
    bindings.replace(Internal, Internal("sessions", bindings, made))
    return made


@pytest.fixture
def ports(accounts: FakeAccounts, bindings: Bindings) -> Ports:
    return bindings.get(Ports)


@pytest.fixture
def ann(accounts: FakeAccounts) -> User:
    return accounts.add("ann@example.com")


@pytest.fixture
def browser(served: Served, app: FastAPI) -> Callable[[], Browser]:
    """`browser()`: somebody's browser, with nothing in it yet."""
    return lambda: Browser(AppClient(app, base_url=ORIGIN), ORIGIN)


@pytest.fixture
def signed_in(browser: Callable[[], Browser], frozen: FakeClock) -> Callable[..., Browser]:
    """`signed_in(ann)`: a browser with a session of this user. Each begins a millisecond after the last one."""

    def make(user: User, **more: Any) -> Browser:
        frozen.advance(milliseconds=1)
        made = browser()
        answer = made.post("/sessions/login", json={"email": user.email, "password": user.password, **more})
        assert answer.status_code == 200, answer.text
        return made

    return make


@pytest.fixture
def ask(bindings: Bindings) -> Call:
    """A request without a cookie, for actions called by themselves."""
    return Call(
        method="POST",
        path="/sessions",
        headers=(),
        query_string="",
        source_ip="203.0.113.7",
        api_gateway=True,
        internal=None,
        bindings=bindings,
        request_id=ids.new(),
    )


@dataclass
class Told:
    """The events that items carry, and have carried, oldest first."""

    served: Served

    def of(self, type_: str) -> list[dict[str, Any]]:
        items = [item for item in everything_in(self.served.table) if "event" in item]
        found = {envelope.id: envelope for envelope in (Envelope.parse(item["event"]["S"]) for item in items)}
        return [envelope.data for _, envelope in sorted(found.items()) if envelope.type == type_]


@pytest.fixture
def told(served: Served) -> Told:
    return Told(served)


def claims_of(token: str) -> dict[str, Any]:
    """What an access token says, unverified."""
    found: dict[str, Any] = json.loads(jws.decode(token.split(".")[1]))
    return found

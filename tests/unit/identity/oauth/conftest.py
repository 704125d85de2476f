"""The whole capability on moto, providers on real sockets, and what `accounts` and `sessions` would answer."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from functions.identity.oauth.ports import Ports, s256
from functions.identity.oauth.rules.providers import PRESETS, Kind, Provider
from functions.identity.oauth.store import ProviderStore
from functions.identity.oauth.vault import Vault
from functions.identity.oauth.wire import TOTAL_SECONDS, Wire
from localstack.stand_ins import wire
from localstack.stand_ins.idp import IdentityProvider, RegisteredClient
from localstack.stand_ins.signing import Key
from localstack.stand_ins.wire import StandIn
from tessera import aws, clock, ids
from tessera.auth.internal import Internal, NoAnswer
from tessera.entry.app import build_app
from tessera.safehttp import SafeHTTP
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.stand_ins import Answer, Asked, WireStandIn
from tests.kit.stores import make_table
from tests.kit.tokens import ISSUER, Signer, publish
from tests.kit.web import AppClient

BASE = "https://app.test"
RETURN_TO = f"{BASE}/demo/sign-in"
CLIENT_ID, SECRET = "tessera", "s3cret/with+signs"
VERIFIER = "v" * 43


class Served(WireStandIn):
    """A stand-in of the local cloud on a socket of its own."""

    def __init__(self, provider: StandIn) -> None:
        super().__init__()
        self.provider = provider
        self._turn = threading.Lock()

    def __enter__(self) -> "Served":
        super().__enter__()
        self.provider.base = self.url
        return self

    def answer(self, asked: Asked) -> Answer:
        with self._turn:
            found = self.provider.answer(wire.Asked(asked.method, asked.path, asked.query, asked.headers, asked.body))
        return Answer(found.status, found.headers, found.body)

    @property
    def port(self) -> int:
        return int(urlsplit(self.url).port or 0)


@dataclass
class Neighbours:
    """What `accounts` and `sessions` answer, and what they were asked. Called as a transport of internal calls."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    ended: list[tuple[str, str, Any]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    sign_up_closed: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def user(self, email: str, **more: Any) -> str:
        """Somebody who has an account."""
        user_id = ids.new()
        self.users[user_id] = {"email": email, "status": "active", "factors": [], "has_password": True, **more}
        return user_id

    def by_email(self, email: str) -> str | None:
        return next((one for one, user in self.users.items() if user["email"].lower() == email.lower()), None)

    def asked(self, path: str) -> list[Any]:
        return [body for _, found, body in self.calls if found.endswith(path)]

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        path, body = event["rawPath"], json.loads(event["body"] or "null")
        with self._lock:
            self.calls.append((function, path, body))
            if any(path.endswith(name) for name in self.broken):
                return {"statusCode": 503, "body": "{}"}
            status, answer = self._answer(event["requestContext"]["http"]["method"], path, body)
            if any(path.endswith(name) for name in self.lost):
                raise NoAnswer("it was done, and nobody heard")
        return {"statusCode": status, "body": json.dumps(answer)}

    def _answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        found = re.fullmatch(r"/accounts/internal/users/([0-9A-Z]{26})", path)
        if found and method == "GET":
            user = self.users.get(found[1])
            return (200, {"id": found[1], **user}) if user else (404, {})
        if path == "/accounts/internal/provider-session/end":
            self.ended.append(("token", body["user_id"], body["session_id"]))
            return 204, None
        if path == "/accounts/internal/identities":
            return self._find_or_create(body)
        if path == "/accounts/internal/tokens":
            return self._tokens(body)
        if path == "/accounts/internal/mail":
            self.mails.append(body)
            return 202, {}
        if path == "/sessions/internal/exchange-code":
            return 200, {"code": f"session-code-of-{body['user_id']}"}
        if path == "/sessions/internal/provider-session/end":
            self.ended.append(("cookie", body["user_id"], body["session_id"]))
            return 204, None
        return 404, {}

    def _find_or_create(self, body: Any) -> tuple[int, Any]:
        known = self.by_email(body["email"])
        if known:
            again = body.get("attempt") is not None and body["attempt"] == self.users[known].get("attempt")
            return 201 if again else 200, {"user_id": known, "created": again}
        if body.get("create") is False:
            return 404, {}
        if self.sign_up_closed:
            return 403, {}
        made = self.user(body["email"], name=body.get("name"), has_password=False, attempt=body.get("attempt"))
        return 201, {"user_id": made, "created": True}

    def _tokens(self, body: Any) -> tuple[int, Any]:
        user = self.users.get(body["user_id"])
        if user is None or user["status"] == "locked":
            return 401, {}
        if user["factors"] and body["aal"] < 2:
            pending = {"mfa_token": "mfa-token", "methods": user["factors"], "session_id": f"to-come-{body['user_id']}"}
            return 200, {"status": "mfa_required", **pending}
        return 200, {
            "token_type": "Bearer",
            "access_token": f"access-of-{body['user_id']}",
            "expires_in": 600,
            "session_id": ids.new(),
            "refresh_token": "trt_x",
            "refresh_expires_in": 1_000,
            "user": {"id": body["user_id"], "email": user["email"], "name": None, "roles": ["user"]},
        }


@pytest.fixture(scope="session")
def key(cloud: None) -> str:
    """The key that seals."""
    return str(aws.client("kms").create_key()["KeyMetadata"]["KeyId"])


@pytest.fixture(scope="session")
def keys() -> dict[str, Key]:
    """Made once: an RSA key takes a moment."""
    return {alg: Key(alg) for alg in ("ES256", "RS256")}


@dataclass
class World:
    """Some containers of the capability on one table, its neighbours, and one provider called `idp`."""

    environment: dict[str, str]
    table: Table
    clock: FakeClock
    neighbours: Neighbours
    signer: Signer
    idp: IdentityProvider
    served: Served
    providers: dict[str, Provider]
    opened: set[str] = field(default_factory=set)
    apps: list[FastAPI] = field(default_factory=list)
    patience: float = TOTAL_SECONDS

    def container(self) -> FastAPI:
        """Another one, which knows nothing yet."""
        allowed = ",".join(sorted({f"127.0.0.1:{self.served.port}", *self.opened}))
        made = build_app("oauth", *_routers(), environment={**self.environment, "SAFEHTTP_ALLOW": allowed})
        bindings: Bindings = made.state.bindings
        bindings.replace(Internal, Internal("oauth", bindings, self.neighbours))
        bindings.replace(ProviderStore, ProviderStore(self.table, list(self.providers.values())))
        wire_of_all = Wire(bindings.get(SafeHTTP), bindings.get(Vault), total_seconds=self.patience)
        bindings.replace(Wire, wire_of_all)
        # Waiting for another container costs a test nothing.
        bindings.replace(Ports, replace(bindings.get(Ports), pause=lambda seconds: threading.Event().wait(0.005)))
        self.apps.append(made)
        return made

    def app(self) -> FastAPI:
        return self.apps[0] if self.apps else self.container()

    def ports(self, app: FastAPI | None = None) -> Ports:
        found: Ports = (app or self.app()).state.bindings.get(Ports)
        return found

    def provide(self, provider: Provider) -> Provider:
        """Set a provider up, in containers made from now on."""
        self.providers[provider.id] = provider
        self.apps.clear()
        return provider

    def change(self, **values: Any) -> Provider:
        """Set `idp` up in another way."""
        return self.provide(replace(self.providers["idp"], **values))

    def serve(self, served: Served) -> Served:
        self.opened.add(f"127.0.0.1:{served.port}")
        self.apps.clear()
        return served

    def browser(self, app: FastAPI | None = None) -> "Browser":
        return Browser(AppClient(app or self.app(), base_url=BASE, follow_redirects=False), self)

    def token(self, user_id: str, **claims: Any) -> dict[str, str]:
        """The header of somebody who has signed in just now."""
        expires = int(clock.now().timestamp()) + 600
        return {"authorization": f"Bearer {self.signer.token(sub=user_id, sid=ids.new(), exp=expires, **claims)}"}

    def identity_of(self, user_id: str) -> list[Any]:
        return self.ports().identities.of_user(user_id)


def _routers() -> list[Any]:
    from functions.identity.oauth.routes import identities, internal, logout, manage, sign_in

    return [sign_in.router, identities.router, manage.router, logout.router, internal.router]


@dataclass
class Browser:
    """A browser: it keeps its cookies, and goes where it is sent."""

    http: AppClient
    world: World

    def start(self, provider: str = "idp", *, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        sent = {"return_to": RETURN_TO, "exchange_challenge": s256(VERIFIER), **body}
        answer: httpx.Response = self.http.post(f"/oauth/{provider}/start", json=sent, headers=dict(headers or {}))
        return answer

    def begin(self, provider: str = "idp", **more: Any) -> str:
        """The address of the provider's page."""
        answer = self.start(provider, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["authorization_url"])

    def choose(self, url: str, person: str = "ada") -> str:
        """What the provider sends the browser on to after somebody was chosen there."""
        answer = httpx.post(url, data={"as": person}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def come_back(self, url: str) -> httpx.Response:
        answer: httpx.Response = self.http.get(url.removeprefix(BASE))
        return answer

    def sign_in(self, provider: str = "idp", person: str = "ada", **more: Any) -> dict[str, str]:
        """The whole way there and back: what stands in the fragment at the end."""
        return fragment(self.come_back(self.choose(self.begin(provider, **more), person)))

    def exchange(self, code: str, verifier: str = VERIFIER, **more: Any) -> httpx.Response:
        sent = {"code": code, "exchange_verifier": verifier, **more}
        answer: httpx.Response = self.http.post("/oauth/exchange", json=sent)
        return answer

    def gain(self, provider: str = "idp", person: str = "ada", **more: Any) -> dict[str, Any]:
        """Sign in, and what that gives."""
        ended = self.sign_in(provider, person, **more)
        assert "code" in ended, ended
        answer = self.exchange(ended["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def fragment(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    place, _, rest = answer.headers["location"].partition("#")
    assert place == RETURN_TO
    return dict(parse_qsl(rest))


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


@pytest.fixture
def world(frozen: FakeClock, secret: str, key: str, keys: dict[str, Key]) -> Iterator[World]:
    registered = RegisteredClient(CLIENT_ID, SECRET, redirect_uris=frozenset([f"{BASE}/oauth/idp/callback"]))
    idp = IdentityProvider(registered, now=lambda: clock.now().timestamp(), keys=keys)
    with Served(idp) as served:
        table, feed, signer = make_table("Oauth"), make_table("Authfeed"), Signer()
        publish(feed, signer.entry())
        environment = {
            "STAGE": "local",
            "CAPABILITY": "oauth",
            "TABLE": table.name,
            "AUTHFEED": feed.name,
            "RATELIMIT": make_table("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "ISSUER": ISSUER,
            "PUBLIC_BASE_URL": BASE,
            "PROVIDER_KEY": key,
            "LIMIT_BUDGET_MS": "3000",
            "RATE_FACTOR": "1000",
        }
        provider = provider_of("idp", Kind.OIDC, issuer=served.url, trust_email=True)
        yield World(environment, table, frozen, Neighbours(), signer, idp, served, {"idp": provider})


def provider_of(provider_id: str, kind: Kind, **values: Any) -> Provider:
    """A provider as it is set up here, its secret in clear."""
    return Provider(
        **{
            "id": provider_id,
            "name": provider_id.title(),
            "kind": kind,
            "client_id": CLIENT_ID,
            "secret": SECRET,
            "is_built_in": True,
            **PRESETS[kind],
            **values,
        }
    )


@pytest.fixture
def browser(world: World) -> Browser:
    return world.browser()

"""`oidc-provider` for Node, a certified provider that others wrote: we sign in with it over its own wire.

The capability runs in this process, because a deployed one reaches no stand-ins but those of the front door.
"""

import json
import subprocess
from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest

from functions.identity.oauth.rules.providers import Kind
from localstack.stand_ins.signing import Key, b64, number
from tessera import aws, ids
from tests.kit.clocks import FakeClock
from tests.kit.memory import cloud_in_memory
from tests.kit.stores import make_table
from tests.kit.tokens import ISSUER, Signer
from tests.peers.npm import installed
from tests.unit.identity.oauth.conftest import BASE, SECRET, Browser, Neighbours, World, provider_of

PACKAGES = {"oidc-provider": "9.13.3"}
REDIRECT = f"{BASE}/oauth/peer/callback"
PROGRAM = """
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [clients, keys] = process.argv.slice(2).map((text) => JSON.parse(text));
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients,
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'] },
    jwks: { keys },
    cookies: { keys: ['a key of the test'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { revocation: { enabled: true } },
    pkce: { required: () => true },
    findAccount: async (ctx, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, email: `${id}@peer.example`, email_verified: id !== 'nobody', name: id }),
    }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
"""
CLIENTS = [
    {"client_id": f"{auth}-{alg}", "token_endpoint_auth_method": auth, "id_token_signed_response_alg": alg}
    for auth, alg in (
        ("client_secret_basic", "RS256"),
        ("client_secret_post", "PS256"),
        ("none", "ES256"),
        ("client_secret_basic", "EdDSA"),
    )
]
WAYS = {"client_secret_basic": "basic", "client_secret_post": "post", "none": "none"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    folder = installed(PACKAGES)
    program = folder / "provider.mjs"
    program.write_text(PROGRAM)
    common = {"redirect_uris": [REDIRECT], "grant_types": ["authorization_code"], "response_types": ["code"]}
    clients = json.dumps([{**common, **client, "client_secret": SECRET * 2} for client in CLIENTS])
    # Made here: Node, asked to make keys and to write them down, has been seen to wait for itself for ever.
    keys = json.dumps([_private(Key(alg)) for alg in ("RS256", "ES256", "EdDSA")])
    with subprocess.Popen(
        ["node", str(program), clients, keys], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peer:
        assert peer.stdout is not None and peer.stdin is not None
        yield peer.stdout.readline().strip()
        peer.stdin.close()
        peer.wait(10)


def _private(key: Key) -> dict[str, str]:
    """The whole key as a JWK, for any algorithm of its kind."""
    public = {name: value for name, value in key.jwk().items() if name != "alg"}
    if key.alg == "EdDSA":
        return {**public, "d": b64(key.private.private_bytes_raw())}
    numbers = key.private.private_numbers()
    if key.alg == "ES256":
        return {**public, "d": number(numbers.private_value, 32)}
    parts = {"p": numbers.p, "q": numbers.q, "d": numbers.d, "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
    return {**public, **{name: number(value) for name, value in parts.items()}}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, issuer: str) -> Iterator[World]:
    """The capability on tables in memory, in real time, for the provider keeps its own."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in (("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws.forget_clients()
    with cloud_in_memory():
        secret = f"mac-keys-{ids.new()}"
        value = json.dumps({"current": "1", "1": "a text that CloudFormation would have made"})
        aws.client("secretsmanager").create_secret(Name=secret, SecretString=value)
        table = make_table("Oauth")
        environment = {
            "STAGE": "local",
            "CAPABILITY": "oauth",
            "TABLE": table.name,
            "AUTHFEED": make_table("Authfeed").name,
            "RATELIMIT": make_table("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "ISSUER": ISSUER,
            "PUBLIC_BASE_URL": BASE,
            "PROVIDER_KEY": str(aws.client("kms").create_key()["KeyMetadata"]["KeyId"]),
            "LIMIT_BUDGET_MS": "3000",
            "RATE_FACTOR": "1000",
        }
        served = _Elsewhere(int(issuer.rpartition(":")[2]))
        yield World(environment, table, FakeClock(), Neighbours(), Signer(), served, served, {})  # type: ignore[arg-type]
    aws.forget_clients()


class _Elsewhere:
    """Stands where the unit tests have a stand-in of their own: its port is opened."""

    def __init__(self, port: int) -> None:
        self.port = port


def sign_in(browser: Browser, issuer: str, person: str) -> dict[str, str]:
    """Through the provider's own pages: who they are, then what they allow."""
    url = browser.begin("peer")
    with httpx.Client(follow_redirects=False) as pages:
        for _ in range(12):
            answer = pages.get(url)
            if answer.status_code == 200:
                asked = "login" if 'name="login"' in answer.text else "consent"
                given = {"prompt": asked, "login": person, "password": "any"}
                answer = pages.post(url, data=given)
            url = urljoin(url, answer.headers["location"])
            if url.startswith(REDIRECT):
                back = browser.come_back(url)
                assert back.status_code == 303, back.text
                fields = back.headers["location"].partition("#")[2].split("&")
                return dict(field.split("=", 1) for field in fields)
    raise AssertionError(f"The provider never sent the browser back; it is at {url}.")


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client["client_id"])
def test_a_certified_provider_signs_people_in(world: World, issuer: str, client: dict[str, str]) -> None:
    auth = WAYS[client["token_endpoint_auth_method"]]
    values = {"client_id": client["client_id"], "secret": None if auth == "none" else SECRET * 2, "token_auth": auth}
    world.provide(provider_of("peer", Kind.OIDC, issuer=issuer, **values))
    browser = world.browser()

    ended = sign_in(browser, issuer, "ada")

    assert set(ended) == {"code"}, ended
    assert browser.exchange(ended["code"]).json()["user"]["email"] == "ada@peer.example"
    again = sign_in(world.browser(), issuer, "ada")
    assert world.browser().exchange(again["code"]).status_code == 200 and len(world.neighbours.users) == 1


def test_an_address_it_has_not_verified_opens_nothing(world: World, issuer: str) -> None:
    client = CLIENTS[0]["client_id"]
    world.provide(provider_of("peer", Kind.OIDC, issuer=issuer, client_id=client, secret=SECRET * 2))

    assert sign_in(world.browser(), issuer, "nobody")["status"] == "email_required"
    assert world.neighbours.users == {}


@pytest.mark.parametrize("wrong", [{"secret": "wrong"}, {"algs": ("PS256",)}], ids=str)
def test_what_is_set_up_wrongly_is_told_as_such(world: World, issuer: str, wrong: dict[str, object]) -> None:
    values = {"client_id": CLIENTS[0]["client_id"], "secret": SECRET * 2, **wrong}
    world.provide(provider_of("peer", Kind.OIDC, issuer=issuer, **values))

    assert sign_in(world.browser(), issuer, "ada")["error"] in ("provider-error", "id-token-invalid")
    assert world.neighbours.users == {}

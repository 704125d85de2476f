"""The providers of a laptop, as the local cloud serves them."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from functions.identity.oauth import demo
from functions.identity.oauth.store import ProviderStore
from localstack.stand_ins import served, wire
from tessera import clock
from tests.kit.stand_ins import Answer, Asked, WireStandIn
from tests.unit.identity.oauth.conftest import World


class Door(WireStandIn):
    """What the front door does with the stand-ins: each below a path of its own."""

    def __enter__(self) -> "Door":
        super().__enter__()
        self.stand_ins = served.build(self.url, now=lambda: clock.now().timestamp())
        return self

    def answer(self, asked: Asked) -> Answer:
        name, _, rest = asked.path.removeprefix(f"{served.PREFIX}/").partition("/")
        given = wire.Asked(asked.method, f"/{rest}", asked.query, asked.headers, asked.body)
        found = self.stand_ins[name].answer(given)
        return Answer(found.status, found.headers, found.body)


@pytest.fixture
def door(world: World) -> Iterator[Door]:
    with Door() as found:
        world.environment["PUBLIC_BASE_URL"] = found.url
        world.opened.add(urlsplit(found.url).netloc)
        for provider in demo.providers(f"{found.url}{served.PREFIX}"):
            world.provide(provider)
        yield found


@pytest.mark.parametrize(("provider", "name"), [("local-idp", "Local IdP"), ("github-stub", "GitHub (stub)")])
def test_the_buttons_of_the_demo_sign_in_without_a_network(world: World, door: Door, provider: str, name: str) -> None:
    browser = world.browser()
    listed = browser.http.get("/oauth/providers").json()["items"]
    assert (provider, name) in [(one["id"], one["name"]) for one in listed]

    url = browser.begin(provider, return_to=f"{door.url}/demo/sign-in")
    page = httpx.get(url)
    sent_on = httpx.post(url, data={"as": "ada"}, follow_redirects=False).headers["location"]
    ended = browser.http.get(sent_on.removeprefix(door.url)).headers["location"]

    assert 'name="as" value="ada"' in page.text and "<script" not in page.text
    code = dict(parse_qsl(ended.partition("#")[2]))["code"]
    assert browser.exchange(code).json()["user"]["email"] == "ada@idp.example"


def test_they_know_the_client_that_is_built_in() -> None:
    assert (served.CLIENT_ID, served.CLIENT_SECRET) == (demo.CLIENT_ID, demo.CLIENT_SECRET)


def test_a_stage_that_lasts_has_none_of_them(world: World) -> None:
    world.environment |= {"DEMO_PROVIDERS": "http://127.0.0.1:8000/stand-ins"}
    local = world.container().state.bindings
    lasting = world.container().state.bindings
    lasting.environment = {**lasting.environment, "STAGE": "prod", "SAFEHTTP_ALLOW": ""}

    assert set(ProviderStore.bind(local).built_in) == {"local-idp", "github-stub"}
    lasting._made.clear()
    assert ProviderStore.bind(lasting).built_in == {}
    assert demo.providers("") == []


def test_a_fault_and_the_journal_are_at_hand(door: Door) -> None:
    base = f"{door.url}{served.PREFIX}/idp"

    assert httpx.put(f"{base}/control/faults", json={"discovery": "500"}).json() == {"discovery": "500"}
    assert httpx.get(f"{base}/.well-known/openid-configuration").status_code == 500
    httpx.put(f"{base}/control/faults", json={})
    assert httpx.get(f"{base}/.well-known/openid-configuration").json()["issuer"] == base
    assert len(httpx.get(f"{base}/control/journal").json()) == 2

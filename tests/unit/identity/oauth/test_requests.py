"""What operations cost: requests to the table, to the provider, and to other capabilities."""

from dataclasses import dataclass, field

from tests.kit.capacity import CapacityMeter
from tests.unit.identity.oauth.conftest import Browser, World, fragment


@dataclass
class Spent:
    table: list[str] = field(default_factory=list)
    provider: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


class Meter:
    """Counts inside its block what goes to the capability's own table, to the provider and to the neighbours."""

    def __init__(self, world: World) -> None:
        self._world, self.spent = world, Spent()
        self._meter = CapacityMeter()

    def __enter__(self) -> Spent:
        self._world.idp.journal.clear()
        self._world.neighbours.calls.clear()
        self._meter.__enter__()
        return self.spent

    def __exit__(self, *_: object) -> None:
        self._meter.__exit__(None, None, None)
        self.spent.table = self._meter.of(self._world.table.name).operations
        self.spent.provider = [one.path for one in self._world.idp.journal]
        self.spent.calls = [path.split("/")[-1] for _, path, _ in self._world.neighbours.calls]


def warm(world: World) -> Browser:
    """A container that knows its provider, and a browser with somebody who was here before."""
    browser = world.browser()
    browser.gain()
    return browser


def test_a_start_is_one_write(world: World) -> None:
    browser = warm(world)

    with Meter(world) as spent:
        browser.begin()

    assert (spent.table, spent.provider, spent.calls) == (["PutItem"], [], [])


def test_a_callback_is_one_request_to_the_provider_and_three_to_the_table(world: World) -> None:
    browser = warm(world)
    callback = browser.choose(browser.begin())

    with Meter(world) as spent:
        answer = browser.come_back(callback)

    assert "code" in fragment(answer)
    assert spent.table == ["DeleteItem", "GetItem", "TransactWriteItems"]
    assert spent.provider == ["/token"]
    assert len(spent.calls) == 1


def test_the_callback_of_a_newcomer_is_four_requests_to_the_table(world: World) -> None:
    browser = warm(world)
    callback = browser.choose(browser.begin(), "grace")

    with Meter(world) as spent:
        browser.come_back(callback)

    assert spent.table == ["DeleteItem", "GetItem", "UpdateItem", "TransactWriteItems"]
    assert spent.provider == ["/token"] and spent.calls == ["identities"]


def test_a_newcomer_who_can_be_signed_out_by_the_provider_costs_the_table_no_more(world: World) -> None:
    """What lets the provider find the session goes along with the identity."""
    world.change(backchannel_logout=True)
    browser = warm(world)
    callback = browser.choose(browser.begin(delivery="cookie"), "grace")

    with Meter(world) as spent:
        browser.come_back(callback)

    assert spent.table == ["DeleteItem", "GetItem", "UpdateItem", "TransactWriteItems"]
    assert spent.calls == ["identities", "exchange-code"]


def test_userinfo_is_the_second_and_last_request_to_the_provider(world: World) -> None:
    browser = warm(world)
    world.idp.faults["thin"] = True
    callback = browser.choose(browser.begin())

    with Meter(world) as spent:
        browser.come_back(callback)

    assert spent.provider == ["/token", "/userinfo"]


def test_an_exchange_is_one_write_and_one_internal_call(world: World) -> None:
    browser = warm(world)
    code = browser.sign_in()["code"]

    with Meter(world) as spent:
        browser.exchange(code)

    assert (spent.table, spent.provider, spent.calls) == (["DeleteItem"], [], ["tokens"])


def test_a_cookie_delivery_costs_the_table_no_more(world: World) -> None:
    browser = warm(world)
    callback = browser.choose(browser.begin(delivery="cookie"))

    with Meter(world) as spent:
        browser.come_back(callback)

    assert spent.table == ["DeleteItem", "GetItem", "TransactWriteItems"]
    assert spent.calls[1:] == ["exchange-code"]


def test_a_refused_state_is_one_write(world: World) -> None:
    browser = warm(world)
    browser.begin()

    with Meter(world) as spent:
        browser.come_back("/oauth/idp/callback?code=x&state=unknown")

    assert (spent.table, spent.provider, spent.calls) == (["DeleteItem"], [], [])


def test_a_container_that_starts_reads_what_others_have_kept(world: World) -> None:
    warm(world)
    fresh = world.browser(world.container())

    with Meter(world) as spent:
        fresh.begin()

    assert (spent.table, spent.provider) == (["GetItem", "PutItem"], [])


def test_lists_are_one_query(world: World) -> None:
    browser = warm(world)
    me = world.neighbours.by_email("ada@idp.example") or ""
    headers = world.token(me)
    browser.http.get("/oauth/identities", headers=headers)

    with Meter(world) as mine:
        browser.http.get("/oauth/identities", headers=headers)
    with Meter(world) as listed:
        browser.http.get("/oauth/providers")
    with Meter(world) as again:
        browser.http.get("/oauth/providers")

    assert (mine.table, listed.table, again.table) == (["Query"], ["Query"], [])

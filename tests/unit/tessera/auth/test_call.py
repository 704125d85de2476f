from collections.abc import Callable

import pytest

from tessera.auth.call import Call
from tessera.settings import Bindings

MakeCall = Callable[..., Call]
SECRET = ("x-tessera-edge", "edge secret")


@pytest.fixture
def trusting(bindings: Bindings) -> Callable[[str], Bindings]:
    def make(edge: str) -> Bindings:
        return Bindings({**bindings.environment, "TRUSTED_EDGE": edge, "EDGE_SECRET": "edge secret"})

    return make


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_address_is_counted_by_what_one_client_owns(call: MakeCall, given: str, counted: str) -> None:
    assert call(source_ip=given).client_ip == counted


def test_the_whole_address_is_kept_for_the_audit(call: MakeCall) -> None:
    assert call(source_ip="2001:db8:1:2:3:4:5:6").client_address == "2001:db8:1:2:3:4:5:6"


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"])
def test_a_forged_forwarding_header_is_ignored(call: MakeCall, name: str) -> None:
    assert call(headers=((name, "198.51.100.1"),)).client_ip == "203.0.113.7"


@pytest.mark.parametrize("edge", ["door", "cloudfront"])
@pytest.mark.parametrize(
    ("forwarded", "seen"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, 203.0.113.7", "198.51.100.1"),
        ("6.6.6.6, 198.51.100.1, 203.0.113.7", "198.51.100.1"),
        ("6.6.6.6,198.51.100.1", "198.51.100.1"),
        ("203.0.113.7", "203.0.113.7"),
        ("nonsense", "203.0.113.7"),
        ("", "203.0.113.7"),
    ],
)
def test_our_own_edge_is_believed(
    call: MakeCall, trusting: Callable[[str], Bindings], edge: str, forwarded: str, seen: str
) -> None:
    made = call(headers=(SECRET, ("x-forwarded-for", forwarded)), within=trusting(edge))

    assert made.client_ip == seen


@pytest.mark.parametrize(
    ("edge", "headers"),
    [
        ("door", ()),
        ("door", (("x-tessera-edge", "guessed"),)),
        ("door", (("x-tessera-edge", ""),)),
        ("door", (SECRET, ("x-tessera-edge", "guessed"))),
        ("elsewhere", (SECRET,)),
        ("", (SECRET,)),
    ],
)
def test_nobody_else_is(
    call: MakeCall, trusting: Callable[[str], Bindings], edge: str, headers: tuple[tuple[str, str], ...]
) -> None:
    made = call(headers=(*headers, ("x-forwarded-for", "198.51.100.1")), within=trusting(edge))

    assert made.client_ip == "203.0.113.7"


def test_an_edge_without_a_secret_is_not_trusted(call: MakeCall, bindings: Bindings) -> None:
    open_edge = Bindings({**bindings.environment, "TRUSTED_EDGE": "door"})
    made = call(headers=(("x-tessera-edge", ""), ("x-forwarded-for", "198.51.100.1")), within=open_edge)

    assert made.client_ip == "203.0.113.7"


def test_behind_an_internal_call_the_browser_is_counted(call: MakeCall) -> None:
    made = call(internal={"internal": True, "caller": "sessions", "client": {"address": "198.51.100.1"}}, source_ip="")

    assert made.client_ip == "198.51.100.1"


@pytest.mark.asvs("8.3.1")
def test_nothing_that_came_through_a_gateway_is_internal(call: MakeCall) -> None:
    made = call(internal={"internal": True, "caller": "sessions"})

    assert made.is_internal
    assert not Call(**{**made.__dict__, "api_gateway": True}).is_internal
    assert not call(internal={"internal": "true"}).is_internal

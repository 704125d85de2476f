from collections.abc import Callable
from typing import Any

import pytest

from tessera import aws
from tessera.buckets import Buckets
from tessera.limits import Limits
from tessera.overrides import Policies, PolicyRow
from tessera.policies import DEFAULTS, KEYS, Policy, by_class
from tessera.tables import Table
from tests.kit.buckets import limiter
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing


@pytest.fixture
def store(table_of: Callable[[str], Table], frozen: FakeClock) -> Table:
    return table_of("Ratelimit")


@pytest.fixture
def limits(store: Table) -> Limits:
    return limiter(Buckets(store.name, 5_000))


def override(store: Table, name: str, *, limit: int = 60, burst: int = 10, **more: Any) -> None:
    store.put(PolicyRow(pk=f"POLICY#{name}", sk="V", limit=limit, period_seconds=60, burst=burst, **more))


def test_the_default_policies_are_those_of_the_documentation() -> None:
    figures = {
        name: (window.limit, window.period_seconds, window.burst)
        for name, policy in DEFAULTS.items()
        for window in policy.windows
    }

    assert figures == {
        "anon:read": (120, 60, 40),
        "anon:write": (20, 60, 10),
        "user:read": (600, 60, 100),
        "user:write": (120, 60, 40),
        "user:expensive": (12, 60, 4),
        "key:default": (600, 60, 100),
        "auth:ip": (30, 300, 30),
        "auth:account": (20, 3_600, 10),
        "auth:device": (20, 3_600, 10),
        "auth:sign-up:ip": (10, 3_600, 5),
        "auth:mail:address": (3, 3_600, 3),
        "auth:mfa:user": (12, 3_600, 5),
        "todo-backend:ip": (30, 1, 30),
        "conduit:ip": (40, 1, 40),
        "conduit:sign-up:ip": (60, 60, 60),
        "shortener:follow:ip": (1_200, 60, 300),
        "shortener:create": (60, 3_600, 60),
        "shortener:create:new": (10, 86_400, 10),
        "shortener:password": (5, 60, 5),
        "shortener:report:ip": (10, 3_600, 5),
        "linkpreview:user": (60, 60, 60),
        "linkpreview:host": (30, 60, 30),
    }
    assert {name for name, policy in DEFAULTS.items() if policy.fail == "closed"} == {
        *(name for name in DEFAULTS if name.startswith("auth:")),
        *("conduit:sign-up:ip", "shortener:password"),
    }


@pytest.mark.parametrize(
    ("plan", "rate_class", "name"),
    [
        ("user", "write", "user:write"),
        ("gold", "write", "user:write"),
        ("anon", "expensive", "anon:write"),
        ("anon", "read", "anon:read"),
        ("user", "auth", "auth:ip"),
        ("key:default", "write", "key:default"),
        ("key:gold", "read", "key:default"),
    ],
)
def test_the_shipped_policy_of_a_plan_and_class(plan: str, rate_class: str, name: str) -> None:
    assert by_class(plan, rate_class) == name


def test_a_plan_that_somebody_has_defined_has_its_own_figures(store: Table, limits: Limits) -> None:
    override(store, "gold:write", limit=6_000, burst=500)

    assert limits.policies.of_plan("gold", "write", "user:anna").windows[0].burst == 500
    assert limits.policies.of_plan("gold", "read", "user:anna").name == "user:read"
    assert limits.policies.of_plan("gold", "auth", "ip:127.0.0.1").name == "auth:ip"


def test_the_bucket_of_a_key_goes_by_one_name_whatever_its_plan(store: Table, limits: Limits) -> None:
    override(store, "key:gold", limit=6_000, burst=500)

    gold, usual = limits.policies.of_key("key:gold", "key:k"), limits.policies.of_key("key:silver", "key:k")

    assert (gold.name, gold.capacity, gold.kept_as, gold.exact) == ("key:gold", 500, KEYS, True)
    assert (usual.name, usual.capacity, usual.kept_as, usual.exact) == (KEYS, 100, KEYS, True)


def test_an_override_is_in_force_within_a_minute(store: Table, limits: Limits, frozen: FakeClock) -> None:
    assert limits.decide("user:write", "user:anna").remaining == 39
    override(store, "user:write", burst=4)
    with aws.metered() as meter:
        for _ in range(5):
            limits.decide("user:write", "user:bert")
    frozen.advance(seconds=60)

    assert set(meter.operations) == {"UpdateItem"}
    assert limits.decide("user:write", "user:cleo").remaining == 3


def test_an_override_may_be_for_some_addresses_only(store: Table) -> None:
    override(store, "anon:write", burst=2, addresses=["127.3.0.0/16", "2001:db8::/32"])
    policies = Policies(Buckets(store.name, 5_000).override, factor=100)

    def burst(subject: str) -> int:
        return policies.get("anon:write", subject).windows[0].burst

    assert burst("ip:127.3.9.1") == 2
    assert burst("ip:2001:db8:1:2::/64") == 2
    assert burst("ip:127.4.0.1") == 1_000
    assert burst("ip:testclient") == 1_000
    assert policies.get("user:write", "user:anna").windows[0].burst == 40


def test_an_override_says_everything_a_policy_can_be(store: Table, limits: Limits) -> None:
    override(
        store,
        "export",
        more=[[10, 1, 3]],
        algorithm="sliding",
        mode="shadow",
        fail="closed",
        slack_micros=5,
        exact=True,
        quota=1_000,
        lease=7,
        priority=True,
        version=9,
    )

    found = limits.policies.get("export", "user:anna")

    assert [(window.limit, window.period_seconds, window.burst) for window in found.windows] == [
        (60, 60, 10),
        (10, 1, 3),
    ]
    assert (found.algorithm, found.mode, found.fail, found.slack_micros) == ("sliding", "shadow", "closed", 5)
    assert (found.exact, found.quota, found.lease, found.priority, found.version) == (True, 1_000, 7, True, 9)


def test_an_override_leaves_what_it_does_not_say(store: Table, limits: Limits) -> None:
    override(store, "auth:ip", limit=10, burst=10)

    found = limits.policies.get("auth:ip", "ip:127.0.0.1")

    assert (found.fail, found.refundable, found.per_address, found.mode) == ("closed", True, True, "enforce")


def test_an_override_that_cannot_be_read_leaves_the_default(limits: Limits) -> None:
    with failing("dynamodb", "GetItem", code="ThrottlingException"):
        assert limits.decide("user:write", "user:anna").remaining == 39


def test_an_override_that_was_taken_back_is_none(store: Table, limits: Limits) -> None:
    override(store, "user:write", burst=2, gone=1)

    assert limits.decide("user:write", "user:anna").remaining == 39


def test_a_policy_nobody_defined_is_a_defect(limits: Limits) -> None:
    with pytest.raises(KeyError):
        limits.decide("user:reed", "user:anna")


def test_names_that_nobody_defined_are_not_remembered_without_end() -> None:
    policies = Policies(lambda name: None)
    for number in range(1_010):
        assert policies.find(f"nobody:{number}", "user:anna") is None

    assert len(policies._known) == 1_000


@pytest.mark.parametrize(
    ("limit", "period", "lease", "units"),
    [(600, 60, 0, 1), (200, 1, 0, 1), (500, 1, 0, 25), (500, 1, 10, 10), (600, 60, 20, 20), (500, 1, 9_999, 400)],
)
def test_high_rates_take_several_units_at_once(limit: int, period: int, lease: int, units: int) -> None:
    from tessera.gcra import Window

    assert Policy("p", (Window(limit, period, 400),), lease=lease).units == units

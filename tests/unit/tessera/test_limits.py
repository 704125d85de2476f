import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tessera import aws, clock
from tessera.auth.mac import Mac, MacKeys
from tessera.auth.problems import AttemptsExhausted, RateLimited
from tessera.gcra import Tats, Window
from tessera.limits import MAX_WRITES, Buckets, Decision, Limits
from tessera.policies import DEFAULTS, Policies, Policy, PolicyRow, by_class
from tessera.problems import Unavailable
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.races import together
from tests.kit.stores import everything_in

TEN = Policy("ten", (Window(60, 60, 10),))
CLOSED = Policy("closed", (Window(60, 60, 10),), fail="closed")


def mac() -> Mac:
    return Mac(lambda: MacKeys({"current": "1", "1": "secret"}))


class OneAtATime(Buckets):
    """DynamoDB writes an item by one request at a time; moto is not so careful among threads."""

    lock = threading.Lock()

    def charge(self, bucket: str, name: str, update: dict[str, Any], windows: int) -> tuple[bool, Tats]:
        with self.lock:
            return super().charge(bucket, name, update, windows)


class InMemory(Buckets):
    """The items without DynamoDB, read from the values of the same updates."""

    def __init__(self) -> None:
        super().__init__("none", 1_000)
        self.items: dict[str, list[int | None]] = {}
        self.writes = 0

    def charge(self, bucket: str, name: str, update: dict[str, Any], windows: int) -> tuple[bool, Tats]:
        self.writes += 1
        given = {key: int(value["N"]) for key, value in update["ExpressionAttributeValues"].items()}
        item = self.items.setdefault(f"{bucket}/{name}", [None] * windows)
        new: list[int | None] = []
        for index, tat in enumerate(item):
            if f":next{index}" in given:
                held = tat is None or tat <= given[":now"]
                new.append(given[f":next{index}"])
            else:
                held = tat is not None and given[":floor"] < tat <= given[f":room{index}"]
                new.append((tat or 0) + given[f":cost{index}"])
            if not held:
                return False, tuple(item)
        self.items[f"{bucket}/{name}"] = new
        return True, tuple(new)

    def override(self, name: str) -> PolicyRow | None:
        return None


@pytest.fixture
def store(table_of: Callable[[str], Table]) -> Table:
    return table_of("Ratelimit")


@pytest.fixture
def limiter(store: Table, frozen: FakeClock) -> Callable[[], Limits]:
    """`limiter()`: the limiter of one more container on the same table."""

    def make() -> Limits:
        buckets = OneAtATime(store.name, 5_000)
        return Limits(buckets, mac(), Policies(buckets.override), budget_ms=5_000)

    return make


def admitted(decisions: list[Decision]) -> int:
    return sum(decision.allowed for decision in decisions)


def test_sixteen_containers_and_two_hundred_threads_admit_exactly_the_burst(limiter: Callable[[], Limits]) -> None:
    policy = Policy("fifty", (Window(60, 3_600, 50),))
    containers = [limiter() for _ in range(16)]
    turn = iter(range(200))

    results = together(lambda: containers[next(turn) % 16].decide(policy, "user:anna"), times=200)

    decisions: list[Decision] = [result.value for result in results]
    assert admitted(decisions) == 50
    assert {decision.writes for decision in decisions} <= {0, 1, 2}


def test_sixteen_containers_of_one_request_at_a_time_rarely_write_twice(limiter: Callable[[], Limits]) -> None:
    policy = Policy("fifty", (Window(60, 3_600, 50),))

    def serve() -> list[Decision]:
        container = limiter()
        return [container.decide(policy, "user:anna") for _ in range(13)]

    decisions = [decision for result in together(serve, times=16) for decision in result.value]
    writes = Counter(decision.writes for decision in decisions)

    assert admitted(decisions) == 50
    assert set(writes) <= {0, 1, 2}
    # Only the first decision of a container can guess wrong: afterwards it has seen the bucket.
    assert writes[2] <= 16


def test_one_container_makes_one_write_for_each_admission(limiter: Callable[[], Limits], frozen: FakeClock) -> None:
    limits, dice = limiter(), random.Random(1)
    with aws.metered() as meter:
        decisions = []
        for _ in range(150):
            decisions.append(limits.decide(TEN, "user:anna"))
            frozen.advance(seconds=dice.random() * 2)

    assert {decision.writes for decision in decisions if decision.allowed} == {1}
    assert {decision.writes for decision in decisions if not decision.allowed} <= {0, 1}
    assert set(meter.operations) == {"UpdateItem"}
    assert meter.requests == sum(decision.writes for decision in decisions)


def test_a_denial_costs_one_write_and_then_none_until_it_may_pass(
    limiter: Callable[[], Limits], frozen: FakeClock
) -> None:
    filling, other = limiter(), limiter()
    for _ in range(10):
        filling.decide(TEN, "user:anna")

    first, again = other.decide(TEN, "user:anna"), other.decide(TEN, "user:anna")
    frozen.advance(microseconds=first.retry_after_micros)
    later = other.decide(TEN, "user:anna")

    assert [(each.allowed, each.writes) for each in (first, again, later)] == [(False, 1), (False, 0), (True, 1)]


@pytest.mark.parametrize(
    ("containers", "load", "most"),
    [(1, 0.8, 1.0), (2, 0.2, 1.12), (2, 0.8, 1.22), (2, 2.0, 1.05), (8, 0.2, 1.20), (8, 0.8, 1.58), (8, 2.0, 1.05)],
)
def test_writes_per_decision_on_a_shared_bucket(frozen: FakeClock, containers: int, load: float, most: float) -> None:
    store, dice = InMemory(), random.Random(7)
    policy = Policy("shared", (Window(600, 60, 20),))
    fleet = [Limits(store, mac(), Policies(store.override), budget_ms=1_000) for _ in range(containers)]

    decisions = []
    for _ in range(3_000):
        frozen.advance(seconds=dice.expovariate(10 * load))
        decisions.append(dice.choice(fleet).decide(policy, "user:anna"))

    assert store.writes / len(decisions) <= most
    assert max(decision.writes for decision in decisions) <= 2


def test_slack_saves_writes_and_stays_within_its_bound(frozen: FakeClock) -> None:
    def run(slack: int) -> tuple[float, int]:
        store, dice = InMemory(), random.Random(7)
        policy = Policy("shared", (Window(600, 60, 20),), slack_micros=slack)
        fleet = [Limits(store, mac(), Policies(store.override), budget_ms=1_000) for _ in range(8)]
        decisions = []
        for _ in range(3_000):
            frozen.advance(seconds=dice.expovariate(8))
            decisions.append(dice.choice(fleet).decide(policy, "user:anna"))
        return store.writes / len(decisions), admitted(decisions)

    assert run(1_000_000)[0] < run(0)[0] - 0.1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    arrivals=st.lists(st.tuples(st.integers(0, 900_000), st.integers(0, 3), st.integers(-200, 200)), max_size=120),
    burst=st.integers(1, 12),
)
def test_containers_with_skewed_clocks_admit_no_more_than_burst_and_rate(
    frozen: FakeClock, arrivals: list[tuple[int, int, int]], burst: int
) -> None:
    policy, store = Policy("p", (Window(120, 60, burst),)), InMemory()
    fleet = [Limits(store, mac(), Policies(store.override), budget_ms=1_000) for _ in range(4)]
    interval, now, passed = policy.windows[0].interval, clock.micros(), []
    for gap, container, skew_ms in arrivals:
        now += gap
        frozen.set(clock.from_millis(now // 1_000 + skew_ms))
        if fleet[container].decide(policy, "user:anna").allowed:
            passed.append(now)

    for first in range(len(passed)):
        for last in range(first, len(passed)):
            # Two clocks 200 ms apart from the true one differ by 400 ms.
            assert last - first + 1 <= burst + (passed[last] - passed[first] + 401_000) / interval


def test_dynamodb_decides_as_the_model_does(limiter: Callable[[], Limits], frozen: FakeClock) -> None:
    fleet, model, dice = [limiter() for _ in range(3)], InMemory(), random.Random(3)
    single = Limits(model, mac(), Policies(model.override), budget_ms=1_000)

    for _ in range(300):
        frozen.advance(seconds=dice.choice([0, 0, 0.3, 1.0, 4.0]))
        cost = dice.choice([1, 1, 2, 5])
        real = dice.choice(fleet).decide(TEN, "user:anna", cost=cost)
        assert real.allowed is single.decide(TEN, "user:anna", cost=cost).allowed


def test_waiting_as_long_as_told_is_enough_and_a_microsecond_less_is_not(
    limiter: Callable[[], Limits], frozen: FakeClock
) -> None:
    limits = limiter()
    for _ in range(10):
        limits.decide(TEN, "user:anna")
    denied = limits.decide(TEN, "user:anna", cost=3)

    frozen.advance(microseconds=denied.retry_after_micros - 1)
    assert not limiter().decide(TEN, "user:anna", cost=3).allowed
    frozen.advance(microseconds=1)
    assert limiter().decide(TEN, "user:anna", cost=3).allowed


def test_windows_are_charged_all_or_none(limiter: Callable[[], Limits], frozen: FakeClock) -> None:
    both = Policy("both", (Window(10, 1, 2), Window(60, 3_600, 5)))
    limits, passed = limiter(), 0
    with aws.metered() as meter:
        for _ in range(40):
            passed += limits.decide(both, "user:anna").allowed
            frozen.advance(milliseconds=100)

    assert passed == 5
    assert meter.requests == 5
    frozen.advance(seconds=60)
    assert [limiter().decide(both, "user:anna").allowed for _ in range(2)] == [True, False]


def test_windows_of_which_only_one_is_full_take_a_mixed_write(limiter: Callable[[], Limits], frozen: FakeClock) -> None:
    both = Policy("both", (Window(10, 1, 2), Window(60, 3_600, 5)))
    limiter().decide(both, "user:anna")
    frozen.advance(seconds=1)

    decision = limiter().decide(both, "user:anna")

    assert (decision.allowed, decision.writes, decision.remaining) == (True, 2, 1)


def test_a_refund_gives_back_what_was_paid_and_never_more_than_the_burst(
    limiter: Callable[[], Limits], frozen: FakeClock
) -> None:
    limits = limiter()
    paid = limits.decide(TEN, "user:anna", cost=10)
    assert not limits.decide(TEN, "user:anna").allowed

    limits.refund(paid)
    limits.refund(paid)

    assert admitted([limits.decide(TEN, "user:anna") for _ in range(30)]) == 10


def test_a_refund_elsewhere_is_seen_where_the_policy_says_there_are_refunds(limiter: Callable[[], Limits]) -> None:
    attempts = Policy("attempts", (Window(20, 3_600, 10),), fail="closed", refundable=True)
    here, there = limiter(), limiter()
    paid = there.decide(attempts, "user:anna", cost=10)
    assert not here.decide(attempts, "user:anna").allowed

    there.refund(paid)

    assert here.decide(attempts, "user:anna").allowed


def test_a_denial_is_not_refunded(limiter: Callable[[], Limits]) -> None:
    limits = limiter()
    limits.decide(TEN, "user:anna", cost=10)
    denied = limits.decide(TEN, "user:anna")

    with aws.metered() as meter:
        limits.refund(denied)

    assert meter.requests == 0


def test_subjects_and_policies_do_not_share(limiter: Callable[[], Limits]) -> None:
    limits = limiter()
    for _ in range(10):
        limits.decide(TEN, "user:anna")

    assert limits.decide(TEN, "user:bert").allowed
    assert limits.decide(CLOSED, "user:anna").allowed
    assert not limits.decide(TEN, "user:anna").allowed


def test_an_item_is_small_expires_and_names_nobody(limiter: Callable[[], Limits], store: Table) -> None:
    limiter().decide("anon:write", "ip:203.0.113.7")

    (item,) = everything_in(store)
    now = int(clock.now().timestamp())
    assert item.keys() == {"pk", "sk", "tat0", "ttl"}
    assert item["pk"]["S"].startswith("B#")
    assert "203" not in item["pk"]["S"]
    assert len(repr(item)) < 300
    assert int(item["ttl"]["N"]) == now + 30 + 3_600


def test_a_refusal_says_when_to_come_back_and_which_policy_it_was(limiter: Callable[[], Limits]) -> None:
    limits = limiter()
    for _ in range(10):
        limits.charge("anon:write", "ip:203.0.113.7")

    with pytest.raises(RateLimited) as refused:
        limits.charge("anon:write", "ip:203.0.113.7")

    assert refused.value.headers == {
        "Retry-After": "3",
        "RateLimit-Policy": '"anon:write";q=20;w=60',
        "RateLimit": '"anon:write";r=0;t=3',
    }
    assert refused.value.document()["violated_policies"] == ["anon:write"]


def test_attempts_that_are_used_up_have_a_problem_of_their_own(limiter: Callable[[], Limits]) -> None:
    limits = limiter()
    limits.charge("auth:account", "acct:x", cost=10)

    with pytest.raises(AttemptsExhausted):
        limits.charge("auth:account", "acct:x")


MEMBER = re.compile(r'"[a-z0-9:/-]+"(;[a-z]+=\d+)+')


@pytest.mark.parametrize("policy", [TEN, Policy("both", (Window(10, 1, 2), Window(60, 3_600, 5)))], ids=["one", "two"])
def test_headers_are_structured_fields(limiter: Callable[[], Limits], policy: Policy) -> None:
    limits = limiter()
    for _ in range(12):
        for value in limits.decide(policy, "user:anna").headers().values():
            assert all(MEMBER.fullmatch(member) for member in value.split(", "))


def test_the_figures_fall_and_recover(limiter: Callable[[], Limits], frozen: FakeClock) -> None:
    limits, left = limiter(), []
    for _ in range(3):
        left.append(limits.decide(TEN, "user:anna").remaining)
    frozen.advance(seconds=3)
    left.append(limits.decide(TEN, "user:anna").remaining)

    assert left == [9, 8, 7, 9]


def test_a_clock_that_goes_back_stands_still(limiter: Callable[[], Limits], frozen: FakeClock) -> None:
    limits = limiter()
    for _ in range(10):
        limits.decide(TEN, "user:anna")
    frozen.advance(hours=-5)

    assert limits.decide(TEN, "user:anna").retry_after_seconds == 1


def test_shadow_decides_and_never_blocks(limiter: Callable[[], Limits]) -> None:
    shadow = Policy("shadow", (Window(60, 60, 2),), mode="shadow")
    decisions = [limiter().decide(shadow, "user:anna") for _ in range(5)]

    assert [decision.allowed for decision in decisions] == [True] * 5
    assert [decision.charged for decision in decisions] == [True, True, False, False, False]


def test_off_costs_nothing(limiter: Callable[[], Limits]) -> None:
    with aws.metered() as meter:
        decision = limiter().decide(Policy("off", (Window(1, 60, 1),), mode="off"), "user:anna")

    assert (decision.allowed, decision.headers(), meter.requests) == (True, {}, 0)


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalServerError", "ProvisionedThroughputExceededException"]
)
def test_without_the_table_an_open_policy_counts_in_the_process(limiter: Callable[[], Limits], code: str) -> None:
    limits = limiter()
    with failing("dynamodb", "UpdateItem", code=code) as failed:
        decisions = [limits.decide(TEN, "user:anna") for _ in range(12)]

    assert admitted(decisions) == 10
    assert len(failed) == 12
    assert decisions[0].headers()["RateLimit-Policy"] == '"ten";q=60;w=60;degraded=1'


def test_without_the_table_a_closed_policy_lets_nobody_try(limiter: Callable[[], Limits]) -> None:
    with failing("dynamodb", "UpdateItem", code="ThrottlingException"), pytest.raises(Unavailable) as refused:
        limiter().charge("auth:account", "acct:x")

    assert refused.value.status == 503


def test_a_missing_permission_is_a_defect_and_not_a_reason_to_open(limiter: Callable[[], Limits]) -> None:
    with failing("dynamodb", "UpdateItem", code="AccessDeniedException"), pytest.raises(aws.ClientError):
        limiter().decide(TEN, "user:anna")


class AlwaysElsewhere(InMemory):
    """Every write meets a bucket that has just changed shape."""

    def charge(self, bucket: str, name: str, update: dict[str, Any], windows: int) -> tuple[bool, Tats]:
        self.writes += 1
        is_idle = ":now" in update["ExpressionAttributeValues"]
        return False, (clock.micros() + 1 if is_idle else clock.micros(),)


def test_a_race_that_does_not_end_stops_after_three_writes(frozen: FakeClock) -> None:
    store = AlwaysElsewhere()
    limits = Limits(store, mac(), Policies(store.override), budget_ms=1_000)

    assert limits.decide(TEN, "user:anna").degraded
    assert store.writes == MAX_WRITES
    with pytest.raises(Unavailable):
        limits.decide(CLOSED, "user:anna")


def override(store: Table, name: str, *, limit: int, burst: int, **more: Any) -> None:
    store.put(PolicyRow(pk=f"POLICY#{name}", sk="V", limit=limit, period_seconds=60, burst=burst, **more))


def test_an_override_is_in_force_within_a_minute_and_keeps_what_was_charged(
    limiter: Callable[[], Limits], store: Table, frozen: FakeClock
) -> None:
    limits = limiter()
    for _ in range(5):
        limits.decide("user:write", "user:anna")
    override(store, "user:write", limit=60, burst=4)
    assert limits.decide("user:write", "user:anna").remaining == 34

    frozen.advance(seconds=60)
    for _ in range(30):
        limits.decide("user:write", "user:bert")

    with aws.metered() as meter:
        assert limits.decide("user:write", "user:anna").remaining == 3
    assert meter.operations == ["UpdateItem"]


def test_an_override_may_be_for_some_addresses_only(store: Table, frozen: FakeClock) -> None:
    override(store, "anon:write", limit=20, burst=2, addresses=["127.3.0.0/16", "2001:db8::/32"])
    buckets = OneAtATime(store.name, 5_000)
    policies = Policies(buckets.override, factor=100)

    def burst(subject: str) -> int:
        return policies.get("anon:write", subject).windows[0].burst

    assert burst("ip:127.3.9.1") == 2
    assert burst("ip:2001:db8:1:2::/64") == 2
    assert burst("ip:127.4.0.1") == 1_000
    assert burst("ip:testclient") == 1_000
    assert policies.get("user:write", "user:anna").windows[0].burst == 40


def test_an_override_that_cannot_be_read_leaves_the_default(limiter: Callable[[], Limits]) -> None:
    with failing("dynamodb", "GetItem", code="ThrottlingException"):
        assert limiter().decide("user:write", "user:anna").remaining == 39


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
    }
    assert {name for name, policy in DEFAULTS.items() if policy.fail == "closed"} == {
        name for name in DEFAULTS if name.startswith("auth:")
    }


@pytest.mark.parametrize(
    ("plan", "rate_class", "name"),
    [
        ("user", "write", "user:write"),
        ("gold", "write", "user:write"),
        ("anon", "expensive", "anon:write"),
        ("anon", "read", "anon:read"),
        ("user", "auth", "auth:ip"),
    ],
)
def test_the_policy_of_a_plan_and_class(plan: str, rate_class: str, name: str) -> None:
    assert by_class(plan, rate_class) == name


def test_a_policy_nobody_defined_is_a_defect(limiter: Callable[[], Limits]) -> None:
    with pytest.raises(KeyError):
        limiter().decide("user:reed", "user:anna")


def test_what_is_remembered_is_bounded(frozen: FakeClock) -> None:
    store = InMemory()
    limits = Limits(store, mac(), Policies(store.override), budget_ms=1_000)
    for number in range(10_050):
        limits.decide(TEN, f"user:{number}")

    assert len(limits._seen._entries) == 10_000

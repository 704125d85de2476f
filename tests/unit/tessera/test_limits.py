import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tessera import aws, clock
from tessera.auth.problems import AttemptsExhausted, RateLimited
from tessera.buckets import Buckets, StoreAway
from tessera.decisions import Decision
from tessera.gcra import Window
from tessera.limits import MAX_WRITES, Limits
from tessera.outbox import Envelope
from tessera.overrides import Policies, PolicyRow
from tessera.policies import Policy
from tessera.problems import Unavailable
from tessera.tables import Table
from tessera.tallies import CostTooHigh, Note
from tests.kit.buckets import InMemory, Numbers, limiter, mac
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.races import together
from tests.kit.stores import everything_in

TEN = Policy("ten", (Window(60, 60, 10),))
CLOSED = Policy("closed", (Window(60, 60, 10),), fail="closed")
BOTH = Policy("both", (Window(10, 1, 2), Window(60, 3_600, 5)))
ATTEMPTS = Policy("attempts", (Window(20, 3_600, 10),), fail="closed", refundable=True)


@pytest.fixture
def store(table_of: Callable[[str], Table]) -> Table:
    return table_of("Ratelimit")


@pytest.fixture
def process(store: Table, frozen: FakeClock) -> Callable[[], Limits]:
    """`process()`: the limiter of one more container on the same table."""
    return lambda: limiter(Buckets(store.name, 5_000))


def admitted(decisions: list[Decision]) -> int:
    return sum(decision.allowed for decision in decisions)


def buckets_in(store: Table) -> list[dict[str, Any]]:
    return [item for item in everything_in(store) if not item["sk"]["S"].startswith("limited#")]


def test_exactly_burst_under_200_parallel(process: Callable[[], Limits]) -> None:
    """Sixteen containers, 200 requests at once on a fresh bucket of 50."""
    policy = Policy("fifty", (Window(60, 3_600, 50),))
    containers = [process() for _ in range(16)]
    turn = iter(range(200))

    results = together(lambda: containers[next(turn) % 16].decide(policy, "user:anna"), times=200)

    decisions: list[Decision] = [result.value for result in results]
    assert admitted(decisions) == 50
    assert {decision.writes for decision in decisions} <= {0, 1, 2}


def test_sixteen_containers_of_one_request_at_a_time_rarely_write_twice(process: Callable[[], Limits]) -> None:
    policy = Policy("fifty", (Window(60, 3_600, 50),))

    def serve() -> list[Decision]:
        container = process()
        return [container.decide(policy, "user:anna") for _ in range(13)]

    decisions = [decision for result in together(serve, times=16) for decision in result.value]
    writes = Counter(decision.writes for decision in decisions)

    assert admitted(decisions) == 50
    assert set(writes) <= {0, 1, 2}
    # Only the first decision of a container can guess wrong: afterwards it has seen the bucket.
    assert writes[2] <= 16


def first_of_a_bucket(process: Callable[[], Limits], frozen: FakeClock) -> list[Decision]:
    limits = process()
    return [limits.decide(TEN, f"user:{number}") for number in range(20)]


def one_container(process: Callable[[], Limits], frozen: FakeClock) -> list[Decision]:
    limits, dice, decisions = process(), random.Random(1), []
    for _ in range(150):
        decisions.append(limits.decide(TEN, "user:anna"))
        frozen.advance(seconds=dice.random() * 2)
    return [decision for decision in decisions if decision.allowed]


def denial_elsewhere(process: Callable[[], Limits], frozen: FakeClock) -> list[Decision]:
    process().decide(TEN, "user:anna", cost=10)
    return [process().decide(TEN, "user:anna")]


@pytest.mark.parametrize(
    "situation", [first_of_a_bucket, one_container, denial_elsewhere], ids=lambda one: one.__name__
)
def test_write_counts(process: Callable[[], Limits], frozen: FakeClock, situation: Callable[..., Any]) -> None:
    """What is exactly one write, and that nothing is ever read."""
    with aws.metered() as meter:
        decisions = situation(process, frozen)

    assert {decision.writes for decision in decisions} == {1}
    assert set(meter.operations) == {"UpdateItem"}


@pytest.mark.parametrize(
    ("containers", "load", "most"),
    [(1, 0.8, 1.0), (2, 0.2, 1.12), (2, 0.8, 1.21), (2, 2.0, 1.02), (8, 0.2, 1.20), (8, 0.8, 1.57), (8, 2.0, 1.03)],
    ids=lambda value: str(value),
)
def test_write_counts_of_a_shared_bucket(frozen: FakeClock, containers: int, load: float, most: float) -> None:
    store, dice = InMemory(), random.Random(7)
    policy = Policy("shared", (Window(600, 60, 20),))
    fleet = [limiter(store) for _ in range(containers)]

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
        fleet, started = [limiter(store) for _ in range(8)], clock.micros()
        passed = 0
        for _ in range(3_000):
            frozen.advance(seconds=dice.expovariate(8))
            passed += dice.choice(fleet).decide(policy, "user:anna").allowed
        bound = 20 + (slack + clock.micros() - started) / policy.windows[0].interval
        assert passed <= bound
        return store.writes / 3_000, passed

    exact, slackened = run(0)[0], run(1_000_000)[0]

    assert exact <= 1.57
    assert slackened <= 1.20


def test_deny_cache_zero_calls(process: Callable[[], Limits], frozen: FakeClock) -> None:
    """A refusal is one write, and its event another; then nothing until the bucket may admit again."""
    filling, other = process(), process()
    for _ in range(10):
        filling.decide(TEN, "user:anna")

    first = other.decide(TEN, "user:anna")
    with aws.metered() as meter:
        again = [other.decide(TEN, "user:anna") for _ in range(100)]
    frozen.advance(microseconds=first.retry_after_micros)
    later = other.decide(TEN, "user:anna")

    assert (first.allowed, first.writes) == (False, 1)
    assert (admitted(again), meter.requests) == (0, 0)
    assert (later.allowed, later.writes) == (True, 1)


def test_a_refusal_is_not_believed_for_long_for_it_may_have_been_lifted(
    process: Callable[[], Limits], frozen: FakeClock
) -> None:
    slow = Policy("slow", (Window(3, 3_600, 3),))
    here, there = process(), process()
    paid = there.decide(slow, "user:anna", cost=3)
    assert not here.decide(slow, "user:anna").allowed
    there.refund(paid)

    before = here.decide(slow, "user:anna").allowed
    frozen.advance(seconds=10)

    assert (before, here.decide(slow, "user:anna").allowed) == (False, True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    arrivals=st.lists(st.tuples(st.integers(0, 900_000), st.integers(0, 3), st.integers(-200, 200)), max_size=120),
    burst=st.integers(1, 12),
)
def test_property_interval_bound(frozen: FakeClock, arrivals: list[tuple[int, int, int]], burst: int) -> None:
    """Containers whose clocks are off by up to 200 ms admit no more than burst and rate."""
    policy, store = Policy("p", (Window(120, 60, burst),)), InMemory()
    fleet = [limiter(store) for _ in range(4)]
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


def test_dynamodb_decides_as_the_simulation_does(process: Callable[[], Limits], frozen: FakeClock) -> None:
    fleet, single, dice = [process() for _ in range(3)], limiter(InMemory()), random.Random(3)

    for _ in range(300):
        frozen.advance(seconds=dice.choice([0, 0, 0.3, 1.0, 4.0]))
        cost = dice.choice([1, 1, 2, 5])
        real = dice.choice(fleet).decide(TEN, "user:anna", cost=cost)
        assert real.allowed is single.decide(TEN, "user:anna", cost=cost).allowed


@pytest.mark.parametrize("policy", [TEN, BOTH, Policy("q", (Window(60, 60, 10),), quota=10)], ids=lambda one: one.name)
def test_retry_after_is_sufficient(process: Callable[[], Limits], frozen: FakeClock, policy: Policy) -> None:
    limits, denied = process(), None
    while denied is None:
        decision = limits.decide(policy, "user:anna", cost=2)
        denied = None if decision.allowed else decision

    frozen.advance(microseconds=denied.retry_after_micros)

    assert process().decide(policy, "user:anna", cost=2).allowed


@pytest.mark.parametrize("policy", [TEN, BOTH, Policy("q", (Window(60, 60, 10),), quota=10)], ids=lambda one: one.name)
def test_retry_after_is_necessary(process: Callable[[], Limits], frozen: FakeClock, policy: Policy) -> None:
    limits, denied = process(), None
    while denied is None:
        decision = limits.decide(policy, "user:anna", cost=2)
        denied = None if decision.allowed else decision

    frozen.advance(microseconds=denied.retry_after_micros - 1)

    assert not process().decide(policy, "user:anna", cost=2).allowed


def test_composite_all_or_nothing(process: Callable[[], Limits], frozen: FakeClock) -> None:
    limits, passed = process(), 0
    with aws.metered() as meter:
        for _ in range(40):
            passed += limits.decide(BOTH, "user:anna").allowed
            frozen.advance(milliseconds=100)

    assert passed == 5
    # What one window refuses has not been taken from the other. One more write told of the refusal.
    assert meter.operations == ["UpdateItem"] * 6
    frozen.advance(seconds=60)
    assert [process().decide(BOTH, "user:anna").allowed for _ in range(2)] == [True, False]


def test_three_windows_are_one_item_and_one_write(process: Callable[[], Limits], store: Table) -> None:
    three = Policy("three", (Window(10, 1, 10), Window(600, 60, 100), Window(10_000, 86_400, 1_000)))
    with aws.metered() as meter:
        decision = process().decide(three, "user:anna")

    (item,) = buckets_in(store)
    assert meter.operations == ["UpdateItem"]
    assert {"tat0", "tat1", "tat2"} <= item.keys()
    assert decision.headers()["RateLimit-Policy"] == (
        '"three/1";q=10;w=1, "three/60";q=600;w=60, "three/86400";q=10000;w=86400'
    )


def test_windows_of_which_only_one_is_full_take_a_mixed_write(process: Callable[[], Limits], frozen: FakeClock) -> None:
    process().decide(BOTH, "user:anna")
    frozen.advance(seconds=1)

    decision = process().decide(BOTH, "user:anna")

    assert (decision.allowed, decision.writes, decision.remaining) == (True, 2, 1)


def test_refund_bounds(process: Callable[[], Limits], frozen: FakeClock) -> None:
    """It gives back what was paid, and never more than the burst."""
    limits = process()
    paid = limits.decide(TEN, "user:anna", cost=10)
    assert not limits.decide(TEN, "user:anna").allowed

    for _ in range(5):
        limits.refund(paid)

    assert admitted([limits.decide(TEN, "user:anna") for _ in range(30)]) == 10


def test_after_a_refund_elsewhere_the_time_before_it_is_not_lent_out(
    process: Callable[[], Limits], frozen: FakeClock
) -> None:
    """Here it is still taken for one that fills, and stands seven seconds back by now: an eleventh would pass."""
    here, there = process(), process()
    paid = there.decide(TEN, "user:anna", cost=9)
    assert here.decide(TEN, "user:anna").allowed
    frozen.advance(seconds=8)
    there.refund(paid)

    assert admitted([here.decide(TEN, "user:anna") for _ in range(30)]) == 10


def test_a_refund_elsewhere_is_seen_at_once_where_the_policy_says_there_are_refunds(
    process: Callable[[], Limits],
) -> None:
    here, there = process(), process()
    paid = there.decide(ATTEMPTS, "user:anna", cost=10)
    assert not here.decide(ATTEMPTS, "user:anna").allowed

    there.refund(paid)

    assert here.decide(ATTEMPTS, "user:anna").allowed


def test_a_refund_of_what_was_reset_since_is_dropped(process: Callable[[], Limits], store: Table) -> None:
    limits = process()
    paid = limits.decide(TEN, "user:anna", cost=5)
    for item in buckets_in(store):
        key = {name: item[name] for name in ("pk", "sk")}
        aws.client("dynamodb").delete_item(TableName=store.name, Key=key)

    limits.refund(paid)

    assert buckets_in(store) == []


def test_a_denial_is_not_refunded(process: Callable[[], Limits]) -> None:
    limits = process()
    limits.decide(TEN, "user:anna", cost=10)
    denied = limits.decide(TEN, "user:anna")

    with aws.metered() as meter:
        limits.refund(denied)

    assert meter.requests == 0


def test_a_refund_that_cannot_be_written_is_dropped(process: Callable[[], Limits]) -> None:
    limits = process()
    paid = limits.decide(TEN, "user:anna", cost=10)

    with failing("dynamodb", "UpdateItem", code="ThrottlingException"):
        limits.refund(paid)

    assert not limits.decide(TEN, "user:anna").allowed


def test_subjects_and_policies_do_not_share(process: Callable[[], Limits]) -> None:
    limits = process()
    for _ in range(10):
        limits.decide(TEN, "user:anna")

    assert limits.decide(TEN, "user:bert").allowed
    assert limits.decide(CLOSED, "user:anna").allowed
    assert not limits.decide(TEN, "user:anna").allowed


def test_an_item_is_small_expires_and_names_nobody(process: Callable[[], Limits], store: Table) -> None:
    process().decide("anon:write", "ip:203.0.113.7")

    (item,) = buckets_in(store)
    now = int(clock.now().timestamp())
    assert item.keys() == {"pk", "sk", "tat0", "ttl", "pv"}
    assert item["pk"]["S"].startswith("B#")
    assert "203" not in item["pk"]["S"]
    assert len(repr(item)) < 300
    assert int(item["ttl"]["N"]) == now + 30 + 3_600


def test_a_note_goes_along_in_the_same_write_and_is_not_lost_by_later_ones(
    process: Callable[[], Limits], store: Table, frozen: FakeClock
) -> None:
    limits = process()
    note = Note(sets={"last": 7, "ip": "203.0.113.7"}, adds={"n": 1}, drops=("u1",), days=400)
    with aws.metered() as meter:
        for _ in range(3):
            limits.decide(TEN, "key:k", note=note)
    limits.decide(TEN, "key:k")

    (item,) = buckets_in(store)
    assert meter.operations == ["UpdateItem"] * 3
    assert (item["n"]["N"], item["last"]["N"], item["ip"]["S"]) == ("3", "7", "203.0.113.7")


def test_a_note_of_400_days_makes_the_item_live_so_long(process: Callable[[], Limits], store: Table) -> None:
    process().decide(TEN, "key:k", note=Note(adds={"n": 1}, days=400))

    (item,) = buckets_in(store)
    assert int(item["ttl"]["N"]) == int(clock.now().timestamp()) + 400 * 86_400


def test_a_refusal_says_when_to_come_back_and_which_policy_it_was(process: Callable[[], Limits]) -> None:
    limits = process()
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


def test_of_several_windows_the_refusal_names_those_that_refused(process: Callable[[], Limits]) -> None:
    limits = process()
    for _ in range(2):
        limits.decide(BOTH, "user:anna")

    assert limits.decide(BOTH, "user:anna").problem().document()["violated_policies"] == ["both/1"]


def test_attempts_that_are_used_up_have_a_problem_of_their_own(process: Callable[[], Limits]) -> None:
    limits = process()
    limits.charge("auth:account", "acct:x", cost=10)

    with pytest.raises(AttemptsExhausted):
        limits.charge("auth:account", "acct:x")


@pytest.mark.asvs("16.3.3")
def test_the_first_refusal_of_a_subject_in_a_minute_leaves_one_event(
    process: Callable[[], Limits], store: Table, frozen: FakeClock
) -> None:
    fleet = [process() for _ in range(3)]
    for limits in fleet:
        for _ in range(12):
            limits.decide(TEN, "user:anna")

    (told,) = [item for item in everything_in(store) if item["sk"]["S"] == "limited#ten"]
    event = Envelope.parse(told["event"]["S"])
    assert event.type == "ratelimit.subject.limited.v1"
    assert event.data == {
        "policy": "ten",
        "kind": "user",
        "subject": told["pk"]["S"].removeprefix("B#"),
        "at": "2030-03-14T09:26:00.000Z",
        "mode": "enforce",
    }
    frozen.advance(minutes=2)
    for _ in range(12):
        fleet[0].decide(TEN, "user:anna")
    (later,) = [item for item in everything_in(store) if item["sk"]["S"] == "limited#ten"]
    assert later["event_id"] != told["event_id"]


def test_a_refusal_that_cannot_be_told_is_a_refusal(process: Callable[[], Limits], frozen: FakeClock) -> None:
    class Untold(Buckets):
        def tell(self, *given: Any) -> bool:
            raise StoreAway("ReadTimeoutError")

    limits = limiter(Untold(process().table, 5_000))
    limits.decide(TEN, "user:anna", cost=10)

    assert not limits.decide(TEN, "user:anna").allowed


def test_the_figures_fall_and_recover(process: Callable[[], Limits], frozen: FakeClock) -> None:
    limits, left = process(), []
    for _ in range(3):
        left.append(limits.decide(TEN, "user:anna").remaining)
    frozen.advance(seconds=3)
    left.append(limits.decide(TEN, "user:anna").remaining)

    assert left == [9, 8, 7, 9]


def test_a_clock_that_goes_back_stands_still(process: Callable[[], Limits], frozen: FakeClock) -> None:
    limits = process()
    for _ in range(10):
        limits.decide(TEN, "user:anna")
    frozen.advance(hours=-5)

    assert limits.decide(TEN, "user:anna").retry_after_seconds == 1


def test_shadow(process: Callable[[], Limits], store: Table) -> None:
    """It decides, counts and tells, and never blocks."""
    shadow = Policy("shadow", (Window(60, 60, 2),), mode="shadow")
    decisions = [process().decide(shadow, "user:anna") for _ in range(5)]

    assert [decision.allowed for decision in decisions] == [True] * 5
    assert [decision.charged for decision in decisions] == [True, True, False, False, False]
    (told,) = [item for item in everything_in(store) if item["sk"]["S"] == "limited#shadow"]
    assert Envelope.parse(told["event"]["S"]).data["mode"] == "shadow"


def test_off_costs_nothing(process: Callable[[], Limits]) -> None:
    with aws.metered() as meter:
        decision = process().decide(Policy("off", (Window(1, 60, 1),), mode="off"), "user:anna")

    assert (decision.allowed, decision.headers(), meter.requests) == (True, {}, 0)


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalServerError", "ProvisionedThroughputExceededException"]
)
@pytest.mark.asvs("16.5.2")
def test_fail_open_closed(process: Callable[[], Limits], code: str) -> None:
    """Without the table an open policy counts in the process, and a closed one lets nobody try."""
    limits = process()
    with failing("dynamodb", "UpdateItem", code=code) as failed:
        decisions = [limits.decide(TEN, "user:anna") for _ in range(12)]
        with pytest.raises(Unavailable) as refused:
            limits.charge("auth:account", "acct:x")

    assert admitted(decisions) == 10
    assert len(failed) == 13
    assert decisions[0].headers()["RateLimit-Policy"] == '"ten";q=60;w=60;degraded=1'
    assert refused.value.status == 503


@pytest.mark.asvs("16.3.4")
def test_what_is_degraded_is_counted_for_an_alarm(
    process: Callable[[], Limits], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "tessera"), failing("dynamodb", "UpdateItem", code="ThrottlingException"):
        process().decide(TEN, "user:anna")

    (line,) = [vars(record) for record in caplog.records if record.getMessage() == "limit"]
    assert (line["limiter_degraded"], line["stack"], line["kind"]) == (1, "test", "ten")
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Tessera"
    assert directive["Metrics"] == [{"Name": "limiter_degraded", "Unit": "Count"}]


def test_what_has_priority_is_the_last_to_be_turned_away(process: Callable[[], Limits]) -> None:
    urgent = Policy("urgent", (Window(60, 60, 2),), priority=True)
    limits = process()
    with failing("dynamodb", "UpdateItem", code="ThrottlingException"):
        without_table = [limits.decide(urgent, "user:anna").allowed for _ in range(5)]

    assert without_table == [True] * 5
    assert admitted([limits.decide(urgent, "user:anna") for _ in range(5)]) == 2


def test_a_missing_permission_is_a_defect_and_not_a_reason_to_open(process: Callable[[], Limits]) -> None:
    with failing("dynamodb", "UpdateItem", code="AccessDeniedException"), pytest.raises(aws.ClientError):
        process().decide(TEN, "user:anna")


class AlwaysElsewhere(InMemory):
    """Every write meets a bucket that has just changed shape."""

    def charge(self, bucket: str, name: str, update: dict[str, Any]) -> tuple[bool, Numbers]:
        self.writes += 1
        is_idle = ":now0" in update["ExpressionAttributeValues"]
        return False, {"tat0": clock.micros() + 1 if is_idle else clock.micros()}


def test_a_race_that_does_not_end_stops_after_three_writes(frozen: FakeClock) -> None:
    store = AlwaysElsewhere()
    limits = limiter(store)

    assert limits.decide(TEN, "user:anna").degraded
    assert store.writes == MAX_WRITES
    with pytest.raises(Unavailable):
        limits.decide(CLOSED, "user:anna")


def test_one_call_has_a_short_time_limit_and_no_retry(store: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    real = aws.client

    def seen(service: str, **config: Any) -> Any:
        asked.append(config)
        return real(service, **config)

    monkeypatch.setattr(aws, "client", seen)
    Limits(Buckets(store.name, 80), mac(), Policies(lambda name: None)).decide(TEN, "user:anna")

    assert asked[-1]["read_timeout"] == 0.08
    assert asked[-1]["retries"] == {"mode": "standard", "total_max_attempts": 1}


def test_a_cost_above_the_burst_is_refused_before_anything_is_written(process: Callable[[], Limits]) -> None:
    with aws.metered() as meter, pytest.raises(CostTooHigh):
        process().decide(TEN, "user:anna", cost=11)

    assert meter.requests == 0


def test_policy_tighten_keeps_state(process: Callable[[], Limits], store: Table, frozen: FakeClock) -> None:
    """A tighter policy does not give anybody a fresh bucket, and the item says which version charged it."""
    limits = process()
    for _ in range(5):
        limits.decide("user:write", "user:anna")
    store.put(PolicyRow(pk="POLICY#user:write", sk="V", limit=60, period_seconds=60, burst=4, version=3))
    assert limits.decide("user:write", "user:anna").remaining == 34

    # Within a minute it is in force, and six charges of half a second each are three of the new seconds.
    tight = process().decide("user:write", "user:anna", cost=1)

    assert (tight.allowed, tight.remaining) == (True, 0)
    (item,) = [item for item in buckets_in(store) if item["sk"]["S"] == "user:write"]
    assert item["pv"]["N"] == "3"
    frozen.advance(seconds=60)
    with aws.metered() as meter:
        assert limits.decide("user:write", "user:anna").remaining == 3
    assert meter.operations == ["GetItem", "UpdateItem"]


def test_what_is_remembered_is_bounded(frozen: FakeClock) -> None:
    limits = limiter(InMemory())
    for number in range(10_050):
        limits.decide(TEN, f"user:{number}")

    assert len(limits._seen) == 10_000


@pytest.mark.parametrize(
    ("steps", "answers"),
    [
        # CL.THROTTLE user123 15 30 60 1: is it limited, limit, remaining, seconds to retry, seconds to reset.
        ([0], [(0, 16, 15, -1, 2)]),
        ([0] * 3, [(0, 16, 15, -1, 2), (0, 16, 14, -1, 4), (0, 16, 13, -1, 6)]),
        ([0] * 17, [*[(0, 16, 15 - n, -1, 2 + 2 * n) for n in range(16)], (1, 16, 0, 2, 32)]),
        ([0] * 16 + [1], [*[(0, 16, 15 - n, -1, 2 + 2 * n) for n in range(16)], (1, 16, 0, 1, 31)]),
        ([0] * 16 + [2], [*[(0, 16, 15 - n, -1, 2 + 2 * n) for n in range(16)], (0, 16, 0, -1, 32)]),
        ([0, 100], [(0, 16, 15, -1, 2), (0, 16, 15, -1, 2)]),
    ],
    ids=["first", "falling", "used up", "a second later", "refilled by one", "full again"],
)
def test_redis_cell_parity(frozen: FakeClock, steps: list[int], answers: list[tuple[int, ...]]) -> None:
    """Its five values for a burst of 15 + 1, 30 in 60 seconds. A step is how many seconds pass before a request."""
    limits, policy, found = limiter(InMemory()), Policy("p", (Window(30, 60, 16),)), []
    for step in steps:
        frozen.advance(seconds=step)
        made = limits.decide(policy, "user:123")
        retry = -1 if made.allowed else made.retry_after_seconds
        reset = -(-made.reset_after_micros // 1_000_000)
        found.append((int(not made.allowed), policy.windows[0].burst, made.remaining, retry, reset))

    assert found == answers

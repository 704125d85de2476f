import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tessera import aws, clock, ids
from tessera.buckets import Buckets
from tessera.gcra import Window
from tessera.limits import Limits
from tessera.policies import Policy
from tessera.sampling import Sampler
from tessera.tables import Table
from tests.kit.buckets import InMemory, limiter
from tests.kit.clocks import FakeClock


def read(limits: Limits, policy: str | Policy = "user:read", subject: str = "user:anna") -> bool:
    return limits.sample(policy, subject, request_id=ids.new()).allowed


def admitted_in_a_minute(containers: int, per_second: float, seed: int) -> int:
    """Of a minute of requests that come at random, after the burst is used up."""
    dice, fake = random.Random(seed), FakeClock()
    with clock.using(fake):
        store, passed, elapsed = InMemory(), 0, 0.0
        fleet = [limiter(store) for _ in range(containers)]
        while elapsed < 75:
            gap = dice.expovariate(per_second)
            elapsed += gap
            fake.advance(seconds=gap)
            decision = dice.choice(fleet).sample("user:read", "user:anna", request_id=f"{dice.random()}")
            passed += decision.allowed and elapsed >= 15
        return passed


@pytest.mark.parametrize("containers", [1, 8])
def test_sampled_reads_keep_to_their_rate(containers: int) -> None:
    """600 a minute: 95 % of runs admit 540 to 660, here at twice that rate."""
    runs = [admitted_in_a_minute(containers, 20, seed) for seed in range(20)]

    assert sum(540 <= run <= 660 for run in runs) >= 0.95 * len(runs)


def test_reads_below_the_rate_all_pass() -> None:
    fake = FakeClock()
    with clock.using(fake):
        limits, passed = limiter(InMemory()), 0
        for _ in range(600):
            fake.advance(seconds=0.11)
            passed += read(limits)

    assert passed == 600


def test_ten_reads_are_one_write(frozen: FakeClock, table_of: Callable[[str], Table]) -> None:
    limits = limiter(Buckets(table_of("Ratelimit").name, 5_000))
    limits.policies.get("user:read", "user:anna")

    with aws.metered() as meter:
        passed = [read(limits) for _ in range(100)]

    assert all(passed)
    assert meter.operations == ["UpdateItem"] * 10


def test_a_burst_passes_within_one_round_of_the_limit(frozen: FakeClock) -> None:
    limits = limiter(InMemory())

    assert 100 <= sum(read(limits) for _ in range(1_000)) < 110


def test_a_charge_that_was_refused_stays_owed(frozen: FakeClock) -> None:
    store = InMemory()
    here, there = limiter(store), limiter(store)
    there.decide("user:read", "user:anna", cost=100)
    first = [read(here) for _ in range(40)]
    frozen.advance(seconds=0.999)
    still = read(here)
    frozen.advance(seconds=0.001)
    then = read(here)

    # What a process lets pass before it first asks is less than one round.
    assert sum(first) < 10
    assert (still, then) == (False, True)


def test_every_read_is_charged_with_the_same_chance() -> None:
    places = Counter[int]()
    for number in range(5_000):
        sampler = Sampler()
        turns = [not sampler.skips("b", f"{number}/{place}") for place in range(10)]
        assert sum(turns) == 1
        places[turns.index(True)] += 1

    assert set(places) == set(range(10))
    assert all(400 < count < 600 for count in places.values())


def test_the_choice_hangs_on_the_request_id_alone() -> None:
    first, second = Sampler(), Sampler()

    assert [first.skips("b", "r") for _ in range(10)] == [second.skips("b", "r") for _ in range(10)]


@pytest.mark.parametrize(
    "policy",
    [
        Policy("exact", (Window(600, 60, 100),), exact=True),
        Policy("quota", (Window(600, 60, 100),), quota=1_000),
        Policy("small", (Window(600, 60, 9),)),
    ],
    ids=lambda policy: policy.name,
)
def test_some_policies_count_every_read(frozen: FakeClock, policy: Policy) -> None:
    store = InMemory()
    limits = limiter(store)
    decisions = [limits.sample(policy, "user:anna", request_id=ids.new()) for _ in range(5)]

    assert store.writes == 5
    assert not any(decision.sampled for decision in decisions)


def test_an_address_is_counted_read_by_read_above_60_percent_of_its_rate(frozen: FakeClock) -> None:
    limits, exact = limiter(InMemory()), []
    frozen.set(datetime(2030, 3, 14, 9, 27, tzinfo=UTC))
    for _ in range(100):
        exact.append(not limits.sample("anon:read", "ip:203.0.113.7", request_id=ids.new()).sampled)
        frozen.advance(seconds=0.5)

    # 120 a minute: the 73rd within one minute of the clock is above.
    assert exact == [False] * 72 + [True] * 28
    frozen.advance(minutes=1)
    assert limits.sample("anon:read", "ip:203.0.113.7", request_id=ids.new()).sampled


def test_who_is_signed_in_is_never_counted_read_by_read(frozen: FakeClock) -> None:
    store = InMemory()
    limits = limiter(store)
    for _ in range(600):
        frozen.advance(seconds=0.099)
        limits.sample("user:read", "user:anna", request_id=ids.new())

    assert store.writes <= 62


def test_a_costly_read_counts_for_its_cost(frozen: FakeClock) -> None:
    limits = limiter(InMemory())
    passed = sum(limits.sample("user:read", "user:anna", request_id=ids.new(), cost=5).allowed for _ in range(100))

    assert 20 <= passed < 30


def test_shadow_lets_every_read_pass(frozen: FakeClock) -> None:
    limits, shadow = limiter(InMemory()), Policy("shadow", (Window(600, 60, 20),), mode="shadow")

    assert all(limits.sample(shadow, "user:anna", request_id=ids.new()).allowed for _ in range(200))

import random
from collections.abc import Callable

import pytest

from tessera import clock
from tessera.buckets import Buckets
from tessera.gcra import Window
from tessera.leases import LEASE_MICROS
from tessera.policies import Policy
from tessera.tables import Table
from tests.kit.buckets import InMemory, limiter
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.races import together

OFTEN = Policy("often", (Window(500, 1, 100),))
TENS = Policy("tens", (Window(60, 60, 100),), lease=10)


def test_lease_never_over_admits() -> None:
    """Several processes with units in hand, at several times the rate: never above burst and rate."""
    dice, fake = random.Random(11), FakeClock()
    with clock.using(fake):
        store, passed = InMemory(), list[int]()
        fleet = [limiter(store) for _ in range(6)]
        for _ in range(8_000):
            fake.advance(microseconds=dice.randint(0, 1_000))
            cost = dice.choice([1, 1, 3])
            if dice.choice(fleet).decide(OFTEN, "user:anna", cost=cost).allowed:
                passed += [clock.micros()] * cost

    interval, in_hand = OFTEN.windows[0].interval, 6 * OFTEN.units
    assert len(passed) <= 100 + (passed[-1] - passed[0]) / interval + 1
    for first in range(0, len(passed), 50):
        for last in range(first, len(passed), 50):
            # What was in hand when a stretch began had been charged before it.
            assert last - first + 1 <= 100 + in_hand + (passed[last] - passed[first]) / interval


def test_five_hundred_decisions_a_second_write_a_twentieth_of_that(frozen: FakeClock) -> None:
    store = InMemory()
    limits, passed = limiter(store), 0
    for _ in range(500):
        frozen.advance(milliseconds=2)
        passed += limits.decide(OFTEN, "user:anna").allowed

    assert passed == 500
    assert store.writes == 20


def test_units_in_hand_cost_nothing_and_those_left_are_lost_after_two_seconds(frozen: FakeClock) -> None:
    store = InMemory()
    limits = limiter(store)
    writes = [limits.decide(TENS, "user:anna").writes for _ in range(3)]
    frozen.advance(microseconds=LEASE_MICROS)
    later = limits.decide(TENS, "user:anna")

    assert writes == [1, 0, 0]
    assert later.writes == 1
    # Two leases of ten, and two seconds at one a second.
    assert later.remaining == 100 - 20 + 2


def test_two_hundred_at_once_never_pass_more_than_the_burst(
    frozen: FakeClock, table_of: Callable[[str], Table]
) -> None:
    store, policy = table_of("Ratelimit"), Policy("p", (Window(60, 3_600, 50),), lease=7)
    fleet = [limiter(Buckets(store.name, 5_000)) for _ in range(5)]
    turn = iter(range(200))

    results = together(lambda: fleet[next(turn) % 5].decide(policy, "user:anna"), times=200)

    # Units in one process's hand may be left over while another asks in vain.
    assert 0 < sum(result.value.allowed for result in results) <= 50


def test_the_last_units_are_given_out_too(frozen: FakeClock) -> None:
    limits, policy = limiter(InMemory()), Policy("p", (Window(60, 3_600, 25),), lease=10)

    assert sum(limits.decide(policy, "user:anna").allowed for _ in range(40)) == 25


def test_a_refusal_says_how_long_one_request_must_wait(frozen: FakeClock) -> None:
    limits = limiter(InMemory())
    for _ in range(100):
        limits.decide(TENS, "user:anna")
    denied = limits.decide(TENS, "user:anna")

    frozen.advance(microseconds=denied.retry_after_micros - 1)
    before = limits.decide(TENS, "user:anna").allowed
    frozen.advance(microseconds=1)

    assert (denied.retry_after_micros, before) == (1_000_000, False)
    assert limits.decide(TENS, "user:anna").allowed


def test_where_more_is_asked_for_than_there_is_few_writes_are_made(frozen: FakeClock) -> None:
    store = InMemory()
    limits, passed = limiter(store), 0
    for _ in range(20_000):
        frozen.advance(microseconds=100)
        passed += limits.decide(OFTEN, "user:anna").allowed

    # Two seconds: the burst and the rate, by at most forty writes a second.
    assert 1_050 <= passed <= 1_101
    assert store.writes <= 90


@pytest.mark.parametrize("policy", [OFTEN, TENS], ids=lambda policy: policy.name)
def test_waiting_as_long_as_told_is_always_enough(frozen: FakeClock, policy: Policy) -> None:
    limits, refusals = limiter(InMemory()), 0
    while refusals < 20:
        decision = limits.decide(policy, "user:anna")
        frozen.advance(microseconds=137)
        if decision.allowed:
            continue
        refusals += 1
        frozen.advance(microseconds=decision.retry_after_micros - 137)
        assert limits.decide(policy, "user:anna").allowed


def test_a_refund_goes_back_into_the_hand(frozen: FakeClock) -> None:
    store = InMemory()
    limits = limiter(store)
    paid = [limits.decide(TENS, "user:anna") for _ in range(10)]
    writes = store.writes
    for decision in paid[:3]:
        limits.refund(decision)
    again = [limits.decide(TENS, "user:anna").writes for _ in range(3)]

    assert (again, store.writes) == ([0, 0, 0], writes)


def test_a_refund_of_a_lease_that_is_over_is_written(frozen: FakeClock) -> None:
    store = InMemory()
    limits = limiter(store)
    paid = limits.decide(TENS, "user:anna")
    frozen.advance(seconds=3)
    limits.refund(paid)

    assert store.writes == 2


def test_without_the_table_only_what_was_asked_for_is_counted(
    frozen: FakeClock, table_of: Callable[[str], Table]
) -> None:
    limits = limiter(Buckets(table_of("Ratelimit").name, 5_000))
    with failing("dynamodb", "UpdateItem", code="ThrottlingException"):
        passed = sum(limits.decide(TENS, "user:anna").allowed for _ in range(120))

    assert passed == 100


@pytest.mark.parametrize("cost", [10, 60, 100])
def test_what_costs_more_than_a_lease_is_charged_for_itself(frozen: FakeClock, cost: int) -> None:
    limits = limiter(InMemory())

    assert limits.decide(TENS, "user:anna", cost=cost).remaining == 100 - cost

"""The two ways of counting by the clock, and the calendar's, against what their definitions say."""

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import aws, clock
from tessera.buckets import Buckets
from tessera.gcra import Window
from tessera.limits import Limits
from tessera.policies import Algorithm, Policy
from tessera.quotas import Quota
from tessera.tables import Table
from tessera.tallies import MICROS, State, Tally
from tessera.windows import Fixed, Sliding
from tests.kit.buckets import InMemory, limiter
from tests.kit.clocks import FakeClock
from tests.kit.races import together
from tests.kit.stores import everything_in

MINUTE = Window(10, 60, 10)


class ReferenceSliding:
    """Every admitted request is kept; the last window counts by the share of it that is still covered."""

    def __init__(self, window: Window) -> None:
        self.window, self.counts = window, dict[int, int]()

    def admit(self, now: int, cost: int) -> bool:
        number, elapsed = divmod(now, self.window.period)
        before = self.counts.get(number - 1, 0)
        share = -(-before * (self.window.period - elapsed) // self.window.period)
        if self.counts.get(number, 0) + cost + share > self.window.limit:
            return False
        self.counts[number] = self.counts.get(number, 0) + cost
        return True


class ReferenceFixed:
    def __init__(self, window: Window) -> None:
        self.window, self.counts = window, dict[int, int]()

    def admit(self, now: int, cost: int) -> bool:
        number = now // self.window.period
        if self.counts.get(number, 0) + cost > self.window.limit:
            return False
        self.counts[number] = self.counts.get(number, 0) + cost
        return True


@pytest.fixture
def store(table_of: Callable[[str], Table]) -> Table:
    return table_of("Ratelimit")


def process(store: Table) -> Limits:
    return limiter(Buckets(store.name, 5_000))


@pytest.mark.parametrize("algorithm", ["window", "sliding"])
def test_every_trace_is_decided_as_the_definition_decides_it(frozen: FakeClock, algorithm: Algorithm) -> None:
    dice = random.Random(5)
    for trace in range(200):
        window = Window(dice.randint(1, 40), dice.choice([1, 60]), 1)
        policy = Policy("p", (window,), algorithm=algorithm)
        reference = (ReferenceFixed if algorithm == "window" else ReferenceSliding)(window)
        store = InMemory()
        fleet = [limiter(store) for _ in range(3)]
        for _ in range(60):
            frozen.advance(microseconds=dice.choice([0, 1, window.period // 20, window.period // 3, 2 * window.period]))
            cost = dice.randint(1, min(3, window.limit))
            decision = dice.choice(fleet).decide(policy, f"user:{trace}", cost=cost)
            assert decision.allowed is reference.admit(clock.micros(), cost)
            assert not decision.degraded


@pytest.mark.parametrize("algorithm", ["window", "sliding"])
def test_dynamodb_decides_as_the_definition_does(store: Table, frozen: FakeClock, algorithm: Algorithm) -> None:
    dice, policy = random.Random(8), Policy("p", (MINUTE,), algorithm=algorithm)
    reference = (ReferenceFixed if algorithm == "window" else ReferenceSliding)(MINUTE)
    fleet = [process(store) for _ in range(3)]
    for _ in range(200):
        frozen.advance(seconds=dice.choice([0, 0, 3, 20, 70, 130]))
        cost = dice.choice([1, 1, 2, 4])
        decision = dice.choice(fleet).decide(policy, "user:anna", cost=cost)
        assert decision.allowed is reference.admit(clock.micros(), cost)
        assert decision.writes <= 2


def test_a_fixed_window_is_strictly_one_write(store: Table, frozen: FakeClock) -> None:
    policy, dice = Policy("p", (MINUTE,), algorithm="window"), random.Random(3)
    fleet = [process(store) for _ in range(8)]
    decisions = []
    for _ in range(200):
        frozen.advance(seconds=dice.random() * 20)
        decisions.append(dice.choice(fleet).decide(policy, "user:anna"))

    assert {decision.writes for decision in decisions} <= {0, 1}


def test_a_fixed_window_may_pass_twice_its_limit_at_the_edge_and_a_sliding_one_may_not(frozen: FakeClock) -> None:
    def around_the_edge(algorithm: Algorithm) -> int:
        frozen.set(datetime(2030, 3, 14, 9, 26, 59, tzinfo=UTC))
        limits, policy = limiter(InMemory()), Policy("p", (MINUTE,), algorithm=algorithm)
        passed = sum(limits.decide(policy, "user:anna").allowed for _ in range(20))
        frozen.advance(seconds=1)
        return passed + sum(limits.decide(policy, "user:anna").allowed for _ in range(20))

    assert around_the_edge("window") == 20
    assert around_the_edge("sliding") == 10


def test_whoever_has_seen_a_sliding_window_writes_once(store: Table, frozen: FakeClock) -> None:
    policy = Policy("p", (Window(100, 60, 1),), algorithm="sliding")
    here, there = process(store), process(store)
    first = [here.decide(policy, "user:anna").writes for _ in range(5)]
    joining = [there.decide(policy, "user:anna").writes for _ in range(5)]
    frozen.advance(seconds=60)
    rolling = here.decide(policy, "user:anna").writes
    following = [there.decide(policy, "user:anna").writes for _ in range(2)]

    assert (first, joining, rolling, following) == ([1] * 5, [2, 1, 1, 1, 1], 1, [2, 1])


@pytest.mark.parametrize("algorithm", ["window", "sliding"])
def test_two_hundred_at_once_pass_exactly_the_limit(store: Table, frozen: FakeClock, algorithm: Algorithm) -> None:
    policy = Policy("fifty", (Window(50, 3_600, 1),), algorithm=algorithm)
    fleet = [process(store) for _ in range(16)]
    turn = iter(range(200))

    results = together(lambda: fleet[next(turn) % 16].decide(policy, "user:anna"), times=200)

    assert sum(result.value.allowed for result in results) == 50


@given(
    limit=st.integers(1, 30),
    used=st.integers(0, 30),
    before=st.integers(0, 30),
    elapsed=st.integers(0, 59_999_999),
    cost=st.integers(1, 30),
)
def test_the_wait_of_a_sliding_window_is_enough_and_not_a_microsecond_too_long(
    limit: int, used: int, before: int, elapsed: int, cost: int
) -> None:
    tally, now = Sliding(Window(limit, 60, 1)), 1_000 * 60 * MICROS + elapsed
    cost, used, before = min(cost, limit), min(used, limit), min(before, limit)
    state = {"wid0": 1_000, "w0": used, "p0": before}
    wait = tally.wait(state, cost, now)

    assert tally.wait(state, cost, now + wait) == 0
    if wait:
        assert tally.wait(state, cost, now + wait - 1) > 0


@given(used=st.integers(0, 10), elapsed=st.integers(0, 59_999_999), cost=st.integers(1, 10))
def test_the_wait_of_a_fixed_window_is_to_its_end(used: int, elapsed: int, cost: int) -> None:
    tally, now = Fixed(MINUTE), 1_000 * 60 * MICROS + elapsed
    state = {"w0_1000": used}
    wait = tally.wait(state, cost, now)

    assert wait == (0 if used + cost <= 10 else 60 * MICROS - elapsed)
    assert tally.wait(state, cost, now + wait) == 0


def test_counters_of_windows_that_are_over_do_not_pile_up(store: Table, frozen: FakeClock) -> None:
    limits, policy = process(store), Policy("p", (Window(2, 1, 1),), algorithm="window")
    for _ in range(30):
        limits.decide(policy, "user:anna")
        limits.decide(policy, "user:anna")
        limits.decide(policy, "user:anna")
        frozen.advance(seconds=7)

    counters = [
        name for item in everything_in(store) if item["sk"]["S"] == "p" for name in item if name.startswith("w0_")
    ]
    assert len(counters) <= 2


@pytest.mark.parametrize(
    ("tally", "state", "left"),
    [
        (Fixed(MINUTE), {"w0_1000": 4}, 6),
        (Fixed(MINUTE), {"w0_999": 10}, 10),
        (Sliding(MINUTE), {"wid0": 1000, "w0": 4, "p0": 4}, 4),
        (Sliding(MINUTE), {"wid0": 999, "w0": 10, "p0": 4}, 5),
        (Sliding(MINUTE), {"wid0": 998, "w0": 10, "p0": 4}, 10),
        # A process whose clock is ahead has opened the next window.
        (Sliding(MINUTE), {"wid0": 1001, "w0": 1, "p0": 4}, 5),
        (Quota(100), {"q_197001": 30}, 70),
    ],
)
def test_what_is_left(tally: Tally, state: State, left: int) -> None:
    now = 1_000 * 60 * MICROS + 30 * MICROS

    assert tally.figures(state, now).left == left


@pytest.mark.parametrize("algorithm", ["window", "sliding"])
def test_a_refund_is_given_to_the_window_it_was_taken_from(
    store: Table, frozen: FakeClock, algorithm: Algorithm
) -> None:
    limits, policy = process(store), Policy("p", (MINUTE,), algorithm=algorithm)
    paid = limits.decide(policy, "user:anna", cost=10)
    limits.refund(paid)
    again = limits.decide(policy, "user:anna", cost=10)
    frozen.advance(minutes=10)
    late = limits.decide(policy, "user:anna", cost=1)
    limits.refund(again)

    assert again.allowed
    assert late.remaining == limits.decide(policy, "user:anna").remaining + 1 == 9


@pytest.mark.parametrize("algorithm", ["window", "sliding"])
def test_a_late_refund_takes_nothing_from_a_window_that_it_was_not_charged_to(
    store: Table, frozen: FakeClock, algorithm: Algorithm
) -> None:
    limits, policy = process(store), Policy("p", (MINUTE,), algorithm=algorithm)
    paid = limits.decide(policy, "user:anna", cost=3)
    frozen.advance(minutes=10)
    limits.decide(policy, "user:anna", cost=5)

    limits.refund(paid)

    assert limits.decide(policy, "user:anna").remaining == 4


@pytest.mark.parametrize(
    "policy",
    [
        Policy("p", (MINUTE,), algorithm="window"),
        Policy("p", (MINUTE,), algorithm="sliding"),
        Policy("p", (Window(600, 60, 100),), quota=10),
    ],
    ids=["window", "sliding", "quota"],
)
def test_what_is_refunded_twice_makes_no_room_that_nobody_has_paid_for(
    store: Table, frozen: FakeClock, policy: Policy
) -> None:
    limits = process(store)
    paid = limits.decide(policy, "user:anna", cost=6)

    limits.refund(paid)
    limits.refund(paid)

    assert sum(limits.decide(policy, "user:anna").allowed for _ in range(30)) == 10


def test_a_window_that_a_clock_ahead_has_opened_is_not_charged_by_the_view_of_the_one_before(
    frozen: FakeClock,
) -> None:
    """Both hold the same figures: by the window that ends, there would be room for one more."""
    shared, policy = InMemory(), Policy("p", (MINUTE,), algorithm="sliding")
    here, ahead = limiter(shared), limiter(shared)
    frozen.set(datetime(2030, 3, 14, 9, 26, 30, tzinfo=UTC))
    assert here.decide(policy, "user:anna", cost=5).allowed
    frozen.advance(minutes=1)
    assert here.decide(policy, "user:anna", cost=5).allowed
    frozen.set(datetime(2030, 3, 14, 9, 28, tzinfo=UTC))
    assert ahead.decide(policy, "user:anna").allowed
    assert ahead.decide(policy, "user:anna", cost=4).allowed

    frozen.set(datetime(2030, 3, 14, 9, 27, 59, tzinfo=UTC))

    assert not here.decide(policy, "user:anna").allowed


def test_a_window_with_another_past_than_was_seen_is_not_charged_by_that(frozen: FakeClock) -> None:
    """It was reset, and counted anew since by somebody whose clock was in the window before."""
    shared, policy = InMemory(), Policy("p", (MINUTE,), algorithm="sliding")
    here = limiter(shared)
    frozen.set(datetime(2030, 3, 14, 9, 27, tzinfo=UTC))
    assert here.decide(policy, "user:anna").allowed
    (item,) = shared.items.values()

    item["p0"] = 9

    assert not here.decide(policy, "user:anna").allowed


def test_quota_month_boundary(store: Table, frozen: FakeClock) -> None:
    """Three a month: the last microsecond of March and the first of April are two months."""
    policy = Policy("p", (Window(600, 60, 100),), quota=3)
    frozen.set(datetime(2030, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC))
    limits = process(store)
    march = [limits.decide(policy, "user:anna") for _ in range(4)]

    frozen.advance(microseconds=march[-1].retry_after_micros)
    april = [process(store).decide(policy, "user:anna").allowed for _ in range(4)]

    assert [decision.allowed for decision in march] == [True, True, True, False]
    assert march[-1].retry_after_micros == 1
    assert march[-1].problem().slug == "quota-exceeded"
    assert april == [True, True, True, False]
    (item,) = [item for item in everything_in(store) if item["sk"]["S"] == "p"]
    assert (item["q_203003"]["N"], item["q_203004"]["N"]) == ("3", "3")


def test_a_quota_and_a_rate_are_charged_by_one_write(store: Table, frozen: FakeClock) -> None:
    policy = Policy("p", (Window(600, 60, 2),), quota=5)
    limits = process(store)
    with aws.metered() as meter:
        together_passed = [limits.decide(policy, "user:anna").allowed for _ in range(2)]
    refused = limits.decide(policy, "user:anna")
    frozen.advance(seconds=10)
    rest = [limits.decide(policy, "user:anna").allowed or frozen.advance(seconds=1) for _ in range(4)]

    assert together_passed == [True, True]
    assert meter.operations == ["UpdateItem", "UpdateItem"]
    assert refused.problem().document()["violated_policies"] == ["p/60"]
    assert refused.problem().slug == "rate-limited"
    assert sum(passed is True for passed in rest) == 3


def test_a_month_knows_its_own_length() -> None:
    february = int(datetime(2028, 2, 10, tzinfo=UTC).timestamp()) * MICROS

    assert Quota(10).figures({}, february).period_seconds == 29 * 86_400
    assert Quota(10).keeps(february) == 20 * 86_400 * MICROS

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.gcra import Gcra, Window
from tessera.tallies import MICROS, Charge, CostTooHigh, State
from tests.kit.buckets import ReferenceGcra

windows = st.builds(
    Window, limit=st.integers(1, 1_000), period_seconds=st.integers(1, 86_400), burst=st.integers(1, 200)
)


def charge(window: Window, cost: int, now: int, slack: int = 0) -> Charge:
    return Charge((Gcra(window, slack=slack),), cost, now)


@given(
    window=windows,
    steps=st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(1, 5)), max_size=60),
    start=st.integers(1, 2**41),
)
def test_every_trace_is_decided_as_the_definition_decides_it(
    window: Window, steps: list[tuple[int, int]], start: int
) -> None:
    reference, now = ReferenceGcra(window.interval, window.burst), start
    state: State = {}
    for gap, cost in steps:
        now += gap
        cost = min(cost, window.burst)
        asked = charge(window, cost, now)
        expected = reference.admit(now, cost)

        assert (asked.wait(state) == 0) is expected
        if expected:
            state = asked.after(state)
            assert state == {"tat0": reference.tat}


def test_matches_reference_gcra() -> None:
    """Ten thousand random traces."""
    dice = random.Random(42)
    for _ in range(10_000):
        window = Window(dice.randint(1, 600), dice.choice([1, 60, 3_600]), dice.randint(1, 50))
        reference, now = ReferenceGcra(window.interval, window.burst), dice.randrange(2**50)
        state: State = {}
        for _ in range(20):
            now += dice.choice([0, 1, window.interval // 3, window.interval, 7 * window.interval])
            cost = dice.randint(1, min(4, window.burst))
            asked = charge(window, cost, now)
            expected = reference.admit(now, cost)
            assert (asked.wait(state) == 0) is expected
            if expected:
                state = asked.after(state)


@given(window=windows, cost=st.integers(1, 200), ahead=st.integers(0, 10**12), now=st.integers(0, 2**50))
def test_the_wait_is_enough_and_not_a_microsecond_too_long(window: Window, cost: int, ahead: int, now: int) -> None:
    cost = min(cost, window.burst)
    state = {"tat0": now + ahead}
    wait = charge(window, cost, now).wait(state)

    assert charge(window, cost, now + wait).wait(state) == 0
    if wait:
        assert charge(window, cost, now + wait - 1).wait(state) == 1


@given(
    window=windows,
    slack=st.integers(0, 3_000_000),
    gaps=st.lists(st.integers(-200_000, 400_000), min_size=1, max_size=80),
)
def test_any_interval_admits_at_most_its_burst_and_its_rate(window: Window, slack: int, gaps: list[int]) -> None:
    # Clocks of several containers differ: time also goes back, by up to the skew of 200 ms.
    slack = min(slack, window.full_after)
    state: State = {}
    now, admitted = 10**15, []
    for gap in gaps:
        now += gap
        asked = charge(window, 1, now, slack)
        if asked.wait(state) == 0:
            state = asked.after(state)
            admitted.append(now)

    skew = sum(-gap for gap in gaps if gap < 0)
    for first in range(len(admitted)):
        for last in range(first, len(admitted)):
            duration = max(0, max(admitted[first : last + 1]) - min(admitted[first : last + 1])) + skew
            assert last - first + 1 <= window.burst + (slack + duration) / window.interval + 1


@given(window=windows)
def test_the_rate_is_never_above_its_limit(window: Window) -> None:
    assert window.interval * window.limit >= window.period_seconds * MICROS


@given(window=windows, ahead=st.integers(0, 10**12), now=st.integers(0, 2**50))
def test_what_is_left_is_what_would_be_admitted(window: Window, ahead: int, now: int) -> None:
    state = {"tat0": now + ahead}
    left = charge(window, 1, now).left(state)

    assert left == 0 or charge(window, left, now).wait(state) == 0
    assert left == window.burst or charge(window, left + 1, now).wait(state) > 0


@pytest.mark.parametrize("cost", [0, -1, 11])
def test_a_cost_that_never_fits_is_refused(cost: int) -> None:
    with pytest.raises(CostTooHigh) as refused:
        charge(Window(60, 60, 10), cost, 0)

    assert refused.value.capacity == 10


@pytest.mark.parametrize("count", [0, 5])
def test_one_to_three_windows_and_a_quota(count: int) -> None:
    with pytest.raises(ValueError):
        Charge((Gcra(Window(1, 1, 1)),) * count, 1, 0)


@pytest.mark.parametrize("figures", [(0, 60, 1), (1, 0, 1), (1, 60, 0)])
def test_a_window_without_room_is_refused(figures: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        Window(*figures)

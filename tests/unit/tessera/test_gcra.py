import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.gcra import MICROS, Charge, Tats, Window

windows = st.builds(
    Window, limit=st.integers(1, 1_000), period_seconds=st.integers(1, 86_400), burst=st.integers(1, 200)
)


class Reference:
    """GCRA as its definition says it, with the maximum that DynamoDB lacks."""

    def __init__(self, window: Window) -> None:
        self.interval, self.burst, self.tat = window.interval, window.burst, 0

    def admit(self, now: int, cost: int) -> bool:
        tat = max(self.tat, now) + cost * self.interval
        if tat - now > self.burst * self.interval:
            return False
        self.tat = tat
        return True


@given(
    window=windows,
    steps=st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(1, 5)), max_size=60),
    start=st.integers(1, 2**41),
)
def test_every_trace_is_decided_as_the_definition_decides_it(
    window: Window, steps: list[tuple[int, int]], start: int
) -> None:
    reference, now = Reference(window), start
    tats: Tats = (None,)
    for gap, cost in steps:
        now += gap
        cost = min(cost, window.burst)
        charge = Charge((window,), cost, now)
        expected = reference.admit(now, cost)

        assert (charge.wait(tats) == 0) is expected
        if expected:
            tats = charge.after(tats)
            assert tats == (reference.tat,)


@given(window=windows, cost=st.integers(1, 200), ahead=st.integers(0, 10**12), now=st.integers(0, 2**50))
def test_the_wait_is_enough_and_not_a_microsecond_too_long(window: Window, cost: int, ahead: int, now: int) -> None:
    cost = min(cost, window.burst)
    tats: Tats = (now + ahead,)
    wait = Charge((window,), cost, now).wait(tats)

    assert Charge((window,), cost, now + wait).wait(tats) == 0
    if wait:
        assert Charge((window,), cost, now + wait - 1).wait(tats) == 1


@given(
    window=windows,
    slack=st.integers(0, 3_000_000),
    gaps=st.lists(st.integers(-200_000, 400_000), min_size=1, max_size=80),
)
def test_any_interval_admits_at_most_its_burst_and_its_rate(window: Window, slack: int, gaps: list[int]) -> None:
    # Clocks of several containers differ: time also goes back, by up to the skew of 200 ms.
    slack = min(slack, window.capacity)
    tats: Tats = (None,)
    now, admitted = 10**15, []
    for gap in gaps:
        now += gap
        charge = Charge((window,), 1, now, slack)
        if charge.wait(tats) == 0:
            tats = charge.after(tats)
            admitted.append(now)

    skew = sum(-gap for gap in gaps if gap < 0)
    for first in range(len(admitted)):
        for last in range(first, len(admitted)):
            duration = max(0, max(admitted[first : last + 1]) - min(admitted[first : last + 1])) + skew
            assert last - first + 1 <= window.burst + (slack + duration) / window.interval + 1


@given(window=windows)
def test_the_rate_is_never_above_its_limit(window: Window) -> None:
    assert window.interval * window.limit >= window.period_seconds * MICROS


@pytest.mark.parametrize("cost", [0, -1, 11])
def test_a_cost_that_never_fits_is_a_defect(cost: int) -> None:
    with pytest.raises(ValueError):
        Charge((Window(60, 60, 10),), cost, 0)


def test_no_more_than_three_windows() -> None:
    with pytest.raises(ValueError):
        Charge((Window(1, 1, 1),) * 4, 1, 0)


@pytest.mark.parametrize("figures", [(0, 60, 1), (1, 0, 1), (1, 60, 0)])
def test_a_window_without_room_is_refused(figures: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        Window(*figures)

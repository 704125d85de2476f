import pytest

from tessera import backoff
from tessera.backoff import Backoff


@pytest.fixture
def slept(monkeypatch):
    """How long it waited, while chance always takes the longest; nobody waits here."""
    pauses = []
    monkeypatch.setattr(backoff.random, "uniform", lambda shortest, longest: longest)
    monkeypatch.setattr(backoff.time, "sleep", pauses.append)
    return pauses


def test_each_bound_is_twice_the_one_before_up_to_the_longest(slept):
    pauses = Backoff(0.02, 0.1)

    assert [pauses.wait() for _ in range(5)] == [True] * 5
    assert slept == [0.02, 0.04, 0.08, 0.1, 0.1]


def test_a_pause_is_of_any_length_up_to_its_bound(slept, monkeypatch):
    monkeypatch.setattr(backoff.random, "uniform", lambda shortest, longest: shortest)

    Backoff(0.02, 0.1).wait()

    assert slept == [0]


def test_a_pause_beyond_the_budget_is_not_begun(slept, monkeypatch):
    times = iter([100.0, 100.5, 100.97])
    monkeypatch.setattr(backoff.clock, "monotonic", lambda: next(times))
    pauses = Backoff(0.02, 0.1, budget_seconds=1.0)

    assert [pauses.wait(), pauses.wait()] == [True, False]
    assert slept == [0.02]

"""What the bench of the limiter is asked for."""

import pytest

from tests.performance.limiter import sizes


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, [1, 10_000]),
        ({"LARGE": "1"}, [1, 10_000, 100_000]),
        ({"BUCKETS": "1000000"}, [1, 10_000, 1_000_000]),
        ({"LARGE": "1", "BUCKETS": "1000000"}, [1, 10_000, 100_000, 1_000_000]),
    ],
    ids=["nothing", "large", "a million", "both"],
)
def test_the_limiter_is_timed_among_as_many_buckets_as_are_asked_for(said: dict[str, str], found: list[int]) -> None:
    assert sizes(said) == found

import json

import pytest

from functions.platform.health import rules
from functions.platform.health.rules import Recent, Series, State

from .conftest import line


def events(*lines):
    return [{"timestamp": 1_700_000_000_000, "message": text} for text in lines]


def test_requests_of_one_series_add_up():
    batch = rules.counted(events(line(duration_ms=4), line(duration_ms=2000.5, cold_start=True, db_write_units=2)))

    (sums,) = batch.series.values()
    assert (sums.count, sums.micros, sums.cold, sums.db_requests) == (2, 2_004_500, 1, 2)
    assert (sums.read_milliunits, sums.write_milliunits) == (1000, 2000)
    assert sums.buckets == [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "START RequestId: 1",
        "[1, 2]",
        "{",
        json.dumps({"message": "message", "capability": "tasks"}),
        line(capability='tasks" 1'),
        line(status=42),
        line(status=None),
        line(duration_ms="fast"),
        line(duration_ms=1e400),
        line()[:40],
    ],
    ids=lambda text: text[:30],
)
def test_a_line_that_is_not_a_request_of_ours_counts_for_nothing_and_stops_nothing(text):
    batch = rules.counted(events(text, line()))

    assert sum(sums.count for sums in batch.series.values()) == 1


@pytest.mark.parametrize("fields", [{"method": "BREW"}, {"route": "/a b"}, {"route": "/" + "a" * 300}])
def test_what_a_caller_makes_up_makes_no_series(fields):
    (series,) = rules.counted(events(line(**fields))).series

    assert "other" in (series.method, series.route)


def test_a_duration_at_a_bound_is_in_its_bucket_as_prometheus_has_it():
    (sums,) = rules.counted(events(line(duration_ms=5))).series.values()

    assert sums.buckets[0] == 1


@pytest.mark.parametrize(
    ("count", "bad", "state"),
    [(0, 0, State.UNKNOWN), (100, 0, State.OK), (100, 1, State.OK), (100, 2, State.DEGRADED), (2, 1, State.DOWN)],
)
def test_the_state_follows_the_share_of_failed_requests(count, bad, state):
    assert rules.state_of(Recent(count, bad)) is state


def test_the_whole_is_as_bad_as_its_worst_part_and_unknown_only_when_all_is():
    assert rules.worst([State.UNKNOWN, State.OK]) is State.OK
    assert rules.worst([State.OK, State.DOWN, State.DEGRADED]) is State.DOWN
    assert rules.worst([State.UNKNOWN]) is State.UNKNOWN


def test_only_failures_of_ours_are_bad():
    batch = rules.counted(events(line(status=404), line(status=500)))

    assert [(recent.count, recent.bad) for recent in batch.minutes.values()] == [(2, 1)]
    assert Series("tasks", "GET", "/tasks/{task_id}", 500) in batch.series

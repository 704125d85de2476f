"""How tests run everywhere: those of properties without a stopwatch, and the same way each time in CI."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# Clouds in memory and the models of AWS make many objects that stay: to look through them so often took a seventh of
# the time of a run.
gc.set_threshold(20_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first: one that began last would keep one worker while the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """What was imported, and the tests themselves, stay to the end."""
    gc.collect()
    gc.freeze()

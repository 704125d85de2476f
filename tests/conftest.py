"""How tests run everywhere: those of properties without a stopwatch, and the same way each time in CI."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first: one that began last would keep one worker while the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)

"""What the suites of others need here: the stack under test, and people on it."""

import os

import pytest

from tests.kit.people import People


@pytest.fixture(scope="module")
def base_url() -> str:
    found = os.environ.get("BASE_URL", "")
    if not found:
        pytest.skip("BASE_URL is not set: it names the stack under test.")
    return found.rstrip("/")


@pytest.fixture(scope="module")
def people(base_url: str) -> People:
    return People(base_url, os.environ.get("AWS_ENDPOINT_URL", ""))

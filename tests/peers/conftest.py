"""What the suites of others need here: people on the stack under test."""

import os

import pytest

from tests.kit.people import People


@pytest.fixture(scope="module")
def people() -> People:
    if not os.environ.get("BASE_URL"):
        pytest.skip("BASE_URL is not set: it names the stack under test.")
    return People(os.environ["BASE_URL"].rstrip("/"), os.environ.get("AWS_ENDPOINT_URL", ""))

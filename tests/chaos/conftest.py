"""A stack of its own, local, whose processes a test may kill."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import base_url as base_url
from tests.e2e.conftest import people as people
from tests.kit.workers import Workers


@pytest.fixture(scope="session")
def workers() -> Workers:
    if not os.environ.get("EMULATOR_PID"):
        pytest.exit("EMULATOR_PID is not set. Run `make chaos`.", returncode=4)
    return Workers(int(os.environ["EMULATOR_PID"]))


@pytest.fixture(scope="session", autouse=True)
def impatient_queues() -> Iterator[None]:
    """What a killed worker held comes back after seconds; six minutes, as on AWS, would only be waited for."""
    from tests.kit.workers import queue_urls, sqs

    before = {
        url: sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"]) for url in queue_urls()
    }
    for url in before:
        sqs().set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    yield
    for url, found in before.items():
        sqs().set_queue_attributes(QueueUrl=url, Attributes=found["Attributes"])

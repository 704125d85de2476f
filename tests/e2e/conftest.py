"""Black-box tests: HTTP through the front door of whichever stack BASE_URL names."""

import os
from collections.abc import Iterator

import httpx
import pytest

from tests.kit.people import Mailbox, People, Person


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes begin first: one that began last would keep one worker while the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def base_url() -> str:
    found = os.environ.get("BASE_URL", "")
    if not found:
        pytest.exit("BASE_URL is not set. Run `make e2e`, or name a stack that is up.", returncode=4)
    return found


@pytest.fixture(scope="session")
def people(base_url: str) -> People:
    """`people.new()` is somebody signed up through the public API; `people.pooled()` somebody shared."""
    return People(base_url, os.environ.get("AWS_ENDPOINT_URL", ""))


@pytest.fixture(scope="session")
def mailbox(people: People) -> Mailbox:
    return people.mailbox


@pytest.fixture
def user(people: People, request: pytest.FixtureRequest) -> Person:
    """Somebody signed in, shared by the tests of a module; those of others do not use their requests up."""
    return people.pooled(of=request.path.stem)


@pytest.fixture
def anonymous(people: People) -> Iterator[httpx.Client]:
    with people.client() as client:
        yield client

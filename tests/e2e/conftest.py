"""Black-box tests: HTTP through the front door of whichever stack BASE_URL names."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.kit.browser import Chromium, find_chromium
from tests.kit.people import Mailbox, People, Person


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


@pytest.fixture(scope="module")
def chromium(base_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A browser in front of the local pages."""
    if urlsplit(base_url).hostname not in ("127.0.0.1", "localhost"):
        pytest.skip("The pages are the local stack's; BASE_URL names another.")
    executable = find_chromium()
    if executable is None:
        pytest.skip("No Chromium on this machine: install it to run the tests in a browser.")
    with Chromium(executable, tmp_path_factory.mktemp("chromium")) as found:
        yield found

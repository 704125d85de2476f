"""One moto for each worker; every test gets tables of its own instead of a mock of its own."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator

import pytest
from moto.core.model_instances import reset_model_data

from tessera import aws, clock, ids
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.memory import cloud_in_memory
from tests.kit.stores import make_table
from tests.kit.tokens import Signer


@pytest.fixture(scope="session", autouse=True)
def cloud() -> Iterator[None]:
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="eu-central-1", STAGE="test"
    )
    os.environ.pop("AWS_ENDPOINT_URL", None)
    aws.forget_clients()
    with cloud_in_memory():
        yield
    aws.forget_clients()


@pytest.fixture(autouse=True)
def nothing_kept_for_a_dashboard() -> Iterator[None]:
    """moto keeps every item that was ever written, for a page that nobody looks at: gigabytes by the end."""
    yield
    reset_model_data()


@pytest.fixture(autouse=True)
def event_loop_of_the_thread() -> None:
    """Mangum takes the thread's loop, as Lambda provides it; `asyncio.run` of an earlier test takes it away."""
    try:
        asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:
        asyncio.set_event_loop(asyncio.new_event_loop())


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="session")
def secret(cloud: None) -> str:
    """The name of a secret like the one the template makes for every message authentication key."""
    name = f"mac-keys-{ids.new()}"
    value = json.dumps({"current": "1", "1": "a text that CloudFormation would have made"})
    aws.client("secretsmanager").create_secret(Name=name, SecretString=value)
    return name


@pytest.fixture
def table_of() -> Callable[[str], Table]:
    """`table_of("Tasks")`: a fresh table shaped as the template says."""
    return make_table


@pytest.fixture
def frozen() -> Iterator[FakeClock]:
    """Time stands still until the test moves it."""
    fake = FakeClock()
    with clock.using(fake):
        yield fake

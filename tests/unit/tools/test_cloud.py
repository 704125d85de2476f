"""What works on the local cloud has no way to a real account."""

import ast
import inspect
import os
from types import ModuleType

import botocore.session
import pytest

from tools import bench, cloud, deploy_local, dev, logs, on_localstack, sam_local, up
from tools import test as suites

OF_THE_CALLER = {
    "AWS_PROFILE": "not-there",
    "AWS_SESSION_TOKEN": "of a real account",
    "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-central-1.amazonaws.com",
    "AWS_USE_FIPS_ENDPOINT": "true",
}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of this test's own, with what people have in theirs."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ.update(OF_THE_CALLER)


def test_nothing_that_names_an_account_is_left(shell: None) -> None:
    cloud.leave_accounts()

    assert {name for name in OF_THE_CALLER if name in os.environ} == set()
    assert botocore.session.Session().get_credentials().access_key == "test"
    client = cloud.client("dynamodb", "http://127.0.0.1:4001")
    assert client.meta.endpoint_url == "http://127.0.0.1:4001"


def test_everything_else_stays(shell: None) -> None:
    os.environ["LOCALSTACK_AUTH_TOKEN"] = "one"

    cloud.leave_accounts()

    assert os.environ["LOCALSTACK_AUTH_TOKEN"] == "one"


@pytest.mark.parametrize(
    "tool", [bench, deploy_local, dev, logs, on_localstack, sam_local, up], ids=lambda tool: tool.__name__
)
def test_a_tool_for_the_local_cloud_leaves_accounts_before_anything_else(tool: ModuleType) -> None:
    # Read and not run: one that did not leave would go on with what it is for.
    (main,) = ast.parse(inspect.getsource(tool.main)).body

    assert isinstance(main, ast.FunctionDef)
    assert ast.unparse(main.body[0]) == "cloud.leave_accounts()"


def test_the_tests_keep_the_account_of_the_stack_that_they_are_pointed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []
    monkeypatch.setattr(cloud, "leave_accounts", lambda: left.append("accounts"))
    monkeypatch.setattr(suites, "targets", lambda suite, only: [])
    monkeypatch.setattr(suites.generated, "make", lambda: None)

    for base_url in ("https://api.example.com", ""):
        monkeypatch.setenv("BASE_URL", base_url)
        suites.main(["unit"])
        assert bool(left) == (not base_url)

"""IAM is enforced: what a function may not do, it cannot do, and its end-to-end tests would say so."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.emulator_facts.conftest import Stack


@pytest.fixture
def without_its_table(stack: Stack) -> Iterator[None]:
    """The function of `tasks`, its table taken out of its policies."""
    iam, functions = stack.client("iam"), stack.client("lambda")
    arn = functions.get_function_configuration(FunctionName=f"{stack.name}-tasks")["Role"]
    role = arn.rsplit("/", 1)[1]
    kept = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    about_the_table = [name for name, document in kept.items() if f"table/{stack.name}-tasks" in json.dumps(document)]
    assert about_the_table
    for name in about_the_table:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    yield
    for name in about_the_table:
        document = kept[name]
        text = document if isinstance(document, str) else json.dumps(document)
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)


def ready(stack: Stack) -> int:
    return httpx.get(f"{stack.base_url}/tasks/ready", timeout=30).status_code


def test_a_function_without_its_table_policy_is_denied(stack: Stack, without_its_table: None) -> None:
    assert ready(stack) == 503


def test_a_function_with_its_table_policy_is_let_in(stack: Stack) -> None:
    assert ready(stack) == 200

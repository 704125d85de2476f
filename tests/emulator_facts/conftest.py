"""The emulator of the stack that `make test` deployed, and small things of a test's own on it."""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tessera import ids
from tools import cloud

# What lambda asks of a role, whatever it may do.
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True)
class Stack:
    endpoint: str
    base_url: str
    name: str

    def client(self, service: str) -> Any:
        return cloud.client(service, self.endpoint)


@dataclass(frozen=True)
class Function:
    name: str
    lambdas: Any

    def __call__(self, event: Any = None) -> Any:
        """What the handler returned; `{"errorMessage": ...}` when it raised."""
        answer = self.lambdas.invoke(FunctionName=self.name, Payload=json.dumps(event or {}).encode())
        return json.loads(answer["Payload"].read())


@pytest.fixture(scope="session")
def stack() -> Stack:
    try:
        return Stack(os.environ["AWS_ENDPOINT_URL"], os.environ["BASE_URL"], os.environ["STACK"])
    except KeyError:
        pytest.skip("no local stack: `make test` starts one and names it in AWS_ENDPOINT_URL, BASE_URL and STACK")


@pytest.fixture
def name() -> str:
    """A name nobody has used."""
    return f"fact-{ids.new().lower()}"


@pytest.fixture
def function_of(stack: Stack, name: str) -> Iterator[Callable[..., Function]]:
    """`function_of(code, statements=[...])`: a function with the stack's own layers and just these permissions."""
    lambdas, iam = stack.client("lambda"), stack.client("iam")
    made: list[str] = []

    def make(code: str, *, statements: list[dict[str, Any]] | None = None) -> Function:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
        health = lambdas.get_function_configuration(FunctionName=f"{stack.name}-health")
        lambdas.create_function(
            FunctionName=name,
            Runtime=health["Runtime"],
            Role=role,
            Handler="subject.handler",
            Layers=[layer["Arn"] for layer in health["Layers"]],
            Environment={"Variables": {"AWS_ENDPOINT_URL": stack.endpoint}},
            Timeout=10,
            Code={"ZipFile": zipped(code)},
        )
        made.append(name)
        return Function(name, lambdas)

    yield make
    for each in made:
        lambdas.delete_function(FunctionName=each)


def zipped(code: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("subject.py", code)
    return sink.getvalue()

"""What an emulator that saves its state goes on with, as `localstack/kept_streams.py` has it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator_facts.conftest import TRUST, zipped
from tests.emulator_facts.test_deliveries import STREAM, TABLE
from tests.kit.people import eventually
from tools import cloud, ports
from tools.emulator import Emulator

COUNTING = """
import botocore.session
table = botocore.session.Session().create_client("dynamodb")
def handler(event, context):
    for record in event["Records"]:
        table.update_item(TableName="notes", Key=record["dynamodb"]["Keys"], UpdateExpression="ADD times :one",
                          ExpressionAttributeValues={":one": {"N": "1"}})
"""
ANYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}],
}


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """One of this test's own, without the stack."""
    own = Emulator(tmp_path, ports.any_free(), saves=True)
    own.start()
    own.wait()
    yield own
    own.stop(seconds=5)


def test_changes_that_no_function_was_given_are_given_after_a_restart_and_those_that_were_are_not(
    emulator: Emulator,
) -> None:
    tables, lambdas = (cloud.client(service, emulator.endpoint) for service in ("dynamodb", "lambda"))

    def change(name: str) -> None:
        tables.put_item(TableName="changing", Item={"pk": {"S": name}})

    def times(name: str) -> str:
        found = eventually(lambda: tables.get_item(TableName="notes", Key={"pk": {"S": name}}).get("Item"), what=name)
        return str(found["times"]["N"])

    tables.create_table(TableName="notes", **TABLE)
    made = tables.create_table(TableName="changing", StreamSpecification=STREAM, **TABLE)
    mapping = listening(emulator, made["TableDescription"]["LatestStreamArn"])
    for name in ("one", "two"):
        change(name)
        assert times(name) == "1"
    lambdas.update_event_source_mapping(UUID=mapping, Enabled=False)
    change("while nobody listened")

    emulator.stop()
    emulator.start()
    emulator.wait()
    change("after")
    lambdas.update_event_source_mapping(UUID=mapping, Enabled=True)

    assert {name: times(name) for name in ("after", "while nobody listened", "one", "two")} == dict.fromkeys(
        ["after", "while nobody listened", "one", "two"], "1"
    )


def listening(emulator: Emulator, source: str) -> Any:
    """The mapping that gives a function what comes from there."""
    iam, lambdas = (cloud.client(service, emulator.endpoint) for service in ("iam", "lambda"))
    role = iam.create_role(RoleName="counting", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="counting", PolicyName="own", PolicyDocument=json.dumps(ANYTHING))
    lambdas.create_function(
        FunctionName="counting",
        Runtime="python3.13",
        Role=role,
        Handler="subject.handler",
        Environment={"Variables": {"AWS_ENDPOINT_URL": emulator.endpoint}},
        Timeout=10,
        Code={"ZipFile": zipped(COUNTING)},
    )
    how = {"EventSourceArn": source, "FunctionName": "counting", "BatchSize": 1, "StartingPosition": "TRIM_HORIZON"}
    return lambdas.create_event_source_mapping(**how)["UUID"]

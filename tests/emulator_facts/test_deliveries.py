"""How the emulator brings changes of tables and messages to functions, as `localstack/deliveries.py` has it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.emulator_facts.conftest import Function, Stack
from tests.kit.people import eventually

TABLE = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
# Whatever comes is noted; a `slow` one is at work until the `quick` one has been noted, or for four seconds.
NOTING = """
import json, os, time, botocore.session
table = botocore.session.Session().create_client("dynamodb")
def noted(name):
    return "Item" in table.get_item(TableName="NOTES", Key={"pk": {"S": name}})
def note(name, **also):
    table.put_item(TableName="NOTES", Item={"pk": {"S": name}, **also})
def handler(event, context):
    print("noting")
    for record in event["Records"]:
        name = record["body"] if "body" in record else record["dynamodb"]["Keys"]["pk"]["S"]
        began = [other for other in ("slow", "quick", "behind slow") if noted(other)]
        until = time.monotonic() + 4
        while name == "slow" and not noted("quick") and time.monotonic() < until:
            # Nothing tells that something was noted but looking.
            time.sleep(0.05)
        note(name, met={"BOOL": noted("quick")}, after={"S": json.dumps(began)})
"""


@pytest.fixture
def notes(stack: Stack, name: str) -> Iterator[Callable[[str], Any]]:
    """What the function has noted under a name, as soon as it has."""
    tables, table = stack.client("dynamodb"), f"{name}-notes"
    tables.create_table(TableName=table, **TABLE)

    def noted(of: str) -> Any:
        return eventually(lambda: tables.get_item(TableName=table, Key={"pk": {"S": of}}).get("Item"), what=of)

    yield noted
    tables.delete_table(TableName=table)


@pytest.fixture
def noting(stack: Stack, name: str, function_of: Callable[..., Function]) -> Iterator[Callable[..., None]]:
    """`noting(source, ...)`: the function is given what comes from there, one at a time."""
    anything = {"Effect": "Allow", "Action": ["dynamodb:*", "sqs:*"], "Resource": "*"}
    function = function_of(NOTING.replace("NOTES", f"{name}-notes"), statements=[anything])
    lambdas, mappings = stack.client("lambda"), list[str]()

    def listen(source: str, **how: Any) -> None:
        how = {"EventSourceArn": source, "FunctionName": function.name, "BatchSize": 1, **how}
        mappings.append(lambdas.create_event_source_mapping(**how)["UUID"])

    yield listen
    for mapping in mappings:
        lambdas.delete_event_source_mapping(UUID=mapping)


def test_the_changes_of_one_table_do_not_wait_for_those_of_another(
    stack: Stack, name: str, notes: Callable[[str], Any], noting: Callable[..., None]
) -> None:
    tables, kinds = stack.client("dynamodb"), ("slow", "quick")
    for kind in kinds:
        made = tables.create_table(TableName=f"{name}-{kind}", StreamSpecification=STREAM, **TABLE)
        noting(made["TableDescription"]["LatestStreamArn"], StartingPosition="TRIM_HORIZON")

    for kind in kinds:
        tables.put_item(TableName=f"{name}-{kind}", Item={"pk": {"S": kind}})

    assert notes("slow")["met"]["BOOL"]
    for kind in kinds:
        tables.delete_table(TableName=f"{name}-{kind}")


def test_groups_of_a_queue_do_not_wait_for_each_other_and_keep_their_order(
    stack: Stack, name: str, notes: Callable[[str], Any], noting: Callable[..., None]
) -> None:
    queues = stack.client("sqs")
    wanted = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "60"}
    url = queues.create_queue(QueueName=f"{name}.fifo", Attributes=wanted)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    noting(arn, ScalingConfig={"MaximumConcurrency": 2})

    for text, group in (("slow", "one"), ("behind slow", "one"), ("quick", "two")):
        queues.send_message(QueueUrl=url, MessageBody=text, MessageGroupId=group)

    assert notes("slow")["met"]["BOOL"]
    assert "slow" in json.loads(notes("behind slow")["after"]["S"])
    queues.delete_queue(QueueUrl=url)

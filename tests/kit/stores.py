"""Stores for tests: tables are made from the template's own key schema, so that the two cannot drift apart."""

from collections.abc import Iterable
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from tessera import aws, clock, ids
from tessera.outbox import Envelope
from tessera.tables import Table

from .templates import resources


def make_table(logical_id: str) -> Table:
    """A fresh, empty table of this shape under a name of its own."""
    properties: dict[str, Any] = resources("stores", "AWS::DynamoDB::Table")[logical_id]["Properties"]
    name = f"{logical_id.lower()}-{ids.new().lower()}"
    parameters = {
        "TableName": name,
        "KeySchema": properties["KeySchema"],
        "AttributeDefinitions": properties["AttributeDefinitions"],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if properties.get("GlobalSecondaryIndexes"):
        parameters["GlobalSecondaryIndexes"] = properties["GlobalSecondaryIndexes"]
    aws.client("dynamodb").create_table(**parameters)
    return Table(name)


def make_bucket(name: str) -> str:
    """A fresh, empty bucket; its name comes back."""
    bucket = f"{name}-{ids.new().lower()}"
    where = {"LocationConstraint": "eu-central-1"}
    aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    return bucket


def everything_in(table: Table) -> list[dict[str, Any]]:
    """Every item: for assertions only."""
    items: list[dict[str, Any]] = []
    for page in aws.client("dynamodb").get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True):
        items += page["Items"]
    return items


def envelopes_in(table: Table) -> list[Envelope]:
    """The events that items carry now, in the order in which they were made."""
    found = [Envelope.parse(item["event"]["S"]) for item in everything_in(table) if "event" in item]
    return sorted(found, key=lambda one: one.id)


def events_in(table: Table) -> list[str]:
    """The types of the events that items carry now."""
    return sorted(one.type for one in envelopes_in(table))


def due_in(table: Table) -> list[dict[str, Any]]:
    """The sweeper's message for each item that waits for its time, whenever that is."""
    names = ("pk", "sk", "due_pk", "due_sk")
    waiting = [item for item in everything_in(table) if "due_pk" in item]
    return [{"kind": "due", "data": {name: item[name]["S"] for name in names}} for item in waiting]


def ready_in(table: Table) -> list[dict[str, Any]]:
    """Those whose time has come."""
    return [one for one in due_in(table) if clock.parse(one["data"]["due_sk"].partition("#")[0]) <= clock.now()]


def pour(table: Table, items: Iterable[dict[str, dict[str, Any]]]) -> None:
    """Put many items straight into moto's memory, past its checks and its stream: a hundred thousand take seconds."""
    behind = moto_table(table.name)
    hashed, ranged = behind.hash_key_attr, behind.range_key_attr
    for item in items:
        pk, sk = DynamoType(item[hashed]), DynamoType(item[ranged])
        behind.items[pk][sk] = Item(pk, sk, item)


def moto_table(name: str) -> Any:
    """What moto keeps of a table."""
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][aws.client("dynamodb").meta.region_name].tables[name]

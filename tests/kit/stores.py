"""Tables for tests, made from the template's own key schema, so that the two cannot drift apart."""

from typing import Any

from tessera import aws, ids
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


def everything_in(table: Table) -> list[dict[str, Any]]:
    """Every item: for assertions only."""
    items: list[dict[str, Any]] = []
    for page in aws.client("dynamodb").get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True):
        items += page["Items"]
    return items


def events_in(table: Table) -> list[str]:
    """The types of the events that items carry now."""
    from tessera.outbox import Envelope

    return sorted(Envelope.parse(item["event"]["S"]).type for item in everything_in(table) if "event" in item)

"""Queries look at the items they ask for. moto sorts the whole table for each, and then leaves out all other items."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

# What the query that is being answered asks for: the attributes of an index that must be so, or a partition.
_asked: ContextVar[list[tuple[str, DynamoType]] | DynamoType | None] = ContextVar("asked", default=None)

# moto's own.
all_items = Table.all_items


@contextmanager
def light_queries() -> Iterator[None]:
    query = Table.query

    def queried(table: Table, hash_key: DynamoType | None, *given: Any, **named: Any) -> Any:
        # The seventh that follows the key.
        index = given[6] if len(given) > 6 else named.get("index_name")
        token = _asked.set(named.get("hash_key_conditions") if index else hash_key)
        try:
            return query(table, hash_key, *given, **named)
        finally:
            _asked.reset(token)

    def looked_at(table: Table) -> list[Item]:
        asked = _asked.get()
        if not asked or not table.range_key_attr:
            return all_items(table)
        if isinstance(asked, DynamoType):
            # moto sorts what it has found by the rest of the key.
            part: Any = table.items.get(asked, {})
            return list(part.values())
        parts: Any = table.items.values()
        found = (item for part in parts for item in part.values() if _is_so(item, asked))
        # Those alike in an index come in the order of the table.
        return sorted(found, key=lambda item: (item.hash_key, item.range_key))

    with patch.object(Table, "query", queried), patch.object(Table, "all_items", looked_at):
        yield


def _is_so(item: Item, asked: list[tuple[str, DynamoType]]) -> bool:
    return all(name in item.attrs and item.attrs[name] == value for name, value in asked)

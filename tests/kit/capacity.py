"""What DynamoDB would charge, computed from the items themselves: neither moto nor the local cloud reports it right.

    with CapacityMeter() as meter:
        client.get("/tasks/01J…")
    assert meter.of("tasks-…").requests == 1

Sizes and units follow "DynamoDB item sizes and formats" and "Capacity unit consumption" of the developer guide. It
reads items behind moto's back, so it works where moto stands behind `tessera.aws`, one call at a time.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from moto.dynamodb.models.dynamo_type import DynamoType

from tessera import aws
from tests.kit.stores import moto_table

Item = dict[str, dict[str, Any]]
READ_BYTES, WRITE_BYTES = 4096, 1024


@dataclass
class Cost:
    requests: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    # Of the items that are in this table, whichever table their request names first: for themselves, and for indexes.
    item_units: float = 0.0
    index_units: float = 0.0
    operations: list[str] = field(default_factory=list)


class CapacityMeter:
    """A context manager: counts every DynamoDB call inside the block, by the table it names first."""

    def __init__(self) -> None:
        self.by_table: dict[str, Cost] = defaultdict(Cost)
        self._asked: dict[str, Any] = {}
        self._before: list[tuple[str, Item, Item | None]] = []

    def of(self, table: str) -> Cost:
        return self.by_table[table]

    def __enter__(self) -> Self:
        self._hooked = aws.intercepted(self._note)
        self._hooked.__enter__()
        self._events = aws.client("dynamodb").meta.events
        self._events.register("after-call.dynamodb.*", self._count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.unregister("after-call.dynamodb.*", self._count)
        self._hooked.__exit__(kind, error, trace)

    def _note(self, service: str, operation: str, params: dict[str, Any]) -> None:
        """Sees the calls of every client; units are known of those of the tables' own client alone."""
        if service != "dynamodb":
            return
        self._asked = params
        self._before = [(table, key, item_at(table, key)) for table, key in _written(params)]
        cost = self.by_table[_tables(params)[0]]
        cost.requests += 1
        cost.operations.append(operation)

    def _count(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        asked, name = self._asked, str(model.name)
        cost = self.by_table[_tables(asked)[0]]
        if name == "GetItem":
            cost.read_units += read_units([parsed.get("Item") or {}], consistent=asked.get("ConsistentRead", False))
        elif name == "Query":
            items = parsed.get("Items", [])
            # What a filter leaves out is read and paid for too, and is about as large as what it lets pass.
            scanned = parsed.get("ScannedCount", len(items)) / max(1, len(items))
            size = sum(map(size_of, items)) * scanned
            cost.read_units += _read(size, consistent=asked.get("ConsistentRead", False))
        elif name == "BatchGetItem":
            for table, found in parsed.get("Responses", {}).items():
                consistent = asked["RequestItems"][table].get("ConsistentRead", False)
                wanted = len(asked["RequestItems"][table]["Keys"])
                absent = [{}] * (wanted - len(found))
                cost.read_units += sum(read_units([item], consistent=consistent) for item in [*found, *absent])
        else:
            cost.write_units += self._writes(transactional=name == "TransactWriteItems")

    def _writes(self, *, transactional: bool) -> float:
        units = 0.0
        for table, key, old in self._before:
            new = item_at(table, key)
            base = max(1, math.ceil(max(size_of(old or {}), size_of(new or {})) / WRITE_BYTES))
            of_item = base * (2 if transactional else 1)
            of_indexes = sum(index_units(index, old, new) for index in _indexes(table))
            self.by_table[table].item_units += of_item
            self.by_table[table].index_units += of_indexes
            units += of_item + of_indexes
        return units


def size_of(item: Item) -> int:
    """Bytes of names and values."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def read_units(items: list[Item], *, consistent: bool) -> float:
    return _read(sum(map(size_of, items)), consistent=consistent)


def index_units(index: dict[str, Any], old: Item | None, new: Item | None) -> int:
    """Writes that an index takes part in: none when nothing it projects has changed, two when its key has."""
    names = [key["AttributeName"] for key in index["KeySchema"]]
    before, after = _key_in(old, names), _key_in(new, names)
    if before is None or after is None:
        return int(before != after)
    if before != after:
        return 2
    return int(index["Projection"]["ProjectionType"] == "ALL" and old != new)


def item_at(table: str, key: Item) -> Item | None:
    found = moto_table(table).get_item(DynamoType(key["pk"]), DynamoType(key["sk"]))
    return {name: value.to_regular_json() for name, value in found.attrs.items()} if found else None


def _indexes(table: str) -> list[dict[str, Any]]:
    return [{"KeySchema": index.schema, "Projection": index.projection} for index in moto_table(table).global_indexes]


def _written(params: dict[str, Any]) -> Iterator[tuple[str, Item]]:
    steps = [step for one in params.get("TransactItems", ()) for step in one.values()]
    for step in steps or ([params] if "TableName" in params else []):
        found = step.get("Key") or step.get("Item")
        if found:
            yield step["TableName"], {"pk": found["pk"], "sk": found["sk"]}
    for table, requests in params.get("RequestItems", {}).items():
        # Those of a BatchGetItem are no list, and write nothing.
        for request in requests if isinstance(requests, list) else ():
            (one,) = request.values()
            found = one.get("Key") or one["Item"]
            yield table, {"pk": found["pk"], "sk": found["sk"]}


def _tables(params: dict[str, Any]) -> list[str]:
    if "TransactItems" in params:
        return [step["TableName"] for one in params["TransactItems"] for step in one.values()]
    return list(params.get("RequestItems", ())) or [params["TableName"]]


def _key_in(item: Item | None, names: list[str]) -> tuple[Any, ...] | None:
    if item is None or not all(name in item for name in names):
        return None
    return tuple(str(item[name]) for name in names)


def _read(size: float, *, consistent: bool) -> float:
    return max(1, math.ceil(size / READ_BYTES)) * (1.0 if consistent else 0.5)


def _value(value: dict[str, Any]) -> int:
    (kind, content), *_ = value.items()
    if kind in ("S", "B"):
        return len(content.encode() if isinstance(content, str) else content)
    if kind == "N":
        return len(str(content)) // 2 + 2
    if kind == "L":
        return 3 + sum(1 + _value(inner) for inner in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value(inner) for name, inner in content.items())
    return 1 if kind in ("BOOL", "NULL") else sum(len(str(one)) for one in content)

"""What a function that starts cold takes for the revocations, when there are very many of them.

A stand-in answers, in pages of 1 MB as DynamoDB does and the local cloud does not: what is measured is our own part and
the loopback, the units are counted by the size of what was read.
"""

import json
import os
import statistics
import time
from bisect import bisect_right
from typing import Any
from unittest.mock import patch

from tessera import aws, clock, ids
from tessera.auth import feed_entries
from tessera.auth.feed import Feed
from tessera.tables import Table
from tests.kit.stand_ins import Answer, Asked, WireStandIn

ENTRIES, CROWD, TIMES = 10_000, 25_000, 5
TARGET_MS, TARGET_UNITS = 400, 130
PAGE_BYTES, UNIT_BYTES = 1_000_000, 4_096
# Long enough ago that what is packed is not read again behind the pack.
AGO_MS = 120_000
Item = dict[str, dict[str, str]]


class PagedTable(WireStandIn):
    """A table that knows no more than the feed asks of it."""

    def __init__(self) -> None:
        super().__init__()
        self.partitions: dict[str, dict[str, Item]] = {}

    def put(self, item: Item) -> None:
        self.partitions.setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = item

    def answer(self, asked: Asked) -> Answer:
        told = asked.json()
        match asked.headers["x-amz-target"].rpartition(".")[2]:
            case "PutItem":
                self.put(told["Item"])
                return Answer.json({})
            case "GetItem":
                key = told["Key"]
                found = self.partitions.get(key["pk"]["S"], {}).get(key["sk"]["S"])
                return Answer.json({"Item": found} if found else {})
            case _:
                return Answer.json(self._page(told))

    def _page(self, told: dict[str, Any]) -> dict[str, Any]:
        values = {value["S"] for value in told["ExpressionAttributeValues"].values()}
        pk = next(value for value in values if value in self.partitions)
        items = self.partitions[pk]
        keys = sorted(items)
        after = told.get("ExclusiveStartKey", {}).get("sk", {}).get("S") or next(iter(values - {pk}), "")
        found: list[Item] = []
        size = 0
        for key in keys[bisect_right(keys, after) :]:
            size += _size(items[key])
            if size > PAGE_BYTES:
                break
            found.append(items[key])
        more = bool(found) and found[-1]["sk"]["S"] != keys[-1]
        units = sum(map(_size, found)) / UNIT_BYTES * (1 if told.get("ConsistentRead") else 0.5)
        last = {name: found[-1][name] for name in ("pk", "sk")} if more else None
        return {
            "Items": found,
            "Count": len(found),
            "ConsumedCapacity": {"TableName": "feed", "CapacityUnits": units},
            **({"LastEvaluatedKey": last} if last else {}),
        }


def report() -> str:
    lines = []
    with PagedTable() as feed, patch.dict(os.environ, {"AWS_ENDPOINT_URL": feed.url, **CREDENTIALS}):
        aws.forget_clients()
        try:
            table = Table("feed")
            _revoke(feed, ENTRIES)
            took, units = _cold(table)
            over = "  over the target" if took > TARGET_MS or units > TARGET_UNITS else ""
            lines.append((f"{ENTRIES:,} revocations", f"{took:.0f} ms, {units:.0f} read units{over}"))
            _revoke(feed, CROWD - ENTRIES)
            lines.append((f"{CROWD:,}", "{:.0f} ms, {:.0f} read units".format(*_cold(table))))
            feed_entries.pack(table)
            lines.append((f"{CROWD:,}, packed", "{:.0f} ms, {:.0f} read units".format(*_cold(table))))
        finally:
            aws.forget_clients()
    return "\n".join(f"  {name:<34} {figures}" for name, figures in lines)


CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}


def _cold(table: Table) -> tuple[float, float]:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        with aws.metered() as meter:
            Feed(table, 600).poll()
        took.append((time.perf_counter() - began) * 1_000)
    return statistics.median(took), meter.read_units


def _revoke(feed: PagedTable, number: int) -> None:
    """So many people signed out everywhere, one a millisecond."""
    last = clock.millis() - AGO_MS
    for at in range(last - number, last):
        feed.put(
            {
                "pk": {"S": feed_entries.FEED_PK},
                "sk": {"S": f"{at:013d}#{ids.new()}"},
                "k": {"S": "u"},
                "id": {"S": ids.new()},
                "min_ep": {"N": "7"},
                "ttl": {"N": str(at // 1000 + 900)},
            }
        )


def _size(item: Item) -> int:
    """As DynamoDB counts: names and values; bytes come written in base64."""
    return sum(len(name) + len(json.dumps(*value.values())) - 2 for name, value in item.items())

"""The buckets that the layer charges, as their owner may look at them: read, reset, erased."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table, key
from tessera.tallies import numbers_of

from ..rules import BESIDE
from .settings import RatelimitSettings

# What a bucket counts by; the rest of an item, such as the use of an API key, stays when it is reset.
_COUNTS = re.compile(r"tat\d|wid\d|w\d(_\d+)?|p\d|q_\d{6}")
MOST_ITEMS = 100


class BucketStore(Table):
    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(RatelimitSettings).table)

    def state(self, bucket: str, name: str) -> dict[str, int]:
        """The numbers on one item, none when there is none. 1 read unit."""
        answer = self._call("get_item", Key=key(bucket, name), ConsistentRead=True)
        return numbers_of(answer.get("Item") or {})

    def states(self, bucket: str) -> dict[str, dict[str, int]]:
        """The numbers of a subject's buckets, by the names of their items. 1 request."""
        return {item["sk"]["S"]: numbers_of(item) for item in self._items(bucket) if not _is_beside(item)}

    def reset(self, bucket: str, states: Mapping[str, Mapping[str, int]]) -> None:
        """Let the subject whose buckets look like this begin anew. 1 write for each of them."""
        for name, state in states.items():
            counts = {f"#{place}": count for place, count in enumerate(filter(_COUNTS.fullmatch, state))}
            if not counts:
                continue
            # One that is gone by now is not to come back as an item that nothing ever takes away.
            with suppress(ConditionFailed):
                self._conditional(
                    Row,
                    "update_item",
                    Key=key(bucket, name),
                    UpdateExpression=f"REMOVE {', '.join(counts)}",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeNames=counts,
                )

    def erase(self, bucket: str) -> tuple[bool, int]:
        """Delete what there is of a subject, at most 100 items: whether that was all, and how many."""
        found = self._items(bucket)
        for item in found:
            self._call("delete_item", Key=key(bucket, item["sk"]["S"]))
        return len(found) < MOST_ITEMS, len(found)

    def _items(self, bucket: str) -> list[dict[str, Any]]:
        answer = self._call(
            "query",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": bucket}},
            Limit=MOST_ITEMS,
            ConsistentRead=True,
        )
        found: list[dict[str, Any]] = answer["Items"]
        return found


def _is_beside(item: dict[str, Any]) -> bool:
    return bool(item["sk"]["S"].startswith(BESIDE))

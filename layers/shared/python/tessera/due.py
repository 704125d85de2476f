"""Items that wait for a time: a sparse index by minute and shard, which `sweeper` reads.

An item carries one due time, its nearest. Whoever handles it removes `due_pk` in the same
conditional write, which is what makes a second delivery harmless.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pynamodb.attributes import UnicodeAttribute

from tessera import clock
from tessera.tables import Row

SHARDS = 4
LOOK_BACK = timedelta(hours=24)


class DueRow(Row):
    """A row that may wait for a time."""

    due_pk = UnicodeAttribute(null=True)
    due_sk = UnicodeAttribute(null=True)

    def wait_until(self, when: datetime | None, item_id: str) -> None:
        if when is None:
            self.due_pk = self.due_sk = None
        else:
            self.due_pk, self.due_sk = due_keys(when, item_id)


@dataclass(frozen=True)
class DueItem:
    """What the sweeper says of one item: where it is and which due time it saw."""

    pk: str
    sk: str
    due_pk: str
    due_sk: str

    @property
    def due(self) -> datetime:
        return clock.parse(self.due_sk.partition("#")[0])


def due_keys(when: datetime, item_id: str) -> tuple[str, str]:
    """`due_pk` and `due_sk` of an item that waits until this instant."""
    shard = int.from_bytes(hashlib.sha256(item_id.encode()).digest()[:4]) % SHARDS
    return bucket(when, shard), f"{clock.rfc3339(when)}#{item_id}"


def bucket(when: datetime, shard: int) -> str:
    return f"DUE#{when.astimezone(UTC):%Y%m%d%H%M}#{shard}"


def minutes(since: datetime, until: datetime) -> Iterator[datetime]:
    """Every minute from the one of `since` to the one of `until`, at most 24 hours of them."""
    minute = max(since, until - LOOK_BACK).replace(second=0, microsecond=0)
    while minute <= until:
        yield minute
        minute += timedelta(minutes=1)

"""How far the sweep has got, and what waits in a minute of the `due` index."""

from collections.abc import Iterator
from datetime import datetime
from typing import Self

from pynamodb.attributes import UnicodeAttribute

from tessera import clock, due
from tessera.due import DueItem, DueRow
from tessera.settings import Bindings
from tessera.tables import Row, Table

from .reminders import RemindersSettings
from .rows import SHARDS


class MarkRow(Row):
    """`SWEEP`/`MAIN`: every minute up to this one was read once."""

    minute = UnicodeAttribute()


class Marks:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(RemindersSettings).table))

    def get(self) -> datetime | None:
        """1 read."""
        row = self.table.get(MarkRow, "SWEEP", "MAIN")
        return clock.parse(row.minute) if row else None

    def move(self, minute: datetime) -> None:
        """1 write. Two sweeps at once only send twice what is due, which is done once all the same."""
        self.table.put(MarkRow(pk="SWEEP", sk="MAIN", minute=clock.rfc3339(minute)))

    def waiting(self, minute: datetime) -> Iterator[DueItem]:
        """What is due within a minute: 16 requests, and 1 more for each further page."""
        for shard in range(SHARDS):
            for row in self.table.query_all(DueRow, due.bucket(minute, shard), index="due", limit=1000):
                yield DueItem(pk=row.pk, sk=row.sk, due_pk=str(row.due_pk), due_sk=str(row.due_sk))

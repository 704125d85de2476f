"""How far each table has been swept, and what waits in its `due` index."""

from collections.abc import Iterator
from datetime import datetime
from typing import Self

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock, due
from tessera.due import DueItem, DueRow
from tessera.settings import Bindings, Settings
from tessera.tables import Key, Row, Table


class SweeperSettings(Settings):
    table: str
    authfeed: str
    # One entry a table: `<table>=<queue url>`, separated by spaces.
    due_tables: str

    @property
    def targets(self) -> list[tuple[str, str]]:
        return [(name, url) for name, _, url in (entry.partition("=") for entry in self.due_tables.split())]


class MarkRow(Row):
    """Everything due before `until` has been sent."""

    until = UnicodeAttribute()


class Marks:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(SweeperSettings).table))

    def of(self, name: str, first: datetime) -> datetime:
        """1 read unit, and a write for a table seen for the first time.

        From then on nothing of it is forgotten, however long it cannot be swept.
        """
        row = self.table.get(MarkRow, f"MARK#{name}", "MAIN")
        if row is None:
            self.move(name, first)
            return first
        return clock.parse(row.until)

    def move(self, name: str, until: datetime) -> None:
        """1 write unit. Two sweeps at once only send twice what is due, which its handler drops."""
        self.table.put(MarkRow(pk=f"MARK#{name}", sk="MAIN", until=clock.rfc3339(until)))


def waiting(table: Table, since: datetime, now: datetime) -> Iterator[DueItem]:
    """What is due: 1 request for each of the 4 shards of each minute, and 1 more per further page."""
    until = Path("due_sk") < f"{clock.rfc3339(now)}$"
    for minute in due.minutes(since, now):
        for shard in range(due.SHARDS):
            after: Key | None = None
            while True:
                page = table.query(DueRow, due.bucket(minute, shard), index="due", sort=until, limit=1000, after=after)
                for row in page.rows:
                    yield DueItem(pk=row.pk, sk=row.sk, due_pk=str(row.due_pk), due_sk=str(row.due_sk))
                after = page.next
                if after is None:
                    break

"""What was reported, and which links were clicked of late and are looked at again."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock, ids
from tessera.settings import Bindings
from tessera.tables import Key, Table

from ..config import ShortenerSettings
from .rows import PointerRow, ReportRow

REPORTS = "REPORTS"
CHECK_SHARDS, CHECKED_DAYS = 16, 7


class Watch:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ShortenerSettings).table))

    def report(self, domain: str, code: str, reason: str, kept: timedelta) -> ReportRow:
        """1 write unit."""
        now = clock.now()
        row = ReportRow(
            pk=REPORTS, sk=ids.new(), domain=domain, code=code, reason=reason, created_at=clock.rfc3339(now)
        )
        row.ttl = int((now + kept).timestamp())
        self.table.put(row)
        return row

    def reports(self, limit: int, after: Key | None) -> tuple[list[ReportRow], Key | None]:
        page = self.table.query(ReportRow, REPORTS, limit=limit, after=after, newest_first=True)
        return page.rows, page.next

    def report_of(self, report_id: str) -> ReportRow | None:
        return self.table.get(ReportRow, REPORTS, report_id)

    def close_report(self, report_id: str, outcome: str) -> None:
        """1 write unit."""
        changes = (Path("closed_at").set(clock.rfc3339(clock.now())), Path("outcome").set(outcome))
        self.table.update(ReportRow, REPORTS, report_id, *changes)

    def clicked(self, day: str, link_id: str, domain: str, code: str, until: datetime) -> None:
        """Note that a link is in use, so that it is looked at again. 1 write unit."""
        row = PointerRow(pk=_clicked_pk(day, shard_of(link_id)), sk=link_id, link_id=link_id, domain=domain, code=code)
        row.ttl = int(until.timestamp())
        self.table.put(row)

    def clicked_since(self, days: Sequence[str], shard: int) -> Iterator[tuple[str, str]]:
        """Domain and code of each link in this share that was clicked on one of these days, each once."""
        seen: set[str] = set()
        for day in days:
            for row in self.table.query_all(PointerRow, _clicked_pk(day, shard)):
                if row.sk not in seen:
                    seen.add(row.sk)
                    yield row.domain, row.code


def shard_of(link_id: str) -> int:
    return hashlib.sha256(link_id.encode()).digest()[0] % CHECK_SHARDS


def _clicked_pk(day: str, shard: int) -> str:
    return f"RC#{day}#{shard}"

"""Clicks: each kept for thirty days, and counted once in the same transaction.

Whatever a message brings again meets its own item, so counts are exact however often it is delivered.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock, ids
from tessera.bus import Event
from tessera.expressions import is_new
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import SomeRefused, Step, putting, transact, updating

from ..config import ShortenerSettings
from ..rules import distinct
from ..rules.clicks import CLICK_SHARDS, COUNTED, KEPT, Breakdowns, Click, added, broken_down
from .rows import ClickRow, CountRow, clicks_pk, counts_pk

MAX_TRIES = 6
VISITORS = "V"


class ClickStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ShortenerSettings).table))

    def count(self, clicks: Sequence[Click], told: Sequence[Event | None]) -> int:
        """Count those of one link and one hour that were not counted before; how many that were.

        1 read, and 1 transaction of 2 units a click and 6 or more for the three counters; once more for what was
        counted before or when somebody else has counted in the same place meanwhile. Raises `Busy`.
        """
        left = list(zip(clicks, told, strict=True))
        for _ in range(MAX_TRIES):
            if not left:
                return 0
            puts = [self._click(click, event) for click, event in left]
            counters = self._counters([click for click, _ in left])
            try:
                transact(*puts, *counters, tell_all=True)
            except SomeRefused as refused:
                seen = {step.item_key for step in refused.steps}
                left = [pair for pair, step in zip(left, puts, strict=True) if step.item_key not in seen]
            else:
                return len(left)
        raise Busy

    def note_visitors(self, subject: str, day: str, sketch: bytes) -> None:
        """Join these visitors to those of the day. 1 read, and 1 write unit when some are new. Raises `Busy`."""
        for _ in range(MAX_TRIES):
            row = self.table.get(CountRow, counts_pk(subject), f"D#{day}#{VISITORS}")
            known = bytes(row.visitors) if row is not None and row.visitors else b""
            whole = distinct.joined([known or sketch, sketch])
            if whole == known:
                return
            new = CountRow(pk=counts_pk(subject), sk=f"D#{day}#{VISITORS}", visitors=whole, ttl=_until(day))
            new.version = int(row.version) + 1 if row is not None else 1
            unchanged = Path("version") == int(row.version) if row is not None else is_new()
            try:
                self.table.put(new, only_if=unchanged)
            except ConditionFailed:
                continue
            return
        raise Busy

    def buckets(self, subject: str, since: str, until: str) -> Iterator[CountRow]:
        """The counters from one key to another: `D#20261121` or `H#2026112109`. 1 request for each MB."""
        sort = Path("sk").between(since, f"{until}~")
        yield from self.table.query_all(CountRow, counts_pk(subject), sort=sort)

    def ever(self, subject: str) -> tuple[int, int]:
        """Clicks and bots since the beginning. 1 request."""
        rows = list(self.table.query_all(CountRow, counts_pk(subject), sort=Path("sk").startswith("T#")))
        return sum(int(row.clicks) for row in rows), sum(int(row.bots) for row in rows)

    def days(self, subject: str, since: str, until: str) -> list[str]:
        """The days on which there were clicks, the last first. 1 request."""
        found = {row.sk.split("#")[1] for row in self.buckets(subject, f"D#{since}", f"D#{until}")}
        return sorted(found, reverse=True)

    def raw(self, subject: str, day: str, limit: int, before: str | None) -> list[ClickRow]:
        """The last clicks of a day, up to this many, before the one of this id. 16 requests."""
        rows: list[ClickRow] = []
        for shard in range(CLICK_SHARDS):
            sort = Path("sk") < before if before else None
            page = self.table.query(ClickRow, clicks_pk(subject, day, shard), sort=sort, limit=limit, newest_first=True)
            rows += page.rows
        return sorted(rows, key=lambda row: row.sk, reverse=True)[:limit]

    def forget(self, subject: str, at_most: int) -> int:
        """Delete up to this many counters; how many there were. The clicks themselves end after thirty days."""
        gone = 0
        for row in self.table.query_all(CountRow, counts_pk(subject), consistent=True):
            if gone == at_most:
                break
            self.table.delete(Row, row.pk, row.sk)
            gone += 1
        return gone

    def _click(self, click: Click, event: Event | None) -> Step:
        row = ClickRow(
            pk=clicks_pk(click.subject, click.day, shard_of(click.id, CLICK_SHARDS)),
            sk=click.id,
            at=clock.rfc3339(click.at),
            is_bot=int(click.is_bot),
            facets=json.dumps(click.facets, sort_keys=True) if click.facets else None,
            ttl=int((click.at + KEPT).timestamp()),
        )
        return putting(self.table, row, only_if=is_new(), event=event)

    def _counters(self, clicks: Sequence[Click]) -> list[Step]:
        """The hour, the day with its breakdowns, and the whole, all in one of the places of this link."""
        first = clicks[0]
        pk, bots = counts_pk(first.subject), sum(click.is_bot for click in clicks)
        shard = shard_of(first.id, first.shards)
        people = len(clicks) - bots
        day_sk = f"D#{first.day}#{shard}"
        day = self.table.get(CountRow, pk, day_sk)
        before: Breakdowns = json.loads(day.facets or "{}") if day is not None else {}
        facets = json.dumps(added(before, broken_down(clicks)), sort_keys=True)
        new = CountRow(pk=pk, sk=day_sk, facets=facets, ttl=_until(first.day))
        new.clicks, new.bots = people, bots
        if day is not None:
            new.clicks, new.bots = int(day.clicks) + people, int(day.bots) + bots
            new.version = int(day.version) + 1
        unchanged = Path("version") == int(day.version) if day is not None else is_new()
        more = (Path("clicks").add(people), Path("bots").add(bots))
        hour_sk, hour_ttl = f"H#{first.hour}#{shard}", Path("ttl").set(_until(first.day))
        return [
            putting(self.table, new, only_if=unchanged),
            updating(self.table, CountRow, pk, hour_sk, *more, hour_ttl, upsert=True),
            updating(self.table, CountRow, pk, f"T#{shard}", *more, upsert=True),
        ]


def shard_of(click_id: str, shards: int) -> int:
    """By what is chance in an id, so that the same click is always in the same place."""
    return ids.bits(click_id)[-1] % shards


def facets_of(row: CountRow) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = json.loads(row.facets or "{}")
    return found


def raw_facets(row: ClickRow) -> dict[str, str]:
    found: dict[str, str] = json.loads(row.facets or "{}")
    return found


def _until(day: str) -> int:
    start = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    return int((start + COUNTED).timestamp())

"""Counters in the table of `health`, and the checks that readiness rests on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Self

from pynamodb.attributes import NumberAttribute
from pynamodb.expressions.operand import Path

from tessera import aws, clock
from tessera.settings import Bindings, Settings
from tessera.tables import Row, Table
from tessera.transact import MAX_ACTIONS, AlreadySeen, Step, seen, transact, updating

from .rules import BUCKETS_MS, WINDOW_MINUTES, Batch, Recent, Series, Sums

CHECK_SECONDS = 1
RECENT_PK = "RECENT"
KEPT = timedelta(hours=2)


class HealthSettings(Settings):
    table: str
    authfeed: str = ""
    commit: str = ""
    # The names of the capabilities that answer requests, separated by spaces.
    capabilities: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.capabilities.split()))


class SeriesRow(Row):
    """`SER#<capability>` / `<method> <route> <code>`: cumulative, never set back."""

    n = NumberAttribute(default=0)
    micros = NumberAttribute(default=0)
    cold = NumberAttribute(default=0)
    db_requests = NumberAttribute(default=0)
    db_read = NumberAttribute(default=0)
    db_write = NumberAttribute(default=0)


class BucketedRow(SeriesRow):
    """Requests by duration: `b0` to `b10` are the bounds of `rules.BUCKETS_MS`, `b11` is beyond them."""

    b0 = NumberAttribute(default=0)
    b1 = NumberAttribute(default=0)
    b2 = NumberAttribute(default=0)
    b3 = NumberAttribute(default=0)
    b4 = NumberAttribute(default=0)
    b5 = NumberAttribute(default=0)
    b6 = NumberAttribute(default=0)
    b7 = NumberAttribute(default=0)
    b8 = NumberAttribute(default=0)
    b9 = NumberAttribute(default=0)
    b10 = NumberAttribute(default=0)
    b11 = NumberAttribute(default=0)


class MinuteRow(Row):
    """`RECENT` / `<minute> <capability>`, kept for two hours."""

    n = NumberAttribute(default=0)
    bad = NumberAttribute(default=0)


class Counters:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(HealthSettings).table))

    def add(self, batch: Batch, *, key: str) -> None:
        """Count a batch once, however often it is delivered.

        1 request per 99 counters, each with a marker of its own, so that a batch cut short goes on
        where it stopped. 2 write units a counter. Raises `Busy` when other batches stay in the way.
        """
        steps = [_of_series(self.table, series, batch.series[series]) for series in sorted(batch.series)]
        steps += [_of_minute(self.table, *about, batch.minutes[about]) for about in sorted(batch.minutes)]
        size = MAX_ACTIONS - 1
        for start in range(0, len(steps), size):
            try:
                transact(seen(self.table, f"{key}.{start}"), *steps[start : start + size])
            except AlreadySeen:
                continue

    def series(self, capability: str) -> dict[Series, Sums]:
        """Every counter of a capability: 1 request per megabyte, about 3,000 counters."""
        found = {}
        for row in self.table.query_all(BucketedRow, f"SER#{capability}", limit=1000):
            method, route, code = row.sk.split(" ")
            found[Series(capability, method, route, int(code))] = _sums(row)
        return found

    def recent(self, now: datetime) -> dict[str, Recent]:
        """The last five minutes by capability: 1 request."""
        since = int(now.timestamp()) // 60 - WINDOW_MINUTES
        found: dict[str, Recent] = {}
        for row in self.table.query_all(MinuteRow, RECENT_PK, sort=Path("sk") > f"{since} ~", limit=1000):
            recent = found.setdefault(row.sk.split(" ")[1], Recent())
            recent.count, recent.bad = recent.count + int(row.n), recent.bad + int(row.bad)
        return found


class Checks:
    """Whether what every request leans on can be reached: our own table, and the feed of keys and revocations."""

    def __init__(self, tables: dict[str, str]) -> None:
        self._tables = tables

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(HealthSettings)
        tables = {"table": settings.table, "keys": settings.authfeed}
        return cls({name: table for name, table in tables.items() if table})

    def run(self) -> dict[str, bool]:
        """Every check by its name, all at once and each within a second."""
        with ThreadPoolExecutor(len(self._tables)) as pool:
            return dict(zip(self._tables, pool.map(_answers, self._tables.values()), strict=True))


def _answers(table: str) -> bool:
    # A readiness check must be slow for nobody: no retry, and half its second for the connection.
    once: dict[str, Any] = {"total_max_attempts": 1}
    client = aws.client("dynamodb", connect_timeout=CHECK_SECONDS / 2, read_timeout=CHECK_SECONDS / 2, retries=once)
    try:
        client.get_item(TableName=table, Key={"pk": {"S": "READY"}, "sk": {"S": "-"}})
    except (aws.ClientError, aws.BotoCoreError):
        return False
    return True


def _of_series(table: Table, series: Series, sums: Sums) -> Step:
    changes = {
        "n": sums.count,
        "micros": sums.micros,
        "cold": sums.cold,
        "db_requests": sums.db_requests,
        "db_read": sums.read_milliunits,
        "db_write": sums.write_milliunits,
        **{f"b{position}": count for position, count in enumerate(sums.buckets)},
    }
    adding = [Path(name).add(amount) for name, amount in changes.items() if amount]
    sk = f"{series.method} {series.route} {series.code}"
    return updating(table, SeriesRow, f"SER#{series.capability}", sk, *adding, upsert=True, bump=False)


def _of_minute(table: Table, minute: int, capability: str, recent: Recent) -> Step:
    ends = int((clock.from_millis(minute * 60_000) + KEPT).timestamp())
    changes = [Path("n").add(recent.count), Path("bad").add(recent.bad), Path("ttl").set(ends)]
    return updating(table, MinuteRow, RECENT_PK, f"{minute} {capability}", *changes, upsert=True, bump=False)


def _sums(row: BucketedRow) -> Sums:
    return Sums(
        count=int(row.n),
        micros=int(row.micros),
        cold=int(row.cold),
        db_requests=int(row.db_requests),
        read_milliunits=int(row.db_read),
        write_milliunits=int(row.db_write),
        buckets=[int(getattr(row, f"b{position}")) for position in range(len(BUCKETS_MS) + 1)],
    )

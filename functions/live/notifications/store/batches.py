"""Batches: what was asked to be sent, its recipients by pages, and the count of what has become of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.due import due_keys
from tessera.expressions import is_new
from tessera.idempotency import Created, Intent, create
from tessera.tables import ConditionFailed, Table
from tessera.transact import AlreadySeen, Step, putting, seen, transact, updating

from .rows import (
    BATCH_KEPT,
    META,
    SHARDS,
    BatchRow,
    PageRow,
    ShardRow,
    batch_pk,
    expiry,
    shard_sk,
)

PAGE = 50
# How long a batch waits for its messages before the sweeper looks after it.
OVERDUE = timedelta(seconds=60)


class Cancelled(Exception):
    """The batch was cancelled before this left."""


class Batches:
    def __init__(self, table: Table) -> None:
        self.table = table

    def get(self, batch_id: str) -> BatchRow | None:
        return self.table.get(BatchRow, batch_pk(batch_id), META)

    def ask(self, row: BatchRow, users: Sequence[str], intent: Intent) -> Created[BatchRow]:
        """Keep a batch with its pages. 1 transaction. Raises what `idempotency.create` raises."""
        return create(self.table, row, intent, *self._paging(row, users))

    def ask_once(self, row: BatchRow, users: Sequence[str]) -> None:
        """The same for an event, whose id is the batch's: raises `AlreadySeen` the second time."""
        transact(putting(self.table, row, only_if=is_new(), refused=AlreadySeen()), *self._paging(row, users))

    def page(self, batch_id: str, number: int) -> PageRow | None:
        return self.table.get(PageRow, batch_pk(batch_id), page_sk(number))

    def open_pages(self, batch_id: str) -> list[int]:
        """The pages that nobody has been through. 1 request a hundred of them."""
        sort = Path("sk").startswith("P#")
        rows = self.table.query_all(PageRow, batch_pk(batch_id), sort=sort, consistent=True)
        return [int(row.sk[2:]) for row in rows if not row.done]

    def add_pages(self, row: BatchRow, users: Sequence[str], cursor: str) -> BatchRow | None:
        """More recipients of a topic, up to this cursor; None when somebody else has added them. 1 transaction."""
        numbers = range(int(row.pages), int(row.pages) + -(-len(users) // PAGE))
        step = updating(
            self.table,
            BatchRow,
            row.pk,
            row.sk,
            Path("pages").set(int(row.pages) + len(numbers)),
            Path("recipients").add(len(users)),
            Path("cursor").set(cursor),
            only_if=Path("version") == int(row.version),
        )
        pages = [self._page(row.id, number, users, number - int(row.pages)) for number in numbers]
        try:
            transact(step, *pages)
        except ConditionFailed:
            return None
        return self.get(row.id)

    def done(self, batch_id: str, number: int) -> None:
        """The page has been gone through. 1 transaction; nothing the second time."""
        pk = batch_pk(batch_id)
        steps = [
            updating(
                self.table,
                PageRow,
                pk,
                page_sk(number),
                Path("done").set(1),
                only_if=Path("done").does_not_exist(),
                refused=AlreadySeen(),
            ),
            updating(self.table, BatchRow, pk, META, Path("expanded").add(1), bump=False),
        ]
        try:
            transact(*steps)
        except AlreadySeen:
            return

    def rest(self, row: BatchRow) -> None:
        """Nothing more is to be done for it: the sweeper need not look. 1 write."""
        gone = [Path("due_pk").remove(), Path("due_sk").remove()]
        try:
            self.table.update(BatchRow, row.pk, row.sk, *gone, only_if=Path("expanded") >= Path("pages"), bump=False)
        except ConditionFailed:
            return

    def wait(self, row: BatchRow, until: datetime) -> None:
        """Have the sweeper look again then. 1 write."""
        due_pk, due_sk = due_keys(until, row.id)
        changes = [Path("due_pk").set(due_pk), Path("due_sk").set(due_sk)]
        self.table.update(BatchRow, row.pk, row.sk, *changes, bump=False)

    def counting(self, batch_id: str, notification_id: str, changes: Mapping[str, int], *, leaving: bool) -> Step:
        """The step that counts. What is leaving is refused with `Cancelled` once the batch is cancelled."""
        adds = [Path(name).add(change) for name, change in changes.items() if change]
        return updating(
            self.table,
            ShardRow,
            batch_pk(batch_id),
            shard_sk(notification_id),
            *adds,
            only_if=Path("cancelled").does_not_exist() if leaving else None,
            upsert=True,
            bump=False,
            refused=Cancelled() if leaving else None,
        )

    def skip(self, batch_id: str, user_id: str, reason: str) -> None:
        """Count somebody who is not told, once. 1 transaction."""
        step = self.counting(batch_id, user_id, {f"skip_{reason}": 1}, leaving=False)
        try:
            transact(seen(self.table, f"{batch_id}#{user_id}"), step)
        except AlreadySeen:
            return

    def cancel(self, batch_id: str) -> None:
        """From now on nothing of it leaves. 1 transaction over all its counters. Raises `ConditionFailed` for none."""
        pk = batch_pk(batch_id)
        ends = expiry(clock.now(), BATCH_KEPT)
        flags = [
            updating(
                self.table,
                ShardRow,
                pk,
                f"C#{number}",
                Path("cancelled").set(1),
                Path("ttl").set(ends),
                upsert=True,
                bump=False,
            )
            for number in range(SHARDS)
        ]
        transact(updating(self.table, BatchRow, pk, META, Path("cancelled").set(1), bump=False), *flags)

    def counts(self, batch_id: str) -> dict[str, int]:
        """How many are in which state. 1 request."""
        rows = self.table.query(ShardRow, batch_pk(batch_id), sort=Path("sk").startswith("C#"), consistent=True).rows
        total: dict[str, int] = {}
        for row in rows:
            for name, count in row.counts().items():
                total[name] = total.get(name, 0) + count
        return {name: count for name, count in total.items() if count}

    def _paging(self, row: BatchRow, users: Sequence[str]) -> list[Step]:
        return [self._page(row.id, number, users, number) for number in range(-(-len(users) // PAGE))]

    def _page(self, batch_id: str, number: int, users: Sequence[str], slot: int) -> Step:
        some = list(users[slot * PAGE : (slot + 1) * PAGE])
        made = PageRow(pk=batch_pk(batch_id), sk=page_sk(number), users=some, ttl=expiry(clock.now(), BATCH_KEPT))
        return putting(self.table, made)


def page_sk(number: int) -> str:
    return f"P#{number:05d}"
